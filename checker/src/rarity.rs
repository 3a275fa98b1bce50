//! How rare something must be that was never seen.

use crate::guarantee::stem;

/// What each loss of a lock puts to the test by itself. Everything else is decided once a run.
const OF_EACH_LOSS: &[&str] = &[
    "exclusion",
    "confirmed-exclusion",
    "overlap",
    "slot-exclusion",
];

/// Whether each loss of a lock puts this guarantee to the test by itself.
#[must_use]
pub fn is_of_each_loss(guarantee: &str) -> bool {
    OF_EACH_LOSS.contains(&stem(guarantee))
}

/// The rule of three: what never happened in so many independent trials happens, with a confidence of
/// 95 %, in less than this part of them. Of fewer than 30 trials it says nothing.
#[must_use]
pub fn bound_at_95(trials: u64) -> Option<f64> {
    (trials >= 30).then(|| 3.0 / trials as f64)
}

/// The same as it is told: `below 0.73 % each at 95 %`.
#[must_use]
pub fn rarity(trials: u64) -> Option<String> {
    let percent = rounded_up(bound_at_95(trials)? * 100.0);
    Some(format!("below {percent} % each at 95 %"))
}

/// With two digits that say something, and never less than it is.
fn rounded_up(percent: f64) -> String {
    let digits = (1.0 - percent.log10().floor()).max(0.0) as usize;
    let unit = 10_f64.powi(digits as i32);
    format!("{:.digits$}", (percent * unit).ceil() / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_never_told_tighter_than_it_is() {
        let told = |trials: u64| bound_at_95(trials).map(|bound| rounded_up(bound * 100.0));
        assert_eq!(told(29), None);
        assert_eq!(told(30).as_deref(), Some("10"));
        assert_eq!(told(33).as_deref(), Some("9.1"));
        assert_eq!(told(148_205).as_deref(), Some("0.0021"));
        for trials in 30..2_000 {
            let told: f64 = told(trials).expect("enough").parse().expect("a number");
            assert!(told >= 300.0 / trials as f64 - 1e-9, "{trials}: {told}");
        }
    }

    #[test]
    fn it_is_told_where_enough_was_tried() {
        assert_eq!(rarity(29), None);
        let told = rarity(412);
        assert_eq!(told.as_deref(), Some("below 0.73 % each at 95 %"));
    }

    #[test]
    fn what_is_decided_once_a_run_is_not_tried_by_each_loss() {
        assert!(["overlap<=1s", "confirmed-exclusion"].map(is_of_each_loss) == [true; 2]);
        assert!(["progress<=10s", "fencing", "coverage"].map(is_of_each_loss) == [false; 3]);
    }
}
