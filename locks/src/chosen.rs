//! A lock with its options, as text: `exclusive-queue,verify=passive-declare`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::Lock;
use crate::options::{ConfirmBy, Options, QUEUE, QueueKind, Reconnect, ReleaseBy, Verify};

/// A lock, and how it is used.
#[derive(Clone)]
pub struct Chosen {
    /// The lock.
    pub lock: Arc<dyn Lock>,
    /// How it is used.
    pub options: Options,
}

/// Why a text names no lock with options.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each says what it means")]
pub enum OptionError {
    #[error("there is no lock \"{name}\"; known are {}", .known.join(", "))]
    NoSuchLock { name: String, known: Vec<String> },
    #[error("\"{word}\" is no option: write NAME=VALUE")]
    Form { word: String },
    #[error("the lock {lock} has no option \"{name}\"; {}", known_options(.known))]
    Name {
        lock: String,
        name: String,
        known: Vec<&'static str>,
    },
    #[error(
        "the lock {lock} can be neither a quorum queue nor a mirrored one: it is held by what belongs to one connection, and these belong to nobody; receive-semaphore and mutex-by-message can be both, persistent-mutex and publish-then-consume can be mirrored"
    )]
    NoCopies { lock: String },
    #[error("\"{value}\" is no value of {name}; known are {}", known_values(.known))]
    Value {
        name: &'static str,
        value: String,
        known: &'static [&'static str],
    },
    #[error("the option {name} is given twice")]
    Twice { name: &'static str },
    #[error("{verify} needs {confirm}: leave one of the two options out")]
    Contradiction {
        verify: &'static str,
        confirm: &'static str,
    },
}

impl Chosen {
    /// The lock of these that a text names, with the options behind it:
    /// `exclusive-queue,verify=passive-declare,confirm=transactions`.
    ///
    /// # Errors
    /// There is no such lock, or it has no such option.
    pub fn parse(text: &str, locks: &[Arc<dyn Lock>]) -> Result<Self, OptionError> {
        let mut words = text.split(',').map(str::trim);
        let name = words.next().unwrap_or_default();
        let lock = locks.iter().find(|lock| lock.name() == name);
        let lock = lock.ok_or_else(|| OptionError::NoSuchLock {
            name: name.to_owned(),
            known: locks.iter().map(|lock| lock.name().to_owned()).collect(),
        })?;
        let mut given = Given::default();
        for word in words {
            given.read(&**lock, word)?;
        }
        Ok(Self {
            lock: Arc::clone(lock),
            options: given.options()?,
        })
    }
}

impl From<Arc<dyn Lock>> for Chosen {
    fn from(lock: Arc<dyn Lock>) -> Self {
        Self {
            lock,
            options: Options::default(),
        }
    }
}

/// As it is parsed: what is as by default is left out.
impl fmt::Display for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.lock.name())?;
        let Options {
            verify,
            confirm,
            release,
            expiry,
            reconnect,
            queue,
        } = self.options;
        match verify {
            Verify::Publish => {}
            Verify::PassiveDeclare => f.write_str(",verify=passive-declare")?,
            Verify::UidQueue => f.write_str(",verify=uid-queue")?,
        }
        if confirm == ConfirmBy::Transactions {
            f.write_str(",confirm=transactions")?;
        }
        match release {
            ReleaseBy::Step => {}
            ReleaseBy::CloseChannel => f.write_str(",release=close-channel")?,
            ReleaseBy::CloseConnection => f.write_str(",release=close-connection")?,
        }
        if let Some(expiry) = expiry {
            write!(f, ",expiry={}ms", expiry.as_millis())?;
        }
        if reconnect == Reconnect::FreshSession {
            f.write_str(",reconnect=fresh-session")?;
        }
        match queue {
            QueueKind::Classic => {}
            QueueKind::Quorum => f.write_str(",queue=quorum")?,
            QueueKind::Mirrored => f.write_str(",queue=mirrored")?,
        }
        Ok(())
    }
}

