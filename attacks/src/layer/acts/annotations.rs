//! Changes of annotations and media types, which nothing authenticates but what is sealed in them.

use serde_json::{Value, json};

use super::super::image::{ENCRYPTION, Entry, Image, PACKETS, PUBLIC_OPTIONS, TABLE};
use super::super::ours::ENCRYPTED;
use super::super::stage::Stage;
use crate::trials::Trials;
use crate::{AttackError, Outcome};

/// Places in each annotation.
const PLACES: usize = 8;

const NOTHING_WRAPPED: &str = "No layer is annotated with an encryption.";

/// The image with a change to the first entry that has wrapped keys.
fn changed(stage: &Stage<'_>, change: impl FnOnce(&mut Entry)) -> Option<Image> {
    let mut image = stage.sealed.clone();
    change(image.entries.get_mut(*stage.parts.wrapped.first()?)?);
    Some(image)
}

/// The image with a change to all entries that have wrapped keys.
fn all_changed(stage: &Stage<'_>, change: impl Fn(&mut Entry)) -> Option<Image> {
    let mut image = stage.sealed.clone();
    for &number in &stage.parts.wrapped {
        change(image.entries.get_mut(number)?);
    }
    (!stage.parts.wrapped.is_empty()).then_some(image)
}

fn try_image(
    stage: &Stage<'_>,
    trials: &mut Trials,
    place: impl Into<String>,
    image: Option<Image>,
) -> Result<(), AttackError> {
    image.map_or(Ok(()), |image| stage.try_change(trials, place, &image))
}

/// The public options with a change, as JSON.
fn with_options(entry: &mut Entry, change: impl FnOnce(&mut Value)) {
    let options = entry.annotation(PUBLIC_OPTIONS).unwrap_or_default();
    if let Ok(options) = serde_json::from_slice::<Value>(&options) {
        let mut changed = options.clone();
        change(&mut changed);
        // Written anew, even the same options would be other bytes.
        if changed != options {
            entry.annotate(PUBLIC_OPTIONS, changed.to_string().as_bytes());
        }
    }
}

pub(super) fn flip(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    let wrapped = stage.parts.wrapped.first();
    let annotations = wrapped.map(|number| &stage.sealed.entries[*number].descriptor.annotations);
    for name in annotations.into_iter().flat_map(|annotations| annotations.keys()) {
        let Some(short) = name.strip_prefix(ENCRYPTION) else {
            continue;
        };
        for place in 0..PLACES {
            let image = changed(stage, |entry| {
                let mut bytes = entry.annotation(name).unwrap_or_default();
                let at = place * bytes.len().saturating_sub(1) / (PLACES - 1);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1;
                    entry.annotate(name, &bytes);
                }
            });
            try_image(stage, &mut trials, format!("place {place} of {short}"), image)?;
        }
    }
    Ok(trials.outcome(NOTHING_WRAPPED))
}

pub(super) fn public_nonce(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    for nonce in ["AAAAAAAAAAAAAAAAAAAAAA==", "AAAAAAAAAAAAAAAAAAAAAQ=="] {
        let image = changed(stage, |entry| {
            with_options(entry, |options| {
                options["cipheroptions"] = json!({ "nonce": nonce });
            });
        });
        try_image(stage, &mut trials, format!("the nonce {nonce}"), image)?;
    }
    Ok(trials.outcome(NOTHING_WRAPPED))
}

pub(super) fn strip_code(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    let zeros = format!("{}=", "A".repeat(43));
    for (place, code) in [
        ("null", Some(Value::Null)),
        ("an empty one", Some(json!(""))),
        ("zeros", Some(json!(zeros))),
        ("none", None),
    ] {
        let image = all_changed(stage, |entry| {
            with_options(entry, |options| {
                if let Some(members) = options.as_object_mut() {
                    members.remove("hmac");
                    members.extend(code.clone().map(|code| ("hmac".to_owned(), code)));
                }
            });
            if let Some(byte) = entry.blob.first_mut() {
                *byte ^= 1;
            }
        });
        try_image(stage, &mut trials, place, image)?;
    }
    Ok(trials.outcome(NOTHING_WRAPPED))
}

