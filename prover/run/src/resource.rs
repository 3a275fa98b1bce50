//! The resource that a lock guards: a number for each key, outside the broker and out of reach of
//! all faults.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use locks::{Error, ErrorKind};

/// The numbers.
#[derive(Debug, Default)]
pub(crate) struct Resource(Mutex<BTreeMap<Arc<str>, Guarded>>);

#[derive(Debug, Default)]
struct Guarded {
    number: u64,
    /// The greatest token that anybody came with.
    newest: u64,
}

impl Resource {
    /// The number of a key. Whoever comes with a token is refused if a newer one was seen; without
    /// a token nobody is.
    pub(crate) fn read(&self, key: &Arc<str>, token: Option<u64>) -> Result<u64, Error> {
        self.with(key, token, |guarded| guarded.number)
    }

    /// Replaces the number of a key, under the same condition.
    pub(crate) fn write(
        &self,
        key: &Arc<str>,
        token: Option<u64>,
        number: u64,
    ) -> Result<(), Error> {
        self.with(key, token, |guarded| guarded.number = number)
    }

    fn with<T>(
        &self,
        key: &Arc<str>,
        token: Option<u64>,
        act: impl FnOnce(&mut Guarded) -> T,
    ) -> Result<T, Error> {
        let mut numbers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let guarded = numbers.entry(key.clone()).or_default();
        if let Some(token) = token {
            if token < guarded.newest {
                let text = format!("token {token} is older than {}", guarded.newest);
                return Err(Error::new(ErrorKind::PreconditionFailed, text));
            }
            guarded.newest = token;
        }
        Ok(act(guarded))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_with_an_older_token_is_refused() {
        let resource = Resource::default();
        let key: Arc<str> = "a".into();
        assert_eq!(resource.read(&key, Some(1)), Ok(0));
        assert_eq!(resource.read(&key, Some(2)), Ok(0));
        let late = resource.write(&key, Some(1), 1).expect_err("is too old");
        assert_eq!(late.kind, ErrorKind::PreconditionFailed);
        assert_eq!(resource.write(&key, Some(2), 1), Ok(()));
        assert_eq!(resource.read(&key, None), Ok(1));
        assert_eq!(resource.read(&"b".into(), Some(1)), Ok(0));
    }
}
