//! What frames would be on a real wire: the methods of AMQP by their names, and about how many bytes
//! they take.

use std::collections::{BTreeMap, VecDeque};

use super::frame::{
    ChannelId, ClientFrame, Method, Refusal, Reply, Segment, ServerFrame, Settlement, Verdict,
};
use super::network::Direction;

/// A name as AMQP has it; none of what is no method.
pub(super) type Name = Option<&'static str>;

/// Type, channel and size of a frame, and its end.
const FRAME: usize = 8;
/// That of a method without arguments: its class and number, too.
const METHOD: usize = FRAME + 4;
/// The header of a content with the properties that our client sets, and the frame of its body.
const CONTENT: usize = FRAME + 15 + FRAME;
/// About what both ends say of themselves, lapin and RabbitMQ.
const CLIENT_PROPERTIES: usize = 400;
const SERVER_PROPERTIES: usize = 500;
/// An argument of a declaration: its name, its type and its value.
const ARGUMENT: usize = 20;

/// The methods that clients send, and what answers them.
const ASKED: &[(&str, Name)] = &[
    ("connection.start-ok", None),
    ("connection.tune-ok", None),
    ("connection.open", Some("connection.open-ok")),
    ("connection.close", Some("connection.close-ok")),
    ("channel.open", Some("channel.open-ok")),
    ("channel.close", Some("channel.close-ok")),
    ("channel.close-ok", None),
    ("queue.declare", Some("queue.declare-ok")),
    ("queue.delete", Some("queue.delete-ok")),
    ("queue.purge", Some("queue.purge-ok")),
    ("confirm.select", Some("confirm.select-ok")),
    ("basic.publish", None),
    ("basic.get", Some("basic.get-ok")),
    ("basic.ack", None),
    ("basic.nack", None),
    ("basic.reject", None),
    ("basic.qos", Some("basic.qos-ok")),
    ("basic.consume", Some("basic.consume-ok")),
    ("basic.cancel", Some("basic.cancel-ok")),
    ("tx.select", Some("tx.select-ok")),
    ("tx.commit", Some("tx.commit-ok")),
    ("tx.rollback", Some("tx.rollback-ok")),
];

/// What the server sends besides answers.
const UNASKED: &[&str] = &[
    "connection.start",
    "connection.tune",
    "connection.blocked",
    "connection.unblocked",
    "connection.close",
    "channel.close",
    "basic.get-empty",
    "basic.deliver",
    "basic.return",
    "basic.cancel",
    "basic.ack",
    "basic.nack",
];

/// Whether the simulation has a method of that name that goes that way.
pub(super) fn goes(name: &str, direction: Direction) -> bool {
    match direction {
        Direction::Up => ASKED.iter().any(|(asked, _)| *asked == name),
        Direction::Down => {
            UNASKED.contains(&name) || ASKED.iter().any(|(_, answer)| *answer == Some(name))
        }
    }
}

/// The answers that each channel still waits for: the frame of an answer does not say to what it
/// is one.
#[derive(Debug, Default)]
pub(super) struct Answers(BTreeMap<ChannelId, VecDeque<Name>>);

impl Answers {
    /// The name of what a client sends.
    pub(super) fn asked(&mut self, segment: &Segment<ClientFrame>) -> Name {
        let Segment::Frame(frame) = segment else {
            return None;
        };
        let name = asked(frame)?;
        if let ClientFrame::Channel(channel, method) = frame {
            let waits = self.0.entry(*channel).or_default();
            if matches!(method, Method::Open | Method::CloseOk) {
                waits.clear();
            }
            let answer = ASKED.iter().find(|(asked, _)| *asked == name)?.1;
            if answer.is_some() {
                waits.push_back(answer);
            }
        }
        Some(name)
    }

    /// The name of what the server sends.
    pub(super) fn answered(&mut self, segment: &Segment<ServerFrame>) -> Name {
        let Segment::Frame(frame) = segment else {
            return None;
        };
        match frame {
            ServerFrame::Start => Some("connection.start"),
            ServerFrame::Tune { .. } => Some("connection.tune"),
            ServerFrame::OpenOk => Some("connection.open-ok"),
            ServerFrame::Heartbeat => None,
            ServerFrame::Blocked(_) => Some("connection.blocked"),
            ServerFrame::Unblocked => Some("connection.unblocked"),
            ServerFrame::Close(_) => Some("connection.close"),
            ServerFrame::CloseOk => Some("connection.close-ok"),
            ServerFrame::Channel(channel, reply) => self.reply(*channel, reply),
        }
    }

