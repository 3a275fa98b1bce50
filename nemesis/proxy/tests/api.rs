//! The HTTP API as Toxiproxy's own clients use it: their bodies, Toxiproxy's answers.

mod common;

use common::{Bed, Served, passes, within};
use proxy::VERSION;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

struct Api {
    served: Served,
    http: reqwest::Client,
}

impl Api {
    async fn new() -> Self {
        Self {
            served: Served::start(0).await,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    /// A server with the proxy `redis`.
    async fn with_proxy() -> Self {
        let api = Self::new().await;
        let (status, _) = api
            .ask(Method::POST, "/proxies", &redis().to_string())
            .await;
        assert_eq!(status, StatusCode::CREATED);
        api
    }

    async fn ask(&self, method: Method, path: &str, body: &str) -> (StatusCode, Value) {
        let url = format!("{}{path}", self.served.url);
        let request = self.http.request(method, url).body(body.to_owned());
        let response = within(request.send()).await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        let json = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).expect(&text)
        };
        (status, json)
    }

    async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.ask(Method::GET, path, "").await;
        assert_eq!(status, StatusCode::OK);
        answer
    }

    async fn refuses(&self, method: Method, path: &str, body: &str, status: u16, error: &str) {
        let (got, answer) = self.ask(method, path, body).await;
        assert_eq!(got.as_u16(), status, "{path} {body}: {answer}");
        assert_eq!(answer["status"], status, "{path} {body}: {answer}");
        let said = answer["error"].as_str().unwrap();
        assert!(
            said.starts_with(error),
            "{path} {body}: {said:?}, not {error:?}"
        );
    }
}

