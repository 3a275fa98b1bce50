//! Where the frames of one direction of a connection begin and end.

use crate::toxic::Stream;

/// What a client sends first.
const PROTOCOL_HEADER: &[u8] = b"AMQP\x00\x00\x09\x01";
/// What a server sends first: the class and the method of `connection.start`.
const CONNECTION_START: (u16, u16) = (10, 10);

const METHOD: u8 = 1;
const HEADER: u8 = 2;
const BODY: u8 = 3;
const HEARTBEAT: u8 = 8;
const FRAME_END: u8 = 0xCE;

/// Type, channel and size of a frame.
const FRAME_HEADER: usize = 7;
/// As much of a payload as names a method, or tells the length of a content: class, weight, size.
const PAYLOAD_HEAD: usize = 12;

/// Follows the bytes of one direction from the connection's first one on. What is not AMQP, or
/// stops to be, has no frames.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frames(Place);

#[derive(Clone, Copy, Debug)]
enum Place {
    /// Behind so many bytes of the protocol header.
    Greeting(usize),
    /// Within a frame, or between two.
    Frame(Begun),
    /// Nothing that is read here.
    Foreign,
}

/// A frame as far as it was seen; not at all where `seen` is 0.
#[derive(Clone, Copy, Debug)]
struct Begun {
    head: [u8; FRAME_HEADER + PAYLOAD_HEAD],
    seen: u64,
    /// It is the server's first one.
    opens: bool,
}

/// A frame that was seen to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) channel: u16,
    pub(crate) content: FrameContent,
}

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameContent {
    /// A method: its class and its number in that.
    Method((u16, u16)),
    /// The beginning of a content that has so many bytes.
    Header(u64),
    /// So many bytes of a content.
    Body(u64),
    Heartbeat,
}

impl Frames {
    /// From the first byte of a connection on.
    pub(crate) fn new(stream: Stream) -> Self {
        Self(match stream {
            Stream::Upstream => Place::Greeting(0),
            Stream::Downstream => Place::Frame(Begun {
                opens: true,
                ..Begun::NOTHING
            }),
        })
    }

    /// Of what has none.
    pub(crate) fn none() -> Self {
        Self(Place::Foreign)
    }

    /// Reads on, to the end of a frame at the most: how many bytes, and the frame if that was its
    /// end.
    pub(crate) fn read(&mut self, data: &[u8]) -> (usize, Option<Frame>) {
        match &mut self.0 {
            Place::Foreign => (data.len(), None),
            Place::Greeting(seen) => {
                let rest = &PROTOCOL_HEADER[*seen..];
                let bytes = rest.len().min(data.len());
                *seen += bytes;
                if data[..bytes] != rest[..bytes] {
                    self.0 = Place::Foreign;
                } else if *seen == PROTOCOL_HEADER.len() {
                    self.0 = Place::Frame(Begun::NOTHING);
                }
                (bytes, None)
            }
            Place::Frame(begun) => match begun.read(data) {
                Ok(read) => read,
                Err(NoFrame) => {
                    self.0 = Place::Foreign;
                    (data.len(), None)
                }
            },
        }
    }

    /// Reads on to the end of `data`.
    pub(crate) fn skip(&mut self, mut data: &[u8]) {
        while !data.is_empty() {
            data = &data[self.read(data).0..];
        }
    }

    /// Whether it stands between two frames, or where there are none.
    pub(crate) fn is_between(&self) -> bool {
        !matches!(self.0, Place::Frame(Begun { seen: 1.., .. }))
    }

    /// Whether a heartbeat begins with this byte.
    pub(crate) fn begins_heartbeat(&self, next: u8) -> bool {
        matches!(self.0, Place::Frame(Begun { seen: 0, .. })) && next == HEARTBEAT
    }
}

/// What comes is not AMQP.
struct NoFrame;

impl Begun {
    const NOTHING: Self = Self {
        head: [0; FRAME_HEADER + PAYLOAD_HEAD],
        seen: 0,
        opens: false,
    };

