//! A sealed set to a plain one.

use std::collections::BTreeSet;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use sealab_engine::{Engine, Key};

use super::keys::Keys;
use super::message::{CHUNK_BYTES, Cipher};
use super::pages::{BATCH, DIGEST_BYTES, Digest, PageCipher};
use super::seal::{Sink, read_error, run};
use super::sealed::{Opened, SealedReader};
use super::{Error, Summary, Unwrap, check_pages_end, pages_of};
use crate::aside::Aside;
use crate::image::{Entry, Extent, Kind, Layout, PAGE_BYTES, PARENT, Set, check_pages_length, pages_id};

/// Opens the sealed set in the folder `source` with `key` into the new folder `destination`.
///
/// All pages are held against the digest before anything is written; each entry is authentic before it is used. The set
/// must not change meanwhile.
///
/// # Errors
/// The set is not sealed, for another key, or not what was sealed as far as the format can tell; `destination` exists.
pub fn open(
    engine: &dyn Engine,
    source: &Path,
    destination: &Path,
    key: &Unwrap<'_>,
) -> Result<Summary, Error> {
    let mut opener = Opener::new(engine, Set::open(source)?, key)?;
    opener.verify_pages()?;
    let folder = destination.display().to_string();
    let aside = Aside::new(destination).map_err(Error::write(&folder))?;
    let names: Vec<_> = opener.plain_names().map(str::to_owned).collect();
    for name in &names {
        let mut sink = Sink::new(&aside, name)?;
        opener.image(name, &mut sink)?;
        sink.finish()?;
    }
    for (pagemap, pages) in opener.pages.clone() {
        let mut sink = Sink::new(&aside, &pages)?;
        opener.open_pages(&pagemap, &mut sink)?;
        sink.finish()?;
    }
    aside.finish().map_err(Error::write(&folder))?;
    Ok(opener.summary)
}

/// Checks all that the format lets a reader check, and writes nothing.
///
/// # Errors
/// As [`open`].
pub fn verify(engine: &dyn Engine, source: &Path, key: &Unwrap<'_>) -> Result<Summary, Error> {
    let mut opener = Opener::new(engine, Set::open(source)?, key)?;
    opener.verify_pages()?;
    let names: Vec<_> = opener.plain_names().map(str::to_owned).collect();
    for name in &names {
        opener.image(name, &mut io::sink())?;
    }
    Ok(opener.summary)
}

/// A sealed set with its keys.
pub struct Opener {
    set: Set,
    cipher: Cipher,
    page_cipher: PageCipher,
    /// Taken by the one attempt to verify the pages.
    digest: Option<Digest>,
    verified: bool,
    expected: [u8; DIGEST_BYTES],
    /// Pagemaps with their pages files, known once the pages have been verified.
    pages: Vec<(String, String)>,
    summary: Summary,
}

impl Opener {
    /// Unwraps the keys of `set`.
    ///
    /// # Errors
    /// The set is not sealed or builds on another, or `key` is not the one it was sealed for.
    pub fn new(engine: &dyn Engine, set: Set, key: &Unwrap<'_>) -> Result<Self, Error> {
        if set.has_parent() {
            return Err(Error::Unsupported {
                file: PARENT.to_owned(),
                what: "a set that builds on another",
            });
        }
        let (keys, expected) = Keys::read(&set, key)?;
        Ok(Self {
            cipher: Cipher::new(engine, &keys.token)?,
            page_cipher: PageCipher::new(engine, &keys.pages, keys.tweak)?,
            digest: Some(Digest::new(engine, &keys.token)?),
            verified: false,
            expected,
            set,
            pages: Vec::new(),
            summary: Summary::default(),
        })
    }

    /// Files of the plain set that are no pages.
    pub fn plain_names(&self) -> impl Iterator<Item = &str> {
        let members = self.set.members().iter();
        members
            .filter(|member| !matches!(member.kind, Kind::Pages | Kind::Cipher))
            .map(|member| &*member.name)
    }

    /// Holds all pages against the digest, once; after a failure it fails for good.
    ///
    /// # Errors
    /// [`Error::Digest`]; a pagemap or pages file that is wrong or missing.
    pub fn verify_pages(&mut self) -> Result<(), Error> {
        if self.verified {
            return Ok(());
        }
        let mut digest = self.digest.take().ok_or(Error::Digest)?;
        let mut described = BTreeSet::new();
        let mut pagemaps = Vec::new();
        for member in self.set.members() {
            if matches!(member.kind, Kind::Pagemap | Kind::ShmemPagemap) {
                pagemaps.push(member.name.clone());
            }
        }
        for pagemap in pagemaps {
            let mut pages = None;
            self.walk(&pagemap, |this, walked| {
                match walked {
                    Walked::Head(id) => pages = Some(pages_of(&mut described, id, &pagemap)?),
                    Walked::Pages(address, batch) => {
                        digest.add_run(address, batch)?;
                        this.summary.pages += (batch.len() / PAGE_BYTES) as u64;
                    }
                }
                Ok(())
            })?;
            self.pages.extend(pages.map(|pages| (pagemap, pages)));
        }
        let stray = self
            .set
            .members()
            .iter()
            .find(|member| member.kind == Kind::Pages && !described.contains(&member.name));
        if let Some(member) = stray {
            return Err(Error::Unsupported {
                file: member.name.clone(),
                what: "a pages file without a pagemap",
            });
        }
        self.verified = digest.is(&self.expected);
        if self.verified { Ok(()) } else { Err(Error::Digest) }
    }

