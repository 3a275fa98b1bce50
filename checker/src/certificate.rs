//! Certificates: the evidence for verdicts, in a form that a much smaller program can check again.
//!
//! `docs/certificates.md` is the complete format. A valid verdict is proved by a legal order of
//! what happened (a few bits for each operation, compressed) or, where the definition is a plain
//! scan, by its figures; a violated one by the few events that contradict each other.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use history::History;
use history::fault::{Effect, Struck};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::finding::{Counts, Finding, Rule, Violation};
use crate::guarantee::exclusion;
use crate::linearizability::Linearized;
use crate::order::{Order, OrderEntry};
use crate::{Case, Guarantee, Scope, Verdict};

/// The number of the format that this program writes.
pub const FORMAT: u32 = 2;

/// The evidence for verdicts about one history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// SHA-256, in lower-case hex, of the certificate's bytes with this digest written as zeros.
    pub digest: String,
    /// The number of the format.
    pub format: u32,
    /// SHA-256, in lower-case hex, of the canonical bytes of the history.
    pub history: String,
    /// How many events the history has.
    pub events: u64,
    /// What was judged beside the history.
    pub scope: ScopeNote,
    /// One for each guarantee or model.
    pub judgements: Vec<Judgement>,
}

/// The [`Scope`] as it stands in a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeNote {
    /// How many clients may hold a lock at one time.
    pub slots: u32,
    /// How many workers the run had.
    pub workers: Option<u32>,
    /// The faults that were selected.
    pub faults: Vec<String>,
    /// The effects that were asked of faults in place of those that their classes are due, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub effects: BTreeMap<String, Effect>,
    /// How often faults must strike whom at the least.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub struck: Struck,
}

/// A verdict and its proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// The guarantee, or `model` and its name.
    pub of: String,
    /// What is known.
    pub verdict: Verdict,
    /// Why; nothing for `unknown`.
    pub proof: Option<Proof>,
}

/// Why a verdict stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// The definition is a scan over the history; these figures come out of it.
    Scan(Figures),
    /// A legal order of the operations of each key.
    Orders(Vec<PackedOrder>),
    /// Events that cannot be together in a history that keeps the guarantee.
    Contradiction(Contradiction),
}

/// What a scan counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// Grants.
    pub holds: u64,
    /// Holds that ended by loss.
    pub revoked: u64,
    /// Grants that came while there was no room for them.
    pub overlaps: u64,
    /// Observed refusals.
    pub refusals: u64,
}

/// The order of the operations of one key, as differences of positions, compressed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackedOrder {
    /// The lock or resource.
    pub key: Option<Arc<str>>,
    /// How many entries there are.
    pub entries: u64,
    /// How many bytes they take before compression.
    pub raw: u64,
    /// The compressed bytes in base64.
    pub deflate: String,
}

/// A rule and the events that break it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contradiction {
    /// The rule.
    pub rule: Rule,
    /// The lock or resource.
    pub key: Option<Arc<str>>,
    /// Their indices, in the sequence that the rule says.
    pub events: Vec<u64>,
}

impl Certificate {
    /// The evidence for findings about guarantees and for models, all about one history.
    ///
    /// `findings` are those of `guarantees`, in the same sequence.
    #[must_use]
    pub fn issue(
        case: &Case<'_>,
        guarantees: &[Box<dyn Guarantee>],
        findings: &[Finding],
        models: &[Linearized],
    ) -> Self {
        let of_guarantee = |guarantee: &dyn Guarantee, finding: &Finding| {
            judgement(finding, || match guarantee.orders(case) {
                Some(orders) => Proof::of_orders(&orders),
                None => Proof::Scan(Figures::of(case)),
            })
        };
        let of_model =
            |model: &Linearized| judgement(&model.finding, || Proof::of_orders(&model.orders));
        let of_guarantees = guarantees
            .iter()
            .zip(findings)
            .map(|(guarantee, finding)| of_guarantee(&**guarantee, finding));
        Self {
            digest: "0".repeat(64),
            format: FORMAT,
            history: history_digest(case.history),
            events: case.history.events().len() as u64,
            scope: ScopeNote::of(case.scope),
            judgements: of_guarantees.chain(models.iter().map(of_model)).collect(),
        }
        .sealed()
    }

