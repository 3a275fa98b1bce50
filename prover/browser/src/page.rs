//! A page: what is done to it, what it answers, and what it complained about.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A page of a [`Browser`](crate::Browser).
#[derive(Debug)]
pub struct Page {
    socket: WebSocket<TcpStream>,
    session: String,
    calls: u64,
    /// Everything that it told of by itself.
    events: Vec<Value>,
}

impl Page {
    pub(crate) fn new(address: &str, width: u32, height: u32) -> Self {
        let host = address
            .trim_start_matches("ws://")
            .split('/')
            .next()
            .unwrap_or_default();
        let stream = TcpStream::connect(host).expect("the browser listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        let (socket, _) = tungstenite::client(address, stream).expect("a web socket");
        let mut page = Self {
            socket,
            session: String::new(),
            calls: 0,
            events: Vec::new(),
        };
        let target = page.call("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let attached = page.call("Target.attachToTarget", attach);
        page.session = text(&attached["sessionId"]);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            page.call(&format!("{domain}.enable"), json!({}));
        }
        page.resize(width, height);
        page
    }

    /// Says one command of the protocol and waits for its answer.
    ///
    /// # Panics
    /// The browser refuses, or says nothing.
    pub fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.ask(method, parameters)
            .unwrap_or_else(|refused| panic!("{method}: {refused}"))
    }

    fn ask(&mut self, method: &str, parameters: Value) -> Result<Value, Value> {
        self.calls += 1;
        let id = self.calls;
        let mut command = json!({"id": id, "method": method, "params": parameters});
        if !self.session.is_empty() {
            command["sessionId"] = json!(self.session);
        }
        self.socket
            .send(Message::text(command.to_string()))
            .expect("the browser listens");
        loop {
            let message = self.hear();
            if message["id"] == id {
                return match &message["error"] {
                    Value::Null => Ok(message["result"].clone()),
                    refused => Err(refused.clone()),
                };
            }
            self.events.push(message);
        }
    }

    fn hear(&mut self) -> Value {
        loop {
            let message = self.socket.read().expect("the browser answers in time");
            if let Message::Text(text) = message {
                return serde_json::from_str(&text).expect("it speaks JSON");
            }
        }
    }

    /// Opens an address and waits until all of it is there.
    pub fn open(&mut self, address: &str) {
        self.call("Page.navigate", json!({"url": "about:blank"}));
        self.events.clear();
        let answer = self.call("Page.navigate", json!({"url": address}));
        assert!(answer["errorText"].is_null(), "{address}: {answer}");
        let loader = answer["loaderId"].clone();
        let is_loaded = |event: &Value| {
            event["method"] == "Page.lifecycleEvent" && event["params"]["loaderId"] == loader
                || event["method"] == "Page.loadEventFired"
        };
        let began = Instant::now();
        while !self.events.iter().any(is_loaded) {
            assert!(began.elapsed() < PATIENCE, "{address} does not load");
            let message = self.hear();
            self.events.push(message);
        }
        self.wait_for("document.readyState === 'complete'");
    }

    /// Opens a file, with what stands behind its name in the address (`#event-3`).
    pub fn open_file(&mut self, path: &Path, fragment: &str) {
        let path = path.canonicalize().expect("the file is there");
        self.open(&format!("file://{}{fragment}", path.display()));
    }

    /// What an expression is in the page; of a promise, what it comes to.
    pub fn eval(&mut self, expression: &str) -> Value {
        self.value(expression)
            .unwrap_or_else(|refused| panic!("{expression}: {refused}"))
    }

    /// The browser refuses where the page makes room for another one meanwhile.
    fn value(&mut self, expression: &str) -> Result<Value, Value> {
        let asked = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.ask("Runtime.evaluate", asked)?;
        let thrown = &answer["exceptionDetails"];
        assert!(thrown.is_null(), "{expression}: {thrown}");
        Ok(answer["result"]["value"].clone())
    }

    /// Waits until an expression is true, on this page or the one that follows it.
    ///
    /// # Panics
    /// It is not true in time, or throws.
    pub fn wait_for(&mut self, expression: &str) {
        let began = Instant::now();
        loop {
            let answer = self.value(expression);
            if answer == Ok(Value::Bool(true)) {
                return;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "never: {expression}: {answer:?}"
            );
        }
    }

    /// Gives the page another size.
    pub fn resize(&mut self, width: u32, height: u32) {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    /// Shows it as somebody sees it who likes it `dark` or `light`.
    pub fn prefer(&mut self, scheme: &str) {
        let feature = json!({"name": "prefers-color-scheme", "value": scheme});
        self.call("Emulation.setEmulatedMedia", json!({"features": [feature]}));
    }

    /// Clicks a place of what is seen.
    pub fn click(&mut self, x: f64, y: f64) {
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            let button = if kind == "mouseMoved" { "none" } else { "left" };
            let mouse = json!({"type": kind, "x": x, "y": y, "button": button, "clickCount": 1});
            self.call("Input.dispatchMouseEvent", mouse);
        }
    }

    /// Presses a key that writes one character.
    pub fn press(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { key } else { "" };
            let pressed = json!({"type": kind, "key": key, "text": text});
            self.call("Input.dispatchKeyEvent", pressed);
        }
    }

    /// Exceptions, errors and warnings since it was opened.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let complaint = |event: &&Value| match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Log.entryAdded") => event["params"]["entry"]["level"] != "verbose",
            Some("Runtime.consoleAPICalled") => ["error", "warning", "assert"]
                .contains(&event["params"]["type"].as_str().unwrap_or_default()),
            Some("Page.javascriptDialogOpening") => true,
            _ => false,
        };
        self.events
            .iter()
            .filter(complaint)
            .map(Value::to_string)
            .collect()
    }

    /// The addresses that it asked for since it was opened.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        let requests = self
            .events
            .iter()
            .filter(|event| event["method"] == "Network.requestWillBeSent");
        requests
            .map(|event| text(&event["params"]["request"]["url"]))
            .collect()
    }

    /// Stores a picture of all of the page, or of what is seen.
    pub fn picture(&mut self, path: &Path, whole: bool) {
        let asked =
            json!({"format": "png", "captureBeyondViewport": whole, "optimizeForSpeed": true});
        let mut asked = asked;
        if whole {
            let size = self.call("Page.getLayoutMetrics", json!({}))["cssContentSize"].clone();
            asked["clip"] = json!({"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1});
        }
        let taken = self.call("Page.captureScreenshot", asked);
        let bytes = STANDARD.decode(text(&taken["data"])).expect("base64");
        fs::create_dir_all(path.parent().expect("a file")).expect("writable");
        fs::write(path, bytes).expect("writable");
    }
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("no text: {value}"))
        .to_owned()
}