pub(super) fn other_cipher(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    for cipher in [
        "",
        "NONE",
        "AES_128_CTR_HMAC_SHA256",
        "aes_256_ctr_hmac_sha256",
        "AES_256_CTR_HMAC_SHA256",
        "SEALAB_STREAM_AES_256_GCM_64K",
        "SEALAB_STREAM_CHACHA20_POLY1305_64K",
        "SEALAB_CONVERGENT_AES_256_GCM",
    ] {
        let image = changed(stage, |entry| {
            with_options(entry, |options| options["cipher"] = cipher.into());
        });
        try_image(stage, &mut trials, format!("{cipher:?}"), image)?;
    }
    Ok(trials.outcome(NOTHING_WRAPPED))
}

pub(super) fn garbage_packet(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    // No packet, an empty one, one that is no JSON, one that is no Base64.
    for garbage in ["e30=", "", "/////w==", "*"] {
        let image = changed(stage, |entry| {
            if let Some(packets) = entry.descriptor.annotations.get_mut(PACKETS) {
                *packets = format!("{garbage},{packets}");
            }
        });
        try_image(stage, &mut trials, format!("{garbage:?} first"), image)?;
    }
    Ok(trials.outcome(NOTHING_WRAPPED))
}

const NO_TABLE: &str = "No layer has a table.";

pub(super) fn strip_table(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    let strip = |entry: &mut Entry| {
        entry.descriptor.annotations.remove(TABLE);
    };
    try_image(stage, &mut trials, "the table of a layer", changed(stage, strip))?;
    // With the table gone, what the tags refused is for the HMAC to refuse.
    if stage
        .sealed
        .entries
        .iter()
        .any(|entry| entry.annotation(TABLE).is_some())
    {
        let image = changed(stage, |entry| {
            strip(entry);
            entry.blob[0] ^= 1;
        });
        try_image(
            stage,
            &mut trials,
            "the table of a layer, and a bit flipped",
            image,
        )?;
    }
    Ok(trials.outcome(NO_TABLE))
}

pub(super) fn foreign_table(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    let others = [
        ("another layer's", stage.sealed.entries.get(1)),
        ("that of an older image", stage.older.entries.first()),
    ];
    for (place, other) in others {
        if let Some(table) = other.and_then(|other| other.annotation(TABLE)) {
            let image = changed(stage, |entry| entry.annotate(TABLE, &table));
            try_image(stage, &mut trials, place, image)?;
        }
    }
    Ok(trials.outcome(NO_TABLE))
}

fn strip_all(entry: &mut Entry) {
    let annotations = &mut entry.descriptor.annotations;
    annotations.retain(|name, _| !name.starts_with(ENCRYPTION));
}

pub(super) fn strip(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    try_image(stage, &mut trials, "one layer's", changed(stage, strip_all))?;
    let public = |entry: &mut Entry| {
        entry.descriptor.annotations.remove(PUBLIC_OPTIONS);
    };
    try_image(stage, &mut trials, "the public options", changed(stage, public))?;
    let packets = |entry: &mut Entry| {
        entry.descriptor.annotations.remove(PACKETS);
    };
    try_image(stage, &mut trials, "the wrapped keys", changed(stage, packets))?;
    try_image(stage, &mut trials, "all layers'", all_changed(stage, strip_all))?;
    Ok(trials.outcome(NOTHING_WRAPPED))
}

pub(super) fn call_it_plain(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    let plain = |entry: &mut Entry| {
        let media_type = &mut entry.descriptor.media_type;
        if let Some(plain) = media_type.strip_suffix(ENCRYPTED) {
            *media_type = plain.to_owned();
        }
    };
    let stripped = |entry: &mut Entry| {
        plain(entry);
        strip_all(entry);
    };
    try_image(stage, &mut trials, "one layer", changed(stage, plain))?;
    try_image(
        stage,
        &mut trials,
        "one layer, stripped",
        changed(stage, stripped),
    )?;
    try_image(
        stage,
        &mut trials,
        "all layers, stripped",
        all_changed(stage, stripped),
    )?;
    Ok(trials.outcome(NOTHING_WRAPPED))
}
