use history::fault::Effect;

use super::*;
use crate::Scope;
use crate::search::Limits;
use crate::testing::history;

/// What the last fault of a history did.
fn impact(text: &str, slots: u32) -> Impact {
    let scope = Scope {
        workers: 3.try_into().ok(),
        slots: slots.try_into().expect("not 0"),
        ..Scope::default()
    };
    let history = history(text);
    let case = Case::new(&history, &scope, Limits::none());
    impacts(&case)
        .expect("nobody stops it")
        .pop()
        .expect("there is a fault")
}

fn effect(text: &str) -> &'static str {
    let impact = impact(text, 1);
    match impact.effect {
        Effect::Revoked => "revoked",
        Effect::Delayed => "delayed",
        Effect::Changed => "changed",
        Effect::None if impact.is_disproved => "disproved",
        Effect::None => "none",
    }
}

const HELD: &str = "0:acquire 0:acquire! 1:acquire";

fn check(table: &[(&str, &str)]) {
    for (text, expected) in table {
        let text = format!("{HELD} {text}");
        assert_eq!(effect(&text), *expected, "{text}");
    }
}

#[test]
fn who_is_made_to_change_slots_has_done_so_or_not() {
    check(&[
        ("+grow:2 2:grow 2:grow![2] -grow", "changed"),
        ("+grow:2 2:shrink 2:shrink![1] -grow", "changed"),
        // A new session of the same worker.
        ("+grow:2 2:grow 2:grow? 5:grow 5:grow![2] -grow", "changed"),
        ("+grow:2 2:grow 2:grow![] -grow", "none"),
        ("+grow:2 2:grow 2:grow! -grow", "none"),
        ("+grow:2 2:grow 2:grow? -grow", "none"),
        ("+grow:2 2:grow 2:growx -grow", "none"),
        ("+grow:2 2:count 2:count![2] -grow", "none"),
        ("+grow:0 2:grow 2:grow![2] -grow", "none"),
        ("2:grow +grow:2 2:grow![2] -grow", "none"),
        ("+grow:2 2:grow -grow 2:grow![2]", "none"),
        // It has something to wait for, and that is no harm.
        ("+grow:0 0:grow -grow 0:grow![]", "none"),
        ("+cut:2 2:grow 2:grow![2] -cut", "none"),
        // What is lost meanwhile is lost by something else.
        (
            "+grow:0,2 2:grow 2:grow![2] 0:verify 0:verify!lost -grow",
            "changed",
        ),
        ("+grow:0 0:verify 0:verify!lost -grow", "none"),
    ]);
}

#[test]
fn who_is_slowed_down_waits_twice_as_long_as_anybody_undisturbed() {
    let usual = "0:verify 0:verify!held";
    let check = |before: &str, text: &str, expected| {
        let text = format!("{HELD} {before} +slow:0 {text}");
        assert_eq!(effect(&text), expected, "{text}");
    };
    let longer = "0:verify 2:acquire 2:acquirex 0:verify!held -slow";
    check(usual, longer, "delayed");
    check(usual, "0:verify 2:acquire 0:verify!held -slow", "none");
    check(usual, "0:verify 0:verify!held -slow", "none");
    // What lies across the healing took some time, as all does.
    check(usual, "0:verify -slow 0:verify!held", "none");
    check(usual, "0:verify -slow =slow 0:verify!held", "delayed");
    // Nobody knows how long it takes otherwise.
    check("", longer, "none");
    check("0:verify +cut:2 0:verify!held -cut =cut", longer, "none");
}

