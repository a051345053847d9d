//! The media types of layers, and those of the same layers encrypted.

const SUFFIX: &str = "+encrypted";
const LAYERS: [&str; 7] = [
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.oci.image.layer.v1.tar+zstd",
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
    "application/vnd.wasm.content.layer.v1+wasm",
];

pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A chunk of convergent layers, listed behind a manifest's layers. Ours.
pub(crate) const CHUNK: &str = "application/vnd.sealab.image.layer.chunk.v1";

/// Whether the layer is encrypted.
pub(crate) fn is_encrypted(media_type: &str) -> bool {
    media_type.ends_with(SUFFIX)
}

/// The media type of the layer once it is encrypted, if its own is one that can be.
pub(crate) fn encrypted(media_type: &str) -> Result<String, String> {
    if is_encrypted(media_type) {
        return Err(format!(
            "it is encrypted already ({media_type}); rewrap changes its recipients"
        ));
    }
    known(media_type).map(|known| format!("{known}{SUFFIX}"))
}

/// The media type of the layer once it is decrypted.
pub(crate) fn decrypted(media_type: &str) -> Result<&str, String> {
    known(media_type.strip_suffix(SUFFIX).unwrap_or(media_type))
}

/// How a tar is compressed, as a layer's media type says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Compressed {
    No,
    Gzip,
    Zstd,
}

/// How the tar of a layer that is not encrypted is compressed.
pub(crate) fn compressed(media_type: &str) -> Result<Compressed, String> {
    let base = media_type.rsplit_once('+').map_or(media_type, |(base, _)| base);
    if !base.ends_with(".tar") {
        return Err(format!(
            "its media type is {media_type:.200?}; only a tar has files"
        ));
    }
    Ok(match media_type.strip_prefix(base) {
        Some("+gzip") => Compressed::Gzip,
        Some("+zstd") => Compressed::Zstd,
        _ => Compressed::No,
    })
}

/// The media type of the same tar, compressed in the other way.
pub(crate) fn recompressed(media_type: &str, compressed: Compressed) -> String {
    let base = media_type.rsplit_once('+').map_or(media_type, |(base, _)| base);
    match compressed {
        Compressed::No => base.to_owned(),
        Compressed::Gzip => format!("{base}+gzip"),
        Compressed::Zstd => format!("{base}+zstd"),
    }
}

fn known(media_type: &str) -> Result<&str, String> {
    if LAYERS.contains(&media_type) {
        return Ok(media_type);
    }
    Err(format!(
        "its media type is {media_type:.200?}; layers of OCI images can be encrypted ({}, …)",
        LAYERS[0]
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tar_is_compressed_as_its_type_says() {
        for layer in &LAYERS[..6] {
            let found = compressed(layer).unwrap();
            assert_eq!(recompressed(layer, found), *layer);
            assert_eq!(
                compressed(&recompressed(layer, Compressed::No)),
                Ok(Compressed::No)
            );
            assert_eq!(found == Compressed::Zstd, layer.ends_with("zstd"));
            assert_eq!(found == Compressed::No, layer.ends_with("tar"));
        }
        assert!(compressed(LAYERS[6]).is_err());
    }

    #[test]
    fn layers_go_to_their_encrypted_type_and_back() {
        for layer in LAYERS {
            let sealed = encrypted(layer).unwrap();
            assert!(is_encrypted(&sealed) && !is_encrypted(layer));
            assert_eq!(decrypted(&sealed).unwrap(), layer);
            assert!(encrypted(&sealed).is_err());
        }
        assert!(encrypted("application/vnd.docker.image.rootfs.diff.tar.gzip").is_err());
        assert!(decrypted("text/plain+encrypted").is_err());
    }
}
