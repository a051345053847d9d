//! Answers as they come from a TPM, which may be anything (part 1, "Command/Response Structure").

use crate::command::TPM_ST_SESSIONS;
use crate::response_code::SUCCESS;
use crate::transport::MOST_RESPONSE_BYTES;

const TPM_ST_NO_SESSIONS: u16 = 0x8001;
/// The tag of an answer of TPM 1.2, which a TPM 2.0 also gives to what is no command.
const TPM_ST_RSP_COMMAND: u16 = 0x00c4;

/// The parts of an answer.
pub(crate) struct Response<'a> {
    /// The handle, of a command that gives one.
    pub(crate) handle: Option<u32>,
    pub(crate) parameters: &'a [u8],
    /// Of a command that a session authorized.
    pub(crate) authorization: Option<Authorization<'a>>,
}

/// What a session says of an answer (TPMS_AUTH_RESPONSE).
pub(crate) struct Authorization<'a> {
    pub(crate) nonce: &'a [u8],
    pub(crate) attributes: u8,
    pub(crate) hmac: &'a [u8],
}

/// Why an answer is no success.
pub(crate) enum Failure {
    /// The TPM's response code.
    Code(u32),
    /// What was found and what would be right.
    Malformed(String),
}

impl From<String> for Failure {
    fn from(problem: String) -> Self {
        Self::Malformed(problem)
    }
}

/// Takes `bytes` apart as the answer to a command that gives a handle or not, authorized by one session or none.
pub(crate) fn parse(bytes: &[u8], gives_handle: bool, authorized: bool) -> Result<Response<'_>, Failure> {
    if bytes.len() > MOST_RESPONSE_BYTES {
        let problem = format!("{} bytes, more than {MOST_RESPONSE_BYTES}", bytes.len());
        return Err(Failure::Malformed(problem));
    }
    let mut reader = Reader::new(bytes);
    let tag = reader.u16("the tag")?;
    let length = reader.u32("the length")?;
    let code = reader.u32("the response code")?;
    if length as usize != bytes.len() {
        let problem = format!("{} bytes that say they are {length}", bytes.len());
        return Err(Failure::Malformed(problem));
    }
    let expected = if authorized && code == SUCCESS {
        TPM_ST_SESSIONS
    } else {
        TPM_ST_NO_SESSIONS
    };
    if tag != expected && (code == SUCCESS || tag != TPM_ST_RSP_COMMAND) {
        let problem = format!("the tag {tag:#06x} at offset 0 in place of {expected:#06x}");
        return Err(Failure::Malformed(problem));
    }
    if code != SUCCESS {
        reader.end()?;
        return Err(Failure::Code(code));
    }
    let handle = gives_handle.then(|| reader.u32("the handle")).transpose()?;
    if !authorized {
        return Ok(Response {
            handle,
            parameters: reader.rest(),
            authorization: None,
        });
    }
    let length = reader.u32("the parameters' length")?;
    let parameters = reader.bytes(length as usize, "the parameters")?;
    let authorization = Authorization {
        nonce: reader.sized("the nonce")?,
        attributes: reader.u8("the session's attributes")?,
        hmac: reader.sized("the HMAC")?,
    };
    reader.end()?;
    Ok(Response {
        handle,
        parameters,
        authorization: Some(authorization),
    })
}