/// The options that a text has given so far.
#[derive(Debug, Default)]
struct Given {
    names: Vec<&'static str>,
    options: Options,
    /// The way to confirm that the way to verify asks for.
    implied: Option<(&'static str, ConfirmBy)>,
    confirm: Option<ConfirmBy>,
}

impl Given {
    fn read(&mut self, lock: &dyn Lock, word: &str) -> Result<(), OptionError> {
        let (name, value) = word.split_once('=').ok_or_else(|| OptionError::Form {
            word: word.to_owned(),
        })?;
        let choice = lock.options().iter().find(|choice| choice.name == name);
        let choice = choice.ok_or_else(|| match name {
            _ if name == QUEUE.name && lock.services() == ["rabbitmq"] => OptionError::NoCopies {
                lock: lock.name().to_owned(),
            },
            _ => OptionError::Name {
                lock: lock.name().to_owned(),
                name: name.to_owned(),
                known: lock.options().iter().map(|choice| choice.name).collect(),
            },
        })?;
        if self.names.contains(&choice.name) {
            return Err(OptionError::Twice { name: choice.name });
        }
        self.names.push(choice.name);
        let wrong = || OptionError::Value {
            name: choice.name,
            value: value.to_owned(),
            known: choice.values,
        };
        if choice.values.is_empty() {
            self.options.expiry = Some(expiry(value).ok_or_else(wrong)?);
            return Ok(());
        }
        let value = choice.values.iter().find(|known| **known == value);
        self.set(value.copied().ok_or_else(wrong)?);
        Ok(())
    }

    /// The values of all options have names of their own.
    fn set(&mut self, value: &'static str) {
        let options = &mut self.options;
        match value {
            "publish-confirm" => {
                self.implied = Some(("verify=publish-confirm", ConfirmBy::Confirms));
            }
            "publish-tx" => self.implied = Some(("verify=publish-tx", ConfirmBy::Transactions)),
            "passive-declare" => options.verify = Verify::PassiveDeclare,
            "uid-queue" => options.verify = Verify::UidQueue,
            "confirms" => self.confirm = Some(ConfirmBy::Confirms),
            "transactions" => self.confirm = Some(ConfirmBy::Transactions),
            "close-channel" => options.release = ReleaseBy::CloseChannel,
            "close-connection" => options.release = ReleaseBy::CloseConnection,
            "fresh-session" => options.reconnect = Reconnect::FreshSession,
            "quorum" => options.queue = QueueKind::Quorum,
            "mirrored" => options.queue = QueueKind::Mirrored,
            _ => {}
        }
    }