    fn sealed(mut self) -> Self {
        self.digest = "0".repeat(64);
        self.digest = hex(Sha256::digest(self.to_bytes()));
        self
    }

    /// The bytes of the file: one line of JSON.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).expect("a certificate has a JSON form");
        bytes.push(b'\n');
        bytes
    }
}

fn judgement(finding: &Finding, proof_of_valid: impl FnOnce() -> Proof) -> Judgement {
    let proof = match finding.verdict {
        Verdict::Valid => Some(proof_of_valid()),
        Verdict::Unknown => None,
        Verdict::Violated => finding
            .violations
            .first()
            .map(|violation| Proof::Contradiction(violation.into())),
    };
    Judgement {
        of: finding.guarantee.clone(),
        verdict: finding.verdict,
        proof,
    }
}

impl Proof {
    fn of_orders(orders: &[Order]) -> Self {
        let told = orders.iter().filter(|order| !order.entries.is_empty());
        Self::Orders(told.map(PackedOrder::pack).collect())
    }
}

impl ScopeNote {
    fn of(scope: &Scope) -> Self {
        let workers = scope.workers.map(std::num::NonZero::get);
        Self {
            slots: scope.slots.get(),
            workers,
            faults: scope.faults.clone(),
            effects: scope.effects.clone(),
            struck: scope.struck.clone(),
        }
    }
}

impl Figures {
    /// The same for every guarantee of a case, whether it needs them or not.
    fn of(case: &Case<'_>) -> Self {
        let Counts {
            holds,
            revoked,
            overlaps,
            refusals,
            ..
        } = exclusion::counts(case, exclusion::overlap_count(case));
        Self {
            holds,
            revoked,
            overlaps,
            refusals,
        }
    }
}

impl From<&Violation> for Contradiction {
    fn from(violation: &Violation) -> Self {
        Self {
            rule: violation.rule,
            key: violation.key.clone(),
            events: violation.witness.clone(),
        }
    }
}

impl PackedOrder {
    pub(crate) fn pack(order: &Order) -> Self {
        let raw = coded(&order.entries);
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        let deflated = encoder
            .write_all(&raw)
            .and_then(|()| encoder.finish())
            .expect("a vector takes all");
        Self {
            key: order.key.clone(),
            entries: order.entries.len() as u64,
            raw: raw.len() as u64,
            deflate: STANDARD.encode(deflated),
        }
    }
}

/// Each entry as one number: the difference to the position before, and whether it is a revocation.
fn coded(entries: &[OrderEntry]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2 * entries.len());
    let mut before = 0;
    for entry in entries {
        let here = i64::from(entry.invoke);
        let difference = here - before;
        before = here;
        let zigzag = (difference << 1) ^ (difference >> 63);
        leb128(
            &mut bytes,
            (zigzag.unsigned_abs() << 1) | u64::from(entry.is_revocation),
        );
    }
    bytes
}