/// Reads big-endian fields within bounds; what it says of a fault is where it is.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(crate) fn bytes(&mut self, length: usize, what: &str) -> Result<&'a [u8], String> {
        let rest = &self.bytes[self.at..];
        let Some(bytes) = rest.get(..length) else {
            let at = self.at;
            return Err(format!(
                "{what}, {length} bytes at offset {at}, where {} are left",
                rest.len()
            ));
        };
        self.at += length;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], String> {
        let bytes = self.bytes(N, what)?;
        let mut array = [0; N];
        array.copy_from_slice(bytes);
        Ok(array)
    }

    fn u8(&mut self, what: &str) -> Result<u8, String> {
        self.array(what).map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self, what: &str) -> Result<u16, String> {
        self.array(what).map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self, what: &str) -> Result<u32, String> {
        self.array(what).map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self, what: &str) -> Result<u64, String> {
        self.array(what).map(u64::from_be_bytes)
    }

    /// A TPM2B: a length of two bytes and so many bytes.
    pub(crate) fn sized(&mut self, what: &str) -> Result<&'a [u8], String> {
        let length = self.u16(what)?;
        self.bytes(length.into(), what)
    }

    fn rest(&mut self) -> &'a [u8] {
        let rest = &self.bytes[self.at..];
        self.at = self.bytes.len();
        rest
    }

    /// That nothing is left.
    pub(crate) fn end(&self) -> Result<(), String> {
        let left = self.bytes.len() - self.at;
        match left {
            0 => Ok(()),
            _ => Err(format!("{left} bytes too many from offset {} on", self.at)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(tag: u16, length: u32, code: u32, body: &[u8]) -> Vec<u8> {
        [
            &tag.to_be_bytes()[..],
            &length.to_be_bytes(),
            &code.to_be_bytes(),
            body,
        ]
        .concat()
    }

    /// What is said of `bytes`; `Ok` where they are a success.
    fn said(bytes: &[u8], authorized: bool) -> Result<(), String> {
        match parse(bytes, false, authorized) {
            Ok(_) => Ok(()),
            Err(Failure::Code(code)) => Err(format!("code {code:#x}")),
            Err(Failure::Malformed(problem)) => Err(problem),
        }
    }

    #[test]
    fn a_header_says_what_is_there() {
        let plain = TPM_ST_NO_SESSIONS;
        assert_eq!(said(&framed(plain, 12, 0, b"ab"), false), Ok(()));
        for (bytes, authorized, problem) in [
            (framed(plain, 12, 0, b"a"), false, "11 bytes that say they are 12"),
            (
                framed(plain, 12, 0, b"abc"),
                false,
                "13 bytes that say they are 12",
            ),
            (framed(plain, 10, 0x28b, b""), false, "code 0x28b"),
            (framed(plain, 10, 0x28b, b""), true, "code 0x28b"),
            (framed(TPM_ST_RSP_COMMAND, 10, 0x1e, b""), true, "code 0x1e"),
            (
                framed(plain, 11, 0x28b, b"a"),
                false,
                "1 bytes too many from offset 10 on",
            ),
            (
                framed(plain, 10, 0, b""),
                true,
                "the tag 0x8001 at offset 0 in place of 0x8002",
            ),
            (
                framed(TPM_ST_SESSIONS, 10, 0x28b, b""),
                true,
                "the tag 0x8002 at offset 0 in place of 0x8001",
            ),
            (
                framed(TPM_ST_RSP_COMMAND, 10, 0, b""),
                false,
                "the tag 0x00c4 at offset 0 in place of 0x8001",
            ),
            (
                vec![0x80, 1, 0],
                false,
                "the length, 4 bytes at offset 2, where 1 are left",
            ),
            (
                vec![0; MOST_RESPONSE_BYTES + 1],
                false,
                "4097 bytes, more than 4096",
            ),
        ] {
            assert_eq!(said(&bytes, authorized), Err(problem.to_owned()));
        }
    }

    #[test]
    fn parameters_and_authorization_fill_the_answer() {
        let area = b"\0\x02nn\x01\0\x03hhh";
        let body = [&[0, 0, 0, 1, b'p'], &area[..]].concat();
        let whole = framed(TPM_ST_SESSIONS, 25, 0, &body);
        let Ok(response) = parse(&whole, false, true) else {
            panic!("refused")
        };
        assert_eq!(response.parameters, b"p");
        let authorization = response.authorization.unwrap();
        assert_eq!(
            (authorization.nonce, authorization.hmac),
            (&b"nn"[..], &b"hhh"[..])
        );
        assert_eq!(authorization.attributes, 1);

        let longer = framed(TPM_ST_SESSIONS, 26, 0, &[&body[..], b"x"].concat());
        assert_eq!(
            said(&longer, true),
            Err("1 bytes too many from offset 25 on".to_owned())
        );
        for end in 10..whole.len() {
            let mut cut = whole[..end].to_vec();
            cut[5] = end as u8;
            assert!(said(&cut, true).unwrap_err().contains("are left"), "{end} bytes");
        }
    }
}
