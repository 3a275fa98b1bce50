//! The colour of a fault: fixed by its name, so that it is the same in every report and picture.

/// How many colours there are for faults.
pub const FAULT_COLOURS: usize = 12;

/// Faults whose colours are told apart for sure; all others have one of those that are left.
const KNOWN: [&str; 10] = [
    "partition",
    "partition-upstream",
    "partition-downstream",
    "cut",
    "pause",
    "freeze",
    "crash",
    "restart",
    "kill",
    "split",
];

/// The class of a fault in the [palette](crate::PALETTE).
#[must_use]
pub fn fault_class(name: &str) -> String {
    let place = KNOWN.iter().position(|known| *known == name);
    let others = (FAULT_COLOURS - KNOWN.len()) as u64;
    let place = place.unwrap_or_else(|| KNOWN.len() + (hash(name) % others) as usize);
    format!("fault-{place}")
}

/// FNV-1a: it is the same everywhere and for ever, which that of the standard library is not.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_belongs_to_a_name() {
        assert_eq!(fault_class("partition"), "fault-0");
        assert_eq!(fault_class("restart"), "fault-7");
        let other = fault_class("something else");
        assert_eq!(other, fault_class("something else"));
        assert!(
            ["fault-10", "fault-11"].contains(&other.as_str()),
            "{other}"
        );
    }

    #[test]
    fn every_colour_stands_in_the_palette() {
        for place in 0..FAULT_COLOURS {
            let rule = format!(".fault-{place} {{");
            assert!(crate::PALETTE.contains(&rule), "{rule}");
        }
    }
}
