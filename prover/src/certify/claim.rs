//! Every claim of a certificate, re-checked.

use std::collections::BTreeSet;

use history::History;

use super::error::{CertifyError, Flaw, ensure};
use super::file::{self, Contradiction, Figures, Judgement, Order, Proof, Scope, Verdict};
use super::law::Law;
use super::record::Record;
use super::search::Budget;
use super::subject::Subject;
use super::{contradiction, order, scan};

/// What a certificate says, after nothing in it was found wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certified {
    /// What the one who judged says about the run.
    pub scope: Scope,
    /// The claims in the certificate's order, at least one.
    pub claims: Vec<Claim>,
}

/// One claim of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The guarantee, or `model ` and the name of a model.
    pub of: String,
    /// The verdict that is claimed.
    pub verdict: Verdict,
    /// What came of the re-check.
    pub standing: Standing,
}

/// What came of the re-check of a claim that was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The proof proves the verdict.
    Proved,
    /// The verdict is `unknown`: there is nothing to prove.
    NothingClaimed,
    /// Neither confirmed nor refuted, and why.
    NotRechecked(&'static str),
}

impl Certified {
    /// Whether every claim that states a verdict was confirmed.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        !self
            .claims
            .iter()
            .any(|claim| matches!(claim.standing, Standing::NotRechecked(_)))
    }
}

/// What all searches of one certificate may cost: some seconds, and less than 200 MB.
const SEARCH_BUDGET: u64 = 8_000_000;

/// Re-checks every claim of a certificate (the bytes of the file) against the history.
///
/// # Errors
/// The first thing that is wrong, with the claim, the key and the event.
pub fn certify(history: &History, certificate: &[u8]) -> Result<Certified, CertifyError> {
    let certificate = file::read(history, certificate)?;
    if certificate.judgements.is_empty() {
        return Err(CertifyError::Empty);
    }
    let mut recheck = Recheck::new(history, &certificate.scope);
    let mut claims = Vec::new();
    for judgement in certificate.judgements {
        let standing = recheck.judgement(&judgement);
        let Judgement { of, verdict, .. } = judgement;
        match standing {
            Ok(standing) => claims.push(Claim {
                of,
                verdict,
                standing,
            }),
            Err(flaw) => return Err(CertifyError::Claim { of, flaw }),
        }
    }
    Ok(Certified {
        scope: certificate.scope,
        claims,
    })
}

struct Recheck<'a> {
    history: &'a History,
    slots: u64,
    record: Record,
    budget: Budget,
    /// What was judged already: nothing is judged twice.
    judged: BTreeSet<String>,
}

impl<'a> Recheck<'a> {
    fn new(history: &'a History, scope: &Scope) -> Self {
        Self {
            history,
            slots: scope.slots.get().into(),
            record: Record::of(history, history.events().len()),
            budget: Budget(SEARCH_BUDGET),
            judged: BTreeSet::new(),
        }
    }

    fn judgement(&mut self, judgement: &Judgement) -> Result<Standing, Flaw> {
        ensure(self.judged.insert(judgement.of.clone()), || {
            Flaw::new("it is judged twice")
        })?;
        let subject = Subject::parse(&judgement.of)
            .ok_or_else(|| Flaw::new("there is no such guarantee or model"))?;
        match (judgement.verdict, &judgement.proof) {
            (Verdict::Unknown, None) => Ok(Standing::NothingClaimed),
            (Verdict::Valid, Some(Proof::Scan(figures))) => self.scan(&subject, *figures),
            (Verdict::Valid, Some(Proof::Orders(orders))) => self.orders(&subject, orders),
            (Verdict::Invalid, Some(Proof::Contradiction(contradiction))) => {
                self.contradiction(&subject, contradiction)
            }
            _ => Err(wrong_proof()),
        }
    }

    fn scan(&self, subject: &Subject, figures: Figures) -> Result<Standing, Flaw> {
        let (history, record) = (self.history, &self.record);
        let overlaps = scan::overlaps(record, self.slots);
        match subject {
            Subject::Exclusion => scan::exclusion(history, record, &overlaps)?,
            Subject::Overlap(bound_ns) => scan::overlap(history, record, &overlaps, *bound_ns)?,
            Subject::Ownership => scan::ownership(history, record)?,
            Subject::Fencing => scan::fencing(history, record)?,
            Subject::Counted(_) => {}
            _ => return Err(wrong_proof()),
        }
        scan::check_figures(record, &overlaps, figures)?;
        match subject {
            Subject::Counted(_) => Ok(COUNTED),
            _ => Ok(Standing::Proved),
        }
    }

    fn orders(&self, subject: &Subject, orders: &[Order]) -> Result<Standing, Flaw> {
        let law = match subject {
            Subject::Data => return Ok(DATA),
            Subject::Lock(law) => law.clone(),
            Subject::ConfirmedExclusion => Law::revocable(self.slots, false),
            Subject::JustifiedRefusal => Law::revocable(self.slots, true),
            _ => return Err(wrong_proof()),
        };
        order::check(self.history, &self.record, &law, orders)?;
        Ok(Standing::Proved)
    }

    fn contradiction(
        &mut self,
        subject: &Subject,
        contradiction: &Contradiction,
    ) -> Result<Standing, Flaw> {
        match subject {
            Subject::Counted(Some(rule)) if *rule == contradiction.rule => return Ok(COUNTED),
            Subject::Data if contradiction.rule == "no-order" => return Ok(DATA),
            _ => {}
        }
        let decided = contradiction::check(
            self.history,
            &self.record,
            subject,
            self.slots,
            contradiction,
            &mut self.budget,
        )?;
        Ok(if decided { Standing::Proved } else { BOUND_HIT })
    }
}

const COUNTED: Standing =
    Standing::NotRechecked("certificates do not prove counts over the whole record");
const DATA: Standing =
    Standing::NotRechecked("the steps of this model are not described in the book");
const BOUND_HIT: Standing = Standing::NotRechecked("the search for a legal order hit its bound");

fn wrong_proof() -> Flaw {
    Flaw::new("a verdict like this is proved in another way")
}
