//! RabbitMQ's management API, which lists what AMQP does not.

use std::collections::BTreeMap;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;

use super::ask::{http, json, of_http, send_http};
use super::rabbitmq::{MANAGEMENT_PORT, connect};
use crate::password::credentials;
use crate::place::Place;
use crate::service::Thing;

/// The API of one broker, for one virtual host.
pub(crate) struct Management {
    url: String,
    vhost: String,
    user: String,
    password: String,
}

/// What is known of a queue.
pub(crate) struct QueueFacts {
    pub(crate) name: String,
    /// How many are ready for delivery.
    pub(crate) messages: u64,
    /// It belongs to a connection.
    pub(crate) is_exclusive: bool,
    /// The policy that is in force for it.
    pub(crate) policy: Option<String>,
}

/// What came of an attempt to remove something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Removal {
    /// It is gone.
    Done,
    /// It was not there.
    Absent,
    /// The API may not: it belongs to somebody.
    Refused,
}

impl Removal {
    fn of(answer: &Response) -> Result<Self, String> {
        match answer.status() {
            status if status.is_success() => Ok(Self::Done),
            StatusCode::NOT_FOUND => Ok(Self::Absent),
            StatusCode::BAD_REQUEST | StatusCode::METHOD_NOT_ALLOWED => Ok(Self::Refused),
            status => Err(format!("it answers with {status}")),
        }
    }
}

