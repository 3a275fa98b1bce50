//! The other side of the protocol: any lock of ours as a program.

use std::sync::Arc;
use std::time::Duration;

use lapin::uri::AMQPUri;
use locks::broker::{ConnectOptions, RabbitMq};
use locks::{
    Action, Answer, ClientConfig, Endpoint, Error, ErrorKind, Lock, Loss, Options, RunContext,
    Session,
};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt};

use crate::introduction::Introduction;
use crate::message::{
    Asked, Closed, Envelope, Failed, Granted, Init, Introduced, Lost, Released, Request, Said,
    Slots, Verified,
};
use crate::outcome::code_of;

/// Speaks for a lock: reads requests until the input ends or `close` has been answered.
///
/// # Errors
/// The other side reads or writes no more, or says what no prover says.
pub async fn serve(
    lock: Arc<dyn Lock>,
    options: Options,
    input: impl AsyncBufRead + Unpin,
    output: impl AsyncWrite + Unpin,
) -> std::io::Result<()> {
    let mut lines = input.lines();
    let mut server = Server {
        lock,
        options,
        output,
        address: None,
        client: None,
        session: None,
    };
    loop {
        let line = tokio::select! {
            biased;
            line = lines.next_line() => line?,
            loss = loss(server.session.as_mut()) => {
                server.lose(loss).await?;
                continue;
            }
        };
        let Some(line) = line else { return Ok(()) };
        if server.answer(&line).await? {
            return Ok(());
        }
    }
}

/// The next thing that a session learns unasked.
async fn loss(session: Option<&mut Box<dyn Session>>) -> Loss {
    match session {
        Some(session) => session.loss_notification().await,
        None => std::future::pending().await,
    }
}

struct Server<Output> {
    lock: Arc<dyn Lock>,
    options: Options,
    output: Output,
    /// Who speaks, and to whom.
    address: Option<(String, String)>,
    client: Option<ClientConfig>,
    session: Option<Box<dyn Session>>,
}

impl<Output: AsyncWrite + Unpin> Server<Output> {
    /// Answers a line; true once there is nothing more to do.
    async fn answer(&mut self, line: &str) -> std::io::Result<bool> {
        let Envelope {
            src,
            dest,
            body: Request { msg_id, asked },
        } = serde_json::from_str(line)?;
        self.address = Some((dest, src));
        let is_over = matches!(asked, Asked::Close {});
        let said = self.say(asked, msg_id).await.unwrap_or_else(|error| {
            Said::Error(Failed {
                in_reply_to: msg_id,
                code: code_of(error.kind),
                text: Some(error.text),
                kind: Some(error.kind.name().to_owned()),
                ..Failed::default()
            })
        });
        self.write(said).await?;
        Ok(is_over)
    }

    async fn say(&mut self, asked: Asked, in_reply_to: u64) -> Result<Said, Error> {
        match asked {
            Asked::Init(init) => {
                let connects = !init.endpoints.is_empty();
                self.client = Some(client(init, self.options)?);
                // Whoever only asks what this is has nothing to connect to.
                if connects {
                    self.session().await?;
                }
                Ok(Said::InitOk(Introduced {
                    in_reply_to,
                    ..Introduction::of(&*self.lock).into()
                }))
            }
            Asked::Close {} => {
                if let Some(session) = self.session.take() {
                    session.close().await;
                }
                Ok(Said::CloseOk(Closed {
                    in_reply_to,
                    ..Closed::default()
                }))
            }
            Asked::Acquire { key, .. } => self.acquire(&key, in_reply_to).await,
            Asked::Verify { key } => self.verify(&key, in_reply_to).await,
            Asked::Release { key } => self.release(&key, in_reply_to).await,
            other => self.administer(other, in_reply_to).await,
        }
    }

    async fn verify(&mut self, key: &str, in_reply_to: u64) -> Result<Said, Error> {
        let (held, lease_ms) = match self.session().await?.verify(key).await? {
            Answer::Held => (true, None),
            Answer::Leased(lease) => (true, Some(ms(lease))),
            Answer::Lost => (false, None),
        };
        Ok(Said::VerifyOk(Verified {
            in_reply_to,
            held,
            lease_ms,
            ..Verified::default()
        }))
    }

    async fn acquire(&mut self, key: &str, in_reply_to: u64) -> Result<Said, Error> {
        let granted = match self.session().await?.acquire(key).await {
            Ok(grant) => Granted {
                in_reply_to,
                held: true,
                slot: grant.slot,
                token: grant.token,
                lease_ms: grant.lease.map(ms),
                ..Granted::default()
            },
            Err(error) if error.kind == ErrorKind::Busy => Granted {
                in_reply_to,
                text: Some(error.text),
                ..Granted::default()
            },
            Err(error) => return Err(error),
        };
        Ok(Said::AcquireOk(granted))
    }

