//! A pages file as JSON: which pages of whom lie where in it.

use std::io::Read;

use serde::Serialize;
use serde::ser::SerializeMap;

use super::Style;
use crate::image::{Extent, ImageError, Kind, PagemapReader, Place};

/// The pages file of one pagemap.
pub(super) struct ShownPages {
    bytes: u64,
    pagemap: String,
    extents: Vec<ShownExtent>,
}

#[derive(Serialize)]
struct ShownExtent {
    address: Address,
    pages: u64,
    place: &'static str,
    /// Where in the pages file.
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    /// How many bytes of the pages file, if the pages are compressed.
    #[serde(skip_serializing_if = "Option::is_none")]
    compressed: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    lazy: bool,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Address {
    Number(u64),
    Hex(String),
}

impl ShownPages {
    /// The pages file of `bytes` bytes that the pagemap `name` describes. Memory: some 100 bytes an extent.
    pub(super) fn read<R: Read>(
        bytes: u64,
        name: &str,
        mut pagemap: PagemapReader<R>,
        style: Style,
    ) -> Result<Self, ImageError> {
        let mut extents = Vec::new();
        while let Some(extent) = pagemap.next_extent()? {
            extents.push(shown(&extent, style));
        }
        Ok(Self {
            bytes,
            pagemap: name.to_owned(),
            extents,
        })
    }

    /// Adds all of it to the map of the file.
    pub(super) fn fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("kind", Kind::Pages.name())?;
        map.serialize_entry("bytes", &self.bytes)?;
        map.serialize_entry("pagemap", &self.pagemap)?;
        map.serialize_entry("extents", &self.extents)
    }
}

fn shown(extent: &Extent, style: Style) -> ShownExtent {
    let (place, offset, compressed) = match &extent.place {
        Place::Nowhere => ("nowhere", None, None),
        Place::Parent => ("parent", None, None),
        Place::Stored(stored) => (
            "stored",
            Some(stored.offset),
            stored.blocks.as_ref().map(|_| stored.bytes),
        ),
    };
    ShownExtent {
        address: match style {
            Style::Plain => Address::Number(extent.address),
            Style::Readable => Address::Hex(format!("{:#x}", extent.address)),
        },
        pages: extent.pages,
        place,
        offset,
        compressed,
        lazy: extent.lazy,
    }
}