    fn reply(&mut self, channel: ChannelId, reply: &Reply) -> Name {
        let mut answer = || self.0.get_mut(&channel)?.pop_front()?;
        match reply {
            Reply::Done
            | Reply::Declared(_)
            | Reply::Removed(_)
            | Reply::Got(Some(_))
            | Reply::Consuming(_)
            | Reply::CloseOk => answer(),
            Reply::Got(None) => answer().and(Some("basic.get-empty")),
            Reply::Deliver(..) => Some("basic.deliver"),
            Reply::Cancelled(_) => Some("basic.cancel"),
            Reply::Returned(_) => Some("basic.return"),
            Reply::Confirmed { ack: true, .. } => Some("basic.ack"),
            Reply::Confirmed { ack: false, .. } => Some("basic.nack"),
            Reply::Closed(_) => Some("channel.close"),
        }
    }
}

fn asked(frame: &ClientFrame) -> Name {
    let name = match frame {
        ClientFrame::Header | ClientFrame::Heartbeat => return None,
        ClientFrame::StartOk { .. } => "connection.start-ok",
        ClientFrame::TuneOk { .. } => "connection.tune-ok",
        ClientFrame::Open { .. } => "connection.open",
        ClientFrame::Close => "connection.close",
        ClientFrame::Channel(_, method) => match method {
            Method::Open => "channel.open",
            Method::Close => "channel.close",
            Method::CloseOk => "channel.close-ok",
            Method::Declare(..) => "queue.declare",
            Method::Delete(..) => "queue.delete",
            Method::Purge(_) => "queue.purge",
            Method::ConfirmSelect => "confirm.select",
            Method::Publish(..) => "basic.publish",
            Method::Get { .. } => "basic.get",
            Method::Settle(settlement) => settled(*settlement),
            Method::Qos(_) => "basic.qos",
            Method::Consume(..) => "basic.consume",
            Method::Cancel(_) => "basic.cancel",
            Method::TxSelect => "tx.select",
            Method::TxCommit => "tx.commit",
            Method::TxRollback => "tx.rollback",
        },
    };
    Some(name)
}

/// To refuse one delivery is a reject here, whichever of the two methods the client chose.
fn settled(settlement: Settlement) -> &'static str {
    match settlement {
        Settlement {
            verdict: Verdict::Ack,
            ..
        } => "basic.ack",
        Settlement { multiple: true, .. } => "basic.nack",
        _ => "basic.reject",
    }
}

/// About how many bytes a segment of a client takes; its end takes none.
pub(super) fn bytes_up(segment: &Segment<ClientFrame>) -> u64 {
    let Segment::Frame(frame) = segment else {
        return 0;
    };
    let bytes = match frame {
        ClientFrame::Header | ClientFrame::Heartbeat => FRAME,
        ClientFrame::StartOk { user, password } => {
            METHOD + CLIENT_PROPERTIES + user.len() + password.len()
        }
        ClientFrame::TuneOk { .. } => METHOD + 8,
        ClientFrame::Open { vhost, .. } => METHOD + 3 + vhost.len(),
        ClientFrame::Close => METHOD + 9,
        ClientFrame::Channel(_, method) => METHOD + arguments(method),
    };
    bytes as u64
}

fn arguments(method: &Method) -> usize {
    match method {
        Method::Open => 1,
        Method::Close => 9,
        Method::CloseOk | Method::TxSelect | Method::TxCommit | Method::TxRollback => 0,
        Method::Declare(queue, options) => {
            let arguments = usize::from(options.expires.is_some())
                + usize::from(options.message_ttl.is_some())
                + usize::from(options.max_length.is_some())
                + usize::from(options.overflow.is_some())
                + usize::from(options.single_active_consumer);
            8 + queue.len() + arguments * ARGUMENT
        }
        Method::Delete(queue, _) | Method::Purge(queue) | Method::Get { queue, .. } => {
            4 + queue.len()
        }
        Method::ConfirmSelect => 1,
        Method::Publish(queue, publish) => 5 + queue.len() + CONTENT + publish.body.len(),
        Method::Settle(_) => 9,
        Method::Qos(_) => 7,
        Method::Consume(queue, options) => {
            let arguments = usize::from(options.priority.is_some());
            9 + queue.len() + options.tag.len() + arguments * ARGUMENT
        }
        Method::Cancel(tag) => 2 + tag.len(),
    }
}

