//! Whatever is changed in a certificate, the re-check does not panic, and what it still calls
//! proved is so.
#![no_main]

use std::num::NonZeroU32;

use certify::{Certified, Standing, certify};
use certify_fuzz::{Edit, SUBJECTS, Subject};
use checker::search::Limits;
use checker::{Case, Scope, Verdict, linearize, parse};
use history::History;
use libfuzzer_sys::fuzz_target;

/// A copy of all within itself doubles it, so there may not be many.
const EDITS_MAX: usize = 8;

fuzz_target!(|input: (bool, Vec<Edit>)| {
    let (is_broken, edits) = input;
    let subject = &SUBJECTS[usize::from(is_broken)];
    let mut certificate = subject.issued.clone();
    edits
        .into_iter()
        .take(EDITS_MAX)
        .for_each(|edit| edit.apply(&mut certificate));
    let text = certificate.to_string();
    let certified = certify(&subject.history, &subject.sealed(&text.as_bytes()[1..]));
    if let Ok(certified) = certified {
        check(subject, &certified);
    }
});

fn check(subject: &Subject, certified: &Certified) {
    let slots = certified.scope.slots;
    for claim in &certified.claims {
        let verdict = claim.verdict.to_string();
        let was_found = slots == NonZeroU32::MIN && subject.was_found(&claim.of, &verdict);
        if claim.standing == Standing::Proved && !was_found {
            let found = verdict_on(&subject.history, &claim.of, slots);
            assert_eq!(verdict, found.to_string(), "{}", claim.of);
        }
    }
}

fn verdict_on(history: &History, of: &str, slots: NonZeroU32) -> Verdict {
    if let Some(model) = of.strip_prefix("model ") {
        let linearized = linearize(history, model, Limits::none());
        return linearized.expect("it is a model").finding.verdict;
    }
    let scope = Scope {
        slots,
        ..Scope::default()
    };
    let guarantee = parse(of).expect("it is a guarantee");
    let case = Case::new(history, &scope, Limits::none());
    guarantee.judge(&case).verdict
}
