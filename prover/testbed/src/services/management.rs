//! RabbitMQ's management API, which lists what AMQP does not.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::ask::{http, json};
use super::rabbitmq::{MANAGEMENT_PORT, connect};
use crate::password::credentials;
use crate::place::Place;
use crate::service::Thing;

/// The API of one broker, for one virtual host.
pub(super) struct Management {
    url: String,
    vhost: String,
    user: String,
    password: String,
}

impl Management {
    /// That of the broker at a place, at its usual port where no URL is given; the account is that
    /// of the place, unless the URL has one.
    pub(super) fn of(place: &Place, url: Option<&str>) -> Result<Self, String> {
        let options = connect(place);
        let usual = format!("http://{}:{MANAGEMENT_PORT}", place.host());
        let url = url.unwrap_or(&usual);
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err("its URL begins with http://".to_owned());
        }
        let vhost = utf8_percent_encode(&options.vhost, NON_ALPHANUMERIC).to_string();
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

    async fn list(&self, path: &str) -> Result<Vec<Value>, String> {
        let request = http()?.get(format!("{}/api/{path}", self.url));
        let request = request.basic_auth(&self.user, Some(&self.password));
        match json(request).await? {
            Value::Array(all) => Ok(all),
            _ => Err("it answers with something else than a list".to_owned()),
        }
    }
}
