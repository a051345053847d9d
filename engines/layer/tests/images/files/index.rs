//! When a layer has an index, and what is done to it.

use super::*;

#[test]
fn an_index_that_was_changed_or_exchanged_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let sealed = |path: &str, name: &str| {
        let tar = Tar::new().file(path, b"content").finish();
        let image = image_of_tars(&[&tar], &place.path().join(format!("{name}-image")));
        let format = Format::OcicryptSeekable;
        seal(&image, format, Compression::Keep, &place.path().join(name))
            .unwrap()
            .0
    };
    let (one, other) = (sealed("one", "1"), sealed("two", "2"));
    let before = serde_json::to_value(manifest(&one)).unwrap();
    let text = before["layers"][0]["annotations"][INDEX]
        .as_str()
        .unwrap()
        .to_owned();
    let with = |text: &str| {
        let mut changed = before.clone();
        changed["layers"][0]["annotations"][INDEX] = text.into();
        set_manifest(&one, &changed);
        open(&one, 1 << 20)
    };
    assert!(with(&text).is_ok());
    for place in 0..text.len() {
        for byte in [b'A', b'/', b'=', b' '] {
            let mut changed = text.clone().into_bytes();
            if changed[place] == byte {
                continue;
            }
            changed[place] = byte;
            assert!(with(str::from_utf8(&changed).unwrap()).is_err(), "{place}");
        }
        assert!(with(&text[..place]).is_err(), "{place}");
    }
    assert!(with(&format!("{text}AAAA")).is_err());
    let exchanged = manifest(&other).layers[0].annotations[INDEX].clone();
    let error = with(&exchanged).err().unwrap().to_string();
    assert!(
        error.contains("layer 0") && error.contains("not this layer's"),
        "{error}"
    );
}

#[test]
fn more_entries_than_an_index_has_are_no_index() {
    let mut block = Tar::new().directory("d/").finish();
    block.truncate(512);
    let tar = |entries| [block.repeat(entries), vec![0; 1024]].concat();
    let place = tempfile::tempdir().unwrap();
    let image = image_of_tars(&[&tar((1 << 18) + 1)], &place.path().join("too-many"));
    assert!(refusal(&image).contains("more entries"));
    let image = image_of_tars(&[&tar((1 << 17) + 1)], &place.path().join("image"));
    assert!(open(&image, 1 << 20).is_ok());
    let folder = place.path().join("closed");
    let (_, outcomes) = seal(&image, Format::OcicryptSeekable, Compression::ZstdFrames, &folder).unwrap();
    assert!(!outcomes[0].file_index);
    // Names that no compression shortens: the index would be longer than an annotation may be.
    let mut tar = Tar::new();
    for number in 0..20_000_u64 {
        let name: String = (0..3)
            .map(|part| sha256(&(number * 3 + part).to_le_bytes()))
            .collect();
        tar.file(&name[..99], b"");
    }
    let tar = tar.finish();
    let image = image_of_tars(&[&tar], &place.path().join("names"));
    let folder = place.path().join("names-closed");
    let (closed, outcomes) = seal(&image, Format::OcicryptSeekable, Compression::None, &folder).unwrap();
    assert!(!outcomes[0].file_index);
    assert_eq!(names(&open(&closed, 1 << 20).unwrap(), "/").len(), 20_000);
}

#[test]
fn a_manifest_that_would_be_too_long_drops_indexes() {
    // Each index is under its own bound, and all of them too much for a manifest.
    let place = tempfile::tempdir().unwrap();
    let tars: Vec<Vec<u8>> = (0..5_u64)
        .map(|layer| {
            let mut tar = Tar::new();
            for number in 0..14_000 {
                let seed = (layer << 32 | number).to_le_bytes();
                let name = [sha256(&seed), sha256(&[&seed[..], b"x"].concat())].concat();
                tar.file(&name[..99], b"");
            }
            tar.finish()
        })
        .collect();
    let tars: Vec<&[u8]> = tars.iter().map(Vec::as_slice).collect();
    let image = image_of_tars(&tars, &place.path().join("image"));
    let folder = place.path().join("closed");
    let (closed, outcomes) = seal(&image, Format::OcicryptSeekable, Compression::Keep, &folder).unwrap();
    let told: Vec<bool> = outcomes.iter().map(|outcome| outcome.file_index).collect();
    let found: Vec<bool> = manifest(&closed)
        .layers
        .iter()
        .map(|layer| layer.annotations.contains_key(INDEX))
        .collect();
    assert_eq!(told, found);
    assert!(told.contains(&true) && told.contains(&false), "{told:?}");
    assert_eq!(names(&open(&closed, 1 << 20).unwrap(), "/").len(), 70_000);
}