#[test]
fn each_target_is_struck_in_its_role() {
    let roles = |text: &str| -> Vec<Role> {
        let impact = impact(text, 1);
        impact.struck.into_iter().map(|(role, _)| role).collect()
    };
    let held = "0:acquire 0:acquire!";
    let cut = "+cut:0,1,2 2:acquire -cut";
    for (before, expected) in [
        (HELD, [Role::Holder, Role::Waiter, Role::Idle]),
        (
            "0:acquire 1:acquire",
            [Role::Acquiring, Role::Acquiring, Role::Idle],
        ),
        (
            "0:acquire 0:acquire! 0:verify",
            [Role::Verifying, Role::Idle, Role::Idle],
        ),
        // Who gives back believes no more.
        (
            "0:acquire 0:acquire! 0:release 1:acquire",
            [Role::Releasing, Role::Acquiring, Role::Idle],
        ),
    ] {
        assert_eq!(roles(&format!("{before} {cut}")), expected, "{before}");
    }
    // Named twice it is one, and where it goes on undisturbed it is none.
    assert_eq!(
        roles(&format!("{held} +cut:0,0 1:acquire -cut")),
        [Role::Holder]
    );
    let answered = "+partition:0 0:verify 0:verify!held -partition";
    assert_eq!(roles(&format!("{held} {answered}")), []);
}

#[test]
fn a_hold_is_revoked_where_the_service_or_the_session_says_so_before_the_healing() {
    for fault in ["partition", "cut", "crash"] {
        let lost = |text: &str, expected| {
            let text = format!("{HELD} +{fault}:0 {text} -{fault}");
            assert_eq!(effect(&text), expected, "{text}");
        };
        lost("0:lost 0:lost!", "revoked");
        lost("0:verify 0:verify!lost", "revoked");
        lost("0:verify 0:verify?connection-closed", "revoked");
        lost("0:verify 0:verify?heartbeat-missed", "revoked");
        lost("0:verify 0:verify?crashed", "revoked");
        // The client lost its patience, and nobody took anything away.
        lost("0:verify 0:verify?timeout", "delayed");
        // It gave the lock back itself.
        lost("0:release 0:release?io", "delayed");
        lost("0:release 0:releasexconnection", "none");
    }
    check(&[
        ("+partition:0 0:verify -partition 0:verify!lost", "delayed"),
        ("+cut:0 0:verify -cut 0:verify!lost", "delayed"),
        ("0:lost 0:lost! +cut:0 0:acquire 0:acquirexio -cut", "none"),
        ("+cut:1 0:lost 0:lost! -cut", "none"),
    ]);
}

#[test]
fn a_hold_is_revoked_where_another_is_granted_the_lock_that_is_still_believed_in() {
    check(&[
        (
            "+partition:0 1:acquire! -partition 0:verify 0:verify!held",
            "revoked",
        ),
        ("+freeze:0 1:acquire! -freeze", "revoked"),
        (
            "+pause:0 1:acquire! -pause 0:verify 0:verify!lost",
            "revoked",
        ),
        ("+freeze:0 -freeze 1:acquire!", "delayed"),
        ("1:acquire! +partition:0 -partition", "none"),
        (
            "+partition:0 0:release 1:acquire! -partition 0:release!",
            "delayed",
        ),
        (
            "+partition:0 0:verify 0:verify?timeout 1:acquire! -partition",
            "delayed",
        ),
    ]);
    let slots = |two: &str| {
        impact(
            &format!("0:acquire 0:acquire!s1 1:acquire +cut:0 {two} -cut"),
            2,
        )
    };
    assert_eq!(slots("1:acquire!s1").effect, Effect::Revoked);
    assert_eq!(slots("1:acquire!s2").effect, Effect::None);
    assert_eq!(slots("1:acquire!").effect, Effect::None);
}

