//! Certificates put together from their parts, and sealed.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use history::{History, jsonl};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

/// Packs an order like `0 r0 4`: positions of invocations, `r` before a revocation.
pub(crate) fn order(key: &str, entries: &str) -> Json {
    let mut raw = Vec::new();
    let mut last = 0;
    let entries: Vec<&str> = entries.split_whitespace().collect();
    for entry in &entries {
        let position: i64 = entry.trim_start_matches('r').parse().expect("a position");
        let difference = position - last;
        last = position;
        let zigzag = ((difference << 1) ^ (difference >> 63)).cast_unsigned();
        push_number(&mut raw, zigzag << 1 | u64::from(entry.starts_with('r')));
    }
    packed(key, entries.len(), &raw)
}

pub(crate) fn packed(key: &str, entries: usize, raw: &[u8]) -> Json {
    json!({ "key": key, "entries": entries, "raw": raw.len(), "deflate": STANDARD.encode(deflate(raw)) })
}

pub(crate) fn deflate(raw: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(raw).expect("a vector takes all");
    encoder.finish().expect("a vector takes all")
}

fn push_number(raw: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        raw.push(number as u8 | 0x80);
        number >>= 7;
    }
    raw.push(number as u8);
}

pub(crate) fn judgement(of: &str, verdict: &str, proof: Json) -> Json {
    json!({ "of": of, "verdict": verdict, "proof": proof })
}

/// The certificate's fields without the digest, which `seal` computes.
pub(crate) fn body(history: &History, slots: u32, judgements: &[Json]) -> Json {
    let mut bytes = Vec::new();
    jsonl::write(history, &mut bytes).expect("a vector takes all");
    json!({
        "format": 2,
        "history": format!("{:x}", Sha256::digest(&bytes)),
        "events": history.events().len(),
        "scope": { "slots": slots, "workers": 5, "faults": ["partition"] },
        "judgements": judgements,
    })
}

pub(crate) fn seal(body: &Json) -> Vec<u8> {
    seal_text(&body.to_string()[1..])
}

/// Seals what comes after the digest.
pub(crate) fn seal_text(rest: &str) -> Vec<u8> {
    let with = |digest: &str| format!("{{\"digest\":\"{digest}\",{rest}\n").into_bytes();
    let digest = format!("{:x}", Sha256::digest(with(&"0".repeat(64))));
    with(&digest)
}
