//! How three nodes are cut apart.

use history::fault::{Link, Parameters};
use serde_json::Value;

use crate::{Form, Parameter, Strike, SystemError, Worker};

/// So many nodes has a cluster.
const NODES: u32 = 3;

/// Which node of a cluster is meant.
pub(crate) const NODE: Parameter = Parameter {
    name: "node",
    summary: "which node, counted from 0",
    form: Form::Word(&["0", "1", "2"]),
    default: "0",
};

/// How the nodes are cut apart.
pub(crate) const SHAPE: Parameter = Parameter {
    name: "shape",
    summary: "one is cut off from both others; bridge: only it sees both others; one-way: what it sends to the next is lost; apart: each is alone; ring: each hears the next alone",
    form: Form::Word(&["one", "bridge", "one-way", "apart", "ring"]),
    default: "one",
};

/// How three nodes are cut apart. Halves and a single node are the same of three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A node is alone, the other two see each other.
    One(u32),
    /// A node sees both others, and those do not see each other.
    Bridge(u32),
    /// What a node sends to the next one is lost, and nothing else.
    OneWay(u32),
    /// Each is alone.
    Apart,
    /// Each hears the one behind it, and not the one before: no two agree on who is there.
    Ring,
}

impl Shape {
    /// What a strike's parameters say.
    ///
    /// # Errors
    /// They say nothing of it: the plan that was played was not checked.
    pub(crate) fn of(strike: &Strike<'_>) -> Result<Self, SystemError> {
        let node = node(strike)?;
        Ok(match strike.word(SHAPE.name)? {
            "bridge" => Self::Bridge(node),
            "one-way" => Self::OneWay(node),
            "apart" => Self::Apart,
            "ring" => Self::Ring,
            _ => Self::One(node),
        })
    }

    /// The links over which nothing passes.
    pub(crate) fn links(self) -> Vec<Link> {
        let all = (0..NODES).flat_map(|from| (0..NODES).map(move |to| Link { from, to }));
        let others = all.filter(|link| link.from != link.to);
        others.filter(|link| self.cuts(*link)).collect()
    }

    fn cuts(self, link: Link) -> bool {
        let touches = |node| link.from == node || link.to == node;
        let is_onward = link.to == (link.from + 1) % NODES;
        match self {
            Self::One(node) => touches(node),
            Self::Bridge(node) => !touches(node),
            Self::OneWay(node) => link.from == node && is_onward,
            Self::Apart => true,
            Self::Ring => is_onward,
        }
    }
}

/// The node that a strike's parameters name.
///
/// # Errors
/// They name none: the plan that was played was not checked.
pub(crate) fn node(strike: &Strike<'_>) -> Result<u32, SystemError> {
    let word = strike.word(NODE.name)?;
    let unreadable = |_| SystemError(format!("\"{word}\" is no node").into());
    word.parse().map_err(unreadable)
}

/// The workers, of so many, that are clients of the node that parameters name; all where it has
/// none, since what happens to it may concern anybody.
pub(crate) fn clients_of(parameters: &Parameters, workers: usize) -> Vec<Worker> {
    let node = parameters.get(NODE.name).and_then(Value::as_str);
    let node = node.and_then(|node| node.parse().ok()).unwrap_or(0);
    let own: Vec<Worker> = (node..workers).step_by(NODES as usize).collect();
    match own[..] {
        [] => (0..workers).collect(),
        _ => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shape_of_three_is_another() {
        let links = |shape: Shape| -> Vec<[u32; 2]> {
            shape.links().into_iter().map(<[u32; 2]>::from).collect()
        };
        assert_eq!(links(Shape::One(0)), [[0, 1], [0, 2], [1, 0], [2, 0]]);
        assert_eq!(links(Shape::Bridge(1)), [[0, 2], [2, 0]]);
        assert_eq!(links(Shape::OneWay(2)), [[2, 0]]);
        assert_eq!(links(Shape::Apart).len(), 6);
        assert_eq!(links(Shape::Ring), [[0, 1], [1, 2], [2, 0]]);
    }

    #[test]
    fn workers_are_clients_of_the_nodes_in_turns() {
        let clients = |node: &str, workers| {
            let parameters = Parameters::from([("node".to_owned(), node.into())]);
            clients_of(&parameters, workers)
        };
        assert_eq!(clients("0", 5), [0, 3]);
        assert_eq!(clients("2", 5), [2]);
        assert_eq!(clients("2", 2), [0, 1]);
    }
}
