//! How long operations take where nothing is broken.

use history::fault::Window;
use history::{Function, History, Kind, Process};
use rustc_hash::FxHashMap;

use crate::position::{Position, position};

/// The longest time that an operation of each function took of which no moment lies in a window.
#[derive(Default)]
pub(super) struct Usual<'a>(FxHashMap<&'a Function, u64>);

impl<'a> Usual<'a> {
    /// That of the operations which had ended before the last phase.
    pub(super) fn of(history: &'a History, settle: Position) -> Self {
        let broken = Broken::of(&history.windows());
        let mut usual = Self::default();
        for (invoke, event) in history.events().iter().enumerate() {
            if event.kind != Kind::Invoke || !matches!(event.process, Process::Client(_)) {
                continue;
            }
            let ended = history
                .partner(invoke)
                .filter(|end| position(*end) < settle);
            let Some(end) = ended.filter(|end| !broken.meets(invoke, *end)) else {
                continue;
            };
            let took_ns = history.events()[end].time - event.time;
            let longest = usual.0.entry(&event.function).or_default();
            *longest = took_ns.max(*longest);
        }
        usual
    }

    /// Whether an operation of a function that took so long took longer than twice any that nothing
    /// disturbed; not, where there was none. Of many some take longer than the longest of a few.
    pub(super) fn is_exceeded(&self, function: &Function, took_ns: u64) -> bool {
        let usual_ns = self.0.get(function);
        usual_ns.is_some_and(|usual_ns| took_ns > usual_ns.saturating_mul(2))
    }
}

/// Where something is broken: stretches of the record that do not meet, in their order.
struct Broken(Vec<(usize, usize)>);

impl Broken {
    fn of(windows: &[Window]) -> Self {
        let mut stretches: Vec<(usize, usize)> = Vec::new();
        for window in windows {
            let end = window.healed.or(window.heal).unwrap_or(usize::MAX);
            match stretches.last_mut() {
                Some((_, last)) if window.inject <= *last => *last = end.max(*last),
                _ => stretches.push((window.inject, end)),
            }
        }
        Self(stretches)
    }

    fn meets(&self, from: usize, until: usize) -> bool {
        let next = self.0.partition_point(|(_, end)| *end < from);
        self.0.get(next).is_some_and(|(begin, _)| *begin < until)
    }
}
