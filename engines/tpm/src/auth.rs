//! Authorization values: the secrets that a TPM's users share with it.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use zeroize::Zeroizing;

/// The authorization value of an index or of the owner hierarchy, 0 to 32 bytes. Zeroized when dropped, never printed.
///
/// With an empty one, which is the default of an owner, anybody can compute what authenticates an answer.
#[derive(Clone, Default)]
pub struct AuthValue(Zeroizing<Vec<u8>>);

impl AuthValue {
    /// As many bytes as SHA-256's digest: more than that a TPM does not take for an index named by it.
    pub const MOST_BYTES: usize = 32;

    /// The bytes as given, or `None` where there are more than [`AuthValue::MOST_BYTES`].
    ///
    /// Zero bytes at the end do not count, as the specification has it (part 1, "HMAC Computation").
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let end = bytes
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last + 1);
        (bytes.len() <= Self::MOST_BYTES).then(|| Self(Zeroizing::new(bytes[..end].to_vec())))
    }

    /// All bytes of the file at `path`, 1 to 32 and not all of them zero. A newline at the end is one of them.
    pub fn read(path: &Path) -> io::Result<Self> {
        let at = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        let mut bytes = Zeroizing::new([0; Self::MOST_BYTES + 1]);
        let mut file = std::fs::File::open(path).map_err(at)?;
        let mut length = 0;
        while length < bytes.len() {
            match file.read(&mut bytes[length..]).map_err(at)? {
                0 => break,
                read => length += read,
            }
        }
        let auth = Self::new(&bytes[..length]).filter(|auth| !auth.is_empty());
        auth.ok_or_else(|| {
            let found = match length {
                0 => "no bytes".to_owned(),
                1..=Self::MOST_BYTES => "zero bytes only".to_owned(),
                _ => format!("more than {} bytes", Self::MOST_BYTES),
            };
            let message = format!(
                "{}: {found}; an authorization value has 1 to {} bytes, best as many random ones",
                path.display(),
                Self::MOST_BYTES
            );
            io::Error::new(io::ErrorKind::InvalidData, message)
        })
    }

    /// Writes 32 random bytes to a new file (mode 0600), durable when this returns.
    pub(crate) fn generate(path: &Path) -> io::Result<Self> {
        let at = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        let mut bytes = Zeroizing::new([0; Self::MOST_BYTES]);
        getrandom::fill(&mut *bytes).map_err(|error| at(io::Error::other(error)))?;
        // A zero at the end would shorten it.
        bytes[Self::MOST_BYTES - 1] |= 1;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(at)?;
        file.write_all(&*bytes)
            .and_then(|()| file.sync_all())
            .map_err(at)?;
        Self::new(&*bytes).ok_or_else(|| at(io::ErrorKind::InvalidData.into()))
    }

    /// Whether there is no secret in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for AuthValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthValue(..)")
    }
}
