//! An image of CRIU is read to its end and written again as the same bytes, or refused with its place; shown it is JSON.

use std::io::Read;

use sealab_checkpoint::image::{
    Header, ImageError, ImageReader, Kind, Member, PAGE_BYTES, Pagemap, Place, rewrite,
};
use sealab_checkpoint::show::{self, Images, SourceError, Style};

use crate::{named, refusal};

/// Whether the image, the first line being its name, is read; panics where it does not survive that.
pub(crate) fn check(data: &[u8]) -> bool {
    let Some((name, content)) = named::split(data) else {
        return false;
    };
    shown(name, content);
    laid_out(name, content);
    let mut written = Vec::new();
    let image = ImageReader::new(name, content.len() as u64, content);
    match image.and_then(|image| rewrite(image, &mut written)) {
        Ok(()) => {
            assert!(written == content, "{name}: other bytes are written");
            true
        }
        Err(error) => {
            is_placed(&error, name, content);
            false
        }
    }
}

fn is_placed(error: &ImageError, name: &str, content: &[u8]) {
    refusal::is_one_line(&error.to_string());
    assert_eq!(error.file, name);
    assert!(
        error.offset.is_some_and(|offset| offset <= content.len() as u64),
        "no place in {error}"
    );
}

/// Extents of a pagemap follow each other, in memory and in the pages file.
fn laid_out(name: &str, content: &[u8]) {
    let Ok(image) = ImageReader::new(name, content.len() as u64, content) else {
        return;
    };
    if !matches!(image.header().kind, Kind::Pagemap | Kind::ShmemPagemap) {
        return;
    }
    let pagemap = match Pagemap::read(image) {
        Ok(pagemap) => pagemap,
        Err(error) => return is_placed(&error, name, content),
    };
    let (mut address, mut payload) = (0, 0);
    for extent in &pagemap.extents {
        assert!(extent.pages > 0 && extent.address >= address);
        address = extent.end();
        assert_eq!(pagemap.find(extent.address), Some(extent));
        if let Place::Stored(stored) = &extent.place {
            assert!(stored.offset >= payload);
            payload = stored.offset + stored.bytes;
            match &stored.blocks {
                None => assert_eq!(stored.bytes, extent.pages * PAGE_BYTES as u64),
                Some(blocks) => {
                    assert_eq!(
                        blocks.sizes.len() as u64,
                        extent.pages.div_ceil(blocks.pages_each)
                    );
                    let sum: u64 = blocks.sizes.iter().map(|size| u64::from(*size)).sum();
                    assert_eq!(sum, stored.bytes);
                }
            }
        }
    }
    assert_eq!(payload, pagemap.payload_bytes);
}

/// A set of one file.
struct One<'a> {
    member: [Member; 1],
    content: &'a [u8],
}

impl Images for One<'_> {
    fn members(&self) -> &[Member] {
        &self.member
    }

    fn open(&mut self, _: &str) -> Result<Box<dyn Read + '_>, SourceError> {
        Ok(Box::new(self.content))
    }
}

fn shown(name: &str, content: &[u8]) {
    let start = &content[..content.len().min(8)];
    let Ok(header) = Header::recognise(name, start) else {
        return;
    };
    let mut set = One {
        member: [Member {
            name: name.to_owned(),
            kind: header.kind,
            number: None,
            bytes: content.len() as u64,
        }],
        content,
    };
    for style in [Style::Plain, Style::Readable] {
        let mut text = Vec::new();
        match show::write_file(&mut set, name, style, &mut text) {
            Ok(()) => {
                let json: Result<serde_json::Value, _> = serde_json::from_slice(&text);
                assert!(json.is_ok(), "{name}: shown as no JSON: {json:?}");
            }
            Err(error) => refusal::is_one_line(&error.to_string()),
        }
    }
    if let Err(error) = show::list(&mut set) {
        refusal::is_one_line(&error.to_string());
    }
}
