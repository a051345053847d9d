//! HTTP requests to one registry: over TLS except on this machine, redirected only where that is safe, interruptible.

use std::io::Read;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use ureq::http::{Request, Response, Uri, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Proxy, SendBody};

use crate::body::{bounded, printable};
use crate::reference::{host_of, is_loopback};
use crate::token::{Challenge, token};
use crate::{RegistryError, RemoteImage, Reply};

const CONNECTING: Duration = Duration::from_secs(15);
/// How long a registry may be silent in the middle of an answer or of taking one.
const SILENCE: Duration = Duration::from_secs(60);
/// How often it is looked whether the user has ended the work.
const TICK: Duration = Duration::from_millis(100);
const MAX_REDIRECTS: usize = 5;
/// What is read of an answer that tells an error, in bytes.
const MAX_ERROR_BYTES: usize = 8 << 10;

/// How bytes are moved to and from a registry.
#[derive(Clone)]
pub struct Transfer {
    /// Told of each part of a blob that was received or sent, in bytes.
    pub progress: Arc<dyn Fn(u64) + Send + Sync>,
    /// Ends the work with [`RegistryError::Interrupted`] soon after it is set, in a silent connection too.
    pub interrupt: Arc<AtomicBool>,
}

impl Transfer {
    pub(crate) fn check(&self) -> Result<(), RegistryError> {
        if self.interrupt.load(Ordering::Relaxed) {
            return Err(RegistryError::Interrupted);
        }
        Ok(())
    }
}

/// What was asked of a registry until now.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Traffic {
    /// HTTP requests, those for tokens and after redirects too.
    pub requests: u64,
    /// What came of manifests and blobs, in bytes, without HTTP's own.
    pub bytes: u64,
}

/// Requests to one registry.
pub(crate) struct Client {
    agent: Agent,
    origin: String,
    pub(crate) transfer: Transfer,
    requests: AtomicU64,
    received: AtomicU64,
    /// What the registry's own token service gave to anybody.
    token: Mutex<Option<String>>,
    /// Ends the thread that watches for an interruption, by being dropped.
    _watched: Sender<()>,
}

/// A request, as far as it can be sent again.
pub(crate) struct Call<'a> {
    pub(crate) method: &'static str,
    pub(crate) url: String,
    pub(crate) headers: &'a [(&'static str, &'a str)],
}

/// An answer, with the URL that the request ended at.
pub(crate) struct Answer {
    pub(crate) method: &'static str,
    pub(crate) url: String,
    pub(crate) response: Response<Body>,
}

