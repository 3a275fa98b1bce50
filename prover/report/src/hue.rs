//! The colours of the faults of a run: no two share one as long as there are enough, and a fault that is
//! often asked for has the same in every report and picture.

use std::collections::BTreeMap;

/// How many colours there are for faults.
pub const FAULT_COLOURS: usize = 16;

/// Faults whose colour is always the same; all others take what is left.
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

/// The colours of the faults of one run.
#[derive(Debug, Default)]
pub(crate) struct Hues {
    places: BTreeMap<String, usize>,
}

impl Hues {
    /// Those of these faults, in the order in which they appear. A known fault has its own colour,
    /// whenever it appears.
    pub(crate) fn of<'a>(faults: impl Iterator<Item = &'a str> + Clone) -> Self {
        let mut hues = Self::default();
        for fault in faults.clone() {
            if let Some(place) = KNOWN.iter().position(|known| *known == fault) {
                hues.places.insert(fault.to_owned(), place);
            }
        }
        for fault in faults {
            if !hues.places.contains_key(fault) {
                let place = hues.free().unwrap_or_else(|| shared(fault));
                hues.places.insert(fault.to_owned(), place);
            }
        }
        hues
    }

    /// The first colour that no fault has, those first that no known fault claims.
    fn free(&self) -> Option<usize> {
        let is_free = |place: &usize| !self.places.values().any(|taken| taken == place);
        (KNOWN.len()..FAULT_COLOURS)
            .chain(0..KNOWN.len())
            .find(is_free)
    }

    /// The class of a fault in the [palette](crate::PALETTE).
    pub(crate) fn class(&self, fault: &str) -> String {
        let place = self.places.get(fault).copied();
        format!("fault-{}", place.unwrap_or_else(|| shared(fault)))
    }
}

/// The colour of a fault for which there is none of its own.
fn shared(fault: &str) -> usize {
    (hash(fault) % FAULT_COLOURS as u64) as usize
}

/// FNV-1a: it is the same everywhere and for ever, which that of the standard library is not.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn classes(faults: &[String]) -> BTreeSet<String> {
        let hues = Hues::of(faults.iter().map(String::as_str));
        faults.iter().map(|fault| hues.class(fault)).collect()
    }

    #[test]
    fn no_two_faults_of_a_run_share_a_colour_as_long_as_there_are_enough() {
        let others = (0..FAULT_COLOURS).map(|number| format!("other-{number}"));
        let others: Vec<String> = others.collect();
        let known = KNOWN.iter().map(|known| (*known).to_owned());
        for known_too in 0..=KNOWN.len() {
            let fill = others.iter().take(FAULT_COLOURS - known_too).cloned();
            // Whichever comes first.
            let mut faults: Vec<String> = fill.chain(known.clone().take(known_too)).collect();
            assert_eq!(classes(&faults).len(), FAULT_COLOURS, "{faults:?}");
            faults.reverse();
            assert_eq!(classes(&faults).len(), FAULT_COLOURS, "{faults:?}");
        }
        let one_more = [others, vec!["cut".to_owned()]].concat();
        assert_eq!(classes(&one_more).len(), FAULT_COLOURS);
    }

    #[test]
    fn a_known_fault_has_its_own_colour_in_every_run() {
        for faults in [&["partition", "slow"][..], &["slow", "flap", "partition"]] {
            let hues = Hues::of(faults.iter().copied());
            assert_eq!(hues.class("partition"), "fault-0", "{faults:?}");
            assert_ne!(hues.class("slow"), "fault-0", "{faults:?}");
        }
    }

    #[test]
    fn what_the_run_did_not_name_has_a_colour_all_the_same() {
        let hues = Hues::of(std::iter::empty());
        assert_eq!(hues.class("something else"), hues.class("something else"));
    }

    #[test]
    fn every_colour_stands_in_the_palette() {
        for place in 0..FAULT_COLOURS {
            let rule = format!(".fault-{place} {{");
            assert_eq!(crate::PALETTE.matches(&rule).count(), 2, "{rule}");
        }
    }
}
