//! The certificate's file: its form, its digest, and whether it speaks of this history.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use history::fault::{Effect, Struck};
use history::{History, jsonl};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::CertifyError;

const PREFIX: &[u8] = b"{\"digest\":\"";
const DIGEST_LENGTH: usize = 64;
const FORMAT: u32 = 2;

/// What the one who judged says about the run; the history cannot confirm it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// How many clients may hold a lock at one time.
    pub slots: NonZeroU32,
    /// The number of workers, if it is known.
    pub workers: Option<NonZeroU32>,
    /// The faults that were selected.
    pub faults: Vec<String>,
    /// The effects that were asked of faults in place of those that their classes are due, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub effects: BTreeMap<String, Effect>,
    /// How often faults must strike whom at the least.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub struck: Struck,
}

impl Scope {
    /// The worker of a process.
    pub(super) fn worker(&self, process: u32) -> u32 {
        self.workers.map_or(process, |workers| process % workers)
    }
}

/// The verdict that a claim states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "docs/certificates.md has the words")]
pub enum Verdict {
    Valid,
    Violated,
    Unknown,
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Valid => "valid",
            Self::Violated => "violated",
            Self::Unknown => "unknown",
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Certificate {
    digest: String,
    format: u32,
    history: String,
    events: u64,
    pub(super) scope: Scope,
    pub(super) judgements: Vec<Judgement>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Judgement {
    pub(super) of: String,
    pub(super) verdict: Verdict,
    pub(super) proof: Option<Proof>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Proof {
    Scan(Figures),
    Orders(Vec<Order>),
    Contradiction(Contradiction),
}

/// What a scan counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Figures {
    pub(super) holds: u64,
    pub(super) revoked: u64,
    pub(super) overlaps: u64,
    pub(super) refusals: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    pub(super) key: Option<String>,
    pub(super) entries: u64,
    pub(super) raw: u64,
    pub(super) deflate: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Contradiction {
    pub(super) rule: String,
    pub(super) key: Option<String>,
    pub(super) events: Vec<u64>,
}

/// Reads a certificate that was issued for this history and not changed since.
pub(super) fn read(history: &History, bytes: &[u8]) -> Result<Certificate, CertifyError> {
    check_digest(bytes)?;
    check_format(bytes)?;
    let certificate = parse(bytes)?;
    if certificate.events != history.events().len() as u64 {
        return Err(CertifyError::OtherHistory("events"));
    }
    if certificate.history != digest_of(history) {
        return Err(CertifyError::OtherHistory("history"));
    }
    check_scope(&certificate.scope)?;
    Ok(certificate)
}

/// What is taken for granted is shown, so it must not be said twice or of nothing.
fn check_scope(scope: &Scope) -> Result<(), CertifyError> {
    let named: BTreeSet<&String> = scope.faults.iter().collect();
    if named.len() < scope.faults.len() {
        let why = "its scope names a fault twice";
        return Err(CertifyError::Unreadable(why.to_owned()));
    }
    let mut asked = scope.effects.keys().chain(scope.struck.keys());
    match asked.find(|fault| !named.contains(fault)) {
        None => Ok(()),
        Some(fault) => Err(CertifyError::Unreadable(format!(
            "its scope asks something of {fault}, which it does not select"
        ))),
    }
}

fn check_digest(bytes: &[u8]) -> Result<(), CertifyError> {
    let rest = bytes.strip_prefix(PREFIX).ok_or_else(|| {
        CertifyError::Unreadable("it does not begin with {\"digest\":\"".to_owned())
    })?;
    let (digest, rest) = rest
        .split_at_checked(DIGEST_LENGTH)
        .ok_or_else(|| CertifyError::Unreadable("it ends inside its digest".to_owned()))?;
    let hash = Sha256::new()
        .chain_update(PREFIX)
        .chain_update([b'0'; DIGEST_LENGTH])
        .chain_update(rest)
        .finalize();
    if format!("{hash:x}").as_bytes() == digest {
        Ok(())
    } else {
        Err(CertifyError::Changed)
    }
}

/// The format alone: the rest of a certificate with another one is not understood.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

fn check_format(bytes: &[u8]) -> Result<(), CertifyError> {
    match serde_json::from_slice(bytes) {
        Ok(Format { format }) if format != FORMAT => Err(CertifyError::Unreadable(format!(
            "its format is {format}, not {FORMAT}: issue it again with `check --certificate`"
        ))),
        _ => Ok(()),
    }
}

/// One object in one line, and each part in the form that is written: what serde would forgive (an
/// array in place of an object, a field left out that may be null) does not read back equal.
fn parse(bytes: &[u8]) -> Result<Certificate, CertifyError> {
    let unreadable = |problem: &dyn ToString| CertifyError::Unreadable(problem.to_string());
    let line = bytes
        .strip_suffix(b"\n")
        .filter(|line| !line.contains(&b'\n') && !line.contains(&b'\r'))
        .ok_or_else(|| unreadable(&"it is not one line ended by one LF"))?;
    let certificate: Certificate =
        serde_json::from_slice(line).map_err(|error| unreadable(&error))?;
    let written = serde_json::to_value(&certificate).map_err(|error| unreadable(&error))?;
    let read: serde_json::Value =
        serde_json::from_slice(line).map_err(|error| unreadable(&error))?;
    if read == written {
        Ok(certificate)
    } else {
        Err(unreadable(&"a field is missing or has another form"))
    }
}

fn digest_of(history: &History) -> String {
    let mut hash = Sha256::new();
    jsonl::write(history, &mut hash).expect("a hash takes all bytes");
    format!("{:x}", hash.finalize())
}