#[test]
fn a_holder_is_delayed_where_it_waits_or_stands_still() {
    check(&[
        ("+partition:0 0:verify -partition 0:verify!held", "delayed"),
        ("0:verify +partition:0 -partition 0:verify!held", "delayed"),
        ("+partition:0 0:count -partition 0:count![1]", "delayed"),
        ("+cut:0 0:verify -cut 0:verify!held", "delayed"),
        // It waited for no time.
        ("+partition:0 0:verify ~-partition 0:verify!held", "none"),
        // The guarded resource is out of reach of faults.
        ("+partition:0 0:read -partition 0:read!", "none"),
        // Nobody knows how long it would have waited.
        ("+partition:0 0:verify -partition", "none"),
        ("+partition:0 -partition", "none"),
        ("+partition:1 -partition 1:acquireX", "none"),
        ("+pause:0 -pause 0:release", "delayed"),
        (
            "0:verify +pause:0 1:acquireX -pause 0:verify!held 0:release 0:release!",
            "delayed",
        ),
        ("0:release 0:release! +pause:0 -pause", "none"),
    ]);
}

#[test]
fn what_went_on_undisturbed_disproves_the_fault() {
    check(&[
        (
            "+partition:0 0:verify 0:verify!held -partition",
            "disproved",
        ),
        (
            "+partition:0 0:count 0:count![1] 0:lost 0:lost! -partition",
            "disproved",
        ),
        // A refusal is an answer, too.
        (
            "+partition:0 0:acquire 0:acquireX 0:lost 0:lost! -partition",
            "disproved",
        ),
        (
            "+partition:0 0:acquire 0:acquirexnot-sent 0:lost 0:lost! -partition",
            "revoked",
        ),
        // Another session of the same worker goes over the same link.
        (
            "+partition:0 0:verify 0:verify?io 3:acquire 3:acquireX -partition",
            "disproved",
        ),
        (
            "+partition:0 0:read 0:read! 0:lost 0:lost! -partition",
            "revoked",
        ),
        (
            "0:verify +partition:0 0:verify!held 0:lost 0:lost! -partition",
            "revoked",
        ),
        ("+pause:0 0:verify -pause 0:verify!held", "disproved"),
        ("0:verify +freeze:0 0:verify!held -freeze", "disproved"),
        ("+cut:0 0:verify 0:verify!held -cut", "none"),
    ]);
}

#[test]
fn a_fault_of_no_length_or_without_an_end_did_nothing() {
    check(&[
        ("+pause:0 ~-pause", "none"),
        ("+partition:0 ~0:lost ~0:lost! ~-partition", "none"),
        ("+pause:0", "none"),
        ("+partition:0 0:lost 0:lost!", "none"),
    ]);
}

#[test]
fn the_last_phase_is_no_evidence() {
    let marked = |text: &str| effect(&format!("begin {HELD} {text}"));
    assert_eq!(marked("+cut:0 0:lost 0:lost! settle -cut end"), "revoked");
    assert_eq!(marked("+cut:0 settle 0:lost 0:lost! -cut end"), "none");
    let late = history("begin 0:acquire 0:acquire! settle +cut:0 0:lost 0:lost! -cut end");
    let scope = Scope::default();
    assert_eq!(
        impacts(&Case::new(&late, &scope, Limits::none())),
        Ok(Vec::new())
    );
}

#[test]
fn others_wanted_what_was_taken_away_if_they_asked_for_it_meanwhile() {
    let wanted = |before: &str, after: &str| {
        let text = format!("{before} 0:acquire 0:acquire! {after}");
        impact(&text, 1).took_what_others_wanted
    };
    assert!(wanted("", "1:acquire +cut:0 0:lost 0:lost! -cut"));
    assert!(wanted(
        "",
        "1:acquire 1:acquireX +cut:0 0:lost 0:lost! -cut"
    ));
    assert!(wanted("", "+cut:0 0:lost 0:lost! 1:acquire -cut"));
    assert!(wanted("1:acquire", "+cut:0 0:lost 0:lost! -cut"));
    assert!(!wanted(
        "1:acquire 1:acquireX",
        "+cut:0 0:lost 0:lost! -cut"
    ));
    assert!(!wanted("", "+cut:0 0:lost 0:lost! -cut 1:acquire"));
    assert!(!wanted("", "k/1:acquire +cut:0 0:lost 0:lost! -cut"));
    assert!(!wanted(
        "",
        "3:acquire 3:acquireX +cut:0 0:lost 0:lost! -cut"
    ));
    // It was never asked for.
    assert!(!wanted(
        "",
        "1:acquire 1:acquirexnot-sent +cut:0 0:lost 0:lost! -cut"
    ));
}

