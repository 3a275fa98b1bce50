//! As much of Redis' protocol as the prover itself speaks.

use tokio::io::{AsyncBufReadExt, BufStream};
use tokio::net::TcpStream;

use super::ask::{connect, read, told};
use crate::place::Place;

/// What Redis answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Nothing,
    Text(String),
    Many(Vec<Reply>),
}

/// A connection to a Redis.
pub(super) struct Talk(BufStream<TcpStream>);

impl Talk {
    /// Connects, and logs in where the place has an account.
    pub(super) async fn open(place: &Place) -> Result<Self, String> {
        let mut talk = Self(BufStream::new(connect(&place.address()).await?));
        if let Some(password) = place.password() {
            let user = place.user().unwrap_or_else(|| "default".to_owned());
            talk.ask(&["AUTH", &user, &password]).await?;
        }
        let database = place.path();
        if !database.is_empty() {
            talk.ask(&["SELECT", &database]).await?;
        }
        Ok(talk)
    }

    /// Asks for one thing; what Redis refuses is an error.
    pub(super) async fn ask(&mut self, words: &[&str]) -> Result<Reply, String> {
        use tokio::io::AsyncWriteExt;
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        self.0.write_all(request.as_bytes()).await.map_err(told)?;
        self.0.flush().await.map_err(told)?;
        self.reply().await
    }

    async fn reply(&mut self) -> Result<Reply, String> {
        let mut line = String::new();
        self.0.read_line(&mut line).await.map_err(told)?;
        let line = line.trim_end();
        let other = || "what answers does not speak Redis' protocol".to_owned();
        let Some((kind, rest)) = line.split_at_checked(1) else {
            return Err(other());
        };
        let count = || rest.parse::<i64>().map_err(|_| other());
        match kind {
            "+" | ":" => Ok(Reply::Text(rest.to_owned())),
            "-" => Err(rest.to_owned()),
            "$" => self.bulk(count()?).await,
            "*" => {
                let mut many = Vec::new();
                for _ in 0..count()? {
                    many.push(Box::pin(self.reply()).await?);
                }
                Ok(Reply::Many(many))
            }
            _ => Err(other()),
        }
    }

    async fn bulk(&mut self, count: i64) -> Result<Reply, String> {
        let Ok(count) = usize::try_from(count) else {
            return Ok(Reply::Nothing);
        };
        let mut bytes = read(&mut self.0, count + 2).await?;
        bytes.truncate(count);
        Ok(Reply::Text(String::from_utf8_lossy(&bytes).into_owned()))
    }
}
