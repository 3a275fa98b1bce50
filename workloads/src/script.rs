//! A client that does what it is told, at the time at which it is told to: for schedules that were
//! shrunk to what matters.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use history::{Function, Value};

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
    /// The slots that it is about, where it is administrative.
    pub slots: Vec<u32>,
}

/// A client that does these one after the other and nothing else. It leaves out what no client in
/// its senses would do: to ask for a lock while it holds one, to verify or release what it does not
/// hold, and to write without having read just before, under the lock. It writes the next number
/// after the one that it read.
#[must_use]
pub fn script(lines: impl IntoIterator<Item = DueOperation>) -> Box<dyn Client> {
    Box::new(Script {
        lines: lines.into_iter().collect(),
        doing: Doing::Nothing,
        held: None,
        read: None,
    })
}

struct Script {
    lines: VecDeque<DueOperation>,
    doing: Doing,
    held: Option<Arc<str>>,
    /// The number that was read under the lock.
    read: Option<u64>,
}

/// What the step that was handed out last was for.
enum Doing {
    Nothing,
    /// The first line was waited for.
    Waiting,
    Acquiring(Arc<str>),
    Reading,
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

    fn told(&mut self, value: &Value) {
        if let (Doing::Reading, Value::Data(json)) = (&self.doing, value) {
            self.read = json.as_u64().filter(|_| self.held.is_some());
        }
    }

    fn finish(&mut self) {
        self.lines.clear();
    }
}

impl Script {
    fn learn(&mut self, doing: Doing, last: Feedback) {
        match (doing, last) {
            (_, Feedback::Lost) | (Doing::Releasing, _) => {
                self.held = None;
                self.read = None;
            }
            (Doing::Acquiring(key), Feedback::Ok) => self.held = Some(key),
            _ => {}
        }
    }

    fn wait(&mut self) -> Step {
        while let Some(line) = self.lines.front() {
            if self.makes_sense(line) {
                self.doing = Doing::Waiting;
                // Who is about to write is at work, and hears of nothing.
                return match line.function {
                    Function::Write => Step::WorkUntil(line.at),
                    _ => Step::Until(line.at),
                };
            }
            self.lines.pop_front();
        }
        Step::Done
    }

    fn makes_sense(&self, line: &DueOperation) -> bool {
        let is_held = self.held.as_ref() == Some(&line.key);
        match line.function {
            Function::Acquire => self.held.is_none(),
            Function::Verify | Function::Release => is_held,
            Function::Write => is_held && self.read.is_some(),
            _ => true,
        }
    }

    fn invoke(&mut self, line: DueOperation) -> Step {
        match line.function {
            Function::Acquire => self.doing = Doing::Acquiring(line.key.clone()),
            Function::Release => self.doing = Doing::Releasing,
            Function::Read => self.doing = Doing::Reading,
            Function::Write => {
                // What was read is out of date once something was written.
                let next = self.read.take().map_or(0, |number| number + 1);
                let value = Value::data(next.into());
                return Step::InvokeWith(line.function, line.key, value);
            }
            _ if !line.slots.is_empty() => {
                return Step::InvokeWith(line.function, line.key, Value::Slots(line.slots));
            }
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
            slots: Vec::new(),
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
            slots: Vec::new(),
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
            slots: Vec::new(),
        };
        let mut client = script([line.clone()]);
        assert_eq!(client.next(Feedback::Ready), Step::Until(line.at));
        assert_eq!(client.next(Feedback::Lost), Step::Until(line.at));
        let acquire = Step::Invoke(Function::Acquire, "k".into());
        assert_eq!(client.next(Feedback::Ready), acquire);
    }

    #[test]
    fn what_is_written_is_the_next_number_after_the_one_that_was_read_under_the_lock() {
        let line = |function| DueOperation {
            at: Duration::ZERO,
            function,
            key: "k".into(),
            slots: Vec::new(),
        };
        use Function::{Acquire, Read, Release, Write};
        let mut client = script(
            [
                Read, Write, Acquire, Write, Read, Write, Write, Release, Write,
            ]
            .map(line),
        );
        let mut invoked = Vec::new();
        let mut last = Feedback::Ready;
        for _ in 0..20 {
            last = match client.next(last) {
                Step::Invoke(Read, _) => {
                    client.told(&Value::data(7.into()));
                    Feedback::Ok
                }
                Step::InvokeWith(function, _, value) => {
                    invoked.push((function, value));
                    Feedback::Ok
                }
                Step::Invoke(..) => Feedback::Ok,
                _ => Feedback::Ready,
            };
        }
        assert_eq!(invoked, [(Write, Value::data(8.into()))]);
    }

    #[test]
    fn administrative_operations_carry_their_slots() {
        let line = DueOperation {
            at: Duration::ZERO,
            function: Function::Create,
            key: "k".into(),
            slots: vec![1, 2],
        };
        let mut client = script([line]);
        client.next(Feedback::Ready);
        let create = Step::InvokeWith(Function::Create, "k".into(), Value::Slots(vec![1, 2]));
        assert_eq!(client.next(Feedback::Ready), create);
    }

    #[test]
    fn nothing_is_done_after_the_finish() {
        let line = DueOperation {
            at: Duration::ZERO,
            function: Function::Acquire,
            key: "k".into(),
            slots: Vec::new(),
        };
        let mut client = script([line]);
        client.finish();
        assert_eq!(client.next(Feedback::Ready), Step::Done);
    }
}