fn redis() -> Value {
    json!({"name": "redis", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:6379"})
}

#[tokio::test]
async fn version() {
    let api = Api::new().await;
    assert_eq!(api.get("/version").await, json!({ "version": VERSION }));
    let response = api.http.get(format!("{}/version", api.served.url));
    let text = within(response.send()).await.unwrap().text().await;
    assert_eq!(text.unwrap(), format!("{{\"version\": \"{VERSION}\"}}\n"));
}

#[tokio::test]
async fn browsers_are_refused_whatever_they_ask_for() {
    let api = Api::with_proxy().await;
    let before = api.get("/proxies").await;
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
    let body = redis().to_string().replace("redis", "evil");
    for (method, path, body) in [
        (Method::GET, "/version", ""),
        (Method::GET, "/proxies", ""),
        (Method::POST, "/proxies", &*body),
        (Method::POST, "/populate", &*" ".repeat(100_000)),
        (Method::POST, "/reset", "{}"),
        (Method::DELETE, "/proxies/redis", ""),
    ] {
        let url = format!("{}{path}", api.served.url);
        let request = api.http.request(method, url).header("User-Agent", agent);
        let response = within(request.body(body.to_owned()).send()).await.unwrap();
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{path}");
        let said = response.text().await.unwrap();
        assert_eq!(said, "User agent not allowed\n", "{path}");
    }
    assert_eq!(api.get("/proxies").await, before);
}

#[tokio::test]
async fn metrics_count_what_was_read_and_passed_on() {
    let bed = Bed::new().await;
    let (mut client, mut server) = bed.connect().await;
    passes(&mut client, &mut server, "ping").await;
    passes(&mut server, &mut client, "to you").await;
    let timeout = proxy::Timeout { timeout: 0 };
    bed.add(proxy::Stream::Upstream, &timeout).await;
    passes(&mut server, &mut client, "!").await;
    client.write_all(b"lost").await.unwrap();
    bed.until(|counters| counters.upstream.received == 8).await;
    let text = metrics(&bed.served.url).await;
    for (name, direction, bytes) in [
        ("received", "upstream", 8),
        ("sent", "upstream", 4),
        ("received", "downstream", 7),
        ("sent", "downstream", 7),
    ] {
        let upstream = bed.server.local_addr().unwrap();
        let line = format!(
            "toxiproxy_proxy_{name}_bytes_total{{direction=\"{direction}\",listener=\"{}\",proxy=\"p\",upstream=\"{upstream}\"}} {bytes}\n",
            bed.listen
        );
        assert!(text.contains(&line), "{line} is not in {text}");
    }

    drop((client, server));
    bed.until(|counters| counters.open == 0).await;
    assert_eq!(metrics(&bed.served.url).await, text, "past ones count on");
}

async fn metrics(api: &str) -> String {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let response = within(http.get(format!("{api}/metrics")).send());
    let response = response.await.unwrap();
    assert_eq!(
        response.headers()["content-type"],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    response.text().await.unwrap()
}

#[tokio::test]
async fn what_stands_behind_a_body_is_not_looked_at() {
    let api = Api::new().await;
    let body = format!("{} and more", redis());
    let (status, made) = api.ask(Method::POST, "/proxies", &body).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
}

#[tokio::test]
async fn a_proxy_as_the_go_client_makes_it() {
    let api = Api::new().await;
    let body = r#"{"name":"redis","listen":"127.0.0.1:0","upstream":"127.0.0.1:6379","enabled":true,"toxics":null}"#;
    let (status, made) = api.ask(Method::POST, "/proxies", body).await;
    assert_eq!(status, StatusCode::CREATED);
    let listen = made["listen"].as_str().unwrap();
    assert!(
        listen.starts_with("127.0.0.1:") && !listen.ends_with(":0"),
        "{listen}"
    );
    let expected = json!({
        "name": "redis", "listen": listen, "upstream": "127.0.0.1:6379", "enabled": true, "toxics": [],
    });
    assert_eq!(made, expected);
    assert_eq!(api.get("/proxies").await, json!({ "redis": expected }));
    assert_eq!(api.get("/proxies/redis").await, expected);
    let (status, answer) = api.ask(Method::DELETE, "/proxies/redis", "").await;
    assert_eq!((status, answer), (StatusCode::NO_CONTENT, Value::Null));
    assert_eq!(api.get("/proxies").await, json!({}));
}

#[tokio::test]
async fn a_proxy_can_be_made_disabled_and_moved() {
    let api = Api::new().await;
    let mut wish = redis();
    wish["enabled"] = false.into();
    let (_, made) = api.ask(Method::POST, "/proxies", &wish.to_string()).await;
    assert_eq!(
        (&made["enabled"], &made["listen"]),
        (&json!(false), &json!("127.0.0.1:0"))
    );
    for method in [Method::POST, Method::PATCH] {
        let (status, moved) = api
            .ask(method, "/proxies/redis", r#"{"upstream":"127.0.0.1:6380"}"#)
            .await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(
            (&moved["enabled"], &moved["upstream"]),
            (&json!(false), &json!("127.0.0.1:6380"))
        );
    }
    let (_, on) = api
        .ask(Method::PATCH, "/proxies/redis", r#"{"enabled":true}"#)
        .await;
    assert_eq!(on["enabled"], true);
    assert_ne!(on["listen"], "127.0.0.1:0");
    let (_, moved) = api
        .ask(
            Method::PATCH,
            "/proxies/redis",
            r#"{"listen":"127.0.0.1:0"}"#,
        )
        .await;
    assert_eq!(moved["enabled"], true);
    assert_ne!(moved["listen"], "127.0.0.1:0");
}

#[tokio::test]
async fn toxics_get_toxiproxys_defaults() {
    let api = Api::with_proxy().await;
    let (status, made) = api
        .ask(
            Method::POST,
            "/proxies/redis/toxics",
            r#"{"type":"latency","attributes":{"latency":1000}}"#,
        )
        .await;
    assert_eq!(status, StatusCode::OK);
    let expected = json!({
        "name": "latency_downstream", "type": "latency", "stream": "downstream", "toxicity": 1.0,
        "attributes": {"latency": 1000, "jitter": 0},
    });
    assert_eq!(made, expected);
    assert_eq!(api.get("/proxies/redis/toxics").await, json!([expected]));
    assert_eq!(
        api.get("/proxies/redis/toxics/latency_downstream").await,
        expected
    );
    assert_eq!(api.get("/proxies/redis").await["toxics"], json!([expected]));

    // As the Python client sends it: everything, with an empty name.
    let body = r#"{"name":"","type":"bandwidth","stream":"upstream","toxicity":0.25,"attributes":{"rate":0}}"#;
    let (_, made) = api.ask(Method::POST, "/proxies/redis/toxics", body).await;
    assert_eq!(
        (&made["name"], &made["toxicity"]),
        (&json!("bandwidth_upstream"), &json!(0.25))
    );
    let toxics = api.get("/proxies/redis/toxics").await;
    assert_eq!(
        toxics[0]["stream"], "upstream",
        "upstream toxics come first"
    );

    let (status, _) = api
        .ask(
            Method::DELETE,
            "/proxies/redis/toxics/bandwidth_upstream",
            "",
        )
        .await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(api.get("/proxies/redis/toxics").await, json!([expected]));
}

#[tokio::test]
async fn an_update_changes_what_it_names() {
    let api = Api::with_proxy().await;
    let body = r#"{"type":"latency","attributes":{"latency":1000,"jitter":5}}"#;
    api.ask(Method::POST, "/proxies/redis/toxics", body).await;
    let path = "/proxies/redis/toxics/latency_downstream";
    for (method, body, expected) in [
        (
            Method::POST,
            r#"{"attributes":{"jitter":7}}"#,
            (1000, 7, 1.0),
        ),
        (Method::PATCH, r#"{"toxicity":0.5}"#, (1000, 7, 0.5)),
        (Method::PATCH, r#"{"attributes":null}"#, (1000, 7, 0.5)),
        (
            Method::PATCH,
            r#"{"attributes":{"latency":1},"stream":"upstream","type":"slicer"}"#,
            (1, 7, 0.5),
        ),
    ] {
        let (status, changed) = api.ask(method, path, body).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        let (latency, jitter, toxicity) = expected;
        assert_eq!(
            changed["attributes"],
            json!({"latency": latency, "jitter": jitter}),
            "{body}"
        );
        assert_eq!(changed["toxicity"], toxicity, "{body}");
        assert_eq!(changed["stream"], "downstream", "{body}");
    }
    assert_eq!(api.get(path).await["attributes"]["latency"], 1);
}

#[tokio::test]
async fn every_kind_of_toxic_can_be_made_on_both_streams() {
    let api = Api::with_proxy().await;
    for kind in proxy::ALL {
        for stream in ["upstream", "downstream"] {
            // Only a trap wants to be told something, and others do not mind.
            let told = json!({"method": "basic.ack", "then": "hold"});
            let body = json!({"type": kind.name, "stream": stream, "attributes": told});
            let body = body.to_string();
            let (status, made) = api.ask(Method::POST, "/proxies/redis/toxics", &body).await;
            assert_eq!(status, StatusCode::OK, "{body}");
            assert_eq!(made["name"], format!("{}_{stream}", kind.name));
        }
    }
    let (status, _) = api.ask(Method::POST, "/reset", "").await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(api.get("/proxies/redis/toxics").await, json!([]));
}

#[tokio::test]
async fn reset_enables_and_removes() {
    let api = Api::with_proxy().await;
    api.ask(
        Method::POST,
        "/proxies/redis/toxics",
        r#"{"type":"timeout"}"#,
    )
    .await;
    api.ask(Method::POST, "/proxies/redis", r#"{"enabled":false}"#)
        .await;
    api.ask(Method::POST, "/reset", "{}").await;
    let proxy = api.get("/proxies/redis").await;
    assert_eq!(
        (&proxy["enabled"], &proxy["toxics"]),
        (&json!(true), &json!([]))
    );
}

/// One proxy that cannot listen must not leave faults on the others, whatever their names.
#[tokio::test]
async fn reset_goes_on_behind_a_proxy_that_cannot_listen() {
    let api = Api::with_proxy().await;
    let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = other.local_addr().unwrap();
    for name in ["a", "b", "z"] {
        let listen = if name == "z" {
            "127.0.0.1:0".into()
        } else {
            taken.to_string()
        };
        let body = json!({"name": name, "listen": listen, "upstream": "x", "enabled": false});
        api.ask(Method::POST, "/proxies", &body.to_string()).await;
        let toxics = format!("/proxies/{name}/toxics");
        api.ask(Method::POST, &toxics, r#"{"type":"timeout"}"#)
            .await;
    }
    let told = format!("listen tcp {taken}: ");
    api.refuses(Method::POST, "/reset", "", 500, &told).await;
    let all = api.get("/proxies").await;
    for (name, enabled) in [("a", false), ("b", false), ("redis", true), ("z", true)] {
        assert_eq!(all[name]["enabled"], enabled, "{name}");
        assert_eq!(all[name]["toxics"], json!([]), "{name}");
    }
}

#[tokio::test]
async fn a_method_that_a_path_has_not_is_told_with_those_that_it_has() {
    let api = Api::new().await;
    let url = format!("{}/reset", api.served.url);
    let response = within(api.http.get(url).send()).await.unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()["allow"], "POST");
}

#[tokio::test]
async fn populate_makes_replaces_and_keeps() {
    let api = Api::with_proxy().await;
    let listen = api.get("/proxies/redis").await["listen"].clone();
    api.ask(
        Method::POST,
        "/proxies/redis/toxics",
        r#"{"type":"timeout"}"#,
    )
    .await;
    let same = json!({"name": "redis", "listen": listen, "upstream": "127.0.0.1:6379"});
    let new = json!({"name": "mysql", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:3306", "enabled": false});
    let (status, answer) = api
        .ask(Method::POST, "/populate", &json!([same, new]).to_string())
        .await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(
        answer["proxies"][0]["toxics"][0]["type"], "timeout",
        "kept as it was"
    );
    assert_eq!(answer["proxies"][1]["enabled"], false);
    assert!(answer.get("error").is_none());

    let other = json!([{"name": "redis", "listen": listen, "upstream": "127.0.0.1:1"}]);
    let (_, answer) = api.ask(Method::POST, "/populate", &other.to_string()).await;
    assert_eq!(answer["proxies"][0]["upstream"], "127.0.0.1:1");
    assert_eq!(answer["proxies"][0]["toxics"], json!([]), "replaced");
    assert_eq!(api.get("/proxies").await.as_object().unwrap().len(), 2);
}

#[tokio::test]
async fn populate_checks_everything_before_it_makes_anything() {
    let api = Api::new().await;
    for (body, error) in [
        (
            json!([redis(), {"name": "x"}]),
            "missing required field: upstream at proxy 2",
        ),
        (
            json!([redis(), {"upstream": "x"}]),
            "missing required field: name at proxy 2",
        ),
        (
            json!([redis(), redis()]),
            "bad request body: duplicate proxy name",
        ),
        (json!({}), "bad request body: "),
    ] {
        let (status, answer) = api.ask(Method::POST, "/populate", &body.to_string()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(
            answer["error"].as_str().unwrap().starts_with(error),
            "{answer}"
        );
        assert_eq!(
            (&answer["status"], &answer["proxies"]),
            (&json!(400), &json!([]))
        );
    }
    assert_eq!(api.get("/proxies").await, json!({}));
}

#[tokio::test]
async fn field_names_of_proxies_come_in_any_case() {
    let api = Api::new().await;
    let body =
        r#"{"NAME":"redis","Listen":"127.0.0.1:0","UpStream":"127.0.0.1:6379","ENABLED":false}"#;
    let (status, made) = api.ask(Method::POST, "/proxies", body).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert_eq!(
        made,
        json!({
            "name": "redis", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:6379",
            "enabled": false, "toxics": [],
        })
    );
    for (method, body, enabled) in [
        (Method::POST, r#"{"Enabled":true}"#, true),
        (Method::PATCH, r#"{"Enabled":false}"#, false),
        (Method::PATCH, r#"{"enabled":false,"ENABLED":true}"#, true),
    ] {
        let (status, answer) = api.ask(method, "/proxies/redis", body).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        assert_eq!(answer["enabled"], enabled, "{body}");
    }
    let body = r#"[{"Name":"mysql","LISTEN":"127.0.0.1:0","Upstream":"x:1","Enabled":false}]"#;
    let (status, answer) = api.ask(Method::POST, "/populate", body).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    assert_eq!(answer["proxies"][0]["name"], "mysql");
    assert_eq!(answer["proxies"][0]["enabled"], false);
}

#[tokio::test]
async fn field_names_and_streams_of_toxics_come_in_any_case() {
    let api = Api::with_proxy().await;
    let toxics = "/proxies/redis/toxics";
    for (stream, name) in [
        ("Upstream", "latency_Upstream"),
        ("DOWNSTREAM", "latency_DOWNSTREAM"),
    ] {
        let body = format!(
            r#"{{"Type":"latency","Stream":"{stream}","TOXICITY":0.5,"Attributes":{{"Latency":7,"JITTER":3}}}}"#
        );
        let (status, made) = api.ask(Method::POST, toxics, &body).await;
        assert_eq!(status, StatusCode::OK, "{made}");
        let expected = json!({
            "name": name, "type": "latency", "stream": stream.to_lowercase(), "toxicity": 0.5,
            "attributes": {"latency": 7, "jitter": 3},
        });
        assert_eq!(made, expected);
    }
    let body = r#"{"TYPE":"slicer","Name":"s","attributes":{"Average_Size":9}}"#;
    let (_, made) = api.ask(Method::POST, toxics, body).await;
    assert_eq!(made["attributes"]["average_size"], 9, "{made}");
    let body = r#"{"ATTRIBUTES":{"Jitter":4},"Toxicity":1}"#;
    let path = format!("{toxics}/latency_Upstream");
    let (_, changed) = api.ask(Method::PATCH, &path, body).await;
    assert_eq!(changed["attributes"], json!({"latency": 7, "jitter": 4}));
    assert_eq!(changed["toxicity"], 1.0);
}

#[tokio::test]
async fn null_is_as_good_as_absent() {
    let api = Api::with_proxy().await;
    let before = api.get("/proxies/redis").await;
    for body in [
        r#"{"listen":null,"Upstream":null,"enabled":null,"toxics":null}"#,
        "null",
    ] {
        let (status, after) = api.ask(Method::PATCH, "/proxies/redis", body).await;
        assert_eq!((status, &after), (StatusCode::OK, &before), "{body}");
    }
    let body = r#"{"name":null,"type":"latency","stream":null,"toxicity":null,"attributes":{"latency":5,"jitter":null}}"#;
    let (status, made) = api.ask(Method::POST, "/proxies/redis/toxics", body).await;
    assert_eq!(status, StatusCode::OK, "{made}");
    let mut expected = json!({
        "name": "latency_downstream", "type": "latency", "stream": "downstream", "toxicity": 1.0,
        "attributes": {"latency": 5, "jitter": 0},
    });
    assert_eq!(made, expected);
    expected["attributes"]["jitter"] = 6.into();
    let path = "/proxies/redis/toxics/latency_downstream";
    let body = r#"{"toxicity":null,"attributes":{"latency":null,"jitter":6}}"#;
    let (_, changed) = api.ask(Method::PATCH, path, body).await;
    assert_eq!(changed, expected);
    let (status, _) = api.ask(Method::POST, "/populate", "null").await;
    assert_eq!(status, StatusCode::CREATED);
}

#[tokio::test]
async fn errors_have_toxiproxys_words_and_codes() {
    let api = Api::with_proxy().await;
    let (post, get, delete) = (Method::POST, Method::GET, Method::DELETE);
    let toxics = "/proxies/redis/toxics";
    api.ask(post.clone(), toxics, r#"{"type":"latency"}"#).await;
    let latency = "/proxies/redis/toxics/latency_downstream";
    for (method, path, body, status, error) in [
        (&post, "/proxies", "{", 400, "bad request body: EOF"),
        (&post, "/proxies", "", 400, "bad request body: EOF"),
        (
            &post,
            "/proxies",
            r#"{"name":7}"#,
            400,
            "bad request body: invalid type",
        ),
        (
            &post,
            "/proxies",
            r#"{"upstream":"x"}"#,
            400,
            "missing required field: name",
        ),
        (
            &post,
            "/proxies",
            r#"{"name":"","upstream":"x"}"#,
            400,
            "missing required field: name",
        ),
        (
            &post,
            "/proxies",
            r#"{"name":"x"}"#,
            400,
            "missing required field: upstream",
        ),
        (
            &post,
            "/proxies",
            r#"{"name":"redis","upstream":"x"}"#,
            409,
            "proxy already exists",
        ),
        (
            &post,
            "/proxies",
            r#"{"name":"x","upstream":"x","listen":"127.0.0.1:x"}"#,
            500,
            "listen tcp 127.0.0.1:x",
        ),
        (&get, "/proxies/x", "", 404, "proxy not found"),
        (&post, "/proxies/x", "{}", 404, "proxy not found"),
        (&post, "/proxies/redis", "[", 400, "bad request body: "),
        (&delete, "/proxies/x", "", 404, "proxy not found"),
        (&get, "/proxies/x/toxics", "", 404, "proxy not found"),
        (&post, "/proxies/x/toxics", "{}", 404, "proxy not found"),
        (&post, toxics, "", 400, "bad request body: EOF"),
        (&post, toxics, r#"{"type":"x"}"#, 400, "invalid toxic type"),
        (&post, toxics, "{}", 400, "invalid toxic type"),
        (
            &post,
            toxics,
            r#"{"type":"latency","stream":"x"}"#,
            400,
            "stream was invalid, can be either upstream or downstream",
        ),
        (
            &post,
            toxics,
            r#"{"type":"latency"}"#,
            409,
            "toxic already exists",
        ),
        (
            &post,
            toxics,
            r#"{"type":"latency","name":"a","attributes":{"latency":"x"}}"#,
            400,
            "bad request body: ",
        ),
        (
            &post,
            toxics,
            r#"{"type":"latency","name":"a","toxicity":2}"#,
            400,
            "bad request body: toxicity 2",
        ),
        (&get, "/proxies/redis/toxics/x", "", 404, "toxic not found"),
        (
            &post,
            "/proxies/redis/toxics/x",
            "{}",
            404,
            "toxic not found",
        ),
        (
            &post,
            latency,
            r#"{"attributes":{"latency":-1}}"#,
            400,
            "bad request body: ",
        ),
        (
            &post,
            latency,
            r#"{"attributes":7}"#,
            400,
            "bad request body: ",
        ),
        (
            &delete,
            "/proxies/redis/toxics/x",
            "",
            404,
            "toxic not found",
        ),
        (&get, "/nowhere", "", 404, "no such path"),
        (&post, "/version", "", 405, "no such method on this path"),
        (&delete, toxics, "", 405, "no such method on this path"),
        (
            &get,
            "/proxies/%ff",
            "",
            400,
            "a name in the path is no UTF-8",
        ),
    ] {
        api.refuses(method.clone(), path, body, status, error).await;
    }
    // Of a much longer one the rest would not be read, and the answer could get lost.
    let much = " ".repeat((2 << 20) + 1);
    for path in ["/proxies", "/populate", latency] {
        let post = post.clone();
        let told = "the body has more than 2 MiB";
        api.refuses(post, path, &much, 413, told).await;
    }
    assert_eq!(
        api.get("/proxies").await.as_object().unwrap().len(),
        1,
        "nothing half made"
    );
    assert_eq!(api.get(toxics).await.as_array().unwrap().len(), 1);
}
