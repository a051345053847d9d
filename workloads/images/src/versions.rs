//! Two versions of an image that go to a registry one after the other.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use sealab_programs::{Scratch, Spent, remove};

use crate::encryption::{contenders, holds, limit, put};
use crate::toolbox::{Place, Toolbox};
use crate::{Comparison, Image, ImagesError, Method, Registry, Row, Way};

/// The repository of both versions.
const NAME: &str = "lab/image";

/// Who takes two versions of an image to a registry, and where.
#[derive(Clone, Copy, Debug)]
pub struct Versions<'a> {
    /// The methods; `cp` knows no registry.
    pub methods: &'a [Method],
    /// How often each pushes and pulls both.
    pub rounds: u32,
    /// Where they work, the registry too: folders below it. Nothing stays there.
    pub folder: &'a Path,
    /// The lab's own program.
    pub sealab: &'a Path,
}

/// Which of the two.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Version {
    /// It goes to an empty registry.
    First,
    /// It goes to one that has the first.
    Second,
}

/// A row, and which version it is of.
type OfVersion = (Version, Row);

impl Versions<'_> {
    /// Has every method push `images`, the first and the second version, into a registry that is empty before, pull and
    /// decrypt both again, and holds their layers to what they were, byte for byte. A row's stored bytes are those that
    /// the registry keeps more than before.
    ///
    /// Set `cancelled` to end it early.
    ///
    /// # Errors
    /// It was cancelled, or `folder` cannot be worked in. That a program is missing or fails is no error.
    pub fn compare(
        &self,
        images: [&Image; 2],
        cancelled: &AtomicBool,
    ) -> Result<Comparison<OfVersion>, ImagesError> {
        let scratch = Scratch::new(self.folder)?;
        let bytes = images[0].bytes().max(images[1].bytes());
        let toolbox = Toolbox::new(scratch.path(), self.sealab, limit(bytes), cancelled)?;
        let mut comparison = Comparison::default();
        let mut contenders = contenders(&toolbox, self.methods, &mut comparison)?;
        comparison.turns(self.rounds, &mut contenders, |round, method| {
            let place = scratch.path().join(method.id());
            fs::create_dir(&place).map_err(ImagesError::at(&place))?;
            let turn = Turn {
                toolbox: &toolbox,
                method: *method,
                round,
                place: &place,
                cancelled,
            };
            let done = turn.both(images);
            remove(&place)?;
            done
        })?;
        Ok(comparison)
    }
}

struct Turn<'a> {
    toolbox: &'a Toolbox<'a>,
    method: Method,
    round: u32,
    place: &'a Path,
    cancelled: &'a AtomicBool,
}

impl Turn<'_> {
    fn both(&self, images: [&Image; 2]) -> Result<Vec<OfVersion>, ImagesError> {
        let registry = Registry::start(&self.place.join("registry"), self.cancelled)?;
        let mut rows = Vec::new();
        let mut stored = [0; 2];
        let versions = [(Version::First, images[0]), (Version::Second, images[1])];
        for (number, (version, image)) in versions.into_iter().enumerate() {
            let before = registry.stored_bytes()?;
            let plain = Place::Layout(image.reference().directory);
            let (spent, transferred) = counted(&registry, || {
                self.toolbox
                    .encrypt(self.method, &plain, &remote(&registry, version))
            })?;
            stored[number] = registry.stored_bytes()? - before;
            rows.push((
                version,
                self.row(Way::Seal, image, stored[number], spent, transferred),
            ));
        }
        for (number, (version, image)) in versions.into_iter().enumerate() {
            let opened = self.place.join("opened");
            let back = put(self.method, &opened);
            let (spent, transferred) = counted(&registry, || {
                self.toolbox
                    .decrypt(self.method, &remote(&registry, version), &back)
            })?;
            holds(self.toolbox, image, &back, self.method.id())?;
            remove(&opened)?;
            rows.push((
                version,
                self.row(Way::Open, image, stored[number], spent, transferred),
            ));
        }
        Ok(rows)
    }

    fn row(&self, way: Way, image: &Image, stored: u64, spent: Spent, transferred: u64) -> Row {
        Row {
            transferred_bytes: Some(transferred),
            ..Row::new(self.method.id(), way, self.round, (image.bytes(), stored), spent)
        }
    }
}

fn remote(registry: &Registry, version: Version) -> Place {
    Place::Remote(registry.image(
        NAME,
        match version {
            Version::First => "v1",
            Version::Second => "v2",
        },
    ))
}

/// What `work` spent, and the bytes that it sent to the registry and had from there.
pub(crate) fn counted(
    registry: &Registry,
    work: impl FnOnce() -> Result<Spent, ImagesError>,
) -> Result<(Spent, u64), ImagesError> {
    let before = registry.transferred_bytes();
    let spent = work()?;
    Ok((spent, registry.transferred_bytes() - before))
}
