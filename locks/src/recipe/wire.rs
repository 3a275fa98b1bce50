//! A session's connection to its broker.

use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::queue::is_alive;
use super::transactions::Transactional;
use crate::broker::{Channel, Connection};
use crate::options::ConfirmBy;
use crate::{ClientConfig, Error, ErrorKind};

/// The longest pause before a lock that was overtaken begins again, in milliseconds.
const SKEW_MS_MAX: u64 = 20;

/// The connection of a session, and the channel on it that holds nothing.
pub struct Wire {
    /// Whose it is.
    pub client: ClientConfig,
    /// The connection.
    pub connection: Box<dyn Connection>,
    random: ChaCha8Rng,
    spare: Option<Box<dyn Channel>>,
}

impl Wire {
    /// Connects.
    ///
    /// # Errors
    /// Those of [`ClientConfig::connection`].
    pub async fn open(client: &ClientConfig) -> Result<Self, Error> {
        Ok(Self {
            client: client.clone(),
            connection: client.connection().await?,
            random: ChaCha8Rng::seed_from_u64(client.seed),
            spare: None,
        })
    }

    /// A channel that holds nothing and confirms publishes, in the way that the options name.
    ///
    /// # Errors
    /// [`ErrorKind::NotSent`], whatever the reason: no lock was asked for yet.
    pub async fn channel(&mut self) -> Result<Box<dyn Channel>, Error> {
        if let Some(spare) = self.spare.take()
            && is_alive(&*spare)
        {
            return Ok(spare);
        }
        let opened = async {
            let channel = self.connection.channel().await?;
            if self.client.options.confirm == ConfirmBy::Transactions {
                let transactional = Transactional::over(channel).await?;
                return Ok(Box::new(transactional) as Box<dyn Channel>);
            }
            channel.confirm_select().await?;
            Ok(channel)
        };
        opened
            .await
            .map_err(|error: Error| error.as_kind(ErrorKind::NotSent))
    }

    /// A random pause, so that those who were overtaken at the same moment do not meet again.
    pub(super) async fn pause(&mut self) {
        let pause = self.random.random_range(0..=SKEW_MS_MAX);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }

    /// Keeps a channel that holds nothing for the next lock.
    pub fn keep(&mut self, channel: Box<dyn Channel>) {
        self.spare = Some(channel);
    }
}
