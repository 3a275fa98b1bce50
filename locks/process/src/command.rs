//! The command line of a program, as it is given to the prover.

use std::fmt;

/// The words of a command line: the program and what it is called with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    /// The program.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
}

/// Why a text is no command line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// There is nothing in it.
    #[error("process: names no program: write --lock 'process:python3 my_lock.py'")]
    Empty,
    /// A quote that is opened and never closed.
    #[error("the command {0:?} has a quote that is not closed")]
    Quote(String),
}

impl CommandLine {
    /// Reads a command line as a POSIX shell splits it; nothing in it is expanded.
    ///
    /// # Errors
    /// It has no words, or an open quote.
    pub fn parse(text: &str) -> Result<Self, CommandError> {
        let words = shell_words::split(text).map_err(|_| CommandError::Quote(text.to_owned()))?;
        let mut words = words.into_iter();
        Ok(Self {
            program: words.next().ok_or(CommandError::Empty)?,
            arguments: words.collect(),
        })
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = std::iter::once(&self.program).chain(&self.arguments);
        f.write_str(&shell_words::join(words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_is_split_as_a_shell_does() {
        let line = CommandLine::parse("python3 'my lock.py' --lease=5s").expect("words");
        assert_eq!(line.program, "python3");
        assert_eq!(line.arguments, ["my lock.py", "--lease=5s"]);
        assert_eq!(CommandLine::parse(&line.to_string()), Ok(line));
        assert_eq!(CommandLine::parse("  "), Err(CommandError::Empty));
        let open = CommandLine::parse("a 'b").expect_err("an open quote");
        assert!(open.to_string().contains("not closed"), "{open}");
    }
}
