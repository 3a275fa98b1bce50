//! Every guarantee defined a second time, from `docs/guarantees.md` alone and as naively as can be:
//! small histories, every moment looked at, every explanation tried. Nothing of the checker is used
//! but what it answers. `SECOND_DEFINITIONS` sets how many histories each is compared on.

mod administrators;
mod believed;
mod coverage;
mod decrements;
mod existence;
mod explained;
mod generator;
mod lease_service;
mod nemesis;
mod owners;
mod permits;
mod progress;
mod record;
mod resources;
mod scribe;
mod slots;
mod updates;

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use checker::search::Limits;
use checker::{FaultCount, Finding, Scope, judge, linearize, parse};
use history::fault::Role;
use history::{History, jsonl};

use coverage::struck::Times;
use coverage::{Coverage, Windows};
use generator::{Dice, Kind};
use record::Record;

/// What a definition says of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Valid,
    Unknown,
    Violated,
}

/// Violated if anything is, else valid only if all is known and something was judged.
fn verdict(is_violated: bool, is_known: bool, is_judged: bool) -> Verdict {
    match (is_violated, is_known && is_judged) {
        (true, _) => Verdict::Violated,
        (false, true) => Verdict::Valid,
        (false, false) => Verdict::Unknown,
    }
}

const WORKERS: u32 = 3;

fn text(history: &History) -> String {
    let mut bytes = Vec::new();
    jsonl::write(history, &mut bytes).expect("a vector takes all");
    String::from_utf8(bytes).expect("JSON is UTF-8")
}

impl From<checker::Verdict> for Verdict {
    fn from(verdict: checker::Verdict) -> Self {
        match verdict {
            checker::Verdict::Valid => Self::Valid,
            checker::Verdict::Unknown => Self::Unknown,
            checker::Verdict::Violated => Self::Violated,
        }
    }
}

fn found(guarantee: &str, history: &History, scope: &Scope) -> Finding {
    let guarantees = [parse(guarantee).expect("known")];
    judge(history, scope, Limits::none(), &guarantees).remove(0)
}

fn cases() -> u64 {
    let cases = std::env::var("SECOND_DEFINITIONS").ok();
    cases.and_then(|cases| cases.parse().ok()).unwrap_or(3_000)
}

/// Compares them on the histories of one kind.
fn agree(guarantee: &str, kind: Kind, define: impl Fn(&Record, u32) -> Verdict) {
    let history = |dice: &mut Dice, slots| generator::history(dice, kind, slots);
    agree_on(guarantee, history, define);
}

/// Compares what the checker answers with a second definition of the guarantee.
fn agree_on(
    guarantee: &str,
    history: impl Fn(&mut Dice, u32) -> History,
    define: impl Fn(&Record, u32) -> Verdict,
) {
    let mut tally: BTreeMap<Verdict, u64> = BTreeMap::new();
    for seed in 0..cases() {
        let mut dice = Dice::new(seed);
        let slots = if dice.below(2) == 0 {
            1
        } else {
            dice.below(3) + 1
        };
        let history = history(&mut dice, slots);
        let expected = define(&Record::new(&history), slots);
        let scope = Scope {
            slots: NonZeroU32::new(slots).expect("not 0"),
            workers: NonZeroU32::new(WORKERS),
            ..Scope::default()
        };
        let found = found(guarantee, &history, &scope);
        assert_eq!(
            Verdict::from(found.verdict),
            expected,
            "{guarantee} of {slots} slots, seed {seed}: {found:?}\n{}",
            text(&history)
        );
        *tally.entry(expected).or_default() += 1;
    }
    for verdict in [Verdict::Valid, Verdict::Violated] {
        let seen = tally.get(&verdict).copied().unwrap_or(0);
        assert!(
            seen >= cases() / 200,
            "{guarantee} is hardly ever {verdict:?}: {tally:?}"
        );
    }
}

/// Of a semaphore of each kind of three permits.
#[test]
fn several_permits_at_once() {
    for (model, has_owners) in [("semaphore:3", false), ("owner-semaphore:3", true)] {
        let mut tally: BTreeMap<Verdict, u64> = BTreeMap::new();
        for seed in 0..cases() {
            let history = permits::history(&mut Dice::new(seed), 3);
            let expected = permits::semaphore(&Record::new(&history), 3, has_owners);
            let found = linearize(&history, model, Limits::none()).expect("known");
            assert_eq!(
                Verdict::from(found.finding.verdict),
                expected,
                "{model}, seed {seed}: {found:?}\n{}",
                text(&history)
            );
            *tally.entry(expected).or_default() += 1;
        }
        assert!(
            tally.len() == 2 && tally.values().all(|seen| *seen >= cases() / 20),
            "{model}: {tally:?}"
        );
    }
}

