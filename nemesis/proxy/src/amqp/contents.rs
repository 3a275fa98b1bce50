//! Which methods have passed whole, their contents included.

use std::collections::BTreeMap;

use super::Frames;
use super::frames::FrameContent;
use super::methods::Method;

/// The contents that are on their way, by channel: frames of several channels may alternate.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contents(BTreeMap<u16, Content>);

/// What is still to come behind a method.
#[derive(Clone, Copy, Debug)]
struct Content {
    method: (u16, u16),
    /// None until its header has come.
    left: Option<u64>,
}

impl Contents {
    /// Reads on in `frames`, to the end of a frame at the most: how many bytes, and the class and
    /// number of the method that has passed with that. What began before this was asked is none.
    pub(crate) fn read(&mut self, frames: &mut Frames, data: &[u8]) -> (usize, Option<(u16, u16)>) {
        let (bytes, frame) = frames.read(data);
        let passed = frame.and_then(|frame| self.passed(frame.channel, frame.content));
        (bytes, passed)
    }

    fn passed(&mut self, channel: u16, frame: FrameContent) -> Option<(u16, u16)> {
        match frame {
            FrameContent::Method(method) if Method::has_content(method) => {
                let content = Content { method, left: None };
                self.0.insert(channel, content);
                return None;
            }
            FrameContent::Method(method) => {
                self.0.remove(&channel);
                return Some(method);
            }
            FrameContent::Header(size) => self.0.get_mut(&channel)?.left = Some(size),
            FrameContent::Body(size) => {
                let left = self.0.get_mut(&channel)?.left.as_mut()?;
                *left = left.saturating_sub(size);
            }
            FrameContent::Heartbeat => return None,
        }
        let content = self.0.get(&channel)?;
        if content.left? > 0 {
            return None;
        }
        self.0.remove(&channel).map(|content| content.method)
    }
}

#[cfg(test)]
mod tests {
    use super::super::frames::tests::{bytes, declare, publish};
    use super::*;
    use crate::toxic::Stream;

    #[test]
    fn a_publish_has_passed_when_its_last_byte_has() {
        let mut frames = Frames::new(Stream::Upstream);
        frames.skip(b"AMQP\x00\x00\x09\x01");
        let [method, header, body] = publish(1, &[b"abc"]).try_into().unwrap();
        let data = bytes(&[method, header, declare(2), body]);
        let mut contents = Contents::default();
        let (mut at, mut passed) = (0, Vec::new());
        while at < data.len() {
            let (bytes, method) = contents.read(&mut frames, &data[at..]);
            at += bytes;
            passed.extend(method.map(|method| (at, method)));
        }
        let [declared, published] = passed.try_into().unwrap();
        assert_eq!(declared.1, (50, 10));
        assert_eq!(published, (data.len(), (60, 40)));
        let empty = bytes(&publish(1, &[]));
        let (first, none) = contents.read(&mut frames, &empty);
        assert_eq!(none, None);
        let (rest, published) = contents.read(&mut frames, &empty[first..]);
        assert_eq!((first + rest, published), (empty.len(), Some((60, 40))));
    }
}
