//! The files of an image whose layer is a tar, or whose file index is authentic and says what a fuzzer wants: listed, and
//! read without going past an end; or refused.
//!
//! The first byte says what the rest is: `t` a tar; `f` and `z` the length of a file index in 4 bytes, little-endian, the
//! index, and the layer's plaintext, which is a tar or one in zstd frames. The engine is one that lets every tag hold.

use std::io;
use std::sync::Arc;

use base64ct::{Base64, Encoding};
use sealab_layer::image::{Descriptor, Manifest};
use sealab_layer::{
    Blobs, Error, FilesOptions, ImageFiles, NamedKey, NodeId, NodeKind, PacketKey, ReadAt, WrappingError,
};
use serde_json::json;
use zeroize::Zeroizing;

use crate::refusal;
use crate::transparent::Transparent;

const KEY: [u8; 32] = [1; 32];
const NONCE: [u8; 16] = [2; 16];
const CIPHER: &str = "SEALAB_STREAM_AES_256_GCM_64K";
const TAR: &str = "application/vnd.oci.image.layer.v1.tar";
/// The most files that are read of an image, so that one input takes no minute.
const MOST_READ: usize = 300;

/// Whether `data` is an image's layer whose files can be listed and read.
pub(crate) fn check(data: &[u8]) -> bool {
    let image = match data.split_first() {
        Some((b't', tar)) => plain(tar),
        Some((&kind @ (b'f' | b'z'), rest)) => {
            let Some((length, rest)) = rest.split_first_chunk() else {
                return false;
            };
            let length = u32::from_le_bytes(*length) as usize;
            let Some((index, layer)) = rest.split_at_checked(length) else {
                return false;
            };
            sealed(kind, index, layer)
        }
        _ => return false,
    };
    match read(&image) {
        Ok(()) => true,
        Err(error) => {
            refusal::is_one_line(&error.to_string());
            false
        }
    }
}

struct Image {
    manifest: Manifest,
    blob: Vec<u8>,
}

fn image(layer: serde_json::Value, blob: Vec<u8>) -> Image {
    let digest = format!("sha256:{}", "0".repeat(64));
    let manifest = json!({
        "schemaVersion": 2,
        "config": {"digest": digest, "size": 0},
        "layers": [layer],
    });
    Image {
        manifest: serde_json::from_value(manifest).expect("a manifest"),
        blob,
    }
}

fn plain(tar: &[u8]) -> Image {
    let digest = format!("sha256:{}", "1".repeat(64));
    image(
        json!({"mediaType": TAR, "digest": digest, "size": tar.len()}),
        tar.to_vec(),
    )
}

/// What commits to a key of the layer.
fn commitment(purpose: &str, chunk_bytes: u32, layer_bytes: u64) -> Vec<u8> {
    let info = [
        purpose.as_bytes(),
        &[0],
        &chunk_bytes.to_be_bytes(),
        &layer_bytes.to_be_bytes(),
    ]
    .concat();
    let derived = sealab_keys::hkdf::derive_sha256(&KEY, &NONCE, &info, 64).expect("64 bytes");
    derived[32..].to_vec()
}

fn sealed(kind: u8, index: &[u8], layer: &[u8]) -> Image {
    let layer_bytes = layer.len() as u64;
    let packed = zstd::bulk::compress(index, 1).expect("zstd");
    let annotation = [
        b"SLFILE\0\x01".as_slice(),
        &commitment("sealab layer-files v1 aes-256-gcm", 0, layer_bytes),
        &(index.len() as u32).to_le_bytes(),
        &packed,
        &[0; 16],
    ]
    .concat();
    // The chunks of a STREAM, each with a tag.
    let mut blob = Vec::new();
    for chunk in layer.chunks(64 << 10) {
        blob.extend_from_slice(chunk);
        blob.extend([0; 16]);
    }
    if layer.is_empty() {
        blob.extend([0; 16]);
    }
    let public = json!({
        "cipher": CIPHER,
        "hmac": Base64::encode_string(&commitment(CIPHER, 64 << 10, layer_bytes)),
        "cipheroptions": {},
    });
    let digest = format!("sha256:{}", "1".repeat(64));
    let compressed = if kind == b'z' { "+zstd" } else { "" };
    let layer = json!({
        "mediaType": format!("{TAR}{compressed}+encrypted"),
        "digest": digest,
        "size": blob.len(),
        "annotations": {
            "org.opencontainers.image.enc.keys.jwe": Base64::encode_string(b"{}"),
            "org.opencontainers.image.enc.pubopts": Base64::encode_string(public.to_string().as_bytes()),
            "org.opencontainers.image.enc.sealab.files": Base64::encode_string(&annotation),
        },
    });
    image(layer, blob)
}

/// The key of every packet.
#[derive(Debug)]
struct Fitting;

impl PacketKey for Fitting {
    fn open(&self, _: &str, _: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, WrappingError> {
        let private = json!({
            "symkey": Base64::encode_string(&KEY),
            "digest": "",
            "cipheroptions": {"nonce": Base64::encode_string(&NONCE)},
        });
        Ok(Some(Zeroizing::new(private.to_string().into_bytes())))
    }
}

struct One(Vec<u8>);

impl Blobs for One {
    fn blob(&self, _: &Descriptor) -> io::Result<Box<dyn ReadAt>> {
        Ok(Box::new(self.0.clone()))
    }
}

fn read(image: &Image) -> Result<(), Error> {
    let key = NamedKey {
        name: "key",
        key: &Fitting,
    };
    let options = FilesOptions {
        platform: None,
        memory: 1 << 20,
    };
    let blobs = Arc::new(One(image.blob.clone()));
    let files = ImageFiles::open(&image.manifest, blobs, &[key], &Transparent, &options)?;
    let mut left = vec![(NodeId::ROOT, 0)];
    let mut seen = 0;
    while let Some((id, depth)) = left.pop() {
        seen += 1;
        if seen > MOST_READ {
            break;
        }
        let node = files.node(id).expect("a child has a node");
        assert!(node.mode <= 0o7777 && node.links > 0, "{node:?}");
        for (name, child) in files.children(id) {
            assert!((1..=255).contains(&name.len()) && !name.contains(&b'/'));
            assert_ne!(name, b"..");
            assert_eq!(files.child(id, name), Some(child));
            left.push((child, depth + 1));
        }
        match &node.kind {
            NodeKind::Regular => {
                let mut part = [0; 100];
                for offset in [0, node.size / 2, node.size.saturating_sub(1), node.size, u64::MAX] {
                    let expected = node.size.saturating_sub(offset).min(100);
                    // A sparse file is listed alone; a frame may not be one.
                    if let Ok(found) = files.read(id, offset, &mut part) {
                        assert_eq!(found as u64, expected);
                    }
                }
            }
            // Wherever it leads, it leads to a file of the image or to none.
            NodeKind::Symlink(target) => {
                if let Ok(found) = files.resolve(target) {
                    assert!(files.node(found).is_some());
                }
            }
            _ => assert!(files.read(id, 0, &mut [0]).is_err()),
        }
    }
    Ok(())
}
