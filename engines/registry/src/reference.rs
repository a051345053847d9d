//! How an image in a registry is named.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use sealab_layer::image::Digest;

/// The tag of a reference that names none, as everywhere.
const DEFAULT_TAG: &str = "latest";
/// The longest name of a repository, in bytes, with its host (distribution-spec).
const MAX_NAME: usize = 255;
const MAX_TAG: usize = 128;

/// An image in a registry, in text `docker://HOST[:PORT]/NAME[:TAG|@DIGEST]`, as skopeo has it. Without a tag it is
/// `latest`. The host must be named: none stands for Docker Hub.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RemoteImage {
    /// Host, with its port if there is one: `registry.example:5000`, `[::1]:5000`.
    pub host: String,
    /// The repository.
    pub name: String,
    /// Which image of it.
    pub reference: RemoteReference,
}

/// Which image of a repository is meant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RemoteReference {
    /// The one that has this tag now.
    Tag(String),
    /// The one whose manifest has this digest.
    Digest(Digest),
}

impl RemoteImage {
    /// Whether the host is this machine, named so that nobody else can answer: `localhost` or a loopback address.
    pub fn is_loopback(&self) -> bool {
        is_loopback(host_of(&self.host))
    }

    /// Whether the image is named by its digest, so that it cannot be another one.
    pub fn names_digest(&self) -> bool {
        matches!(self.reference, RemoteReference::Digest(_))
    }

    /// `http://HOST` on this machine, `https://HOST` elsewhere.
    pub(crate) fn origin(&self) -> String {
        let scheme = if self.is_loopback() { "http" } else { "https" };
        format!("{scheme}://{}", self.host)
    }
}

/// The host without its port.
pub(crate) fn host_of(authority: &str) -> &str {
    match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

/// Whether a host, without port or brackets, is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl FromStr for RemoteImage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| {
            Err(format!(
                "{text:.300?} is no image in a registry: {why}; write docker://HOST[:PORT]/NAME:TAG"
            ))
        };
        let Some((host, rest)) = text
            .strip_prefix("docker://")
            .and_then(|rest| rest.split_once('/'))
        else {
            return wrong("it has no host and name");
        };
        if !is_authority(host) {
            return wrong("its host is none; a registry's has a dot or a port, or is localhost");
        }
        let (name, reference) = match rest.split_once('@') {
            Some((name, digest)) => {
                let Ok(digest) = digest.parse() else {
                    return wrong("its digest is none of SHA-256");
                };
                // As everywhere, a tag beside a digest says nothing.
                let name = name.split(':').next().unwrap_or_default();
                (name, RemoteReference::Digest(digest))
            }
            None => {
                let (name, tag) = rest.split_once(':').unwrap_or((rest, DEFAULT_TAG));
                (name, RemoteReference::Tag(tag.to_owned()))
            }
        };
        if !name.split('/').all(is_component) || name.len() + host.len() >= MAX_NAME {
            return wrong("its name is none; it has lower-case letters, digits, and . _ - between them");
        }
        if let RemoteReference::Tag(tag) = &reference
            && !is_tag(tag)
        {
            return wrong("its tag is none; it has up to 128 letters, digits, and _ . -");
        }
        Ok(Self {
            host: host.to_owned(),
            name: name.to_owned(),
            reference,
        })
    }
}

impl fmt::Display for RemoteReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => f.write_str(tag),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

impl fmt::Display for RemoteImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = match self.reference {
            RemoteReference::Tag(_) => ':',
            RemoteReference::Digest(_) => '@',
        };
        write!(
            f,
            "docker://{}/{}{separator}{}",
            self.host, self.name, self.reference
        )
    }
}

/// `host`, `host:port`, or an IPv6 address in brackets; a bare word is refused, since it could be part of a name.
fn is_authority(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let Some((address, port)) = rest.split_once(']') else {
                return false;
            };
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            (
                address,
                if port.is_empty() {
                    None
                } else {
                    port.strip_prefix(':').or(Some(""))
                },
            )
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let named = text.starts_with('[')
        || (!host.is_empty()
            && host
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')));
    let ported = port.is_none_or(|port| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    named && ported && (port.is_some() || text.starts_with('[') || host.contains('.') || host == "localhost")
}

/// A part of a name: `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`.
fn is_component(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    let ends = bytes.first().zip(bytes.last());
    ends.is_some_and(|(first, last)| plain(*first) && plain(*last))
        && bytes.split(|byte| plain(*byte)).all(|between| {
            matches!(between, b"" | b"." | b"_" | b"__") || between.iter().all(|byte| *byte == b'-')
        })
}

fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= MAX_TAG
        && text.bytes().next().is_some_and(word)
        && text.bytes().all(|byte| word(byte) || matches!(byte, b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_host_name_and_tag() {
        let digest = format!("sha256:{}", "0f".repeat(32));
        for (text, host, name, reference, shown) in [
            (
                "docker://127.0.0.1:5000/a/b:v1",
                "127.0.0.1:5000",
                "a/b",
                "v1",
                None,
            ),
            (
                "docker://localhost/a",
                "localhost",
                "a",
                "latest",
                Some("docker://localhost/a:latest"),
            ),
            (
                "docker://[::1]:5000/a__b-c.d:V_1",
                "[::1]:5000",
                "a__b-c.d",
                "V_1",
                None,
            ),
            (
                &format!("docker://r.example/a@{digest}"),
                "r.example",
                "a",
                &digest,
                None,
            ),
            (
                &format!("docker://r.example/a:v1@{digest}"),
                "r.example",
                "a",
                &digest,
                Some(&format!("docker://r.example/a@{digest}")),
            ),
        ] {
            let image: RemoteImage = text.parse().unwrap();
            assert_eq!(
                (&*image.host, &*image.name, &*image.reference.to_string()),
                (host, name, reference)
            );
            assert_eq!(image.to_string(), shown.unwrap_or(text));
        }
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        for wrong in [
            "oci:a:v1",
            "docker://alpine:3",
            "docker://library/alpine:3",
            "docker:///a:v1",
            "docker://host.example/",
            "docker://host.example/A:v1",
            "docker://host.example/a//b:v1",
            "docker://host.example/../b:v1",
            "docker://host.example/a_-b:v1",
            "docker://host.example/a___b:v1",
            "docker://host.example/a:",
            "docker://host.example/a:-v",
            "docker://host.example/a:v/1",
            "docker://host.example/a?b=c:v",
            "docker://host.example/a@sha256:00",
            "docker://host.example:/a:v1",
            "docker://host.example:0/a:v1",
            "docker://host.example:65536/a:v1",
            "docker://user@host.example/a:v1",
            "docker://[::1/a:v1",
            "docker://[::1]x/a:v1",
            "docker://[x]/a:v1",
        ] {
            assert!(wrong.parse::<RemoteImage>().is_err(), "{wrong}");
        }
        let long = format!("docker://host.example/a:{}", "v".repeat(129));
        assert!(long.parse::<RemoteImage>().is_err());
    }

    #[test]
    fn this_machine_alone_goes_without_tls() {
        for (host, expected) in [
            ("127.0.0.1:5000", "http://127.0.0.1:5000"),
            ("localhost:5000", "http://localhost:5000"),
            ("[::1]:5000", "http://[::1]:5000"),
            ("127.0.0.1.example:5000", "https://127.0.0.1.example:5000"),
            ("10.0.0.1:5000", "https://10.0.0.1:5000"),
            ("localhost.example", "https://localhost.example"),
        ] {
            let image: RemoteImage = format!("docker://{host}/a:v1").parse().unwrap();
            assert_eq!(image.origin(), expected);
        }
    }
}
