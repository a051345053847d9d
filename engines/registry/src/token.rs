//! Tokens that a registry has given to anybody who asks (distribution's token authentication), without any password.

use serde::Deserialize;

use crate::RegistryError;
use crate::body::bounded;
use crate::client::{Answer, Call, Client};

/// The longest answer of a token service that is read, in bytes.
const MAX_BYTES: usize = 64 << 10;

/// Where a registry says that a token is had.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Challenge {
    realm: String,
    /// `service` and `scope`, as they go into the query.
    query: Vec<(&'static str, String)>,
}

#[derive(Deserialize)]
struct Given {
    #[serde(alias = "access_token")]
    token: String,
}

impl Challenge {
    /// The challenge of an answer 401 that has one for tokens.
    pub(crate) fn of(answer: &Answer) -> Option<Self> {
        if answer.status() != 401 {
            return None;
        }
        Self::parse(answer.header("www-authenticate")?)
    }

    /// `Bearer realm="…",service="…",scope="…"`.
    fn parse(text: &str) -> Option<Self> {
        let (scheme, mut rest) = text.trim().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let mut challenge = Self {
            realm: String::new(),
            query: Vec::new(),
        };
        while let Some((name, after)) = rest.split_once("=\"") {
            let (value, after) = after.split_once('"')?;
            match name.trim_matches([',', ' ']) {
                "realm" => challenge.realm = value.to_owned(),
                "service" => challenge.query.push(("service", value.to_owned())),
                "scope" => challenge.query.push(("scope", value.to_owned())),
                _ => {}
            }
            rest = after;
        }
        (!challenge.realm.is_empty()).then_some(challenge)
    }

    fn url(&self) -> String {
        let mut url = self.realm.clone();
        for (name, value) in &self.query {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(name);
            url.push('=');
            for byte in value.bytes() {
                match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                        url.push(char::from(byte))
                    }
                    _ => url.push_str(&format!("%{byte:02X}")),
                }
            }
        }
        url
    }
}

/// A token for anybody. `asked` is the URL that was answered with the challenge.
pub(crate) fn token(client: &Client, challenge: &Challenge, asked: &str) -> Result<String, RegistryError> {
    let url = challenge.url();
    client
        .allowed(&url)
        .map_err(|why| RegistryError::answer(asked, format!("its token service cannot be asked: {why}")))?;
    let mut answer = client
        .plain(&Call {
            method: "GET",
            url,
            headers: &[],
        })?
        .wanting(&[200], "200")?;
    let bytes = bounded(&mut answer.response.body_mut().as_reader(), MAX_BYTES)
        .map_err(|error| client.broken("GET", &answer.url, &error))?;
    let given: Given = serde_json::from_slice(&bytes)
        .map_err(|error| RegistryError::answer(&answer.url, format!("it gives no token: {error}")))?;
    Ok(given.token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_says_where_a_token_is_had() {
        let text = r#"Bearer realm="https://auth.example/token",service="r.example",scope="repository:a/b:pull,push""#;
        let challenge = Challenge::parse(text).unwrap();
        assert_eq!(
            challenge.url(),
            "https://auth.example/token?service=r.example&scope=repository%3Aa%2Fb%3Apull%2Cpush"
        );
        let text = r#"bearer scope="a" , realm="https://auth.example/?x=1""#;
        assert_eq!(
            Challenge::parse(text).unwrap().url(),
            "https://auth.example/?x=1&scope=a"
        );
        for wrong in [
            "Basic realm=\"a\"",
            "Bearer",
            "Bearer scope=\"a\"",
            "Bearer realm=\"a",
        ] {
            assert_eq!(Challenge::parse(wrong), None, "{wrong}");
        }
    }
}
