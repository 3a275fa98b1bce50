use super::*;
use crate::search::Limits;
use crate::testing::history;
use crate::{Scope, judge};

fn found(text: &str, faults: &[&str], effects: &[(&str, Effect)]) -> Finding {
    let scope = Scope {
        workers: 2.try_into().ok(),
        faults: faults.iter().map(ToString::to_string).collect(),
        effects: effects
            .iter()
            .map(|(fault, effect)| ((*fault).to_owned(), *effect))
            .collect(),
        ..Scope::default()
    };
    let guarantees: [Box<dyn Guarantee>; 1] = [Box::new(Coverage)];
    judge(&history(text), &scope, Limits::none(), &guarantees).remove(0)
}

fn reason(text: &str, faults: &[&str]) -> String {
    found(text, faults, &[]).reason.unwrap_or_default()
}

const CONTENDED: &str = "0:acquire 0:acquire! 1:acquire 1:acquireX";

#[test]
fn without_faults_contention_is_enough() {
    let found = found(CONTENDED, &[], &[]);
    assert_eq!(
        (found.verdict, found.evidence.as_str()),
        (Verdict::Valid, "contention 1 of 2 workers; no faults")
    );
}

#[test]
fn an_empty_history_proves_nothing() {
    assert_eq!(
        reason("", &["cut"]),
        "no lock was ever granted; no two workers wanted the same lock at the same time; cut never happened: \
         give --time-limit more, or --nemesis-interval and --nemesis-duration less"
    );
}

#[test]
fn what_another_nemesis_wrote_says_nothing_of_what_it_did() {
    let mut builder = ::history::HistoryBuilder::default();
    let event = ::history::Function::fault("start");
    let draft = ::history::Draft::new(::history::Process::Nemesis, ::history::Kind::Info, event);
    builder.push(0, draft).expect("well-formed");
    let scope = Scope {
        faults: vec!["start".to_owned()],
        ..Scope::default()
    };
    let guarantees: [Box<dyn Guarantee>; 1] = [Box::new(Coverage)];
    let found = judge(&builder.finish(), &scope, Limits::none(), &guarantees);
    let said = found[0].reason.clone().unwrap_or_default();
    assert!(
        said.contains("start has no notes of when it was on"),
        "{said}"
    );
}

#[test]
fn what_wants_nothing_does_not_contend() {
    for text in [
        // The sessions of one worker.
        "0:acquire 0:acquire! 2:acquire 2:acquireX",
        // Who administers a lock.
        "0:create 0:create![1] 0:acquire 0:acquire!s1 1:request 1:request! 1:count 1:count![1]",
        // Who never asked.
        "0:acquire 0:acquire! 1:acquire 1:acquirexnot-sent",
        // Whoever asks in the last phase.
        "begin 0:acquire 0:acquire! settle 1:acquire 1:acquireX end",
    ] {
        assert!(reason(text, &[]).contains("no two workers"), "{text}");
    }
    let last = "begin settle 0:acquire 0:acquire! 1:acquire 1:acquireX end";
    assert!(reason(last, &[]).contains("no lock was ever granted"));
}

#[test]
fn a_semaphore_is_contended_by_more_than_it_has_slots() {
    let text = "0:acquire 0:acquire!s1 1:acquire 1:acquire!s2 2:acquire 2:acquireX";
    for (slots, expected) in [
        (1, Verdict::Valid),
        (2, Verdict::Valid),
        (3, Verdict::Unknown),
    ] {
        let scope = Scope {
            slots: std::num::NonZeroU32::new(slots).expect("not 0"),
            ..Scope::default()
        };
        let found = judge(
            &history(text),
            &scope,
            Limits::none(),
            &[Box::new(Coverage)],
        );
        assert_eq!(found[0].verdict, expected, "{slots}");
    }
}

const REVOKED: &str = "+partition:0 0:lost 0:lost! -partition";
const DELAYED: &str = "+partition:0 0:verify -partition 0:verify!held";

