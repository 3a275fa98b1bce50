//! A case of the files in `tests/cases`: a history, one judgement on it, and what `certify` says.
//!
//! Cases are paragraphs of lines `field: value`; a line that begins with `#` says why. The fields:
//! `history` in the shorthand of [`shorthand::history`]; `slots`, 1 where it is left out;
//! `judgement` as it stands in a certificate, but that an order is written out, as [`seal::order`]
//! takes it; `answer`, which is `proved`, `nothing claimed`, or `refused: ` and words of the error.

use std::path::Path;

use certify::{Certified, CertifyError, Verdict, certify};
use history::History;
use serde_json::{Value as Json, json};

use crate::{seal, shorthand};

#[derive(Clone)]
pub(crate) enum Answer {
    Proved,
    NothingClaimed,
    Refused(String),
}

#[derive(Clone)]
pub(crate) struct Case {
    /// File and line.
    pub(crate) place: String,
    pub(crate) history: String,
    pub(crate) slots: u32,
    pub(crate) of: String,
    pub(crate) verdict: String,
    pub(crate) proof: Json,
    pub(crate) answer: Answer,
}

impl Case {
    pub(crate) fn history(&self) -> History {
        shorthand::history(&self.history)
    }

    pub(crate) fn sealed(&self) -> Vec<u8> {
        let judgement = seal::judgement(&self.of, &self.verdict, packed(&self.proof));
        seal::seal(&seal::body(&self.history(), self.slots, &[judgement]))
    }

    pub(crate) fn certify(&self) -> Result<Certified, CertifyError> {
        certify(&self.history(), &self.sealed())
    }

    pub(crate) fn is_stated(&self, verdict: Verdict) -> bool {
        json!(self.verdict)
            == match verdict {
                Verdict::Valid => "valid",
                Verdict::Violated => "violated",
                Verdict::Unknown => "unknown",
            }
    }
}

/// Packs the orders of a proof, if it has any.
fn packed(proof: &Json) -> Json {
    let mut proof = proof.clone();
    let orders = proof.get_mut("orders").and_then(Json::as_array_mut);
    for order in orders.into_iter().flatten() {
        let text = |field: &str| order[field].as_str().expect("the reader looked").to_owned();
        *order = seal::order(&text("key"), &text("order"));
    }
    proof
}

/// Every case of every file.
///
/// # Panics
/// When a file is empty or not understood.
pub(crate) fn all() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .expect("the folder of cases")
        .map(|entry| entry.expect("a file of cases").path())
        .collect();
    files.sort();
    let cases: Vec<Case> = files
        .iter()
        .flat_map(|file| {
            let text = std::fs::read_to_string(file).expect("a file of cases");
            let name = file.file_name().expect("a file has a name");
            read(&name.to_string_lossy(), &text).unwrap_or_else(|error| panic!("{error}"))
        })
        .collect();
    assert!(!cases.is_empty(), "no cases in {}", folder.display());
    cases
}

/// Reads a file of cases; an error names the place.
pub(crate) fn read(file: &str, text: &str) -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    let mut draft = Draft::default();
    for (number, line) in (1..).zip(text.lines().chain([""])) {
        let place = || format!("{file}:{number}");
        if line.is_empty() {
            let finished = std::mem::take(&mut draft).finish(place());
            cases.extend(finished.map_err(|error| format!("{}: {error}", place()))?);
        } else if !line.starts_with('#') {
            let taken = draft.take(line);
            taken.map_err(|error| format!("{}: {error}", place()))?;
        }
    }
    if cases.is_empty() {
        return Err(format!("{file}: no case"));
    }
    Ok(cases)
}

/// The fields of a case, as far as it was read.
#[derive(Default)]
struct Draft<'a> {
    history: Option<&'a str>,
    slots: Option<&'a str>,
    judgement: Option<&'a str>,
    answer: Option<&'a str>,
}

impl<'a> Draft<'a> {
    fn take(&mut self, line: &'a str) -> Result<(), String> {
        let (field, value) = line.split_once(':').ok_or("no field")?;
        let place = match field {
            "history" => &mut self.history,
            "slots" => &mut self.slots,
            "judgement" => &mut self.judgement,
            "answer" => &mut self.answer,
            _ => return Err(format!("there is no field {field}")),
        };
        match place.replace(value.trim()) {
            Some(_) => Err(format!("a second {field}")),
            None => Ok(()),
        }
    }

    /// Nothing, if there were no lines.
    fn finish(self, place: String) -> Result<Option<Case>, String> {
        let (history, judgement, answer) = match (self.history, self.judgement, self.answer) {
            (Some(history), Some(judgement), Some(answer)) => (history, judgement, answer),
            (None, None, None) if self.slots.is_none() => return Ok(None),
            _ => return Err("a case has history, judgement and answer".to_owned()),
        };
        let slots = self.slots.unwrap_or("1").parse();
        let judgement: Json = serde_json::from_str(judgement).map_err(|error| error.to_string())?;
        let (of, verdict, proof) = parts(&judgement).ok_or("no such judgement")?;
        Ok(Some(Case {
            place,
            history: history.to_owned(),
            slots: slots.map_err(|_| "slots is a number")?,
            of: of.to_owned(),
            verdict: verdict.to_owned(),
            proof: proof.clone(),
            answer: answered(answer).ok_or_else(|| format!("there is no answer {answer}"))?,
        }))
    }
}

/// What a judgement is of, its verdict and its proof; none if there is anything else.
fn parts(judgement: &Json) -> Option<(&str, &str, &Json)> {
    let fields = judgement.as_object().filter(|fields| fields.len() == 3)?;
    let proof = fields.get("proof")?;
    let are_orders_written_out = proof.get("orders").is_none_or(|orders| {
        orders.as_array().is_some_and(|orders| {
            orders.iter().all(|order| {
                order.as_object().is_some_and(|fields| fields.len() == 2)
                    && order["key"].is_string()
                    && order["order"].is_string()
            })
        })
    });
    let of = fields.get("of")?.as_str()?;
    let verdict = fields.get("verdict")?.as_str()?;
    are_orders_written_out.then_some((of, verdict, proof))
}

fn answered(answer: &str) -> Option<Answer> {
    match answer {
        "proved" => Some(Answer::Proved),
        "nothing claimed" => Some(Answer::NothingClaimed),
        _ => match answer.strip_prefix("refused: ")? {
            "" => None,
            why => Some(Answer::Refused(why.to_owned())),
        },
    }
}
