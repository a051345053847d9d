//! Reading what a registry sends, within bounds.

use std::io::{self, Read};

use crate::RegistryError;
use crate::client::{Answer, Client};

/// What is read at a time, in bytes.
const PIECE_BYTES: usize = 128 << 10;
/// The longest text of somebody else that a message quotes, in characters.
const MAX_QUOTED: usize = 200;

/// Gives exactly `expected` bytes of an answer to `take`, piece by piece; more or fewer are an error.
pub(crate) fn receive(
    client: &Client,
    answer: Answer,
    expected: u64,
    take: &mut dyn FnMut(&[u8]) -> Result<(), RegistryError>,
) -> Result<(), RegistryError> {
    let Answer {
        method,
        url,
        response,
    } = answer;
    let wrong =
        |found: String| RegistryError::answer(&url, format!("{found} bytes came; {expected} would be right"));
    let told = response.body().content_length();
    if let Some(told) = told.filter(|told| *told != expected) {
        return Err(wrong(told.to_string()));
    }
    let mut body = response.into_body().into_reader();
    let mut piece = vec![0; PIECE_BYTES];
    let mut received = 0;
    loop {
        client.transfer.check()?;
        let count = match body.read(&mut piece) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                let problem = format!("after {received} of {expected} bytes: {error}");
                return Err(client.broken(method, &url, &problem));
            }
        };
        if count == 0 {
            break;
        }
        received += count as u64;
        client.count(count);
        if received > expected {
            return Err(wrong(format!("more than {expected}")));
        }
        take(&piece[..count])?;
    }
    if received != expected {
        return Err(wrong(received.to_string()));
    }
    Ok(())
}

/// All that `body` has, if it is no more than `limit` bytes.
pub(crate) fn bounded(body: &mut dyn Read, limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    body.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > limit {
        return Err(io::Error::other(format!("it has more than {limit} bytes")));
    }
    Ok(bytes)
}

/// Somebody else's text for a message: one line of bounded length.
pub(crate) fn printable(text: &str) -> String {
    let mut line: String = text
        .chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .take(MAX_QUOTED)
        .collect();
    if text.chars().nth(MAX_QUOTED).is_some() {
        line.push('…');
    }
    line
}