    /// Writes the plain bytes of the file `name`, which is no pages file, to `sink`.
    ///
    /// # Errors
    /// [`Error::Unauthentic`]; a file that is wrong or missing; `sink` fails.
    pub fn image(&mut self, name: &str, sink: &mut impl Write) -> Result<(), Error> {
        let (file, bytes) = self.set.open_file(name)?;
        let mut sealed = SealedReader::new(name, bytes, BufReader::new(file))?;
        self.summary.entries += copy(&mut sealed, &mut self.cipher, sink)?;
        self.summary.files += 1;
        Ok(())
    }

    /// Writes the plain pages that `pagemap` describes to `sink`, after [`Opener::verify_pages`].
    ///
    /// # Errors
    /// As [`Opener::verify_pages`], and `sink` fails.
    pub fn open_pages(&mut self, pagemap: &str, sink: &mut impl Write) -> Result<(), Error> {
        self.verify_pages()?;
        let mut plain = vec![0; BATCH * PAGE_BYTES];
        self.walk(pagemap, |this, walked| {
            if let Walked::Pages(_, batch) = walked {
                let plain = &mut plain[..batch.len()];
                plain.copy_from_slice(batch);
                this.page_cipher.decrypt(plain)?;
                sink.write_all(plain).map_err(Error::write(pagemap))?;
            }
            Ok(())
        })?;
        self.summary.files += 1;
        Ok(())
    }

    /// Shows `visit` the head of `pagemap`, then its pages as they are stored, in batches.
    fn walk(
        &mut self,
        pagemap: &str,
        mut visit: impl FnMut(&mut Self, Walked<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (file, bytes) = self.set.open_file(pagemap)?;
        let mut sealed = SealedReader::new(pagemap, bytes, BufReader::new(file))?;
        let Some(Opened::Entry(head)) = sealed.next_part(&mut self.cipher)? else {
            return Ok(());
        };
        let id = pages_id(&head).map_err(|fault| fault.at(pagemap, head.offset))?;
        visit(self, Walked::Head(id))?;
        let name = format!("pages-{id}.img");
        let (mut pages, length) = self.set.open_file(&name)?;
        let mut layout = Layout::default();
        let mut buffer = vec![0; BATCH * PAGE_BYTES];
        while let Some(Opened::Entry(entry)) = sealed.next_part(&mut self.cipher)? {
            let extent = extent(&mut layout, &entry, pagemap)?;
            if run(&extent, pagemap)?.is_none() {
                continue;
            }
            check_pages_length(&name, length, pagemap, layout.payload())?;
            let mut address = extent.address;
            while address < extent.end() {
                let count = (extent.end() - address).min(buffer.len() as u64) as usize;
                let batch = &mut buffer[..count];
                pages.read_exact(batch).map_err(read_error(&name))?;
                visit(self, Walked::Pages(address, batch))?;
                address += count as u64;
            }
        }
        check_pages_end(&name, length, layout.payload())
    }
}

/// Writes the plain bytes of one file to `sink`: the number of its entries.
fn copy<R: Read>(
    sealed: &mut SealedReader<R>,
    cipher: &mut Cipher,
    sink: &mut impl Write,
) -> Result<u64, Error> {
    let name = sealed.file().to_owned();
    let mut write = |bytes: &[u8]| sink.write_all(bytes).map_err(Error::write(&name));
    write(sealed.header().magic())?;
    let mut chunk = [0; CHUNK_BYTES];
    let mut entries = 0;
    while let Some(part) = sealed.next_part(cipher)? {
        match part {
            Opened::Entry(entry) => {
                // An entry that was read is shorter than 4 GiB.
                write(&(entry.bytes.len() as u32).to_le_bytes())?;
                write(&entry.bytes)?;
                entries += 1;
            }
            Opened::Bytes(bytes) => write(&bytes)?,
            Opened::Clear => loop {
                let count = sealed.clear(&mut chunk)?;
                if count == 0 {
                    break;
                }
                write(&chunk[..count])?;
            },
        }
    }
    Ok(entries)
}

/// The plain bytes of one sealed file, named `name` and no pages file, under its set's token.
///
/// # Errors
/// [`Error::Unauthentic`], or the file is wrong.
pub fn open_image(engine: &dyn Engine, token: &Key<32>, name: &str, sealed: &[u8]) -> Result<Vec<u8>, Error> {
    let mut plain = Vec::new();
    let mut sealed = SealedReader::new(name, sealed.len() as u64, sealed)?;
    copy(&mut sealed, &mut Cipher::new(engine, token)?, &mut plain)?;
    Ok(plain)
}

/// What a walk through a pagemap meets.
enum Walked<'a> {
    /// The number of the pages file.
    Head(u32),
    /// Pages at consecutive addresses from the given one on.
    Pages(u64, &'a [u8]),
}

fn extent(layout: &mut Layout, entry: &Entry, pagemap: &str) -> Result<Extent, Error> {
    Ok(layout
        .extent(entry)
        .map_err(|fault| fault.at(pagemap, entry.offset))?)
}
