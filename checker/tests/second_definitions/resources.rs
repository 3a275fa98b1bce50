//! Small histories of sets and counters by chance: most clients work from what there is, some from
//! what they read before; updates get lost, fail or end in nobody knows what, and reads may lie.

use history::{Draft, Function, History, Kind as Phase, Value};
use serde_json::{Value as Json, json};

use super::WORKERS;
use super::generator::Dice;
use super::scribe::Scribe;

const KEYS: [&str; 2] = ["a", "b"];

struct Worker {
    process: u32,
    pending: Option<Pending>,
    /// What it read last of each counter.
    known: [u32; 2],
}

struct Pending {
    function: Function,
    key: usize,
    asked: Value,
    /// What it found, once it took effect.
    found: Option<Value>,
}

#[derive(Default)]
struct Resource {
    elements: Vec<Json>,
    number: Json,
}

struct World<'a> {
    dice: &'a mut Dice,
    scribe: Scribe,
    workers: Vec<Worker>,
    resources: [Resource; 2],
    keys: u32,
    /// One answer in so many is wrong.
    wrong: u32,
    /// Whether clients work from what they read before.
    is_careless: bool,
    /// Of ten updates, so many are of sets.
    sets: u32,
    next: u32,
}

pub(crate) fn history(dice: &mut Dice) -> History {
    let workers = (0..WORKERS).map(|process| Worker {
        process,
        pending: None,
        known: [0; 2],
    });
    let mut world = World {
        scribe: Scribe::default(),
        workers: workers.collect(),
        resources: <[Resource; 2]>::default(),
        keys: 1 + u32::from(dice.rarely(3)),
        wrong: [8, 40, 1_000][dice.below(3) as usize],
        is_careless: dice.rarely(3),
        sets: [0, 5, 10][dice.below(3) as usize],
        next: 0,
        dice,
    };
    for _ in 0..4 + world.dice.below(20) {
        let worker = world.dice.below(WORKERS) as usize;
        world.step(worker);
    }
    if !world.dice.rarely(3) {
        world.finish();
    }
    world.scribe.finish()
}

impl World<'_> {
    fn step(&mut self, worker: usize) {
        self.scribe.pass(self.dice.below(3));
        if let Some(pending) = self.workers[worker].pending.take() {
            return self.end(worker, pending);
        }
        let key = self.dice.below(self.keys) as usize;
        let function = match self.dice.below(10) {
            0..4 => Function::Read,
            _ if self.dice.below(10) < self.sets => Function::Add,
            _ => Function::Write,
        };
        self.begin(worker, function, key);
    }

    fn begin(&mut self, worker: usize, function: Function, key: usize) {
        let asked = match function {
            Function::Add => self.element(),
            Function::Write => self.number(worker, key),
            _ => Value::None,
        };
        self.push(worker, Phase::Invoke, &function, key, |draft| {
            draft.with(asked.clone())
        });
        let mut pending = Pending {
            function,
            key,
            asked,
            found: None,
        };
        if !self.is_careless || self.dice.rarely(2) {
            self.take_effect(&mut pending);
        }
        self.workers[worker].pending = Some(pending);
    }

    fn push(
        &mut self,
        worker: usize,
        phase: Phase,
        function: &Function,
        key: usize,
        change: impl FnOnce(Draft) -> Draft,
    ) {
        let process = self.workers[worker].process;
        self.scribe
            .tell(process, phase, (function, KEYS[key]), change);
    }

    fn element(&mut self) -> Value {
        self.next += u32::from(!self.dice.rarely(8));
        match self.dice.below(20) {
            0 => Value::data(json!("one")),
            1 => Value::data(json!([1])),
            _ => Value::data(json!(self.next)),
        }
    }

    fn number(&mut self, worker: usize, key: usize) -> Value {
        let known = match self.is_careless {
            true => self.workers[worker].known[key],
            false => whole(&self.resources[key].number),
        };
        match self.dice.below(60) {
            0 => Value::data(json!("one")),
            1 => Value::None,
            2 => Value::data(json!([1])),
            3 => Value::data(json!(f64::from(known) + 0.5)),
            4 => Value::data(json!(-1)),
            5 => Value::data(json!(known)),
            _ => Value::data(json!(known + 1)),
        }
    }

    fn take_effect(&mut self, pending: &mut Pending) {
        let resource = &mut self.resources[pending.key];
        let found = match (&pending.function, &pending.asked) {
            (Function::Add, Value::Data(element)) => {
                resource.elements.push((**element).clone());
                Value::None
            }
            (Function::Write, Value::Data(number)) => {
                resource.number = (**number).clone();
                Value::None
            }
            (Function::Read, _) => self.read(pending.key),
            _ => Value::None,
        };
        pending.found = Some(found);
    }

    fn read(&mut self, key: usize) -> Value {
        let is_wrong = self.dice.rarely(self.wrong);
        let is_set = self.dice.below(10) < self.sets;
        let resource = &self.resources[key];
        match (is_set, is_wrong) {
            _ if self.dice.rarely(15) => Value::None,
            (true, true) => Value::data(json!(resource.elements.get(1..).unwrap_or_default())),
            (true, false) if resource.elements.is_empty() => Value::None,
            (true, false) => Value::data(json!(resource.elements)),
            (false, true) => Value::data(json!(whole(&resource.number).saturating_sub(1))),
            (false, false) => Value::data(resource.number.clone()),
        }
    }

    fn end(&mut self, worker: usize, mut pending: Pending) {
        let (function, key) = (pending.function.clone(), pending.key);
        if self.dice.rarely(12) {
            self.push(worker, Phase::Info, &function, key, |draft| draft);
            self.workers[worker].process += WORKERS;
            return;
        }
        if pending.found.is_none() && self.dice.rarely(6) {
            let observed = self.dice.rarely(2);
            return self.push(worker, Phase::Fail, &function, key, |draft| {
                let draft = draft.because("busy", "");
                if observed { draft.observed() } else { draft }
            });
        }
        if pending.found.is_none() {
            self.take_effect(&mut pending);
        }
        let value = match function {
            Function::Read => pending.found.unwrap_or_default(),
            _ if self.dice.rarely(2) => Value::None,
            _ => pending.asked,
        };
        if let Value::Data(number) = &value {
            self.workers[worker].known[key] = whole(number);
        }
        self.push(worker, Phase::Ok, &function, key, |draft| draft.with(value));
    }

    /// Everything ends, and is read.
    fn finish(&mut self) {
        for worker in 0..WORKERS as usize {
            if let Some(pending) = self.workers[worker].pending.take() {
                self.end(worker, pending);
            }
        }
        for key in 0..self.keys as usize {
            for _ in 0..1 + self.dice.below(2) {
                self.begin(0, Function::Read, key);
                self.step(0);
            }
        }
    }
}

/// The number without its fraction; 0 where it is none.
fn whole(number: &Json) -> u32 {
    number
        .as_f64()
        .filter(|number| *number >= 0.0)
        .map_or(0, |number| number as u32)
}
