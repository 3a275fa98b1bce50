//! The JSON Lines reader takes any bytes without a panic, and what it accepts can be written and
//! reads back equal.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(history) = history::jsonl::read(bytes) else {
        return;
    };
    let mut written = Vec::new();
    history::jsonl::write(&history, &mut written).expect("a vector takes all");
    let again = history::jsonl::read(written.as_slice()).expect("what was written can be read");
    assert_eq!(again.events(), history.events());
});
