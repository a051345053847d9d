//! A server on this machine that answers as it is told, right or wrong.

#![allow(dead_code, reason = "no test needs all of it")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Method and path, between them a blank.
    pub(crate) line: String,
    /// Headers, their names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    /// How long the body was, in bytes.
    pub(crate) body: usize,
}

/// In the place of a length: the body ends where the connection does.
pub(crate) const UNTOLD: usize = usize::MAX;

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    /// The length that is told, if it is not the body's; [`UNTOLD`] for none.
    pub(crate) told: Option<usize>,
}

impl Answer {
    pub(crate) fn new(status: u16, body: &[u8]) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.to_vec(),
            told: None,
        }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

type Answering = dyn Fn(&Asked) -> Option<Answer> + Send + Sync;

pub(crate) struct Server {
    pub(crate) host: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Answers each request by `answering`; where that gives nothing, never.
    pub(crate) fn start(answering: impl Fn(&Asked) -> Option<Answer> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (seen, answering) = (Arc::clone(&asked), Arc::new(answering));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (seen, answering) = (Arc::clone(&seen), Arc::clone(&answering));
                thread::spawn(move || serve(stream.unwrap(), &seen, &*answering));
            }
        });
        Self { host, asked }
    }

    /// What was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(stream: TcpStream, seen: &Mutex<Vec<Asked>>, answering: &Answering) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    if reader.read_line(&mut line).is_err() || line.is_empty() {
        return;
    }
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        let Some((name, value)) = header.trim().split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers
        .get("content-length")
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    let asked = Asked {
        line: line.trim().trim_end_matches(" HTTP/1.1").to_owned(),
        headers,
        body: length,
    };
    let answer = answering(&asked);
    let head = asked.line.starts_with("HEAD");
    seen.lock().unwrap().push(asked);
    let Some(answer) = answer else {
        // Until the other end gives up.
        let _ = reader.read(&mut [0]);
        return;
    };
    let mut text = format!("HTTP/1.1 {} x\r\nconnection: close\r\n", answer.status);
    for (name, value) in &answer.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    let told = answer.told.unwrap_or(answer.body.len());
    if told != UNTOLD {
        text.push_str(&format!("content-length: {told}\r\n"));
    }
    text.push_str("\r\n");
    let mut stream = reader.into_inner();
    // Who asked may have gone.
    let _ = stream.write_all(text.as_bytes());
    if !head {
        let _ = stream.write_all(&answer.body);
    }
}