/// About how many bytes a segment of the server takes.
pub(super) fn bytes_down(segment: &Segment<ServerFrame>) -> u64 {
    let Segment::Frame(frame) = segment else {
        return 0;
    };
    let closed = |Refusal { text, .. }: &Refusal| 7 + text.len();
    let bytes = match frame {
        ServerFrame::Start => METHOD + SERVER_PROPERTIES,
        ServerFrame::Tune { .. } => METHOD + 8,
        ServerFrame::OpenOk => METHOD + 1,
        ServerFrame::Heartbeat => FRAME,
        ServerFrame::Blocked(reason) => METHOD + 1 + reason.len(),
        ServerFrame::Unblocked | ServerFrame::CloseOk => METHOD,
        ServerFrame::Close(refusal) => METHOD + closed(refusal),
        ServerFrame::Channel(_, reply) => {
            METHOD
                + match reply {
                    Reply::Done | Reply::CloseOk => 0,
                    Reply::Declared(status) => 9 + status.name.len(),
                    Reply::Removed(_) => 4,
                    Reply::Got(None) => 1,
                    Reply::Got(Some(message)) => 16 + CONTENT + message.body.len(),
                    Reply::Consuming(tag) => 1 + tag.len(),
                    Reply::Deliver(tag, message) => 13 + tag.len() + CONTENT + message.body.len(),
                    Reply::Cancelled(tag) => 2 + tag.len(),
                    Reply::Returned(refusal) => closed(refusal) + CONTENT,
                    Reply::Confirmed { .. } => 9,
                    Reply::Closed(refusal) => closed(refusal),
                }
        }
    };
    bytes as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_called_by_what_was_asked() {
        let mut answers = Answers::default();
        let mut ask =
            |channel, method| answers.asked(&Segment::Frame(ClientFrame::Channel(channel, method)));
        assert_eq!(ask(1, Method::TxSelect), Some("tx.select"));
        assert_eq!(ask(2, Method::Purge("a".into())), Some("queue.purge"));
        assert_eq!(ask(1, Method::Qos(1)), Some("basic.qos"));
        let mut answer = |channel, reply| {
            answers.answered(&Segment::Frame(ServerFrame::Channel(channel, reply)))
        };
        assert_eq!(answer(1, Reply::Done), Some("tx.select-ok"));
        assert_eq!(answer(2, Reply::Removed(1)), Some("queue.purge-ok"));
        assert_eq!(
            answer(1, Reply::Cancelled("t".into())),
            Some("basic.cancel")
        );
        assert_eq!(answer(1, Reply::Done), Some("basic.qos-ok"));
    }

    #[test]
    fn what_waits_for_an_answer_is_forgotten_with_its_channel() {
        let mut answers = Answers::default();
        for method in [Method::TxSelect, Method::Open] {
            answers.asked(&Segment::Frame(ClientFrame::Channel(1, method)));
        }
        let done = Segment::Frame(ServerFrame::Channel(1, Reply::Done));
        assert_eq!(answers.answered(&done), Some("channel.open-ok"));
    }

    #[test]
    fn names_go_where_they_go() {
        for (name, up, down) in [
            ("queue.declare", true, false),
            ("queue.declare-ok", false, true),
            ("basic.ack", true, true),
            ("basic.get-empty", false, true),
            ("exchange.declare", false, false),
        ] {
            assert_eq!(goes(name, Direction::Up), up, "{name}");
            assert_eq!(goes(name, Direction::Down), down, "{name}");
        }
    }

    #[test]
    fn a_heartbeat_takes_eight_bytes_and_a_body_its_own() {
        assert_eq!(bytes_up(&Segment::Frame(ClientFrame::Heartbeat)), 8);
        assert_eq!(bytes_down(&Segment::Fin), 0);
        let publish = |len| {
            let publish = locks::broker::Publish {
                body: vec![0; len],
                ..Default::default()
            };
            let method = Method::Publish("queue".into(), publish);
            bytes_up(&Segment::Frame(ClientFrame::Channel(1, method)))
        };
        assert_eq!(publish(1000) - publish(0), 1000);
    }
}