    fn read(&mut self, data: &[u8]) -> Result<(usize, Option<Frame>), NoFrame> {
        let mut read = self.fill(data, FRAME_HEADER);
        let known = matches!(self.head[0], METHOD | HEADER | BODY | HEARTBEAT);
        if !known || (self.opens && self.head[0] != METHOD) {
            return Err(NoFrame);
        }
        if self.seen < FRAME_HEADER as u64 {
            return Ok((read, None));
        }
        read += self.fill(&data[read..], FRAME_HEADER + self.size().min(PAYLOAD_HEAD));
        let left = (FRAME_HEADER + self.size() + 1) as u64 - self.seen;
        let skipped =
            usize::try_from(left).map_or(data.len() - read, |left| left.min(data.len() - read));
        read += skipped;
        self.seen += skipped as u64;
        if (skipped as u64) < left {
            return Ok((read, None));
        }
        let frame = self.whole()?;
        if data[read - 1] != FRAME_END {
            return Err(NoFrame);
        }
        *self = Self::NOTHING;
        Ok((read, Some(frame)))
    }

    /// Takes the head of a frame up to its first `most` bytes.
    fn fill(&mut self, data: &[u8], most: usize) -> usize {
        let seen = usize::try_from(self.seen).unwrap_or(usize::MAX);
        let bytes = most.saturating_sub(seen).min(data.len());
        if bytes > 0 {
            self.head[seen..seen + bytes].copy_from_slice(&data[..bytes]);
            self.seen += bytes as u64;
        }
        bytes
    }

    fn size(&self) -> usize {
        u32::from_be_bytes([self.head[3], self.head[4], self.head[5], self.head[6]]) as usize
    }

