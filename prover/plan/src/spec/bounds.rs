//! The bounds of the numbers of a spec, wherever it came from.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::RunSpec;

/// A number or time that is out of its bounds.
#[derive(Debug, thiserror::Error)]
#[error("--{option} {given} is out of bounds: give {bounds}")]
pub struct OutOfBounds {
    option: &'static str,
    given: String,
    bounds: String,
}

pub(super) fn check(spec: &RunSpec) -> Result<(), OutOfBounds> {
    let count = |option, given: Option<u32>, bounds: RangeInclusive<u32>| {
        let text = format!("{} to {}", bounds.start(), bounds.end());
        within(option, given, |count| bounds.contains(&count), &text)
    };
    count("concurrency", spec.concurrency, 1..=1_000)?;
    count("keys", Some(spec.keys), 1..=10_000)?;
    count("slots", spec.slots, 1..=100)?;
    count("nemesis-at-once", Some(spec.nemesis_at_once), 1..=100)?;
    let is_rate = |rate: f64| (0.001..=1e6).contains(&rate);
    within("rate", spec.rate, is_rate, "0.001 to 1000000 a second")?;
    let times = [
        ("verify-interval", Some(spec.verify_interval)),
        ("operation-timeout", Some(spec.operation_timeout)),
    ];
    for (option, time) in times {
        let time = time.map(humantime::Duration::from);
        within(option, time, |time| !time.is_zero(), "more than nothing")?;
    }
    let duration = spec.nemesis_duration.map(humantime::Duration::from);
    let is_some_time = |time: humantime::Duration| *time >= Duration::from_millis(1);
    within("nemesis-duration", duration, is_some_time, "1ms or more")?;
    let heartbeat = spec.heartbeat.map(humantime::Duration::from);
    within(
        "heartbeat",
        heartbeat,
        is_heartbeat,
        "whole seconds, 1s to 1h",
    )
}

fn is_heartbeat(time: humantime::Duration) -> bool {
    let time: Duration = time.into();
    time.subsec_nanos() == 0 && (1..=3_600).contains(&time.as_secs())
}

/// What was not given is within all bounds.
fn within<T: Display + Copy>(
    option: &'static str,
    given: Option<T>,
    is_within: impl Fn(T) -> bool,
    bounds: &str,
) -> Result<(), OutOfBounds> {
    match given {
        Some(given) if !is_within(given) => Err(OutOfBounds {
            option,
            given: given.to_string(),
            bounds: bounds.to_owned(),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(spec: &RunSpec) -> String {
        check(spec).expect_err("out of bounds").to_string()
    }

    #[test]
    fn what_is_out_of_bounds_is_named_with_its_bounds() {
        let plain = RunSpec::default;
        assert!(check(&plain()).is_ok());
        let long = Some(Duration::from_millis(1_500));
        let table = [
            (
                RunSpec {
                    concurrency: Some(0),
                    ..plain()
                },
                "--concurrency 0 is out of bounds: give 1 to 1000",
            ),
            (
                RunSpec {
                    keys: 10_001,
                    ..plain()
                },
                "--keys 10001 is out of bounds: give 1 to 10000",
            ),
            (
                RunSpec {
                    slots: Some(101),
                    ..plain()
                },
                "--slots 101 is out of bounds: give 1 to 100",
            ),
            (
                RunSpec {
                    rate: Some(f64::NAN),
                    ..plain()
                },
                "--rate NaN is out of bounds: give 0.001 to 1000000 a second",
            ),
            (
                RunSpec {
                    verify_interval: Duration::ZERO,
                    ..plain()
                },
                "--verify-interval 0s is out of bounds: give more than nothing",
            ),
            (
                RunSpec {
                    operation_timeout: Duration::ZERO,
                    ..plain()
                },
                "--operation-timeout 0s is out of bounds: give more than nothing",
            ),
            (
                RunSpec {
                    nemesis_duration: Some(Duration::ZERO),
                    ..plain()
                },
                "--nemesis-duration 0s is out of bounds: give 1ms or more",
            ),
            (
                RunSpec {
                    heartbeat: long,
                    ..plain()
                },
                "--heartbeat 1s 500ms is out of bounds: give whole seconds, 1s to 1h",
            ),
        ];
        for (spec, expected) in table {
            assert_eq!(said(&spec), expected);
        }
    }
}