#[test]
fn exclusion() {
    agree("exclusion", Kind::Locks, believed::exclusion);
}

#[test]
fn overlap() {
    agree("overlap<=2ms", Kind::Locks, |record, slots| {
        believed::overlap(record, slots, 2_000_000)
    });
}

#[test]
fn confirmed_exclusion() {
    agree(
        "confirmed-exclusion",
        Kind::Locks,
        explained::confirmed_exclusion,
    );
}

#[test]
fn justified_refusal() {
    agree(
        "justified-refusal",
        Kind::Locks,
        explained::justified_refusal,
    );
}

#[test]
fn justified_refusal_of_administered_locks() {
    agree(
        "justified-refusal",
        Kind::Administered,
        explained::justified_refusal,
    );
}

#[test]
fn ownership() {
    agree("ownership", Kind::Locks, |record, _| {
        owners::ownership(record)
    });
}

#[test]
fn fencing() {
    agree("fencing", Kind::Fenced, owners::fencing);
}

#[test]
fn progress() {
    agree("progress<=4ms", Kind::Faulty, |record, slots| {
        progress::progress(record, slots, 4_000_000)
    });
}

#[test]
fn progress_of_administered_locks() {
    agree("progress<=4ms", Kind::Administered, |record, slots| {
        progress::progress(record, slots, 4_000_000)
    });
}

#[test]
fn no_lost_decrement() {
    agree("no-lost-decrement", Kind::Counted, |record, _| {
        decrements::none_lost(record)
    });
}

#[test]
fn no_doubled_decrement() {
    agree("no-doubled-decrement", Kind::Counted, |record, _| {
        decrements::none_doubled(record)
    });
}

/// The same for a guarantee of what administrators do.
fn agree_on_slots(guarantee: &str, define: impl Fn(&Record) -> Verdict) {
    let history = |dice: &mut Dice, _| administrators::history(dice);
    agree_on(guarantee, history, |record, _| define(record));
}

#[test]
fn slot_exclusion() {
    agree_on_slots("slot-exclusion", explained::slot_exclusion);
}

#[test]
fn slot_existence() {
    agree_on_slots("slot-existence", existence::existence);
}

#[test]
fn slot_removal() {
    agree_on_slots("slot-removal", slots::removal);
}

#[test]
fn slot_sequence() {
    agree_on_slots("slot-sequence", slots::sequence);
}

#[test]
fn no_lost_update() {
    let history = |dice: &mut Dice, _| resources::history(dice);
    agree_on("no-lost-update", history, |record, _| {
        updates::none_lost(record)
    });
}

/// The same of whom a fault struck; who was neither struck nor asked for is left out.
fn roles_told(count: &FaultCount) -> BTreeMap<Role, Times> {
    let roles = count.roles.iter().map(|(role, count)| {
        let times = Times {
            struck: count.struck,
            revoked: count.revoked,
            delayed: count.delayed,
            changed: count.changed,
            least: count.least,
        };
        (*role, times)
    });
    roles
        .filter(|(_, times)| *times != Times::default())
        .collect()
}

/// What the checker says in the words of the second definition.
fn told(found: &Finding) -> Coverage {
    let faults = found.counts.faults.iter().map(|count| {
        let windows = Windows {
            due: count.due,
            all: count.windows,
            landed: count.landed,
            revoked: count.revoked,
            delayed: count.delayed,
            changed: count.changed,
            disproved: count.disproved,
            roles: roles_told(count),
        };
        (count.fault.clone(), windows)
    });
    Coverage {
        verdict: found.verdict.into(),
        faults: faults.collect(),
        taken: found.counts.taken_from_contenders,
    }
}

#[test]
fn coverage() {
    let mut tally: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in 0..cases() {
        let (history, scope) = nemesis::case(&mut Dice::new(seed));
        let (expected, seen) = coverage::coverage(&history, &scope);
        let found = found("coverage", &history, &scope);
        assert_eq!(
            told(&found),
            expected,
            "{scope:?}, seed {seed}: {found:?}\n{}",
            text(&history)
        );
        for kind in seen {
            *tally.entry(kind).or_default() += 1;
        }
    }
    let common = coverage::KINDS.into_iter().map(|kind| (kind, 30));
    let rare = coverage::struck::KINDS.into_iter().map(|kind| (kind, 100));
    let rarer = coverage::changes::KINDS.into_iter().map(|kind| (kind, 500));
    for (kind, once_in) in common.chain(rare).chain(rarer) {
        let seen = tally.get(kind).copied().unwrap_or(0);
        assert!(seen >= cases() / once_in, "hardly ever {kind}: {tally:?}");
    }
}
