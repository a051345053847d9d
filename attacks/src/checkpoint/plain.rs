//! No sealing at all: the baseline that shows what each act achieves against nothing.

use std::fs;
use std::path::Path;

use sealab_attack_record::FormatUnderAttack;
use sealab_checkpoint::image::{self, Found, Memory, PAGE_BYTES, Set};

use super::format::{Asking, CheckpointFormat, Layout, Problem, Sealing};
use super::keyring::OpeningKey;
use super::{PLANE, frames, subject};
use crate::files::Files;

pub(super) const FORMAT: FormatUnderAttack = FormatUnderAttack {
    plane: PLANE,
    id: "plain",
    description: "What CRIU writes, without any sealing. Read by sealab's image reader, which checks what can be \
                  checked without a key: magic numbers, lengths, pagemaps.",
};

/// Sealing is copying.
pub(super) struct Plain;

impl CheckpointFormat for Plain {
    fn format(&self) -> FormatUnderAttack {
        FORMAT
    }

    fn seal(&self, plain: &Path, sealed: &Path, with: &Sealing<'_>) -> Result<(), Problem> {
        fs::create_dir(sealed)?;
        for entry in fs::read_dir(plain)? {
            let entry = entry?;
            // The link to a parent is written below.
            if !entry.file_type()?.is_file() {
                continue;
            }
            fs::copy(entry.path(), sealed.join(entry.file_name()))?;
        }
        if let Some(parent) = with.parent {
            std::os::unix::fs::symlink(parent, sealed.join(image::PARENT))?;
        }
        Ok(())
    }

    fn open(&self, sealed: &Path, _asking: &Asking<'_>, handed_out: &mut Files) -> Result<(), Problem> {
        read(sealed, handed_out)
    }

    fn layout(&self, sealed: &Files, _key: &OpeningKey) -> Result<Layout, Problem> {
        Ok(frames::layout(sealed, 0))
    }

    fn seals(&self) -> bool {
        false
    }

    fn has_parents(&self) -> bool {
        true
    }

    fn memory(
        &self,
        sealed: &Path,
        _asking: &Asking<'_>,
        handed_out: &mut Files,
    ) -> Option<Result<(), Problem>> {
        Some(memory(sealed, handed_out))
    }
}

/// Reads a plain set as far as it can be checked.
pub(super) fn read(folder: &Path, handed_out: &mut Files) -> Result<(), Problem> {
    let set = Set::open(folder)?;
    for member in set.members() {
        let bytes = handed_out.entry(member.name.clone()).or_default();
        image::rewrite(set.read(&member.name)?, bytes)?;
    }
    let chain = set.chain()?;
    let names: Vec<String> = image::pagemaps(&chain[0]).map(str::to_owned).collect();
    for name in names {
        Memory::open(&chain, &name)?;
    }
    Ok(())
}

fn memory(folder: &Path, handed_out: &mut Files) -> Result<(), Problem> {
    let chain = Set::open(folder)?.chain()?;
    for process in 0..subject::PIDS.len() {
        let name = format!("pagemap-{}.img", subject::PIDS[process]);
        let mut memory = Memory::open(&chain, &name)?;
        let bytes = handed_out.entry(subject::pages_name(process)).or_default();
        for index in 0..subject::PAGES {
            let mut page = [0; PAGE_BYTES];
            if memory.page(subject::address(index), &mut page)? == Found::Nowhere {
                return Err(format!("page {index} of {name} is nowhere").into());
            }
            bytes.extend(page);
        }
    }
    Ok(())
}
