//! A real browser, without a window: opens a page from disk, types, asks, and tells what it did.
//!
//! Chromium's DevTools protocol over its pipe: JSON objects, each ended by a zero byte, in on file
//! descriptor 3, out on 4. A shell moves standard input and output there.

use std::{process::Command, time::Duration};

use serde_json::{Value, json};

use crate::pipe::Pipe;

/// How long one message may take: far longer than any does on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running browser with one page. It ends with this value.
pub struct Browser {
    pipe: Pipe,
    /// What it was asked last.
    asked: String,
    folder: tempfile::TempDir,
    session: Option<String>,
    number: u64,
    events: Vec<Value>,
    page: String,
}

impl Browser {
    /// Starts it.
    ///
    /// # Panics
    /// There is no browser: `ci/prerequisites --for-tests` installs it.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = Command::new("sh");
        command
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", "chromium"])
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
            .args(["--no-first-run", "--disable-background-networking", "--disable-extensions"])
            .arg("--remote-debugging-pipe")
            .arg(format!("--user-data-dir={}", folder.path().join("profile").display()));
        // A browser that is asked to end takes its own processes with it.
        let pipe = Pipe::start(&mut command, "{\"id\":0,\"method\":\"Browser.close\"}");
        let (session, number, events) = (None, 0, Vec::new());
        let (asked, page) = (String::new(), String::new());
        let mut browser = Self { pipe, asked, folder, session, number, events, page };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = browser.call("Target.attachToTarget", attach);
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser.resize(1000);
        browser
    }

    /// Opens a page from disk, and waits until its scripts have run.
    pub fn open(&mut self, html: &str) {
        let path = self.folder.path().join("report.html");
        std::fs::write(&path, html).expect("the page is written");
        self.page = format!("file://{}", path.display());
        self.events.clear();
        self.call("Page.navigate", json!({ "url": self.page }));
        while !self.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            let event = self.read();
            self.events.push(event);
        }
        // What is seen first is told a moment after it was drawn.
        self.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done, 20)))");
    }

    /// Waits until an expression is true; gives up after ten seconds.
    pub fn becomes_true(&mut self, expression: &str) -> bool {
        let script = format!(
            "new Promise(done => {{
                const end = Date.now() + 10000;
                const look = () => ({expression} || Date.now() > end)
                    ? done({expression}) : setTimeout(look, 10);
                look();
            }})"
        );
        self.evaluate(&script) == true
    }

    /// The value of an expression, awaited.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let asked =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut answer = self.call("Runtime.evaluate", asked);
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].take()
    }

    /// A window of that width, in CSS pixels.
    pub fn resize(&mut self, width: u32) {
        let size =
            json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    /// The reader's colour scheme, `light` or `dark`.
    pub fn prefer(&mut self, scheme: &str) {
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.call("Emulation.setEmulatedMedia", json!({ "features": [feature] }));
    }

    /// Presses and releases a key.
    pub fn press(&mut self, key: &str) {
        let text = if key == "Enter" { "\r" } else { key };
        let code = if key == "Enter" { 13 } else { 0 };
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({ "type": kind, "key": key, "windowsVirtualKeyCode": code });
            if kind == "keyDown" {
                event["text"] = text.into();
            }
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    /// Types into what has the focus.
    pub fn type_text(&mut self, text: &str) {
        self.call("Input.insertText", json!({ "text": text }));
    }

    /// No error, no message, no broken policy; nothing was asked for but the page itself.
    pub fn check_that_all_is_quiet(&mut self) {
        for event in &self.events {
            let method = event["method"].as_str().unwrap_or_default();
            let is_loud = method == "Runtime.consoleAPICalled"
                || method == "Runtime.exceptionThrown"
                || method == "Log.entryAdded";
            assert!(!is_loud, "{event}");
            if method == "Network.requestWillBeSent" {
                let url = event["params"]["request"]["url"].as_str().unwrap_or_default();
                let url = url.split('#').next().unwrap_or_default();
                assert_eq!(url, self.page, "nothing else is asked for");
            }
        }
        let asked = |event: &&Value| event["method"] == "Network.requestWillBeSent";
        assert_eq!(self.events.iter().filter(asked).count(), 1, "the page itself was seen");
    }

    fn call(&mut self, method: &str, params: Value) -> Value {
        self.number += 1;
        let mut message = json!({ "id": self.number, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        self.asked = method.to_owned();
        // That it is gone is told where its answer is read.
        self.pipe.send(&message.to_string());
        loop {
            let mut answer = self.read();
            if answer["id"] == self.number {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].take();
            }
            self.events.push(answer);
        }
    }

    fn read(&mut self) -> Value {
        let message = self.pipe.read(PATIENCE).unwrap_or_else(|why| {
            panic!(
                "chromium, asked for {}: {why} (`ci/prerequisites --for-tests` installs it, as the \
                 package `chromium`)",
                self.asked
            )
        });
        serde_json::from_slice(&message).expect("JSON")
    }
}
