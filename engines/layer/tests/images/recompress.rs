//! Layers that are compressed in another way before they are encrypted.

use std::io::{Read, Write};
use std::process::Command;

use sealab_layer::image::LayerChoice;
use sealab_layer::{Compression, EncryptOptions, Error, LayerOutcome, SALT_BYTES, Salt, decrypt, encrypt};

use super::files::{Tar, image_of_layers};
use super::skopeo::{is_here, pem, skopeo};
use super::*;

pub(super) const TAR: &str = "application/vnd.oci.image.layer.v1.tar";
pub(super) const GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
pub(super) const ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";

pub(super) fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn zstd(plain: &[u8]) -> Vec<u8> {
    zstd::encode_all(plain, 3).unwrap()
}

pub(super) fn seal(
    source: &ImageReference,
    format: Format,
    compression: Compression,
    to: &Path,
) -> Result<(ImageReference, Vec<LayerOutcome>), Error> {
    let closed = reference(to);
    let options = EncryptOptions {
        format,
        recipients: &[public("rsa.pub.pem")],
        choice: &LayerChoice::default(),
        // The same chunks in each run.
        salt: Some(&Salt::new(&[7; SALT_BYTES])),
        compression,
    };
    let outcomes = encrypt(source, &closed, &options, &work(&*engine()))?;
    Ok((closed, outcomes))
}

fn opened(image: &ImageReference, to: &Path) -> ImageReference {
    let opened = reference(to);
    let (keys, engine) = (Keys::new(), engine());
    let choice = LayerChoice::default();
    decrypt(image, &opened, &[keys.rsa()], &choice, &work(&*engine)).unwrap();
    assert_sound(&opened);
    opened
}

/// A tar of some files of words, longer than several frames.
fn tar() -> Vec<u8> {
    let mut tar = Tar::new();
    for file in 0..40 {
        let words: String = (0..4000).map(|word| format!("{file} {} ", word * file)).collect();
        tar.file(&format!("etc/file{file}"), words.as_bytes());
    }
    tar.finish()
}

#[test]
fn layers_of_any_compression_become_tars_or_frames() {
    let tar = tar();
    for (media_type, layer) in [(TAR, tar.clone()), (GZIP, gzip(&tar)), (ZSTD, zstd(&tar))] {
        for format in FORMATS {
            let place = tempfile::tempdir().unwrap();
            let image = image_of_layers(&[(media_type, &layer, &tar)], &place.path().join("image"));
            let (none, outcomes) =
                seal(&image, format, Compression::None, &place.path().join("none")).unwrap();
            assert_eq!(outcomes[0].file_index, format != Format::Ocicrypt, "{format}");
            assert_eq!(outcomes[0].source, manifest(&image).layers[0].digest);
            assert_eq!(manifest(&none).layers[0].media_type, format!("{TAR}+encrypted"));
            let none = opened(&none, &place.path().join("none-opened"));
            assert_eq!(manifest(&none).layers[0].media_type, TAR);
            assert!(layers(&none)[0] == tar);

            let frames = Compression::ZstdFrames;
            let (frames, _) = seal(&image, format, frames, &place.path().join("frames")).unwrap();
            assert_eq!(
                manifest(&frames).layers[0].media_type,
                format!("{ZSTD}+encrypted")
            );
            let frames = opened(&frames, &place.path().join("frames-opened"));
            assert_eq!(manifest(&frames).layers[0].media_type, ZSTD);
            let packed = layers(&frames).remove(0);
            assert!(packed.len() < tar.len() / 2);
            assert!(zstd::decode_all(&packed[..]).unwrap() == tar);
            // One program of many: each frame stands alone.
            let length = zstd::zstd_safe::find_frame_compressed_size(&packed).unwrap();
            assert_eq!(zstd::decode_all(&packed[..length]).unwrap(), &tar[..128 << 10]);

            let (kept, outcomes) =
                seal(&image, format, Compression::Keep, &place.path().join("kept")).unwrap();
            let indexed = format != Format::Ocicrypt && media_type == TAR;
            assert_eq!(outcomes[0].file_index, indexed, "{format} {media_type}");
            let kept = opened(&kept, &place.path().join("kept-opened"));
            assert!(layers(&kept)[0] == layer);
        }
    }
}