    fn whole(&self) -> Result<Frame, NoFrame> {
        let word = |at: usize| u16::from_be_bytes([self.head[at], self.head[at + 1]]);
        let payload = FRAME_HEADER;
        let method = (word(payload), word(payload + 2));
        let content = match (self.head[0], self.size()) {
            (METHOD, 4..) => FrameContent::Method(method),
            (HEADER, PAYLOAD_HEAD..) => {
                let size = self.head[payload + 4..].try_into().map_err(|_| NoFrame)?;
                FrameContent::Header(u64::from_be_bytes(size))
            }
            (BODY, size) => FrameContent::Body(size as u64),
            (HEARTBEAT, 0) => FrameContent::Heartbeat,
            _ => return Err(NoFrame),
        };
        if self.opens && content != FrameContent::Method(CONNECTION_START) {
            return Err(NoFrame);
        }
        Ok(Frame {
            channel: word(1),
            content,
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use amq_protocol::frame::{AMQPContentHeader, AMQPFrame, WriteContext, gen_frame};
    use amq_protocol::protocol::basic::AMQPProperties;
    use amq_protocol::protocol::{AMQPClass, basic, connection, queue};

    use super::*;

    /// The bytes of frames, made by the crate that our client uses.
    pub(crate) fn bytes(frames: &[AMQPFrame]) -> Vec<u8> {
        frames.iter().fold(Vec::new(), |bytes, frame| {
            let context = gen_frame(frame)(WriteContext::from(bytes)).unwrap();
            context.into_inner().0
        })
    }

    pub(crate) fn declare(channel: u16) -> AMQPFrame {
        let declare = queue::Declare {
            queue: "a".into(),
            passive: false,
            durable: true,
            exclusive: false,
            auto_delete: false,
            nowait: false,
            arguments: Default::default(),
        };
        AMQPFrame::Method(
            channel,
            AMQPClass::Queue(queue::AMQPMethod::Declare(declare)),
        )
    }

    pub(crate) fn publish(channel: u16, bodies: &[&[u8]]) -> Vec<AMQPFrame> {
        let publish = basic::Publish {
            exchange: "".into(),
            routing_key: "a".into(),
            mandatory: false,
            immediate: false,
        };
        let header = AMQPContentHeader {
            class_id: 60,
            body_size: bodies.iter().map(|body| body.len() as u64).sum(),
            properties: AMQPProperties::default(),
        };
        let mut frames = vec![
            AMQPFrame::Method(
                channel,
                AMQPClass::Basic(basic::AMQPMethod::Publish(publish)),
            ),
            AMQPFrame::Header(channel, header),
        ];
        let bodies = bodies
            .iter()
            .map(|body| AMQPFrame::Body(channel, body.to_vec()));
        frames.extend(bodies);
        frames
    }

    fn read(mut frames: Frames, mut data: &[u8], step: usize) -> Vec<Frame> {
        let mut all = Vec::new();
        while !data.is_empty() {
            let (bytes, frame) = frames.read(&data[..step.min(data.len())]);
            data = &data[bytes..];
            all.extend(frame);
        }
        all
    }

    #[test]
    fn frames_are_the_same_however_their_bytes_come() {
        let mut data = PROTOCOL_HEADER.to_vec();
        let mut sent = vec![AMQPFrame::Heartbeat, declare(7)];
        sent.extend(publish(9, &[&[0xCE; 300], b"b"]));
        sent.push(AMQPFrame::Heartbeat);
        data.extend(bytes(&sent));
        let frame = |channel, content| Frame { channel, content };
        let expected = [
            frame(0, FrameContent::Heartbeat),
            frame(7, FrameContent::Method((50, 10))),
            frame(9, FrameContent::Method((60, 40))),
            frame(9, FrameContent::Header(301)),
            frame(9, FrameContent::Body(300)),
            frame(9, FrameContent::Body(1)),
            frame(0, FrameContent::Heartbeat),
        ];
        for step in [1, 2, 7, 8, 13, usize::MAX] {
            let frames = Frames::new(Stream::Upstream);
            assert_eq!(read(frames, &data, step), expected, "{step} at once");
        }
    }

    #[test]
    fn a_server_begins_with_connection_start() {
        let start = connection::AMQPMethod::Start(connection::Start {
            version_major: 0,
            version_minor: 9,
            server_properties: Default::default(),
            mechanisms: "PLAIN".into(),
            locales: "en_US".into(),
        });
        let start = AMQPFrame::Method(0, AMQPClass::Connection(start));
        let data = bytes(&[start, AMQPFrame::Heartbeat]);
        let frames = Frames::new(Stream::Downstream);
        assert_eq!(read(frames, &data, usize::MAX).len(), 2);
        let data = bytes(&[declare(0), AMQPFrame::Heartbeat]);
        assert!(read(frames, &data, 3).is_empty());
    }

    #[test]
    fn what_is_not_amqp_has_no_frames() {
        let ping = bytes(&[AMQPFrame::Heartbeat]);
        for other in [
            &b"GET / HTTP/1.1\r\n\r\n"[..],
            b"AMQP\x00\x01\x00\x00",
            b"A",
        ] {
            let data = [other, &ping].concat();
            assert!(read(Frames::new(Stream::Upstream), &data, 4).is_empty());
        }
        assert!(read(Frames::new(Stream::Downstream), b"HTTP/1.1 200 OK", 4).is_empty());
        assert!(read(Frames::none(), &ping, 4).is_empty());
        let mut broken = ping.clone();
        broken[7] = 0;
        let data = [PROTOCOL_HEADER, &broken, &ping].concat();
        assert!(read(Frames::new(Stream::Upstream), &data, 4).is_empty());
    }

    #[test]
    fn a_heartbeat_is_known_by_its_first_byte() {
        let mut frames = Frames::new(Stream::Upstream);
        assert!(
            !frames.begins_heartbeat(HEARTBEAT),
            "the greeting is not over"
        );
        frames.skip(PROTOCOL_HEADER);
        assert!(frames.is_between() && frames.begins_heartbeat(HEARTBEAT));
        frames.skip(&bytes(&[AMQPFrame::Heartbeat])[..7]);
        assert!(!frames.is_between() && !frames.begins_heartbeat(HEARTBEAT));
    }
}
