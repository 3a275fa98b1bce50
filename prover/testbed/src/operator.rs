//! What an operator does to a broker of the run's own: alarms, administrative closes, deletes, purges
//! and policies. Each is in force when it returns, and gives what the broker said of it.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use nemesis::{Evidence, Notice, Resource};
use serde_json::{Value, json};

use crate::broker_log::{NoticedLoss, losses};
use crate::error::TestbedError;
use crate::node::Node;
use crate::services::{Management, Removal};

/// What the clients of a connection are told that is closed.
const REASON: &str = "closed by the operator";
/// The policy's name.
const POLICY: &str = "prover";
/// The name of the one that mirrors queues.
const MIRRORING: &str = "prover-mirrored";
/// What the broker was told is in force within milliseconds; a loaded machine may need more.
const FORCE_WAIT: Duration = Duration::from_secs(20);

/// What is done to queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Delete,
    Purge,
}

impl Node {
    /// Closes the connections whose clients named them so: a name of `names`, or one with something
    /// behind it that is neither letter nor digit (`run-1` is `run-1-a`, and not `run-10`). Their
    /// clients are told `CONNECTION_FORCED` (320). Evidence: `closed`, their names, and `count`.
    ///
    /// The management API closes what its statistics know, which takes milliseconds. A connection is
    /// up to 5 s old before they do, so those that are younger are closed by Erlang itself, which
    /// takes half a second.
    ///
    /// # Errors
    /// The broker is no RabbitMQ, or does not answer.
    pub async fn close_connections(&self, names: &[String]) -> Result<Evidence, TestbedError> {
        let what = "close connections of the broker";
        let api = self.management(what)?;
        let told = |why| failed(what, why);
        let known = api.named_connections().await.map_err(told)?;
        let tracked = api.tracked_connections().await.map_err(told)?;
        let mut closed = Vec::new();
        for (connection, name) in &known {
            let is_meant = names.iter().any(|wanted| is_of(name, wanted));
            if is_meant
                && api
                    .close_connection(connection, REASON)
                    .await
                    .map_err(told)?
            {
                closed.push(name.clone());
            }
        }
        let is_young = |connection: &String| !known.contains_key(connection);
        if !names.is_empty() && tracked.iter().any(is_young) {
            closed.extend(strings(&self.erlang(&closing(names)).await?));
        }
        closed.sort();
        Ok(evidence([
            ("count", closed.len().into()),
            ("closed", closed.into()),
        ]))
    }

    /// Raises an alarm of the broker, or puts its limit back to what the configuration says. Evidence:
    /// `mem_alarm` or `disk_free_alarm`, and every alarm that the broker lists.
    ///
    /// # Errors
    /// The broker is no RabbitMQ, or does not do it.
    pub async fn alarm(&self, resource: Resource, raised: bool) -> Result<Evidence, TestbedError> {
        let what = "set an alarm of the broker";
        let api = self.management(what)?;
        self.erlang(&format!("begin {}, true end", limit(resource, raised)))
            .await?;
        let told = || async {
            let alarms = api.alarms().await?;
            let is_there = alarms.iter().any(|alarm| alarm == listed(resource));
            match is_there == raised {
                true => Ok(alarms),
                false => Err(format!("the broker lists the alarms {alarms:?}")),
            }
        };
        let alarms = self
            .container()
            .wait_until("the alarm", FORCE_WAIT, told)
            .await?;
        Ok(evidence([
            (field(resource), raised.into()),
            ("alarms", alarms.into()),
        ]))
    }

    /// Deletes all queues whose name begins so, whoever they belong to and whoever consumes them.
    /// Evidence: `deleted`, the number of messages that were ready in each.
    ///
    /// The management API refuses those that are exclusive to a connection; Erlang itself does
    /// not, and takes half a second.
    ///
    /// # Errors
    /// The broker is no RabbitMQ, or does not answer.
    pub async fn delete_queues(&self, prefix: &str) -> Result<Evidence, TestbedError> {
        let deleted = self.empty(prefix, Act::Delete).await?;
        Ok(evidence([("deleted", deleted.into_iter().collect())]))
    }

