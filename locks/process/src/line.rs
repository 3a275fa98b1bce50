//! Lines of bounded length.

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// What comes next of a stream of lines.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A line, without its line feed.
    Whole(Vec<u8>),
    /// The stream ended before a line feed came.
    Torn(Vec<u8>),
    /// A line of more bytes than may be; this is its beginning, and what is left of it comes next.
    TooLong(Vec<u8>),
    /// The stream ended.
    End,
}

/// Reads the next line of at most so many bytes.
pub(crate) async fn read(
    stream: &mut (impl AsyncBufRead + Unpin),
    most: usize,
) -> std::io::Result<Line> {
    let mut line = Vec::new();
    loop {
        let bytes = stream.fill_buf().await?;
        if bytes.is_empty() {
            return Ok(if line.is_empty() {
                Line::End
            } else {
                Line::Torn(line)
            });
        }
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let taken = end.unwrap_or(bytes.len());
        line.extend_from_slice(&bytes[..taken]);
        stream.consume(end.map_or(taken, |end| end + 1));
        if line.len() > most {
            return Ok(Line::TooLong(line));
        }
        if end.is_some() {
            return Ok(Line::Whole(line));
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::BufReader;

    use super::*;

    async fn lines(text: &str, most: usize) -> Vec<Line> {
        let mut stream = BufReader::with_capacity(3, text.as_bytes());
        let mut lines = Vec::new();
        loop {
            let line = read(&mut stream, most).await.expect("bytes");
            let is_last = matches!(line, Line::End | Line::TooLong(_));
            lines.push(line);
            if is_last {
                return lines;
            }
        }
    }

    #[tokio::test]
    async fn lines_are_whole_torn_or_too_long() {
        let whole = |text: &str| Line::Whole(text.into());
        assert_eq!(
            lines("ab\n\nabcd\nx", 4).await,
            [
                whole("ab"),
                whole(""),
                whole("abcd"),
                Line::Torn("x".into()),
                Line::End
            ]
        );
        let long = lines("abcde\nx\n", 4).await;
        assert!(matches!(&long[..], [Line::TooLong(_)]), "{long:?}");
    }
}
