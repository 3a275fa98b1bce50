//! What both sides say has the form of `docs/protocol.schema.json`, and what the schema refuses is
//! refused when it is read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use boon::{Compiler, SchemaIndex, Schemas};
use locks::{
    Action, Answer, ClientConfig, Endpoint, Error, ErrorKind, Grant, Kind, Lock, Loss, Options,
    Session,
};
use process::message::{Asked, Envelope, Init, Place, Request, Said};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, duplex, split};

/// The schema, ready to be asked.
struct Form {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Form {
    fn read() -> Self {
        let text = include_str!("../../../docs/protocol.schema.json");
        let text: Value = serde_json::from_str(text).expect("JSON");
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler
            .add_resource("protocol.json", text)
            .expect("it is the only one");
        let index = compiler.compile("protocol.json", &mut schemas);
        Self {
            index: index.unwrap_or_else(|error| panic!("{error:#}")),
            schemas,
        }
    }

    fn refuses(&self, message: &Value) -> Option<String> {
        let answer = self.schemas.validate(message, self.index);
        answer.err().map(|error| format!("{error:#}"))
    }

    /// It must have its form, and not a field more.
    fn take(&self, message: &Value) {
        if let Some(why) = self.refuses(message) {
            panic!("{why}\n{message:#}");
        }
        let mut more = message.clone();
        more["body"]["surprise"] = json!(1);
        assert!(self.refuses(&more).is_some(), "open: {message:#}");
    }
}

/// Each request once, over such links.
fn requests(endpoints: Vec<Place>) -> Vec<Asked> {
    let key = || "lock-0".to_owned();
    let init = Init {
        node_id: "n3".to_owned(),
        node_ids: vec!["n3".to_owned()],
        keys: vec![key()],
        options: BTreeMap::from([("lease".to_owned(), "5s".to_owned())]),
        endpoints,
        ..Init::default()
    };
    vec![
        Asked::Init(init),
        Asked::Acquire {
            key: key(),
            wait_ms: 0,
        },
        Asked::Verify { key: key() },
        Asked::Create {
            key: key(),
            slots: 2,
        },
        Asked::Grow {
            key: key(),
            most: 3,
        },
        Asked::Shrink { key: key() },
        Asked::Destroy { key: key() },
        Asked::Count { key: key() },
        Asked::Overshoot { key: key() },
        Asked::Wait {
            key: key(),
            slot: 1,
        },
        Asked::Request { key: key() },
        Asked::Release { key: key() },
        Asked::Close {},
    ]
}

/// A link to each of no service, of one that the lock knows, and of another.
fn links() -> Vec<Vec<Place>> {
    let place = |service: &str, url: &str| {
        Place(Endpoint {
            service: service.to_owned(),
            name: service.to_owned(),
            host: "127.0.0.1".to_owned(),
            port: 1,
            url: url.to_owned(),
        })
    };
    vec![
        Vec::new(),
        vec![place("rabbitmq", "amqp://guest:guest@127.0.0.1:1/%2f")],
        vec![place("redis", "redis://127.0.0.1:1")],
    ]
}

/// A lock that can do everything, or nothing.
#[derive(Clone, Copy)]
struct Everything {
    works: bool,
}

impl Everything {
    fn done<T>(self, done: T, kind: ErrorKind) -> Result<T, Error> {
        if self.works {
            Ok(done)
        } else {
            Err(Error::new(kind, "as told"))
        }
    }
}

#[async_trait]
impl Lock for Everything {
    fn name(&self) -> &str {
        "everything"
    }

    fn summary(&self) -> &str {
        "can do everything"
    }

    fn kind(&self) -> Kind {
        Kind::FiledSemaphore
    }

    fn promises(&self) -> Vec<&str> {
        vec!["confirmed-exclusion"]
    }

    fn needs(&self) -> Vec<&str> {
        Vec::new()
    }

    fn lease(&self) -> Option<Duration> {
        Some(Duration::from_secs(5))
    }