    async fn release(&mut self, key: &str, in_reply_to: u64) -> Result<Said, Error> {
        let released = match self.session().await?.release(key).await {
            Ok(()) => Released {
                in_reply_to,
                ..Released::default()
            },
            Err(error) if error.kind == ErrorKind::Lost => Released {
                in_reply_to,
                held: Some(false),
                text: Some(error.text),
                ..Released::default()
            },
            Err(error) => return Err(error),
        };
        Ok(Said::ReleaseOk(released))
    }

    async fn administer(&mut self, asked: Asked, in_reply_to: u64) -> Result<Said, Error> {
        let (key, action, say): (_, _, fn(Slots) -> Said) = match asked {
            Asked::Create { key, slots } => (key, Action::Create { slots }, Said::CreateOk),
            Asked::Grow { key, most } => (key, Action::Grow { most }, Said::GrowOk),
            Asked::Shrink { key } => (key, Action::Shrink, Said::ShrinkOk),
            Asked::Destroy { key } => (key, Action::Destroy, Said::DestroyOk),
            Asked::Count { key } => (key, Action::Count, Said::CountOk),
            Asked::Overshoot { key } => (key, Action::Overshoot, Said::OvershootOk),
            Asked::Wait { key, slot } => (key, Action::Wait { slot }, Said::WaitOk),
            Asked::Request { key } => (key, Action::Request, Said::RequestOk),
            other => {
                let text = format!("\"{}\" is no administration", other.name());
                return Err(Error::new(ErrorKind::Invalid, text));
            }
        };
        let slots = match action {
            // Nobody administers it: it is made as before a run, and asking twice does no harm.
            Action::Create { slots } if !self.lock.kind().is_administered() => {
                self.lock.create(self.client()?, &key, slots).await?;
                (1..=slots).collect()
            }
            action => self.session().await?.administer(&key, action).await?,
        };
        Ok(say(Slots {
            in_reply_to,
            slots,
            ..Slots::default()
        }))
    }

    fn client(&self) -> Result<&ClientConfig, Error> {
        let missing = || Error::new(ErrorKind::Invalid, "nobody said init");
        self.client.as_ref().ok_or_else(missing)
    }

    /// The session; a new one where the last is over.
    async fn session(&mut self) -> Result<&mut Box<dyn Session>, Error> {
        if self.session.is_none() {
            let client = self.client()?;
            self.session = Some(self.lock.open(client).await?);
        }
        let missing = || Error::new(ErrorKind::NotSent, "there is no session");
        self.session.as_mut().ok_or_else(missing)
    }

    async fn lose(&mut self, loss: Loss) -> std::io::Result<()> {
        let (key, error) = match loss {
            Loss::Key(key, error) => (Some(key), error),
            Loss::All(error) => {
                // It would say so again and again.
                self.session = None;
                (None, error)
            }
        };
        self.write(Said::Lost(Lost {
            key,
            text: Some(error.text),
            msg_id: None,
        }))
        .await
    }

    async fn write(&mut self, said: Said) -> std::io::Result<()> {
        let Some((src, dest)) = self.address.clone() else {
            return Ok(());
        };
        let envelope = Envelope {
            src,
            dest,
            body: said,
        };
        let line = serde_json::to_string(&envelope)? + "\n";
        self.output.write_all(line.as_bytes()).await?;
        self.output.flush().await
    }
}

/// The client that a prover describes.
fn client(init: Init, options: Options) -> Result<ClientConfig, Error> {
    let endpoints: Vec<Endpoint> = init.endpoints.into_iter().map(|place| place.0).collect();
    let broker = endpoints.iter().find(|place| place.service == "rabbitmq");
    let heartbeat = Duration::from_millis(init.heartbeat_ms);
    let connect = match broker {
        Some(broker) => ConnectOptions {
            heartbeat,
            ..connect_options(&broker.url)?
        },
        // A lock on another service connects by its endpoint; it must not find some broker instead.
        None => ConnectOptions {
            address: String::new(),
            heartbeat,
            ..ConnectOptions::default()
        },
    };
    Ok(ClientConfig {
        broker: Arc::new(RabbitMq),
        connect,
        endpoints,
        run: RunContext {
            worker: init.process,
            workers: u32::try_from(init.node_ids.len()).unwrap_or(u32::MAX),
            keys: init.keys,
            slots: init.slots,
            operation_timeout: Duration::from_millis(init.operation_timeout_ms),
            folder: None,
        },
        prefix: init.prefix,
        name: init.client,
        seed: init.seed,
        options,
    })
}

fn connect_options(url: &str) -> Result<ConnectOptions, Error> {
    let uri: AMQPUri = url.parse().map_err(|reason: String| {
        Error::new(
            ErrorKind::Invalid,
            format!("the endpoint is no URL: {reason}"),
        )
    })?;
    Ok(ConnectOptions {
        address: format!("{}:{}", uri.authority.host, uri.authority.port),
        user: uri.authority.userinfo.username,
        password: uri.authority.userinfo.password,
        vhost: uri.vhost,
        ..ConnectOptions::default()
    })
}

/// In whole milliseconds, and not longer than it is.
fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
