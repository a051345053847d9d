//! `ocicrypt`, decrypted by the real skopeo (Debian's package `skopeo`).

use std::fs;
use std::path::Path;
use std::process::Command;

use sealab_attack_record::FormatUnderAttack;
use sealab_engine::Engine;
use sealab_layer::Format;

use super::format::{LayerFormat, Parts, Problem};
use super::image::{Image, reference};
use super::keyring::Key;
use super::{PLANE, handed_out, ours, subject};
use crate::files::Files;

pub(super) const FORMAT: FormatUnderAttack = FormatUnderAttack {
    plane: PLANE,
    id: "ocicrypt-skopeo",
    description: "The same bytes as ocicrypt, decrypted by the real skopeo into a new layout.",
};

/// skopeo; the variable `SEALAB_SKOPEO` names another one than that on the path.
fn program() -> Command {
    Command::new(std::env::var_os("SEALAB_SKOPEO").unwrap_or_else(|| "skopeo".into()))
}

/// Why the format cannot be attacked here, if it cannot.
pub(super) fn missing() -> Option<String> {
    let ran = program().arg("--version").output();
    match ran {
        Ok(ran) if ran.status.success() => None,
        Ok(ran) => Some(format!("skopeo --version ended with {}", ran.status)),
        Err(error) => Some(format!("skopeo is missing ({error}); Debian's package is skopeo")),
    }
}

pub(super) struct Skopeo<'a> {
    pub(super) engine: &'a dyn Engine,
}

impl LayerFormat for Skopeo<'_> {
    fn format(&self) -> FormatUnderAttack {
        FORMAT
    }

    fn seal(&self, layers: &Files, key: &Key, folder: &Path) -> Result<Image, Problem> {
        ours::seal(self.engine, Format::Ocicrypt, None, layers, key, folder)
    }

    fn open(&self, sealed: &Path, key: &Key, folder: &Path, handed_out: &mut Files) -> Result<(), Problem> {
        let (pem, opened) = (folder.join("key.pem"), folder.join("opened"));
        fs::write(&pem, key.pem.as_bytes())?;
        let ran = program()
            // Layers that are not compressed stay so.
            .args([
                "--insecure-policy",
                "copy",
                "--dest-oci-accept-uncompressed-layers",
            ])
            .arg("--decryption-key")
            .arg(&pem)
            .args([reference(sealed).to_string(), reference(&opened).to_string()])
            .output()?;
        fs::remove_file(&pem)?;
        handed_out::collect(sealed, folder, &opened, handed_out)?;
        if ran.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&ran.stderr);
        let last = said.lines().last().unwrap_or_default();
        // What it says begins with the time.
        let message = last.split_once(" msg=").map_or(last, |(_, message)| message);
        Err(message.trim_matches('"').to_owned().into())
    }

    fn parts(&self, sealed: &Image) -> Parts {
        ours::parts(sealed, Some(subject::UNIT))
    }
}
