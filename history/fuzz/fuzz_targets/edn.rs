//! The EDN reader takes any bytes without a panic, and what it accepts can be written and reads
//! back equal.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(history) = history::edn::read(bytes) else {
        return;
    };
    let mut written = Vec::new();
    history::edn::write(&history, &mut written).expect("a vector takes all");
    let again = history::edn::read(written.as_slice()).expect("what was written can be read");
    assert_eq!(again, history);
});
