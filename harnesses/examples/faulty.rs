//! A harness with one deliberate fault, named by its argument. The tests show that each is found.

#![allow(clippy::unwrap_used, reason = "a program for tests that unwraps fails loudly")]

use std::io::{self, BufRead, Write};
use std::thread;
use std::time::Duration;

use sealab_engine::Engine;
use sealab_harness::{Answer, EngineImplementation, Facts, Implementation, Request, serve};

fn main() {
    let fault = std::env::args().nth(1).unwrap_or_else(|| "none".to_owned());
    let engine = (sealab_engine_rustcrypto::CANDIDATE.open)().unwrap();
    match fault.as_str() {
        "none" | "wrong-tail" | "tag-unchecked" | "tweak-off-by-one" | "iv-reused" | "one-way" => {
            let mut faulty = Faulty::new(&*engine, &fault);
            serve(&mut faulty, io::stdin().lock(), io::stdout().lock()).unwrap();
        }
        fault => misbehave(&*engine, fault),
    }
}

/// Wrong cryptography behind right manners.
struct Faulty<'a> {
    inner: EngineImplementation<'a>,
    fault: &'a str,
    first_iv: Option<String>,
}

impl<'a> Faulty<'a> {
    fn new(engine: &'a dyn Engine, fault: &'a str) -> Self {
        Self {
            inner: EngineImplementation::new(engine, "RustCrypto, with a fault"),
            fault,
            first_iv: None,
        }
    }

    /// The answer to the request with some of its values replaced.
    fn ask(&mut self, request: &Request, replaced: &[(&str, &str)]) -> Result<Answer, Answer> {
        let mut members = serde_json::Map::new();
        let names = ["key", "tweak", "iv", "aad", "msg", "ct", "tag"];
        for name in ["algorithm", "operation"].into_iter().chain(names) {
            if let Ok(text) = request.text(name) {
                members.insert(name.to_owned(), text.into());
            }
        }
        for (name, text) in replaced {
            members.insert((*name).to_owned(), (*text).into());
        }
        let line = serde_json::to_vec(&members).unwrap();
        self.inner.answer(&Request::parse(&line)?)
    }
}

impl Implementation for Faulty<'_> {
    fn facts(&self) -> Result<Facts, String> {
        self.inner.facts()
    }

    fn answer(&mut self, request: &Request) -> Result<Answer, Answer> {
        match (self.fault, request.operation()) {
            ("wrong-tail", "encrypt") => {
                let answer = self.inner.answer(request)?;
                let Answer::Values(mut values) = answer else {
                    return Ok(answer);
                };
                let octets = &mut values[0].1;
                if octets.len() % 16 != 0 {
                    *octets.last_mut().unwrap() ^= 1;
                }
                Ok(Answer::Values(values))
            }
            ("tag-unchecked", "open") => match self.inner.answer(request) {
                // Both AEADs encrypt by XOR, so sealing the ciphertext decrypts it.
                Err(Answer::Error(_)) => {
                    let ct = request.text("ct")?;
                    match self.ask(request, &[("operation", "seal"), ("msg", ct)])? {
                        Answer::Values(values) => Ok(Answer::Values(vec![("msg", values[0].1.clone())])),
                        other => Ok(other),
                    }
                }
                answer => answer,
            },
            ("tweak-off-by-one", _) if request.text("tweak").is_ok() => {
                let tweak = u128::from_le_bytes(request.array("tweak")?).wrapping_add(1);
                let tweak: String = tweak
                    .to_le_bytes()
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect();
                self.ask(request, &[("tweak", &tweak)])
            }
            ("iv-reused", "seal") => {
                let iv = request.text("iv")?.to_owned();
                let first = self.first_iv.get_or_insert(iv).clone();
                self.ask(request, &[("iv", &first)])
            }
            ("one-way", "decrypt" | "open") => Err(Answer::Unsupported("one way only".to_owned())),
            _ => self.inner.answer(request),
        }
    }
}

/// Right cryptography with wrong manners, on the fifth request (counted from hello) and every fifth after it.
fn misbehave(engine: &dyn Engine, fault: &str) {
    let mut inner = EngineImplementation::new(engine, "RustCrypto, with a fault");
    let mut out = io::stdout().lock();
    if fault == "mute" {
        thread::sleep(Duration::from_secs(3600));
    }
    for (line, number) in io::stdin().lock().lines().zip(1..) {
        let line = line.unwrap();
        let mut answer = Vec::new();
        serve(&mut inner, format!("{line}\n").as_bytes(), &mut answer).unwrap();
        let bad = number % 5 == 0;
        match fault {
            "old-protocol" => answer = b"{\"id\":0,\"protocol\":0}\n".to_vec(),
            "hangs" if bad => thread::sleep(Duration::from_secs(3600)),
            "dies" if bad => {
                eprintln!("dying on purpose");
                std::process::exit(3);
            }
            "closes" if bad => return,
            "not-json" if bad => answer = b"0a1b2c\n".to_vec(),
            "not-utf8" if bad => answer = b"{\"id\":1,\"ct\":\"\xff\"}\n".to_vec(),
            "other-id" if bad => answer = b"{\"id\":4000000,\"ct\":\"\"}\n".to_vec(),
            "no-value" if bad => {
                let id = line.rsplit("\"id\":").next().unwrap().trim_end_matches('}');
                answer = format!("{{\"id\":{id}}}\n").into_bytes();
            }
            "huge" if bad => {
                // A thousand mebibytes in one line.
                out.write_all(b"{\"id\":1,\"ct\":\"").unwrap();
                for _ in 0..1000 {
                    if out.write_all(&[b'0'; 1 << 20]).is_err() {
                        return;
                    }
                }
            }
            "floods" if bad => while out.write_all(b"{\"id\":0}\n").is_ok() {},
            "floods-stderr" => eprintln!("{}", "x".repeat(1 << 16)),
            "twice" if number == 2 => answer.extend(answer.clone()),
            _ => {}
        }
        if out.write_all(&answer).and_then(|()| out.flush()).is_err() {
            return;
        }
    }
    if fault == "afterthought" {
        out.write_all(b"one more thing\n").unwrap();
    }
}
