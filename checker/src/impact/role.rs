//! What a target was about when it was struck.

use history::Function;
use history::fault::Role;

use super::Scene;
use crate::position::Position;

impl Scene<'_> {
    /// What a process was about at the injection of a fault.
    pub(super) fn role(&self, process: u32, inject: Position) -> Role {
        let under_way = self.under_way(process, inject);
        let function = under_way.map(|place| &self.case.history.events()[place].function);
        match function {
            Some(Function::Acquire) if self.is_another_believed(process, under_way, inject) => {
                Role::Waiter
            }
            Some(Function::Acquire) => Role::Acquiring,
            Some(Function::Verify) => Role::Verifying,
            Some(Function::Release) => Role::Releasing,
            Some(function) if function.is_administration() => Role::Administrator,
            _ if self.believes(process, inject) => Role::Holder,
            _ => Role::Idle,
        }
    }

    /// Where the operation of a process was invoked that was under way at a position.
    fn under_way(&self, process: u32, at: Position) -> Option<usize> {
        let worker = self.case.scope.worker(process);
        let mut sessions = self.sessions.get(&worker)?.meeting(at, at);
        let session = sessions.find(|session| session.process == process)?;
        session.under_way(at)
    }

    fn believes(&self, process: u32, at: Position) -> bool {
        let beliefs = self.beliefs.get(&process);
        beliefs.is_some_and(|beliefs| beliefs.meeting(at, at).next().is_some())
    }

    /// Whether another process believed in a hold of the lock that an operation is about.
    fn is_another_believed(&self, process: u32, invoke: Option<usize>, at: Position) -> bool {
        let event = invoke.map(|place| &self.case.history.events()[place]);
        let Some(event) = event else {
            return false;
        };
        let mut locks = self.case.locks.iter();
        let place = locks.position(|lock| lock.key == event.key);
        place.is_some_and(|place| {
            let mut others = self.believers[place].meeting(at, at);
            others.any(|other| *other != process)
        })
    }
}