impl Client {
    pub(crate) fn new(image: &RemoteImage, transfer: Transfer) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .unversioned_rustls_crypto_provider(provider)
            .build();
        let proxy = if image.is_loopback() {
            None
        } else {
            Proxy::try_from_env()
        };
        let config = Agent::config_builder()
            .user_agent(concat!("sealab/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            // Followed here, where it is looked at where they lead.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(proxy)
            .tls_config(tls)
            .timeout_resolve(Some(CONNECTING))
            .timeout_connect(Some(CONNECTING))
            .timeout_per_read(Some(SILENCE))
            .timeout_per_write(Some(SILENCE))
            .build();
        let agent = Agent::new_with_config(config);
        let (sender, ended) = channel();
        let (watching, interrupt) = (agent.clone(), Arc::clone(&transfer.interrupt));
        thread::spawn(move || {
            while ended.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                if interrupt.load(Ordering::Relaxed) {
                    return watching.shutdown();
                }
            }
        });
        Self {
            agent,
            origin: image.origin(),
            transfer,
            requests: AtomicU64::new(0),
            received: AtomicU64::new(0),
            token: Mutex::new(None),
            _watched: sender,
        }
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    pub(crate) fn traffic(&self) -> Traffic {
        Traffic {
            requests: self.requests.load(Ordering::Relaxed),
            bytes: self.received.load(Ordering::Relaxed),
        }
    }

    /// Counts what came of a manifest or a blob, in bytes.
    pub(crate) fn count(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Sends a request without a body, follows redirects, and gets a token where the registry asks for one.
    pub(crate) fn call(&self, call: &Call<'_>) -> Result<Answer, RegistryError> {
        let answer = self.plain(call)?;
        let Some(challenge) = Challenge::of(&answer) else {
            return Ok(answer);
        };
        let token = token(self, &challenge, &answer.url)?;
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
        self.plain(call)
    }

    /// Sends a request without a body and follows redirects.
    pub(crate) fn plain(&self, call: &Call<'_>) -> Result<Answer, RegistryError> {
        let mut url = call.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let answer = self.once(call.method, &url, call.headers, SendBody::none())?;
            let status = answer.response.status().as_u16();
            if !(matches!(status, 301 | 302 | 303 | 307 | 308) && matches!(call.method, "GET" | "HEAD")) {
                return Ok(answer);
            }
            url = self.location(&answer)?;
        }
        Err(RegistryError::answer(
            &call.url,
            format!("it is redirected more than {MAX_REDIRECTS} times"),
        ))
    }

    /// Sends `length` bytes of `body`; is not redirected.
    pub(crate) fn send(
        &self,
        call: &Call<'_>,
        body: &mut dyn Read,
        length: u64,
    ) -> Result<Answer, RegistryError> {
        let length = length.to_string();
        let mut headers = call.headers.to_vec();
        headers.push(("content-length", &length));
        self.once(call.method, &call.url, &headers, SendBody::from_reader(body))
    }

    /// One request to a place that [`Self::allowed`] or the registry itself. The token goes to the registry alone.
    fn once(
        &self,
        method: &'static str,
        url: &str,
        headers: &[(&'static str, &str)],
        body: SendBody<'_>,
    ) -> Result<Answer, RegistryError> {
        self.transfer.check()?;
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if origin(url).as_deref() == Some(&self.origin)
            && let Some(token) = &*self.token.lock().unwrap_or_else(PoisonError::into_inner)
        {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request
            .body(body)
            .map_err(|error| RegistryError::answer(url, error.to_string()))?;
        self.requests.fetch_add(1, Ordering::Relaxed);
        let response = self
            .agent
            .run(request)
            .map_err(|error| self.broken(method, url, &error))?;
        Ok(Answer {
            method,
            url: url.to_owned(),
            response,
        })
    }

    /// That a connection broke, or was ended by the user.
    pub(crate) fn broken(
        &self,
        method: &'static str,
        url: &str,
        error: &dyn std::fmt::Display,
    ) -> RegistryError {
        if self.transfer.interrupt.load(Ordering::Relaxed) {
            return RegistryError::Interrupted;
        }
        RegistryError::Connection {
            method,
            url: url.to_owned(),
            problem: printable(&error.to_string()),
        }
    }

    /// Where an answer's `Location` leads, if it may.
    pub(crate) fn location(&self, answer: &Answer) -> Result<String, RegistryError> {
        let location = answer.header("location").ok_or_else(|| {
            RegistryError::answer(&answer.url, "the answer has no Location; it must have one")
        })?;
        let base = origin(&answer.url).unwrap_or_default();
        let url = if location.starts_with('/') && !location.starts_with("//") {
            format!("{base}{location}")
        } else {
            location.to_owned()
        };
        self.allowed(&url).map_err(|why| {
            RegistryError::answer(&answer.url, format!("it leads to {}; {why}", printable(location)))
        })?;
        Ok(url)
    }

    /// Whether a place that somebody else named may be asked: over TLS, or on this machine for a registry of this
    /// machine.
    pub(crate) fn allowed(&self, url: &str) -> Result<(), &'static str> {
        let uri: Uri = url.parse().map_err(|_| "that is no URL")?;
        let authority = uri.authority().ok_or("that is no URL with a host")?;
        if authority.as_str().contains('@') {
            return Err("a URL with a user is not asked");
        }
        match uri.scheme_str() {
            Some("https") => Ok(()),
            Some("http") if self.origin.starts_with("http:") && is_loopback(host_of(authority.as_str())) => {
                Ok(())
            }
            _ => Err("only https is asked, and http on this machine where the registry is there"),
        }
    }
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// The answer, if its status is one of `wanted`.
    pub(crate) fn wanting(self, wanted: &[u16], named: &'static str) -> Result<Self, RegistryError> {
        if wanted.contains(&self.status()) {
            return Ok(self);
        }
        Err(RegistryError::Status {
            method: self.method,
            url: self.url.clone(),
            reply: self.reply(),
            wanted: named,
        })
    }

    /// What a registry says with a status that is an error.
    pub(crate) fn reply(mut self) -> Reply {
        let status = self.status();
        // What cannot be read leaves the status.
        let bytes = bounded(&mut self.response.body_mut().as_reader(), MAX_ERROR_BYTES).unwrap_or_default();
        let told: Option<serde_json::Value> = serde_json::from_slice(&bytes).ok();
        let first = told.as_ref().and_then(|told| told.get("errors")?.get(0));
        let member = |name| {
            first
                .and_then(|error| error.get(name)?.as_str())
                .unwrap_or_default()
        };
        let text = [member("code"), member("message")].join(": ");
        let text = printable(text.trim_matches([':', ' ']));
        Reply { status, text }
    }
}

/// Scheme, host and port of a URL.
pub(crate) fn origin(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?))
}
