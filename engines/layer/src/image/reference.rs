//! How an image is named: a layout's folder, and a tag in it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// An image in a layout, in text `oci:FOLDER` or `oci:FOLDER:TAG`, as skopeo has it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ImageReference {
    /// The layout's folder.
    pub directory: PathBuf,
    /// The tag; none is the only image there.
    pub tag: Option<String>,
}

impl FromStr for ImageReference {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no image; write oci:FOLDER:TAG");
        let rest = text.strip_prefix("oci:").ok_or_else(wrong)?;
        let (directory, tag) = match rest.split_once(':') {
            Some((directory, tag)) => (directory, Some(tag)),
            None => (rest, None),
        };
        if directory.is_empty() || tag == Some("") {
            return Err(wrong());
        }
        Ok(Self {
            directory: directory.into(),
            tag: tag.map(str::to_owned),
        })
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "oci:{}", self.directory.display())?;
        self.tag.iter().try_for_each(|tag| write!(f, ":{tag}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_folder_and_tag() {
        let image: ImageReference = "oci:a/b:v1:2".parse().unwrap();
        assert_eq!(
            (image.directory, image.tag),
            ("a/b".into(), Some("v1:2".to_owned()))
        );
        assert_eq!("oci:a".parse::<ImageReference>().unwrap().tag, None);
        for wrong in ["a:v1", "oci:", "oci::v1", "oci:a:"] {
            assert!(wrong.parse::<ImageReference>().is_err(), "{wrong}");
        }
    }
}
