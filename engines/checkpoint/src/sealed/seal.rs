//! Sealing a plain set.

use std::io::{Read, Write};
use std::path::Path;

use sealab_engine::{Engine, Sha256};
use sealab_keys::{Recipient, SigningKey, jwe};

use super::archive::pack_tar;
use super::compression::Compression;
use super::dedup::Dedup;
use super::group::{Group, GroupSealer};
use super::header::{Cipher, Header, SET_ID_BYTES, mac_of};
use super::index::{Groups, Index};
use super::keys::{Keys, SetKey};
use super::pack::Packer;
use super::source::{SealedParent, pack_directory};
use super::table::Kind;
use super::trailer::Trailer;
use super::{
    Commitment, Error, FILE_NAME, GROUP_BYTES, Summary, Work, index_codec, parent, pipeline, sender, stored,
};
use crate::aside::Aside;

/// Where a plain set comes from.
pub enum PlainSource<'a> {
    /// A folder with a dump's files.
    Directory(&'a Path),
    /// A tar stream of such files, none of them in a folder. It is not sought in.
    Tar(&'a mut dyn Read),
}

/// Where a sealed set goes.
pub enum Destination<'a> {
    /// A new folder: written aside, synced, and given its name when all is there.
    Directory(&'a Path),
    /// What stands in the one file of such a folder, as a stream. It is not sought in.
    Stream(&'a mut (dyn Write + Send)),
}

/// How a set is sealed.
#[derive(Default)]
pub struct SealOptions<'a> {
    /// What seals chunks.
    pub cipher: Cipher,
    /// Whether and how they are compressed before; their lengths then tell something of their content.
    pub compression: Compression,
    /// Store equal memory pages once. The sealed set's length then tells how many were equal.
    pub deduplicate: bool,
    /// The folder of the sealed set that this one builds on. It must be named if, and only if, the plain set has a
    /// `parent`.
    pub parent: Option<&'a Path>,
    /// Signs the set, so that recipients can tell it from one of each other's making.
    pub sender: Option<&'a SigningKey>,
}

/// Seals a plain set for `recipients`, of whom each can open it.
///
/// # Errors
/// Something in the source is no image set, the destination exists, there is no recipient or there are over 100, the
/// engine lacks the cipher, SHA-256 or HMAC-SHA-256, or reading or writing fails. Nothing is left of the work then but
/// what was written to a stream.
pub fn seal(
    source: PlainSource<'_>,
    destination: Destination<'_>,
    recipients: &[&Recipient],
    options: &SealOptions<'_>,
    work: &mut Work<'_>,
) -> Result<Summary, Error> {
    let key = SetKey::generate()?;
    let jwe = jwe::encrypt(key.expose(), recipients).map_err(Error::Wrap)?;
    let parent = options.parent.map(|path| -> Result<_, Error> {
        let way = match &destination {
            Destination::Directory(from) => parent::way(from, path),
            Destination::Stream(_) => String::new(),
        };
        Ok((stored::commitment(path, work.engine)?, way))
    });
    let parent = parent.transpose()?;
    match destination {
        Destination::Stream(output) => {
            let label = "the sealed stream";
            let summary = write(source, output, label, &key, jwe, parent, options, work)?;
            output.flush().map_err(Error::write(label))?;
            Ok(summary)
        }
        Destination::Directory(path) => {
            let label = path.display().to_string();
            let failed = || Error::write(&label);
            let directory = Aside::new(path).map_err(failed())?;
            let mut file = directory.create(FILE_NAME).map_err(failed())?;
            let summary = write(source, &mut file, FILE_NAME, &key, jwe, parent, options, work)?;
            file.sync_all().map_err(failed())?;
            directory.finish().map_err(failed())?;
            Ok(summary)
        }
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "the one place where all parts of the work meet"
)]
fn write(
    source: PlainSource<'_>,
    output: &mut (dyn Write + Send),
    label: &str,
    key: &SetKey,
    jwe: String,
    parent: SealedParent,
    options: &SealOptions<'_>,
    work: &mut Work<'_>,
) -> Result<Summary, Error> {
    let engine = work.engine;
    let mut set_id = [0; SET_ID_BYTES];
    getrandom::fill(&mut set_id)?;
    let keys = Keys::derive(key, &set_id, options.cipher)?;
    let header = Header {
        cipher: options.cipher,
        compressed: options.compression != Compression::None,
        deduplicated: options.deduplicate,
        signed: options.sender.is_some(),
        set_id,
        jwe,
    };
    let signed = header.signed;
    let header = header.encode(engine, &keys)?;
    output.write_all(&header).map_err(Error::write(label))?;

    let dedup = options.deduplicate.then(|| Dedup::new(engine)).transpose()?;
    let mut groups = Groups::default();
    let mut index = pipeline::run(
        || {
            let mut sealer = GroupSealer::new(engine, &keys, options.compression, signed)?;
            Ok(move |group: &mut Group| sealer.seal(group))
        },
        |group: &mut Group| {
            let stored = group.stored();
            let digest = signed.then_some(group.digest);
            groups
                .push(stored.len() as u64, digest)
                .map_err(|fault| fault.of(label))?;
            output.write_all(stored).map_err(Error::write(label))
        },
        |feed| {
            let mut packer = Packer::new(feed, work, dedup)?;
            match source {
                PlainSource::Directory(path) => pack_directory(path, parent, &mut packer)?,
                PlainSource::Tar(stream) => pack_tar(stream, parent, &mut packer)?,
            }
            packer.finish()
        },
    )?;
    index.groups = groups;

    let index_offset = header.len() as u64 + index.groups.ends.last().copied().unwrap_or(0);
    let (index_bytes, index_digest) = write_index(&index, output, label, &keys, signed, engine)?;
    let trailer = Trailer {
        index_offset,
        index_bytes,
        data_groups: index.groups.ends.len() as u64,
        index_digest,
    };
    let trailer = trailer.encode(engine, &keys, mac_of(&header))?;
    let commitment = Commitment::of(engine, &header, &trailer)?;
    let mut sealed_bytes = index_offset + index_bytes + trailer.len() as u64;
    if let Some(key) = options.sender {
        let slot = sender::sign(key, commitment)?;
        output.write_all(&slot).map_err(Error::write(label))?;
        sealed_bytes += slot.len() as u64;
    }
    output.write_all(&trailer).map_err(Error::write(label))?;
    Ok(Summary {
        files: index.files.len() as u64,
        plain_bytes: index.plain_bytes(),
        sealed_bytes,
        commitment,
    })
}

/// Seals the index; its stored length, and its digest.
pub(super) fn write_index(
    index: &Index,
    output: &mut (dyn Write + Send),
    label: &str,
    keys: &Keys,
    signed: bool,
    engine: &dyn Engine,
) -> Result<(u64, [u8; 32]), Error> {
    let mut writer = IndexWriter {
        output,
        sealer: GroupSealer::new(engine, keys, Compression::None, signed)?,
        group: Group::new(Kind::Index),
        bytes: 0,
        digest: [0; 32],
        sha256: engine.sha256()?,
        error: None,
    };
    if let Err(error) = index_codec::encode(index, &mut writer) {
        return Err(writer.error.unwrap_or_else(|| Error::write(label)(error)));
    }
    writer.group.last = true;
    writer
        .put_out()
        .map_err(|error| writer.error.take().unwrap_or_else(|| Error::write(label)(error)))?;
    Ok((writer.bytes, writer.digest))
}

/// The digest of an index up to a group, from that up to the one before.
pub(super) fn chain(sha256: &mut dyn Sha256, digest: &[u8; 32], group: &[u8]) -> Result<[u8; 32], Error> {
    Ok(sha256.digest(&[digest, group])?)
}

/// Seals what is written as the groups of an index.
struct IndexWriter<'a> {
    output: &'a mut (dyn Write + Send),
    sealer: GroupSealer,
    group: Group,
    bytes: u64,
    digest: [u8; 32],
    sha256: Box<dyn Sha256>,
    /// What was wrong when writing failed, if it was not the output.
    error: Option<Error>,
}

impl IndexWriter<'_> {
    fn put_out(&mut self) -> std::io::Result<()> {
        let sealed = self.sealer.seal(&mut self.group);
        let digest = sealed.and_then(|()| chain(&mut *self.sha256, &self.digest, self.group.stored()));
        match digest {
            Ok(digest) => self.digest = digest,
            Err(error) => {
                self.error = Some(error);
                return Err(std::io::ErrorKind::Other.into());
            }
        }
        self.output.write_all(self.group.stored())?;
        self.bytes += self.group.stored().len() as u64;
        let next = self.group.number + 1;
        self.group.reset(next);
        Ok(())
    }
}

impl Write for IndexWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.group.content == GROUP_BYTES {
            self.put_out()?;
        }
        let start = self.group.content;
        let taken = bytes.len().min(GROUP_BYTES - start);
        self.group.room()[start..start + taken].copy_from_slice(&bytes[..taken]);
        self.group.content += taken;
        Ok(taken)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