#[test]
fn an_empty_layer_is_recompressed() {
    let place = tempfile::tempdir().unwrap();
    let image = image_of_layers(&[(GZIP, &gzip(b""), b"")], &place.path().join("image"));
    let frames = Compression::ZstdFrames;
    let (closed, outcomes) = seal(
        &image,
        Format::OcicryptSeekable,
        frames,
        &place.path().join("closed"),
    )
    .unwrap();
    assert!(outcomes[0].file_index);
    let opened = opened(&closed, &place.path().join("opened"));
    assert!(zstd::decode_all(&layers(&opened)[0][..]).unwrap().is_empty());
    let files = files::open(&closed, 1 << 20).unwrap();
    assert_eq!(files.children(sealab_layer::NodeId::ROOT).count(), 0);
}

#[test]
fn what_does_not_decompress_to_its_digest_is_refused() {
    let tar = tar();
    let place = tempfile::tempdir().unwrap();
    let refused = |media_type: &str, layer: &[u8], tar: &[u8], expected: &[&str]| {
        for compression in [Compression::None, Compression::ZstdFrames] {
            let folder = tempfile::tempdir_in(place.path()).unwrap();
            let image = image_of_layers(&[(media_type, layer, tar)], &folder.path().join("image"));
            let error = seal(
                &image,
                Format::OcicryptSeekable,
                compression,
                &folder.path().join("closed"),
            )
            .err()
            .unwrap()
            .to_string();
            for expected in expected {
                assert!(error.contains(expected), "{error}");
            }
            assert_only(folder.path(), &["image"]);
        }
    };
    let other = [&tar[..], &[0; 512]].concat();
    let digests = [
        format!("sha256:{}", sha256(&tar)),
        format!("sha256:{}", sha256(&other)),
    ];
    refused(
        GZIP,
        &gzip(&tar),
        &other,
        &[&digests[0], &digests[1], "configuration"],
    );
    refused(ZSTD, &zstd(&tar), &other, &[&digests[0], &digests[1]]);
    let whole = gzip(&tar);
    refused(
        GZIP,
        &whole[..whole.len() - 9],
        &tar,
        &["layer 0", "cannot be decompressed"],
    );
    let mut changed = whole.clone();
    let end = changed.len() - 6;
    changed[end] ^= 1;
    refused(GZIP, &changed, &tar, &["cannot be decompressed"]);
    refused(
        GZIP,
        &[&whole[..], b"garbage"].concat(),
        &tar,
        &["cannot be decompressed"],
    );
    let whole = zstd(&tar);
    refused(ZSTD, &whole[..whole.len() - 9], &tar, &["cannot be decompressed"]);
    refused(ZSTD, &tar, &tar, &["cannot be decompressed"]);
    // A window of 64 MiB, which would take more memory than all else.
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(26).unwrap();
    encoder.write_all(&tar).unwrap();
    refused(ZSTD, &encoder.finish().unwrap(), &tar, &["too much memory"]);
}

#[test]
fn a_blob_that_is_not_its_digest_is_refused() {
    let tar = tar();
    let place = tempfile::tempdir().unwrap();
    let image = image_of_layers(&[(GZIP, &gzip(&tar), &tar)], &place.path().join("image"));
    // The same length, and it decompresses to the same.
    let blob = blob_path(&image, &manifest(&image).layers[0]);
    let mut bytes = std::fs::read(&blob).unwrap();
    bytes[9] ^= 1;
    std::fs::write(&blob, bytes).unwrap();
    let closed = place.path().join("closed");
    let error = seal(&image, Format::OcicryptSeekable, Compression::None, &closed)
        .err()
        .unwrap();
    assert!(matches!(error, Error::Digest { .. }), "{error}");
}

#[test]
fn a_bomb_takes_no_memory_and_is_interrupted() {
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    let place = tempfile::tempdir().unwrap();
    // 256 MiB of zeros in 256 KiB.
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::copy(&mut std::io::repeat(0).take(256 << 20), &mut encoder).unwrap();
    let bomb = encoder.finish().unwrap();
    let image = image_of_layers(&[(GZIP, &bomb, b"another")], &place.path().join("image"));
    let (engine, stop, read) = (engine(), AtomicBool::new(false), AtomicU64::new(0));
    let work = Work {
        progress: &|bytes| {
            if read.fetch_add(bytes, Ordering::Relaxed) > 0 {
                stop.store(true, Ordering::Relaxed);
            }
        },
        interrupt: &stop,
        ..work(&*engine)
    };
    let recipients = [public("rsa.pub.pem")];
    let options = EncryptOptions {
        format: Format::OcicryptSeekable,
        recipients: &recipients,
        choice: &LayerChoice::default(),
        salt: None,
        compression: Compression::None,
    };
    let closed = reference(&place.path().join("closed"));
    let error = encrypt(&image, &closed, &options, &work).err().unwrap();
    assert!(matches!(error, Error::Interrupted), "{error}");
    assert_only(place.path(), &["image"]);
}

