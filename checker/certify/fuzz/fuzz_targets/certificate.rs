//! The re-check takes any bytes for a certificate without a panic, also such as pass for a
//! certificate of this history.
#![no_main]

use certify::certify;
use certify_fuzz::SUBJECTS;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for subject in SUBJECTS.iter() {
        let _ = certify(&subject.history, bytes);
        let _ = certify(&subject.history, &subject.sealed(bytes));
    }
});