impl Management {
    /// That of the broker at a place, at its usual port where no URL is given; the account is that
    /// of the place, unless the URL has one.
    pub(crate) fn of(place: &Place, url: Option<&str>) -> Result<Self, String> {
        let options = connect(place);
        let usual = format!("http://{}:{MANAGEMENT_PORT}", place.host());
        let url = url.unwrap_or(&usual);
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err("its URL begins with http://".to_owned());
        }
        let vhost = encoded(&options.vhost);
        let (user, password, bare) = match credentials(url) {
            Some((at, user, password)) => {
                let length = user.len() + password.map_or(0, |password| 1 + password.len()) + 1;
                let bare = format!("{}{}", &url[..at], &url[at + length..]);
                let password = password.map_or(options.password, str::to_owned);
                (user.to_owned(), password, bare)
            }
            None => (options.user, options.password, url.to_owned()),
        };
        Ok(Self {
            url: bare.trim_end_matches('/').to_owned(),
            vhost,
            user,
            password,
        })
    }

    /// The queues whose names begin so. A run whose connections are open is at work, and so is a
    /// queue that has consumers or belongs to a connection.
    pub(super) async fn things(&self, prefix: &str) -> Result<Vec<Thing>, String> {
        let path = format!("queues/{}?columns=name,consumers,exclusive", self.vhost);
        let queues = self.list(&path).await?;
        let connections = self.list("connections?columns=user_provided_name").await?;
        let clients: Vec<&str> = connections
            .iter()
            .filter_map(|one| one["user_provided_name"].as_str())
            .collect();
        let things = queues.iter().filter_map(|queue| {
            let name = queue["name"].as_str()?;
            let run = crate::label::RunId::in_name(name)?;
            let is_used = queue["consumers"].as_u64().is_some_and(|count| count > 0)
                || queue["exclusive"] == true
                || clients
                    .iter()
                    .any(|client| crate::label::RunId::in_name(client).as_ref() == Some(&run));
            name.starts_with(prefix).then(|| Thing {
                name: name.to_owned(),
                in_use: is_used,
            })
        });
        Ok(things.collect())
    }

    /// The connections that its statistics know, by the API's name for each, with the name that
    /// the client gave; they are up to 5 s behind.
    pub(crate) async fn named_connections(&self) -> Result<BTreeMap<String, String>, String> {
        let listed = self.list("connections?columns=name,user_provided_name");
        let named = listed.await?.into_iter().filter_map(|connection| {
            let name = connection["user_provided_name"]
                .as_str()
                .unwrap_or_default();
            Some((connection["name"].as_str()?.to_owned(), name.to_owned()))
        });
        Ok(named.collect())
    }

    /// The connections that there are at this moment.
    pub(crate) async fn tracked_connections(&self) -> Result<Vec<String>, String> {
        let listed = self.list("connections?disable_stats=true&columns=name");
        let names = listed.await?;
        let names = names.iter().filter_map(|one| one["name"].as_str());
        Ok(names.map(str::to_owned).collect())
    }

    /// Closes a connection that the statistics know; whether it was still there.
    pub(crate) async fn close_connection(&self, name: &str, reason: &str) -> Result<bool, String> {
        let request = self.request(Method::DELETE, &format!("connections/{}", encoded(name)))?;
        let answer = send_http(request.header("X-Reason", reason)).await?;
        Removal::of(&answer).map(|removal| removal == Removal::Done)
    }

    /// The queues whose names begin so, as they are at this moment.
    pub(crate) async fn queues(&self, prefix: &str) -> Result<Vec<QueueFacts>, String> {
        let now = "disable_stats=true&enable_queue_totals=true";
        let listed = self.list(&format!("queues/{}?{now}", self.vhost)).await?;
        let facts = listed.iter().filter_map(|queue| {
            let name = queue["name"].as_str()?;
            name.starts_with(prefix).then(|| QueueFacts {
                name: name.to_owned(),
                messages: queue["messages_ready"].as_u64().unwrap_or_default(),
                is_exclusive: queue["exclusive"] == true,
                policy: queue["policy"].as_str().map(str::to_owned),
            })
        });
        Ok(facts.collect())
    }

    /// Deletes a queue.
    pub(crate) async fn delete_queue(&self, name: &str) -> Result<Removal, String> {
        self.remove(&format!("queues/{}/{}", self.vhost, encoded(name)))
            .await
    }

    /// Removes the messages of a queue that are ready.
    pub(crate) async fn purge_queue(&self, name: &str) -> Result<Removal, String> {
        self.remove(&format!("queues/{}/{}/contents", self.vhost, encoded(name)))
            .await
    }

    /// Sets a policy.
    pub(crate) async fn set_policy(&self, name: &str, policy: &Value) -> Result<(), String> {
        let path = format!("policies/{}/{name}", self.vhost);
        let answer = send_http(self.request(Method::PUT, &path)?.json(policy)).await?;
        answer.error_for_status().map(drop).map_err(of_http)
    }

    /// Removes a policy, where it is there.
    pub(crate) async fn clear_policy(&self, name: &str) -> Result<(), String> {
        let path = format!("policies/{}/{name}", self.vhost);
        self.remove(&path).await.map(drop)
    }

    /// All policies, as they are listed.
    pub(crate) async fn policies(&self) -> Result<Vec<Value>, String> {
        self.list(&format!("policies/{}", self.vhost)).await
    }

    /// What the broker has run short of, as it says at this moment.
    pub(crate) async fn alarms(&self) -> Result<Vec<String>, String> {
        let request = self.request(Method::GET, "health/checks/alarms")?;
        // With an alarm it is answered with an error, and which.
        let answer: Value = send_http(request).await?.json().await.map_err(of_http)?;
        match (&answer["status"], &answer["alarms"]) {
            (status, _) if status == "ok" => Ok(Vec::new()),
            (_, Value::Array(alarms)) => {
                let resources = alarms.iter().filter_map(|alarm| alarm["resource"].as_str());
                Ok(resources.map(str::to_owned).collect())
            }
            _ => Err("it does not list its alarms".to_owned()),
        }
    }

    async fn remove(&self, path: &str) -> Result<Removal, String> {
        Removal::of(&send_http(self.request(Method::DELETE, path)?).await?)
    }

    fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, String> {
        let request = http()?.request(method, format!("{}/api/{path}", self.url));
        Ok(request.basic_auth(&self.user, Some(&self.password)))
    }

    async fn list(&self, path: &str) -> Result<Vec<Value>, String> {
        match json(self.request(Method::GET, path)?).await? {
            Value::Array(all) => Ok(all),
            _ => Err("it answers with something else than a list".to_owned()),
        }
    }
}

fn encoded(name: &str) -> String {
    utf8_percent_encode(name, NON_ALPHANUMERIC).to_string()
}
