//! Whatever is changed in a certificate, the re-check does not panic, and what it still calls proved is so.
#![no_main]

use checker::search::Limits;
use checker::{Case, Scope, linearize, parse};
use history::History;
use libfuzzer_sys::fuzz_target;
use prover_fuzz::certify::{Certified, Standing, certify};
use prover_fuzz::{Edit, SUBJECTS};

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
        check(&subject.history, &certified);
    }
});

fn check(history: &History, certified: &Certified) {
    let scope = Scope {
        slots: certified.scope.slots,
        ..Scope::default()
    };
    let proved = certified
        .claims
        .iter()
        .filter(|claim| claim.standing == Standing::Proved);
    for claim in proved {
        let finding = match claim.of.strip_prefix("model ") {
            Some(model) => {
                linearize(history, model, Limits::none())
                    .expect("it is a model")
                    .finding
            }
            None => {
                let guarantee = parse(&claim.of).expect("it is a guarantee");
                guarantee.judge(&Case::new(history, &scope, Limits::none()))
            }
        };
        assert_eq!(
            claim.verdict.to_string(),
            finding.verdict.to_string(),
            "{}",
            claim.of
        );
    }
}
