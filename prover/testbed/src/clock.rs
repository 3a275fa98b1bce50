//! The broker's clock, made to jump while it runs: libfaketime stands between the server and the time
//! of day, and reads from a file how far that is off. Erlang's monotonic clock is left alone, as it
//! is where a machine's clock is set.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::error::TestbedError;
use crate::node::Node;
use crate::operator::{evidence, failed};
use crate::service::File;
use nemesis::Evidence;

/// Where libfaketime reads how far the clock is off.
const FILE: &str = "/var/lib/rabbitmq/clock";
/// libfaketime looks into the file once a second.
const CACHE_SECS: &str = "1";
/// How long it may take until the server sees it.
const JUMP_WAIT: Duration = Duration::from_secs(30);
/// So far may a clock seem off that is right: the question to the broker takes time.
const BLUR_MS: i64 = 5000;
const WHAT: &str = "let the broker's clock jump";

/// What a container is given whose clock may jump. Its own entry point, and no program beside the
/// server, loads libfaketime where the first of these is set (`docker/rabbitmq/prepare.sh`).
pub(crate) fn environment() -> Vec<(&'static str, String)> {
    let given = [
        ("FAKETIME_TIMESTAMP_FILE", FILE),
        ("FAKETIME_CACHE_DURATION", CACHE_SECS),
        // Shared memory would be that of another user.
        ("FAKETIME_DISABLE_SHM", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ("NO_FAKE_STAT", "1"),
    ];
    given.map(|(name, value)| (name, value.to_owned())).into()
}

/// The file at the beginning: the clock is right.
pub(crate) fn file() -> File {
    File {
        path: FILE,
        mode: 0o644,
        content: offset(0).into_bytes(),
    }
}

impl Node {
    /// Makes sure that its clock can be made to jump.
    pub(crate) async fn has_movable_clock(&self) -> Result<(), TestbedError> {
        // Only the server itself may look at what it has loaded.
        let loaded = "begin {ok, Maps} = file:read_file(\"/proc/self/maps\"), \
             binary:match(Maps, <<\"libfaketime\">>) =/= nomatch end";
        if self.erlang(loaded).await? == true {
            return Ok(());
        }
        let image = &self.image().reference;
        let why = format!(
            "the image {image} does not load libfaketime; take one that is built as docker/README.md says"
        );
        Err(failed(WHAT, why))
    }

    /// Lets the broker's time of day jump by so many milliseconds, forward or back; that of its
    /// container and of this machine stays. Evidence: `broker_clock`, as the server says it, and
    /// `off_ms`, how far that is from this machine's clock, both a moment old.
    ///
    /// What the broker's log says afterwards is said by that clock.
    ///
    /// # Errors
    /// The broker's image cannot do it, or the plan did not ask for it ([`crate::Plan::clock`]).
    pub async fn clock_jump(&self, by_ms: i64) -> Result<Evidence, TestbedError> {
        let container = self.container();
        let said = container.execute(&["cat", FILE]).await?;
        let off_ms = off_ms(&said).ok_or_else(|| failed(WHAT, format!("{FILE} has {said:?}")))?;
        let wanted = off_ms + by_ms;
        // Whoever reads it meanwhile must find the old or the new.
        let write = format!(
            "printf '%s' '{}' > {FILE}.new && mv {FILE}.new {FILE}",
            offset(wanted)
        );
        container.execute(&["sh", "-c", &write]).await?;
        let told = || async {
            let clock = self
                .broker_clock()
                .await
                .map_err(|error| error.to_string())?;
            let off = clock - now_ms();
            match (off - wanted).abs() < BLUR_MS {
                true => Ok((clock, off)),
                false => Err(format!("it is {off} ms off, and not {wanted} ms")),
            }
        };
        let (clock, off) = container.wait_until("the clock", JUMP_WAIT, told).await?;
        let clock = jiff::Timestamp::from_millisecond(clock);
        let clock = clock.map_or(Value::Null, |clock| clock.to_string().into());
        Ok(evidence([("broker_clock", clock), ("off_ms", off.into())]))
    }

    /// The broker's time of day, in milliseconds.
    async fn broker_clock(&self) -> Result<i64, TestbedError> {
        let clock = self.erlang("os:system_time(millisecond)").await?;
        clock
            .as_i64()
            .ok_or_else(|| failed(WHAT, format!("its clock is {clock}")))
    }
}

fn now_ms() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}

/// What libfaketime reads: seconds with their sign.
fn offset(off_ms: i64) -> String {
    let sign = if off_ms < 0 { '-' } else { '+' };
    let (secs, millis) = (off_ms.abs() / 1000, off_ms.abs() % 1000);
    format!("{sign}{secs}.{millis:03}")
}

fn off_ms(said: &str) -> Option<i64> {
    let (sign, digits) = said.trim().split_at_checked(1)?;
    let (secs, millis) = digits.split_once('.')?;
    let off = secs.parse::<i64>().ok()? * 1000 + millis.parse::<i64>().ok()?;
    Some(if sign == "-" { -off } else { off })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_it_is_off_is_written_and_read() {
        assert_eq!(offset(3_600_007), "+3600.007");
        assert_eq!(offset(-1_500), "-1.500");
        for off in [0, 1, -1, 999, -1000, 86_400_123] {
            assert_eq!(off_ms(&offset(off)), Some(off));
        }
        assert_eq!(off_ms(""), None);
    }
}