fn leb128(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// The SHA-256 of the canonical bytes of a history, in lower-case hex.
#[must_use]
pub fn history_digest(history: &History) -> String {
    let mut sink = HashSink(Sha256::new());
    history::jsonl::write(history, io::BufWriter::new(&mut sink)).expect("a hash takes all");
    hex(sink.0.finalize())
}

struct HashSink(Sha256);

impl Write for HashSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn hex(digest: impl AsRef<[u8]>) -> String {
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::Limits;
    use crate::testing::history;
    use crate::{linearize, parse};

    fn certificate(text: &str) -> Certificate {
        let history = history(text);
        let scope = Scope::default();
        let case = Case::new(&history, &scope, Limits::none());
        let guarantees: Vec<_> = ["exclusion", "confirmed-exclusion"]
            .iter()
            .map(|name| parse(name).expect("known"))
            .collect();
        let findings: Vec<_> = guarantees
            .iter()
            .map(|guarantee| guarantee.judge(&case))
            .collect();
        let model = linearize(&history, "owner-mutex", Limits::none()).expect("known");
        Certificate::issue(&case, &guarantees, &findings, &[model])
    }

    #[test]
    fn the_digest_covers_every_byte() {
        let bytes = certificate("0:acquire 0:acquire! 0:release 0:release!").to_bytes();
        assert!(bytes.starts_with(b"{\"digest\":\""));
        let mut zeroed = bytes.clone();
        zeroed[11..75].fill(b'0');
        assert_eq!(hex(Sha256::digest(&zeroed)).as_bytes(), &bytes[11..75]);
        let read: Certificate = serde_json::from_slice(&bytes).expect("it reads back");
        assert_eq!(read.clone().sealed(), read);
    }

    #[test]
    fn the_digest_of_a_history_is_that_of_its_file() {
        let history = history("0:acquire 0:acquire!");
        let mut file = Vec::new();
        history::jsonl::write(&history, &mut file).expect("a vector takes all");
        assert_eq!(history_digest(&history), hex(Sha256::digest(&file)));
    }

    #[test]
    fn entries_are_coded_as_the_document_says() {
        let entries = [
            OrderEntry::operation(3),
            OrderEntry::revocation(3),
            OrderEntry::operation(1),
            OrderEntry::operation(101),
        ];
        assert_eq!(coded(&entries), [12, 1, 6, 0x90, 3]);
        let mut bytes = Vec::new();
        for number in [0x7f, 0x80, 0x4000] {
            leb128(&mut bytes, number);
        }
        assert_eq!(bytes, [0x7f, 0x80, 1, 0x80, 0x80, 1]);
    }

    #[test]
    fn every_scan_tells_all_figures() {
        let history = history(
            "0:acquire 0:acquire! 1:acquire 1:acquire! 2:acquire 2:acquireX 0:lost 0:lost! 1:release 1:release!",
        );
        let scope = Scope::default();
        let case = Case::new(&history, &scope, Limits::none());
        let guarantees = [parse("ownership").expect("known")];
        let findings = [guarantees[0].judge(&case)];
        let certificate = Certificate::issue(&case, &guarantees, &findings, &[]);
        let figures = Figures {
            holds: 2,
            revoked: 1,
            overlaps: 1,
            refusals: 1,
        };
        assert_eq!(certificate.judgements[0].proof, Some(Proof::Scan(figures)));
    }

    #[test]
    fn what_an_order_proves_comes_with_the_order() {
        let history = history(
            "0:acquire 0:acquire!s1 1:acquire 1:acquireX 0:verify 0:verify!held 0:release 0:release! b/0:write b/0:write!",
        );
        let scope = Scope::default();
        let case = Case::new(&history, &scope, Limits::none());
        for (name, entries) in [
            ("confirmed-exclusion", 3),
            ("justified-refusal", 4),
            ("slot-exclusion", 3),
        ] {
            let guarantees = [parse(name).expect("known")];
            let findings = [guarantees[0].judge(&case)];
            let certificate = Certificate::issue(&case, &guarantees, &findings, &[]);
            let Some(Proof::Orders(orders)) = &certificate.judgements[0].proof else {
                panic!("{name} has an order");
            };
            let [order] = &orders[..] else {
                panic!("{name} is about one lock");
            };
            assert_eq!(order.key.as_deref(), Some("lock-0"));
            assert_eq!((order.entries, order.raw), (entries, entries), "{name}");
        }
    }

    #[test]
    fn a_contradiction_names_its_events() {
        let certificate =
            certificate("0:acquire 0:acquire! 1:acquire 1:acquire! 0:release 0:release!");
        let rules: Vec<_> = certificate
            .judgements
            .into_iter()
            .map(|judgement| judgement.proof)
            .collect();
        let contradiction = |rule| {
            Some(Proof::Contradiction(Contradiction {
                rule,
                key: Some("lock-0".into()),
                events: vec![3, 1],
            }))
        };
        let expected = [
            Rule::TooManyBelieve,
            Rule::TooManyConfirmed,
            Rule::TooManyHold,
        ]
        .map(contradiction);
        assert_ne!(
            rules[1], expected[1],
            "the second grant was never confirmed"
        );
        assert_eq!((&rules[0], &rules[2]), (&expected[0], &expected[2]));
    }
}
