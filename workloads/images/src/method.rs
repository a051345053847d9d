//! What is done to an image.

use sealab_layer::Format;

/// A way to keep or carry an image.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Method {
    /// `cp -r` of the layout: what others are measured against.
    Copy,
    /// `skopeo copy`, no encryption.
    SkopeoCopy,
    /// `skopeo copy` with `--encryption-key` and `--decryption-key`.
    Skopeo,
    /// `sealab layer encrypt` and `decrypt`.
    Sealab(Format),
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Copy,
        Self::SkopeoCopy,
        Self::Skopeo,
        Self::Sealab(Format::ALL[0]),
        Self::Sealab(Format::ALL[1]),
        Self::Sealab(Format::ALL[2]),
        Self::Sealab(Format::ALL[3]),
        Self::Sealab(Format::ALL[4]),
    ];

    /// The method that records call `id`.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.id() == id)
    }

    /// The name, as records have it: for the lab's own, the format's.
    pub fn id(self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::SkopeoCopy => "skopeo-copy",
            Self::Skopeo => "skopeo",
            Self::Sealab(format) => format.name(),
        }
    }

    /// What it does, in a line for people.
    pub fn description(self) -> String {
        match self {
            Self::Copy => "cp -r of the layout, no encryption".to_owned(),
            Self::SkopeoCopy => "skopeo copy, no encryption".to_owned(),
            Self::Skopeo => "skopeo copy --encryption-key, --decryption-key".to_owned(),
            Self::Sealab(format) => format!("sealab layer encrypt --format {format}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_has_a_name_of_its_own() {
        for method in Method::ALL {
            assert_eq!(Method::from_id(method.id()), Some(method));
        }
        assert_eq!(Method::from_id("rot13"), None);
        for format in Format::ALL {
            assert_eq!(Method::from_id(format.name()), Some(Method::Sealab(format)));
        }
    }
}