    /// Purges them: what is ready is gone, what is delivered and not settled stays. Evidence:
    /// `purged`, as for [`Self::delete_queues`].
    ///
    /// # Errors
    /// The broker is no RabbitMQ, or does not answer.
    pub async fn purge_queues(&self, prefix: &str) -> Result<Evidence, TestbedError> {
        let purged = self.empty(prefix, Act::Purge).await?;
        Ok(evidence([("purged", purged.into_iter().collect())]))
    }

    async fn empty(&self, prefix: &str, act: Act) -> Result<BTreeMap<String, Value>, TestbedError> {
        let what = act.what();
        let api = self.management(what)?;
        let told = |why| failed(what, why);
        let mut done = BTreeMap::new();
        let mut refused = Vec::new();
        for queue in api.queues(prefix).await.map_err(told)? {
            let removal = match act {
                _ if queue.is_exclusive => Removal::Refused,
                Act::Delete => api.delete_queue(&queue.name).await.map_err(told)?,
                Act::Purge => api.purge_queue(&queue.name).await.map_err(told)?,
            };
            match removal {
                Removal::Done => drop(done.insert(queue.name, queue.messages.into())),
                Removal::Absent => {}
                Removal::Refused => refused.push(queue.name),
            }
        }
        if !refused.is_empty()
            && let Value::Object(by_force) = self.erlang(&act.by_force(&refused)).await?
        {
            done.extend(by_force);
        }
        Ok(done)
    }

    /// Sets the policy of all queues whose name begins so, those that are there and those to come:
    /// how long one may be unused, how many messages it may hold. Of two values of a policy and of
    /// the queue's own arguments RabbitMQ takes the lower. Evidence: `policy`, as the broker lists
    /// it, and `queues`, those it is in force for.
    ///
    /// # Errors
    /// The broker is no RabbitMQ, or does not take it.
    pub async fn set_policy(
        &self,
        prefix: &str,
        expires: Option<Duration>,
        max_length: Option<u32>,
    ) -> Result<Evidence, TestbedError> {
        let what = "set a policy of the broker";
        let api = self.management(what)?;
        let mut definition = serde_json::Map::new();
        if let Some(expires) = expires {
            let millis = u64::try_from(expires.as_millis()).unwrap_or(u64::MAX);
            definition.insert("expires".to_owned(), millis.into());
        }
        if let Some(max_length) = max_length {
            definition.insert("max-length".to_owned(), max_length.into());
        }
        let policy = json!({
            "pattern": format!("^{}", literally(prefix)),
            "definition": definition,
            "apply-to": "queues",
        });
        let set = api.set_policy(POLICY, &policy).await;
        set.map_err(|why| failed(what, why))?;
        self.policy(prefix, true).await
    }

    /// Has all classic queues that clients declare from now on be copied to all nodes of the cluster
    /// ("mirrored"). Of two policies RabbitMQ takes one, so it can have no other ([`Self::set_policy`]).
    ///
    /// # Errors
    /// The broker is no RabbitMQ, or knows no such queues any more: releases from 4.0 on.
    pub(crate) async fn mirror_queues(&self) -> Result<(), TestbedError> {
        let what = "have queues mirrored (RabbitMQ 3.10 can, releases from 4.0 on cannot)";
        let policy = json!({
            "pattern": ".*",
            "definition": { "ha-mode": "all", "ha-sync-mode": "automatic" },
            "apply-to": "queues",
        });
        let set = self.management(what)?.set_policy(MIRRORING, &policy).await;
        set.map_err(|why| failed(what, why))
    }

    /// Takes the policy away. Evidence: `policy` is null.
    ///
    /// # Errors
    /// The broker is no RabbitMQ, or does not do it.
    pub async fn clear_policy(&self) -> Result<Evidence, TestbedError> {
        let what = "clear a policy of the broker";
        let cleared = self.management(what)?.clear_policy(POLICY).await;
        cleared.map_err(|why| failed(what, why))?;
        self.policy("", false).await
    }