    async fn open(&self, _: &ClientConfig) -> Result<Box<dyn Session>, Error> {
        Ok(Box::new(*self))
    }
}

#[async_trait]
impl Session for Everything {
    async fn acquire(&mut self, _: &str) -> Result<Grant, Error> {
        let grant = Grant {
            slot: Some(1),
            token: Some(41),
            lease: Some(Duration::from_secs(5)),
        };
        self.done(grant, ErrorKind::Busy)
    }

    async fn verify(&mut self, _: &str) -> Result<Answer, Error> {
        let answer = Answer::Leased(Duration::from_secs(5));
        Ok(if self.works { answer } else { Answer::Lost })
    }

    async fn release(&mut self, _: &str) -> Result<(), Error> {
        self.done((), ErrorKind::Lost)
    }

    async fn administer(&mut self, _: &str, _: Action) -> Result<Vec<u32>, Error> {
        self.done(vec![1, 2], ErrorKind::Io)
    }

    /// A lock that does not work loses what it never had.
    async fn loss_notification(&mut self) -> Loss {
        if self.works {
            return std::future::pending().await;
        }
        Loss::All(Error::new(ErrorKind::Io, "as told"))
    }

    async fn close(self: Box<Self>) {}
}

/// What a lock says to each request, and unasked.
async fn conversation(lock: Everything, links: Vec<Place>, form: &Form) -> Vec<Value> {
    let (near, far) = duplex(1 << 16);
    let (input, output) = split(far);
    let lock: Arc<dyn Lock> = Arc::new(lock);
    let served = tokio::spawn(async move {
        let input = BufReader::new(input);
        process::serve(lock, Options::default(), input, output).await
    });
    let (input, mut output) = split(near);
    let mut lines = BufReader::new(input).lines();
    let mut said = Vec::new();
    for (msg_id, asked) in (1..).zip(requests(links)) {
        let envelope = Envelope {
            src: "c3".to_owned(),
            dest: "n3".to_owned(),
            body: Request { msg_id, asked },
        };
        let text = serde_json::to_string(&envelope).expect("JSON");
        form.take(&serde_json::from_str(&text).expect("JSON"));
        output
            .write_all(format!("{text}\n").as_bytes())
            .await
            .expect("it reads");
        loop {
            let line = lines.next_line().await.expect("text").expect("an answer");
            let message: Value = serde_json::from_str(&line).expect("JSON");
            let is_answer = message["body"]["in_reply_to"] == json!(msg_id);
            said.push(message);
            if is_answer {
                break;
            }
        }
    }
    served.await.expect("no panic").expect("it was served");
    said
}

#[tokio::test]
async fn whatever_is_said_has_the_form_of_the_schema() {
    let form = Form::read();
    let mut seen = BTreeSet::new();
    for works in [true, false] {
        for links in links() {
            for message in conversation(Everything { works }, links, &form).await {
                form.take(&message);
                let said: Envelope<Said> = serde_json::from_value(message).expect("a message");
                assert!(!works || said.body.name() != "error", "{said:?}");
                seen.insert(said.body.name());
            }
        }
    }
    let all = [
        "acquire_ok",
        "close_ok",
        "count_ok",
        "create_ok",
        "destroy_ok",
        "error",
        "grow_ok",
        "init_ok",
        "lost",
        "overshoot_ok",
        "release_ok",
        "request_ok",
        "shrink_ok",
        "verify_ok",
        "wait_ok",
    ];
    assert_eq!(seen, BTreeSet::from(all));
}

#[test]
fn what_the_schema_refuses_is_no_message() {
    let form = Form::read();
    let good = json!({"src": "n3", "dest": "c3", "body": {"type": "acquire_ok", "in_reply_to": 1, "held": true}});
    form.take(&good);
    for (field, value) in [
        ("held", json!("yes")),
        ("held", json!(null)),
        ("token", json!(-1)),
        ("slot", json!(1.5)),
        ("lease_ms", json!("5s")),
        ("in_reply_to", json!(null)),
        ("type", json!("acquired")),
        ("lease", json!(5)),
    ] {
        let mut wrong = good.clone();
        wrong["body"][field] = value;
        assert!(form.refuses(&wrong).is_some(), "{wrong}");
        let read = serde_json::from_value::<Envelope<Said>>(wrong.clone());
        assert!(read.is_err(), "{wrong}");
    }
}
