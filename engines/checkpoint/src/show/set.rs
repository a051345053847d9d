//! Whole sets as JSON, from wherever their plain files come.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufReader, Read, Write};

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

use super::image::{ShownImage, Stop, stopped};
use super::memory::ShownPages;
use super::{ShowError, Style};
use crate::image::{Fault, ImageReader, Kind, Member, PagemapReader, Set};

/// Why a plain file could not be had.
pub type SourceError = Box<dyn Error + Send + Sync>;

/// The plain files of a set.
pub trait Images {
    /// The files by name, each with its plain length.
    fn members(&self) -> &[Member];

    /// The plain bytes of the file `name`, which is one of the members. Pages files are asked for only if no pagemap
    /// describes them.
    ///
    /// # Errors
    /// The file cannot be read, or is not authentic.
    fn open(&mut self, name: &str) -> Result<Box<dyn Read + '_>, SourceError>;
}

/// A set that is not sealed.
pub struct PlainSet(pub Set);

impl Images for PlainSet {
    fn members(&self) -> &[Member] {
        self.0.members()
    }

    fn open(&mut self, name: &str) -> Result<Box<dyn Read + '_>, SourceError> {
        let (file, _) = self.0.open_file(name)?;
        Ok(Box::new(file))
    }
}

/// Writes the file `name` of the set to `sink` as CRIT shows it, without a line feed at the end.
///
/// # Errors
/// There is no such file, or it is not as it must be; `sink` fails. What was written until then is no whole JSON.
pub fn write_file(
    images: &mut dyn Images,
    name: &str,
    style: Style,
    sink: impl Write,
) -> Result<(), ShowError> {
    let member = member(images, name)?;
    let pagemaps = match member.kind {
        Kind::Pages => pagemaps(images)?,
        _ => BTreeMap::new(),
    };
    let stop = Stop::default();
    let file = ShownFile {
        images: &RefCell::new(images),
        member: &member,
        pagemaps: &pagemaps,
        style,
        named: false,
        stop: &stop,
    };
    write(&file, style, &stop, sink)
}

/// Writes the whole set to `sink`: `{"files": [{"name": …, …}, …]}`, each file as [`write_file`] has it, with its name
/// and length.
///
/// # Errors
/// As [`write_file`].
pub fn write_set(images: &mut dyn Images, style: Style, sink: impl Write) -> Result<(), ShowError> {
    let members = images.members().to_vec();
    let pagemaps = pagemaps(images)?;
    let stop = Stop::default();
    let set = ShownSet {
        images: &RefCell::new(images),
        members: &members,
        pagemaps: &pagemaps,
        style,
        stop: &stop,
    };
    write(&set, style, &stop, sink)
}

fn write(shown: &impl Serialize, style: Style, stop: &Stop, sink: impl Write) -> Result<(), ShowError> {
    fn with<W: Write, F: Formatter>(
        shown: &impl Serialize,
        sink: W,
        formatter: F,
    ) -> Result<(), serde_json::Error> {
        shown.serialize(&mut serde_json::Serializer::with_formatter(sink, formatter))
    }
    let written = match style {
        Style::Plain => with(shown, sink, CompactFormatter),
        Style::Readable => with(shown, sink, PrettyFormatter::with_indent(b"    ")),
    };
    written.map_err(|error| stop.take().unwrap_or_else(|| ShowError::Output(error.into())))
}

fn member(images: &dyn Images, name: &str) -> Result<Member, ShowError> {
    let found = images.members().iter().find(|member| member.name == name);
    found.cloned().ok_or_else(|| ShowError::Missing(name.to_owned()))
}

/// The pagemaps by the names of their pages files.
fn pagemaps(images: &mut dyn Images) -> Result<BTreeMap<String, Member>, ShowError> {
    let members: Vec<Member> = images
        .members()
        .iter()
        .filter(|member| matches!(member.kind, Kind::Pagemap | Kind::ShmemPagemap))
        .cloned()
        .collect();
    let mut pagemaps = BTreeMap::new();
    for member in members {
        let pages = format!(
            "pages-{}.img",
            PagemapReader::new(open(images, &member)?)?.pages_id()
        );
        let name = member.name.clone();
        if let Some(other) = pagemaps.insert(pages, member) {
            let fault = Fault::value("the pages file", "that of another pagemap", "the pagemap's own");
            return Err(fault.of(&format!("{} and {name}", other.name)).into());
        }
    }
    Ok(pagemaps)
}

/// Starts to read an image.
pub(super) fn open<'a>(
    images: &'a mut dyn Images,
    member: &Member,
) -> Result<ImageReader<BufReader<Box<dyn Read + 'a>>>, ShowError> {
    let source = BufReader::new(images.open(&member.name).map_err(ShowError::Source)?);
    Ok(ImageReader::new(&member.name, member.bytes, source)?)
}

struct ShownSet<'a, 'b> {
    images: &'a RefCell<&'b mut dyn Images>,
    members: &'a [Member],
    pagemaps: &'a BTreeMap<String, Member>,
    style: Style,
    stop: &'a Stop,
}

impl Serialize for ShownSet<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("files", &ShownFiles(self))?;
        map.end()
    }
}

struct ShownFiles<'a, 'b>(&'a ShownSet<'a, 'b>);

impl Serialize for ShownFiles<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let set = self.0;
        let mut list = serializer.serialize_seq(Some(set.members.len()))?;
        for member in set.members {
            list.serialize_element(&ShownFile {
                images: set.images,
                member,
                pagemaps: set.pagemaps,
                style: set.style,
                named: true,
                stop: set.stop,
            })?;
        }
        list.end()
    }
}

struct ShownFile<'a, 'b> {
    images: &'a RefCell<&'b mut dyn Images>,
    member: &'a Member,
    pagemaps: &'a BTreeMap<String, Member>,
    style: Style,
    /// Whether name and length are shown too.
    named: bool,
    stop: &'a Stop,
}

impl Serialize for ShownFile<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut images = self.images.borrow_mut();
        let described = self.pagemaps.get(&self.member.name);
        let member = described.unwrap_or(self.member);
        let image = open(&mut **images, member).map_err(|error| stopped(self.stop, error))?;
        let mut map = serializer.serialize_map(None)?;
        if self.named {
            map.serialize_entry("name", &self.member.name)?;
        }
        if described.is_some() {
            let pages = PagemapReader::new(image)
                .and_then(|pagemap| ShownPages::read(self.member.bytes, &member.name, pagemap, self.style));
            pages
                .map_err(|error| stopped(self.stop, error))?
                .fields(&mut map)?;
            return map.end();
        }
        if self.named && self.member.kind.magic().is_some() {
            map.serialize_entry("bytes", &self.member.bytes)?;
        }
        ShownImage::new(image, self.style, self.stop).fields(&mut map)?;
        map.end()
    }
}