    /// Waits until the policy is in force for every queue whose name begins so, or for none.
    async fn policy(&self, prefix: &str, is_set: bool) -> Result<Evidence, TestbedError> {
        let api = self.management("list the policies of the broker")?;
        let told = || async {
            let policies = api.policies().await?;
            let listed = policies.into_iter().find(|policy| policy["name"] == POLICY);
            let queues = api.queues(prefix).await?;
            let is_under = |policy: &Option<String>| policy.as_deref() == Some(POLICY);
            let differs = queues.iter().any(|queue| is_under(&queue.policy) != is_set);
            if listed.is_some() != is_set || differs {
                return Err("it is not in force for every queue yet".to_owned());
            }
            let under: Vec<String> = match is_set {
                true => queues.into_iter().map(|queue| queue.name).collect(),
                false => Vec::new(),
            };
            Ok(evidence([
                ("policy", listed.unwrap_or_default()),
                ("queues", under.into()),
            ]))
        };
        self.container()
            .wait_until("the policy", FORCE_WAIT, told)
            .await
    }

    /// Sets how long a delivery may stay unsettled on channels that are opened from now on, and how
    /// often a channel looks, until the broker starts again. Evidence: `consumer_timeout` and
    /// `channel_tick_interval`, in milliseconds.
    ///
    /// # Errors
    /// The broker is no RabbitMQ, or does not do it.
    pub async fn consumer_timeout(
        &self,
        timeout: Duration,
        tick: Duration,
    ) -> Result<Evidence, TestbedError> {
        self.broker("set the consumer timeout of the broker")?;
        let keys = ["consumer_timeout", "channel_tick_interval"];
        let set = format!(
            "[begin ok = application:set_env(rabbit, Key, Value), \
             element(2, application:get_env(rabbit, Key)) end \
             || {{Key, Value}} <- [{{{}, {}}}, {{{}, {}}}]]",
            keys[0],
            timeout.as_millis(),
            keys[1],
            tick.as_millis()
        );
        let millis = self.erlang(&set).await?;
        let millis = |place: usize| millis.get(place).cloned().unwrap_or_default();
        Ok(evidence([(keys[0], millis(0)), (keys[1], millis(1))]))
    }

    /// Whose connections the broker noticed to be lost, by its log, and how long ago; what its clock
    /// says of the future is left out.
    ///
    /// # Errors
    /// The broker is no RabbitMQ.
    pub(crate) async fn all_noticed(&self) -> Result<Vec<Notice>, TestbedError> {
        self.broker("read the log of the broker")?;
        let all = losses(&self.container().log().await);
        let now = Timestamp::now();
        let notice = |loss: NoticedLoss| {
            let ago = Duration::try_from(now.duration_since(loss.at)).ok()?;
            Some(Notice {
                ago,
                connection: loss.connection,
                reason: loss.reason,
            })
        };
        Ok(all.into_iter().filter_map(notice).collect())
    }

    /// Whether it is one of those that say so.
    pub(crate) fn is_rabbitmq(&self) -> bool {
        self.service().name() == "rabbitmq"
    }

    /// When the broker noticed the loss of connections, by its log, in its order: of those that
    /// [`Self::close_connections`] would mean by these names.
    ///
    /// # Errors
    /// The broker is no RabbitMQ.
    pub async fn noticed(&self, names: &[String]) -> Result<Vec<NoticedLoss>, TestbedError> {
        self.broker("read the log of the broker")?;
        let mut all = losses(&self.container().log().await);
        all.retain(|loss| names.iter().any(|name| is_of(&loss.connection, name)));
        Ok(all)
    }

    /// Only one sort of service is a broker.
    fn broker(&self, what: &str) -> Result<(), TestbedError> {
        match self.service().name() {
            "rabbitmq" => Ok(()),
            other => Err(failed(what, format!("{other} is none; take RabbitMQ"))),
        }
    }

    fn management(&self, what: &str) -> Result<Management, TestbedError> {
        self.broker(what)?;
        let door = self.doors().iter().find(|door| door.name == "management");
        let no_api =
            "its image has no management API; take one with that plugin, as --rabbitmq 4.0";
        let door = door.ok_or_else(|| failed(what, no_api.to_owned()))?;
        let url = format!("http://{}", door.address);
        Management::of(&self.place(), Some(&url)).map_err(|why| failed(what, why))
    }
}

/// The name of its alarm in the management API's list of nodes.
fn field(resource: Resource) -> &'static str {
    match resource {
        Resource::Memory => "mem_alarm",
        Resource::Disk => "disk_free_alarm",
    }
}