    /// A channel is either in confirm mode or transactional, so the way to verify and the way to
    /// confirm must agree.
    fn options(self) -> Result<Options, OptionError> {
        let confirm = match (self.implied, self.confirm) {
            (Some((verify, implied)), Some(given)) if implied != given => {
                return Err(OptionError::Contradiction {
                    verify,
                    confirm: match implied {
                        ConfirmBy::Confirms => "confirm=confirms",
                        ConfirmBy::Transactions => "confirm=transactions",
                    },
                });
            }
            (Some((_, confirm)), _) | (None, Some(confirm)) => confirm,
            (None, None) => ConfirmBy::default(),
        };
        Ok(Options {
            confirm,
            ..self.options
        })
    }
}

fn known_options(known: &[&str]) -> String {
    match known {
        [] => "it has none".to_owned(),
        known => format!("it has {}", known.join(", ")),
    }
}

fn known_values(known: &[&str]) -> String {
    match known {
        [] => "durations of whole milliseconds from 1ms to 1h, such as 500ms".to_owned(),
        known => known.join(", "),
    }
}

/// A queue's expiry is sent in whole milliseconds.
fn expiry(text: &str) -> Option<Duration> {
    let expiry = humantime::parse_duration(text).ok()?;
    let is_whole = expiry.subsec_nanos().is_multiple_of(1_000_000);
    let is_sane = (Duration::from_millis(1)..=Duration::from_secs(3_600)).contains(&expiry);
    (is_whole && is_sane).then_some(expiry)
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::{ClientConfig, Error, ErrorKind, Kind, Session};

    /// A lock that nobody knew when this was compiled.
    struct Read {
        name: String,
        promises: Vec<String>,
    }

    #[async_trait]
    impl Lock for Read {
        fn name(&self) -> &str {
            &self.name
        }

        fn summary(&self) -> &str {
            "a lock that was read from a file"
        }

        fn kind(&self) -> Kind {
            Kind::TrueMutex
        }

        fn promises(&self) -> Vec<&str> {
            self.promises.iter().map(String::as_str).collect()
        }

        fn needs(&self) -> Vec<&str> {
            Vec::new()
        }

        async fn open(&self, _: &ClientConfig) -> Result<Box<dyn Session>, Error> {
            Err(Error::new(ErrorKind::Invalid, "nothing opens it"))
        }
    }

    #[test]
    fn a_lock_that_was_made_at_run_time_is_chosen_like_any_other() {
        let read = |name: &str| Read {
            name: name.to_owned(),
            promises: vec![format!("exclusion-of-{name}")],
        };
        let locks: Vec<Arc<dyn Lock>> = vec![Arc::new(read("one")), Arc::new(read("other"))];
        let chosen = Chosen::parse("other", &locks).unwrap();
        drop(locks);
        assert_eq!(chosen.to_string(), "other");
        assert_eq!(chosen.lock.promises(), ["exclusion-of-other"]);
        let locks = [chosen.lock];
        let error = Chosen::parse("other,verify=tx", &locks).err().unwrap();
        assert_eq!(
            error.to_string(),
            "the lock other has no option \"verify\"; it has none"
        );
        let error = Chosen::parse("one", &locks).err().unwrap();
        assert_eq!(
            error.to_string(),
            "there is no lock \"one\"; known are other"
        );
    }

    fn again(text: &str) -> String {
        let chosen = Chosen::parse(text, &crate::ALL).map(|chosen| chosen.to_string());
        chosen.unwrap_or_else(|error| error.to_string())
    }

    #[test]
    fn what_is_chosen_reads_back() {
        for text in [
            "exclusive-queue",
            "exclusive-queue,verify=passive-declare",
            "exclusive-queue,verify=uid-queue,confirm=transactions",
            "exclusive-consumer,expiry=500ms,reconnect=fresh-session",
            "persistent-semaphore,release=close-channel",
            "persistent-semaphore,release=close-connection",
            "mutex-by-message,reconnect=fresh-session,queue=quorum",
            "persistent-mutex,queue=mirrored",
        ] {
            assert_eq!(again(text), text);
        }
        assert_eq!(
            again("exclusive-queue, verify=publish-confirm, reconnect=never"),
            "exclusive-queue"
        );
        let by_transaction = "exclusive-queue,confirm=transactions";
        assert_eq!(again("exclusive-queue,verify=publish-tx"), by_transaction);
    }

    #[test]
    fn every_option_of_every_lock_changes_something() {
        for lock in crate::ALL.iter() {
            for choice in lock.options() {
                for value in choice.values.iter().skip(1) {
                    let text = format!("{},{}={value}", lock.name(), choice.name);
                    let chosen = Chosen::parse(&text, &crate::ALL).unwrap();
                    assert_ne!(chosen.options, Options::default(), "{text}");
                }
                if let Some(default) = choice.values.first() {
                    let text = format!("{},{}={default}", lock.name(), choice.name);
                    assert_eq!(again(&text), lock.name());
                }
            }
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_what_there_is() {
        let said = again("exclusive-lock");
        assert!(
            said.starts_with("there is no lock \"exclusive-lock\"; known are exclusive-queue,")
        );
        assert_eq!(
            again("exclusive-queue,"),
            "\"\" is no option: write NAME=VALUE"
        );
        assert_eq!(
            again("exclusive-queue,expiry=1s"),
            "the lock exclusive-queue has no option \"expiry\"; it has verify, confirm, release, reconnect"
        );
        assert_eq!(
            again("exclusive-queue,verify=hope"),
            "\"hope\" is no value of verify; known are publish-confirm, publish-tx, passive-declare, uid-queue"
        );
        for queue in ["quorum", "mirrored"] {
            assert!(again(&format!("exclusive-queue,queue={queue}")).starts_with(
                "the lock exclusive-queue can be neither a quorum queue nor a mirrored one: it is held by what belongs to one connection"
            ));
        }
        for expiry in ["soon", "0s", "2h", "1500us"] {
            let said = again(&format!("exclusive-consumer,expiry={expiry}"));
            assert!(said.contains("durations of whole milliseconds"), "{said}");
        }
        assert_eq!(
            again("exclusive-queue,verify=publish-tx,verify=publish-tx"),
            "the option verify is given twice"
        );
        assert_eq!(
            again("exclusive-queue,verify=publish-tx,confirm=confirms"),
            "verify=publish-tx needs confirm=transactions: leave one of the two options out"
        );
    }
}
