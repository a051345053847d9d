//! The plain files of a set that is sealed as `criu-pr2297`.

use std::io::{self, Cursor, Read, Write};

use sealab_engine::Engine;
use zeroize::Zeroizing;

use super::{Images, SourceError};
use crate::image::{Kind, Member, Set};
use crate::pr2297::{Error, Opener, Unwrap};

/// The longest file that is shown, in bytes: it is held in memory.
const FILE_MOST: u64 = 256 << 20;

/// A set of the format `criu-pr2297` with its key. Each entry is authentic before it is shown; the pages, which are not
/// shown, are not held against their digest.
pub struct OpenedSet {
    opener: Opener,
    members: Vec<Member>,
}

impl OpenedSet {
    /// Unwraps the keys of `set` and opens every file but pages once, to know its plain length.
    ///
    /// # Errors
    /// As [`pr2297::verify`](crate::pr2297::verify), pages apart.
    pub fn new(engine: &dyn Engine, set: Set, key: &Unwrap<'_>) -> Result<Self, Error> {
        let mut members = set.members().to_vec();
        members.retain(|member| member.kind != Kind::Cipher);
        let mut opener = Opener::new(engine, set, key)?;
        for member in members.iter_mut().filter(|member| member.kind != Kind::Pages) {
            let mut length = Length(0);
            opener.image(&member.name, &mut length)?;
            member.bytes = length.0;
        }
        Ok(Self { opener, members })
    }
}

impl Images for OpenedSet {
    fn members(&self) -> &[Member] {
        &self.members
    }

    fn open(&mut self, name: &str) -> Result<Box<dyn Read + '_>, SourceError> {
        let bytes = self
            .members
            .iter()
            .find(|member| member.name == name)
            .map_or(0, |member| member.bytes);
        if bytes > FILE_MOST {
            return Err(format!(
                "{name}: {bytes} bytes are too many to be shown from a sealed set; open the set and show it then"
            )
            .into());
        }
        // In one allocation, so that growing leaves no copies behind.
        let mut plain = Zeroizing::new(Vec::with_capacity(bytes as usize));
        self.opener.image(name, &mut *plain)?;
        Ok(Box::new(Cursor::new(plain)))
    }
}

/// Counts what is written.
struct Length(u64);

impl Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
