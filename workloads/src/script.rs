//! A client that does what it is told, at the time at which it is told to: for schedules that were
//! shrunk to what matters.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use history::Function;

use crate::{Client, Feedback, Step};

/// One operation of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueOperation {
    /// When it is due, since the run began.
    pub at: Duration,
    /// The operation.
    pub function: Function,
    /// The lock.
    pub key: Arc<str>,
}

/// A client that does these one after the other and nothing else. It leaves out what no client in
/// its senses would do: to ask for a lock while it holds one, and to verify or release what it does
/// not hold.
#[must_use]
pub fn script(lines: impl IntoIterator<Item = DueOperation>) -> Box<dyn Client> {
    Box::new(Script {
        lines: lines.into_iter().collect(),
        doing: Doing::Nothing,
        held: None,
    })
}

struct Script {
    lines: VecDeque<DueOperation>,
    doing: Doing,
    held: Option<Arc<str>>,
}

/// What the step that was handed out last was for.
enum Doing {
    Nothing,
    /// The first line was waited for.
    Waiting,
    Acquiring(Arc<str>),
    Releasing,
}

impl Client for Script {
    fn next(&mut self, last: Feedback) -> Step {
        let doing = std::mem::replace(&mut self.doing, Doing::Nothing);
        // A loss notification, or the end of a session, cuts a wait short: then it begins again.
        let is_due = matches!(doing, Doing::Waiting) && last == Feedback::Ready;
        self.learn(doing, last);
        if is_due && let Some(line) = self.lines.pop_front() {
            return self.invoke(line);
        }
        self.wait()
    }

    fn finish(&mut self) {
        self.lines.clear();
    }
}

impl Script {
    fn learn(&mut self, doing: Doing, last: Feedback) {
        match (doing, last) {
            (_, Feedback::Lost) | (Doing::Releasing, _) => self.held = None,
            (Doing::Acquiring(key), Feedback::Ok) => self.held = Some(key),
            _ => {}
        }
    }

    fn wait(&mut self) -> Step {
        while let Some(line) = self.lines.front() {
            if self.makes_sense(line) {
                self.doing = Doing::Waiting;
                return Step::Until(line.at);
            }
            self.lines.pop_front();
        }
        Step::Done
    }

    fn makes_sense(&self, line: &DueOperation) -> bool {
        match line.function {
            Function::Acquire => self.held.is_none(),
            _ => self.held.as_ref() == Some(&line.key),
        }
    }

    fn invoke(&mut self, line: DueOperation) -> Step {
        match line.function {
            Function::Acquire => self.doing = Doing::Acquiring(line.key.clone()),
            Function::Release => self.doing = Doing::Releasing,
            _ => {}
        }
        Step::Invoke(line.function, line.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_waited_for_and_done_once() {
        let at = Duration::from_secs;
        let line = |seconds, function| DueOperation {
            at: at(seconds),
            function,
            key: "k".into(),
        };
        let mut client = script([line(1, Function::Acquire), line(5, Function::Release)]);
        assert_eq!(client.next(Feedback::Ready), Step::Until(at(1)));
        let acquire = Step::Invoke(Function::Acquire, "k".into());
        assert_eq!(client.next(Feedback::Ready), acquire);
        assert_eq!(client.next(Feedback::Ok), Step::Until(at(5)));
        let release = Step::Invoke(Function::Release, "k".into());
        assert_eq!(client.next(Feedback::Ready), release);
        assert_eq!(client.next(Feedback::Fail), Step::Done);
    }

    #[test]
    fn what_makes_no_sense_is_left_out() {
        let line = |function| DueOperation {
            at: Duration::ZERO,
            function,
            key: "k".into(),
        };
        let (acquire, verify) = (line(Function::Acquire), line(Function::Verify));
        let mut client = script([
            verify.clone(),
            acquire.clone(),
            acquire.clone(),
            verify.clone(),
            verify,
            acquire,
        ]);
        let mut invoked = Vec::new();
        let mut last = Feedback::Ready;
        for _ in 0..20 {
            last = match client.next(last) {
                Step::Invoke(function, _) => {
                    invoked.push(function);
                    // The lock is lost with the first verify.
                    if invoked.len() == 2 {
                        Feedback::Lost
                    } else {
                        Feedback::Ok
                    }
                }
                _ => Feedback::Ready,
            };
        }
        use Function::{Acquire, Verify};
        assert_eq!(invoked, [Acquire, Verify, Acquire]);
    }

    #[test]
    fn a_wait_that_was_cut_short_begins_again() {
        let line = DueOperation {
            at: Duration::from_secs(5),
            function: Function::Acquire,
            key: "k".into(),
        };
        let mut client = script([line.clone()]);
        assert_eq!(client.next(Feedback::Ready), Step::Until(line.at));
        assert_eq!(client.next(Feedback::Lost), Step::Until(line.at));
        let acquire = Step::Invoke(Function::Acquire, "k".into());
        assert_eq!(client.next(Feedback::Ready), acquire);
    }

    #[test]
    fn nothing_is_done_after_the_finish() {
        let line = DueOperation {
            at: Duration::ZERO,
            function: Function::Acquire,
            key: "k".into(),
        };
        let mut client = script([line]);
        client.finish();
        assert_eq!(client.next(Feedback::Ready), Step::Done);
    }
}
