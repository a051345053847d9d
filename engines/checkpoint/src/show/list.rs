//! What a set is made of, a line a file.

use super::set::open;
use super::{Images, ShowError};
use crate::image::{Kind, Part};

/// A file of a set.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// How many entries it has; none if it is raw.
    pub entries: Option<u64>,
    /// Its plain length.
    pub bytes: u64,
}

/// The files of the set by name, each read to its end.
///
/// # Errors
/// A file is not as it must be.
pub fn list(images: &mut dyn Images) -> Result<Vec<Listed>, ShowError> {
    let members = images.members().to_vec();
    let mut listed = Vec::with_capacity(members.len());
    for member in members {
        let mut entries = None;
        if member.kind.magic().is_some() {
            let mut image = open(images, &member)?;
            let mut count = 0;
            while let Some(part) = image.next_part()? {
                count += u64::from(matches!(part, Part::Entry(_)));
            }
            entries = Some(count);
        }
        listed.push(Listed {
            name: member.name,
            kind: member.kind,
            entries,
            bytes: member.bytes,
        });
    }
    Ok(listed)
}