#[test]
fn a_fault_must_have_the_effect_that_is_due_of_it() {
    let revoked = found(&format!("{CONTENDED} {REVOKED}"), &["partition"], &[]);
    assert_eq!(
        (revoked.verdict, revoked.evidence.as_str()),
        (
            Verdict::Valid,
            "contention 1 of 2 workers; partition took a lock away in 1 of 1 window; others wanted it"
        )
    );
    let delayed = found(&format!("{CONTENDED} {DELAYED}"), &["partition"], &[]);
    assert_eq!(delayed.verdict, Verdict::Unknown);
    assert_eq!(
        delayed.reason.as_deref(),
        Some(
            "partition took no lock away (1 window, 1 of which delayed a holder): give --nemesis-duration more than \
             the service waits for a silent client (RabbitMQ three heartbeats, others the lease), or ask for less with --coverage partition=delayed"
        )
    );
    let disproved = format!("{CONTENDED} +partition:0 0:verify 0:verify!held -partition");
    let said = reason(&disproved, &["partition"]);
    assert!(said.contains("1 of which were not in force"), "{said}");
}

#[test]
fn what_helps_a_fault_follows_from_whom_it_struck_and_how_it_breaks() {
    // A broken connection is no silence: that it lasts longer helps nothing.
    let cut = format!("{CONTENDED} +cut:0 -cut");
    let said = reason(&cut, &["cut"]);
    assert!(said.contains("(1 window): more windows may"), "{said}");
    // Who asks for a lock has none to lose, however the fault breaks.
    for fault in ["cut", "partition"] {
        let waiter = format!("{CONTENDED} 1:acquire +{fault}:1 -{fault} 1:acquireX");
        let said = reason(&waiter, &[fault]);
        assert!(said.contains("none of its targets was a holder"), "{said}");
    }
}

#[test]
fn who_asks_for_less_is_told_so_in_the_evidence() {
    let text = format!("{CONTENDED} {DELAYED}");
    let asked = |effect| found(&text, &["partition"], &[("partition", effect)]);
    let delayed = asked(Effect::Delayed);
    assert_eq!(
        (delayed.verdict, delayed.evidence.as_str()),
        (
            Verdict::Valid,
            "contention 1 of 2 workers; partition took a lock away in 0 of 1 window, delayed a holder in 1 (asked for: delayed)"
        )
    );
    assert_eq!(asked(Effect::None).verdict, Verdict::Valid);
    assert_eq!(asked(Effect::Revoked).verdict, Verdict::Unknown);
    let nothing = found(CONTENDED, &["partition"], &[("partition", Effect::None)]);
    assert_eq!(nothing.verdict, Verdict::Valid);
    let nothing = found(CONTENDED, &["partition"], &[("partition", Effect::Delayed)]);
    assert_eq!(nothing.verdict, Verdict::Unknown);
}

#[test]
fn some_lock_must_have_been_taken_away_that_others_wanted() {
    let paused = format!("{CONTENDED} +pause:0 -pause 0:verify 0:verify!held");
    let said = reason(&paused, &["pause"]);
    assert!(
        said.starts_with("no fault took a lock away that others wanted"),
        "{said}"
    );
    let asked = [("pause", Effect::Delayed)];
    assert_eq!(found(&paused, &["pause"], &asked).verdict, Verdict::Valid);
    let both = format!("{paused} {REVOKED}");
    assert_eq!(
        found(&both, &["pause", "partition"], &[]).verdict,
        Verdict::Valid
    );
    // What was not selected proves nothing.
    assert_eq!(found(&both, &["pause"], &[]).verdict, Verdict::Unknown);
    let unwanted = format!("{CONTENDED} 0:release 0:release! 0:acquire 0:acquire! {REVOKED}");
    let said = reason(&unwanted, &["partition"]);
    assert!(
        said.starts_with("no fault took a lock away that others wanted"),
        "{said}"
    );
}
