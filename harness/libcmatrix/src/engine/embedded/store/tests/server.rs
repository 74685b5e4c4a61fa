//! A registry for tests, in a thread, that can be told to fail.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use super::archives::Files;
use crate::engine::image_format::digest::Digest;

/// What it does wrong.
#[derive(Default)]
pub struct Faults {
    /// So many answers with layers break off in the middle.
    pub cut: u32,
    /// So many requests are answered with 503.
    pub unavailable: u32,
    /// It always gives the whole of a layer.
    pub no_ranges: bool,
    /// It wants this user and password (in base64).
    pub password: Option<String>,
    /// Layers take that long.
    pub slow: Duration,
    /// This content is never answered.
    pub stuck: Option<Digest>,
}

#[derive(Default)]
struct State {
    /// Content by path.
    content: HashMap<String, Vec<u8>>,
    faults: Faults,
    requests: Vec<String>,
}

/// A registry. Its thread ends with the process.
#[derive(Clone)]
pub struct Registry {
    pub address: String,
    state: Arc<Mutex<State>>,
}

impl Registry {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let address = listener.local_addr().expect("an address").to_string();
        let state = Arc::<Mutex<State>>::default();
        let served = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = served.clone();
                thread::spawn(move || serve(stream, &state));
            }
        });
        Self { address, state }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Offers the one image of an OCI archive; gives the digest of its manifest.
    pub fn offer(&self, repository: &str, tag: &str, files: &Files) -> Digest {
        let index: serde_json::Value = serde_json::from_slice(&files["index.json"]).expect("JSON");
        let digest = index["manifests"][0]["digest"].as_str().expect("a digest");
        let digest = Digest::parse(digest).expect("a digest");
        for (name, content) in files {
            if let Some(hash) = name.strip_prefix("blobs/sha256/") {
                self.put(&format!("/v2/{repository}/blobs/sha256:{hash}"), content);
            }
        }
        self.manifest(repository, tag, &files[&format!("blobs/sha256/{}", digest.hash())]);
        digest
    }

    /// Offers a manifest or an index by its tag and its digest.
    pub fn manifest(&self, repository: &str, tag: &str, content: &[u8]) {
        self.put(&format!("/v2/{repository}/manifests/{tag}"), content);
        self.put(&format!("/v2/{repository}/manifests/{}", Digest::of(content)), content);
    }

    pub fn put(&self, path: &str, content: &[u8]) {
        self.lock().content.insert(path.to_owned(), content.to_vec());
    }

    pub fn faults(&self, faults: Faults) {
        self.lock().faults = faults;
    }

    /// Requests so far: the path and, where there is one, the range.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().requests)
    }
}

fn serve(stream: TcpStream, state: &Mutex<State>) -> Option<()> {
    let mut writer = stream.try_clone().ok()?;
    let mut lines = BufReader::new(stream).lines();
    loop {
        let first = lines.next()?.ok()?;
        let path = first.split(' ').nth(1)?.to_owned();
        let mut headers = HashMap::new();
        while let Some((name, value)) = lines.next()?.ok()?.split_once(": ") {
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let range = headers.get("range").cloned();
        state.requests.push(format!("{path} {}", range.as_deref().unwrap_or_default()));
        let content = state.content.get(&path).cloned();
        let faults = &mut state.faults;
        if faults.unavailable > 0 {
            faults.unavailable -= 1;
            writer.write_all(b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy").ok()?;
            continue;
        }
        let wanted = faults.password.as_ref().map(|password| format!("Basic {password}"));
        if wanted.is_some() && headers.get("authorization") != wanted.as_ref() {
            writer
                .write_all(b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"r\"\r\nContent-Length: 0\r\n\r\n")
                .ok()?;
            continue;
        }
        let is_blob = path.contains("/blobs/");
        if faults.stuck.as_ref().is_some_and(|digest| path.ends_with(digest.as_str())) {
            drop(state);
            thread::sleep(Duration::from_secs(3600));
            return None;
        }
        let is_layer = content.as_ref().is_some_and(|content| is_blob && content.len() > 2000);
        let cut = is_layer && faults.cut > 0;
        faults.cut -= u32::from(cut);
        let (no_ranges, slow) = (faults.no_ranges, faults.slow);
        drop(state);
        if path == "/v2/" {
            writer.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").ok()?;
            continue;
        }
        let Some(content) = content else {
            let text = r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#;
            write!(writer, "HTTP/1.1 404 No\r\nContent-Length: {}\r\n\r\n{text}", text.len())
                .ok()?;
            continue;
        };
        if is_blob {
            thread::sleep(slow);
        }
        let start = range.filter(|_| !no_ranges && is_blob).and_then(|range| {
            range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok()
        });
        let status = if start.is_some() { "206 Partial Content" } else { "200 OK" };
        let rest = &content[start.unwrap_or(0).min(content.len())..];
        let kind = if path.contains("/manifests/") {
            "application/vnd.oci.image.manifest.v1+json"
        } else {
            "x/y"
        };
        write!(
            writer,
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            rest.len()
        )
        .ok()?;
        if cut {
            writer.write_all(&rest[..rest.len() / 2]).ok()?;
            return None;
        }
        writer.write_all(rest).ok()?;
    }
}