/// The name of its alarm in the management API's list of alarms.
fn listed(resource: Resource) -> &'static str {
    match resource {
        Resource::Memory => "memory",
        Resource::Disk => "disk space",
    }
}

/// Sets a limit that cannot be kept, or the configured one.
fn limit(resource: Resource, raised: bool) -> &'static str {
    match (resource, raised) {
        (Resource::Memory, true) => "vm_memory_monitor:set_vm_memory_high_watermark({absolute, 1})",
        (Resource::Memory, false) => {
            "vm_memory_monitor:set_vm_memory_high_watermark(element(2, application:get_env(rabbit, vm_memory_high_watermark)))"
        }
        (Resource::Disk, true) => "rabbit_disk_monitor:set_disk_free_limit(\"1000TB\")",
        (Resource::Disk, false) => {
            "rabbit_disk_monitor:set_disk_free_limit(element(2, application:get_env(rabbit, disk_free_limit)))"
        }
    }
}

impl Act {
    fn what(self) -> &'static str {
        match self {
            Self::Delete => "delete queues of the broker",
            Self::Purge => "purge queues of the broker",
        }
    }

    /// Does it to queues that belong to connections; gives the number of messages of each. One that
    /// goes meanwhile is left out.
    fn by_force(self, names: &[String]) -> String {
        let call = match self {
            Self::Delete => "rabbit_amqqueue:delete(Queue, false, false, <<\"prover\">>)",
            Self::Purge => "rabbit_amqqueue:purge(Queue)",
        };
        let names: Vec<String> = names.iter().map(|name| binary(name)).collect();
        format!(
            "maps:from_list([{{Name, Count}} || Name <- [{}], \
             {{ok, Queue}} <- [rabbit_amqqueue:lookup(rabbit_misc:r(<<\"/\">>, queue, Name))], \
             {{ok, Count}} <- [(catch {call})]])",
            names.join(", ")
        )
    }
}

/// Closes the connections of these names; gives their names.
fn closing(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| literally(name)).collect();
    let pattern = binary(&format!("^(?:{})(?![0-9A-Za-z])", names.join("|")));
    format!(
        "[begin rabbit_networking:close_connection(Pid, \"{REASON}\"), Name end \
         || [{{pid, Pid}}, {{client_properties, Properties}}] \
         <- rabbit_networking:connection_info_all([pid, client_properties]), is_list(Properties), \
         {{_, _, Name}} <- [lists:keyfind(<<\"connection_name\">>, 1, Properties)], \
         re:run(Name, {pattern}) =/= nomatch]"
    )
}

/// Whether a connection's name is this one, or this one with something behind it.
fn is_of(connection: &str, name: &str) -> bool {
    let rest = connection.strip_prefix(name);
    rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_alphanumeric()))
}

/// A regular expression that is this text.
fn literally(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c) || !c.is_ascii();
    text.chars().fold(String::new(), |mut escaped, c| {
        if !is_plain(c) {
            escaped.push('\\');
        }
        escaped.push(c);
        escaped
    })
}

/// A binary in Erlang that is this text.
fn binary(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("<<\"{escaped}\"/utf8>>")
}

fn strings(list: &Value) -> Vec<String> {
    let strings = list.as_array().into_iter().flatten();
    strings
        .filter_map(|one| one.as_str().map(str::to_owned))
        .collect()
}

pub(crate) fn evidence<const N: usize>(said: [(&str, Value); N]) -> Evidence {
    let said = said.into_iter();
    said.map(|(what, value)| (what.to_owned(), value)).collect()
}

pub(crate) fn failed(what: &str, detail: String) -> TestbedError {
    TestbedError::Service {
        what: what.to_owned(),
        detail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_not_the_beginning_of_another_number() {
        assert!(is_of("run-1", "run-1"));
        assert!(is_of("run-1-a", "run-1"));
        assert!(!is_of("run-10", "run-1"));
        assert!(!is_of("run-1", "run-1-a"));
    }

    #[test]
    fn names_stand_for_themselves_in_patterns_and_in_erlang() {
        assert_eq!(literally("a.b-1_é"), "a\\.b-1_é");
        assert_eq!(binary("a\\.\"b"), "<<\"a\\\\.\\\"b\"/utf8>>");
    }
}
