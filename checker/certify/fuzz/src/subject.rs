//! A history, the certificate that the checker issues for it, and the seal that makes others pass
//! as issued for it.

use std::sync::LazyLock;

use checker::certificate::{Certificate, history_digest};
use checker::search::Limits;
use checker::{Case, Scope, guarantee, linearize, parse};
use history::History;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The models of locks; what the others do docs/certificates.md does not describe.
const MODELS: &[&str] = &[
    "mutex",
    "owner-mutex",
    "semaphore:2",
    "rwlock",
    "reentrant:2",
    "fenced",
];

/// A history that keeps what can be kept, and one that breaks what can be broken.
pub static SUBJECTS: LazyLock<[Subject; 2]> = LazyLock::new(|| {
    [
        Subject::of(include_bytes!("../histories/kept.jsonl")),
        Subject::of(include_bytes!("../histories/broken.jsonl")),
    ]
});

/// A history to certify things about.
pub struct Subject {
    /// The history.
    pub history: History,
    /// The fields of a certificate between its digest and its scope.
    head: String,
    /// What the checker says about it, without the fields before the scope.
    pub issued: Value,
}

impl Subject {
    fn of(log: &[u8]) -> Self {
        let history = history::jsonl::read(log).expect("the file is a history");
        let head = format!(
            "\"format\":2,\"history\":\"{}\",\"events\":{}",
            history_digest(&history),
            history.events().len()
        );
        let issued = issued(&history);
        Self {
            history,
            head,
            issued,
        }
    }

    /// Whether the checker says so of a lock with one slot.
    #[must_use]
    pub fn was_found(&self, of: &str, verdict: &str) -> bool {
        let judgements = self.issued["judgements"].as_array();
        judgements.is_some_and(|judgements| {
            judgements
                .iter()
                .any(|judgement| judgement["of"] == of && judgement["verdict"] == verdict)
        })
    }

    /// A certificate with these bytes for its scope and judgements, and the digests that it needs
    /// to be read on.
    #[must_use]
    pub fn sealed(&self, rest: &[u8]) -> Vec<u8> {
        let with = |digest: &str| {
            let head = format!("{{\"digest\":\"{digest}\",{},", self.head);
            [head.as_bytes(), rest, b"\n"].concat()
        };
        let digest = format!("{:x}", Sha256::digest(with(&"0".repeat(64))));
        with(&digest)
    }
}

fn issued(history: &History) -> Value {
    let scope = Scope::default();
    let case = Case::new(history, &scope, Limits::none());
    let names = guarantee::ALL
        .iter()
        .map(|entry| entry.pattern.replace("<=D", "<=2ms"));
    let guarantees: Vec<_> = names
        .map(|name| parse(&name).expect("it is in the list"))
        .collect();
    let findings: Vec<_> = guarantees
        .iter()
        .map(|guarantee| guarantee.judge(&case))
        .collect();
    let models = MODELS
        .iter()
        .map(|name| linearize(history, name, Limits::none()));
    let models = models
        .collect::<Result<Vec<_>, _>>()
        .expect("they are in the list");
    let certificate = Certificate::issue(&case, &guarantees, &findings, &models);
    let mut json = serde_json::to_value(certificate).expect("a certificate is JSON");
    let fields = json.as_object_mut().expect("it is an object");
    for field in ["digest", "format", "history", "events"] {
        fields.remove(field);
    }
    json
}