#[test]
fn what_held_for_the_former_compression_goes() {
    let tar = tar();
    let place = tempfile::tempdir().unwrap();
    let image = image_of_layers(&[(ZSTD, &zstd(&tar), &tar)], &place.path().join("image"));
    let mut changed = serde_json::to_value(manifest(&image)).unwrap();
    changed["layers"][0]["annotations"] = serde_json::json!({
        "io.github.containers.zstd-chunked.manifest-checksum": "sha256:00",
        "containerd.io/snapshot/stargz/toc.digest": "sha256:00",
        "org.example.kept": "yes",
    });
    set_manifest(&image, &changed);
    for (compression, kept) in [(Compression::None, 1), (Compression::Keep, 3)] {
        let folder = place.path().join(compression.name());
        let (closed, _) = seal(&image, Format::OcicryptSeekable, compression, &folder).unwrap();
        let opened = opened(&closed, &place.path().join(format!("{compression}-opened")));
        let annotations = &manifest(&opened).layers[0].annotations;
        assert_eq!(annotations.len(), kept, "{annotations:?}");
        assert_eq!(annotations["org.example.kept"], "yes");
    }
}

/// What skopeo decrypts of an image with file indexes and frames is the same files, and umoci unpacks them.
#[test]
fn skopeo_decrypts_and_umoci_unpacks() {
    let test = "skopeo_decrypts_and_umoci_unpacks";
    if !is_here(test) || !umoci_is_here(test) {
        return;
    }
    let tar = tar();
    for compression in [Compression::None, Compression::ZstdFrames] {
        let place = tempfile::tempdir().unwrap();
        let image = image_of_layers(&[(GZIP, &gzip(&tar), &tar)], &place.path().join("image"));
        let (closed, outcomes) = seal(
            &image,
            Format::OcicryptSeekable,
            compression,
            &place.path().join("closed"),
        )
        .unwrap();
        assert!(outcomes[0].file_index);
        let kept = reference(&place.path().join("kept"));
        skopeo(&[], &closed, &kept).unwrap();
        assert_eq!(manifest(&kept).layers, manifest(&closed).layers);
        let opened = reference(&place.path().join("opened"));
        let key = pem("rsa-pkcs8.der", "PRIVATE KEY", place.path());
        skopeo(&["--decryption-key", &key], &kept, &opened).unwrap();
        let layer = &manifest(&opened).layers[0];
        assert!(layer.annotations.is_empty(), "{layer:?}");
        let packed = std::fs::read(blob_path(&opened, layer)).unwrap();
        let found = match layer.media_type.as_str() {
            TAR => packed,
            ZSTD => zstd::decode_all(&packed[..]).unwrap(),
            _ => {
                let mut found = Vec::new();
                flate2::read::GzDecoder::new(&packed[..])
                    .read_to_end(&mut found)
                    .unwrap();
                found
            }
        };
        assert!(found == tar, "{layer:?}");
        // umoci as Debian has it knows no zstd; skopeo reads the frames to compress them as it knows.
        let known = if layer.media_type == ZSTD {
            let known = reference(&place.path().join("known"));
            skopeo(&["--dest-compress-format", "gzip"], &opened, &known).unwrap();
            assert_eq!(manifest(&known).layers[0].media_type, GZIP);
            known
        } else {
            opened
        };
        let rootfs = place.path().join("unpacked");
        let ran = Command::new("umoci")
            .args(["raw", "unpack", "--rootless", "--image"])
            .arg(known.to_string().trim_start_matches("oci:"))
            .arg(&rootfs)
            .output()
            .unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let file = std::fs::read(rootfs.join("etc/file7")).unwrap();
        assert!(file.starts_with(b"7 0 7 7 7 14 "));
    }
}

fn umoci_is_here(test: &str) -> bool {
    let ran = Command::new("umoci").arg("--version").output();
    let here = ran.is_ok_and(|ran| ran.status.success());
    if !here {
        println!("NOT RUN: {test}: umoci is missing");
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "umoci is missing in CI"
        );
    }
    here
}
