//! Sets in memory that the tests share.

mod crit;
mod differences;
mod sets;

use std::io::{Cursor, Read};

use serde_json::Value;

use super::*;
use crate::fixtures::{Files, data};
use crate::image::{Header, Kind, Member};

/// The files of a set.
struct InMemory {
    files: Files,
    members: Vec<Member>,
}

impl InMemory {
    fn new(files: Files) -> Self {
        let members = files.iter().map(|(name, bytes)| Member {
            name: name.clone(),
            kind: Header::recognise(name, bytes).unwrap().kind,
            number: Kind::of_file_name(name).and_then(|(_, number)| number),
            bytes: bytes.len() as u64,
        });
        Self {
            members: members.collect(),
            files,
        }
    }
}

impl Images for InMemory {
    fn members(&self) -> &[Member] {
        &self.members
    }

    fn open(&mut self, name: &str) -> Result<Box<dyn Read + '_>, SourceError> {
        Ok(Box::new(Cursor::new(self.files[name].clone())))
    }
}

fn file(name: &str, bytes: &[u8], style: Style) -> Result<Value, ShowError> {
    let mut images = InMemory::new(Files::from([(name.to_owned(), bytes.to_vec())]));
    let mut json = Vec::new();
    write_file(&mut images, name, style, &mut json)?;
    Ok(serde_json::from_slice(&json).unwrap())
}

fn set(images: &mut dyn Images, style: Style) -> Value {
    let mut json = Vec::new();
    write_set(images, style, &mut json).unwrap();
    serde_json::from_slice(&json).unwrap()
}