#[test]
fn what_is_due_follows_from_the_class() {
    let due = |fault: &str| impact(&format!("{HELD} +{fault}:0 -{fault}"), 1).due;
    assert_eq!(due("partition"), Effect::Revoked);
    assert_eq!(due("cut"), Effect::Revoked);
    assert_eq!(due("freeze"), Effect::Revoked);
    assert_eq!(due("pause"), Effect::Delayed);
    assert_eq!(
        super::due(Class::Slowing, &Parameters::new()),
        Effect::Delayed
    );
}

/// What a fault did to a hold with a lease of so many milliseconds that another wanted; it is
/// injected at 3 ms.
fn of_lease(milliseconds: u64, text: &str) -> &'static str {
    let text = format!("0:acquire 0:acquire!l{milliseconds} 1:acquire {text}");
    effect(&text)
}

#[test]
fn a_fault_that_kept_its_target_from_a_lease_revoked_it_once_another_had_it() {
    let frozen = "+freeze:0 2:acquire 1:acquire!l9 -freeze";
    assert_eq!(of_lease(5, frozen), "revoked");
    assert_eq!(of_lease(4, frozen), "revoked");
    assert_eq!(of_lease(9, frozen), "revoked", "another had it too early");
    assert_eq!(of_lease(3, frozen), "none", "it was over before");
    let alone = "+freeze:0 2:acquire 1:acquireX -freeze";
    assert_eq!(of_lease(5, alone), "delayed");
    let after = "+freeze:0 2:acquire -freeze 1:acquire!l9";
    assert_eq!(of_lease(4, after), "delayed");
    let waiting = "+partition:0 0:verify 2:acquire 1:acquire!l9 -partition 0:verify!lost";
    assert_eq!(of_lease(6, waiting), "revoked");
    let alone = waiting.replace("1:acquire!l9", "1:acquireX");
    assert_eq!(of_lease(6, &alone), "delayed");
    let told = "+partition:0 0:verify 2:acquire 0:verify?connection-closed -partition";
    assert_eq!(of_lease(5, told), "revoked");
    assert_eq!(of_lease(6, told), "revoked", "told while it believed");
    let impatient = told.replace("connection-closed", "timeout");
    assert_eq!(of_lease(5, &impatient), "delayed");
}

#[test]
fn a_lease_that_runs_out_by_itself_is_no_revocation() {
    for fault in ["partition", "cut"] {
        let granted = format!("+{fault}:0 2:acquire 1:acquire!l9 -{fault}");
        assert_eq!(of_lease(5, &granted), "none");
        let told = format!("+{fault}:0 2:acquire 0:lost 0:lost! -{fault}");
        assert_eq!(of_lease(5, &told), "none", "its client knew by itself");
        assert_eq!(of_lease(30, &told), "revoked");
    }
    let renewed = "+cut:0 0:verify 2:acquire 0:verify!heldl9 1:acquire!l9 -cut";
    assert_eq!(
        of_lease(5, renewed),
        "revoked",
        "granted although it was renewed"
    );
    let again = "+cut:0 0:verify 2:acquire 0:verify!heldl9 0:lost 0:lost! -cut";
    assert_eq!(of_lease(5, again), "revoked", "and it was told so");
    let alone = "+cut:0 0:verify 2:acquire 0:verify!heldl3 2:acquireX 1:acquire!l9 -cut";
    assert_eq!(
        of_lease(5, alone),
        "none",
        "it was renewed, and ran out again"
    );
}
