//! A file of a set sealed as `criu-pr2297` is opened to an image, or refused with its place.

use sealab_checkpoint::image::{ImageReader, rewrite};
use sealab_checkpoint::pr2297::{Error, open_entry, open_image, open_raw};
use sealab_engine::Key;

use crate::transparent::Transparent;
use crate::{named, refusal};

/// Whether the file, the first line being its name, opens where every tag holds; panics where what is opened is no
/// image.
pub(crate) fn check(data: &[u8]) -> bool {
    let Some((name, content)) = named::split(data) else {
        return false;
    };
    let token = Key::new(&[7; 32]);
    for opened in [
        open_entry(&Transparent, &token, content),
        open_raw(&Transparent, &token, content),
    ] {
        match opened {
            Ok(plain) => assert!(plain.len() <= content.len()),
            Err(error) => refusal::is_one_line(&error.to_string()),
        }
    }
    let plain = match open_image(&Transparent, &token, name, content) {
        Ok(plain) => plain,
        Err(error) => {
            refusal::is_one_line(&error.to_string());
            if let Error::Image(error) = &error {
                assert_eq!(error.file, name);
                assert!(
                    error.offset.is_some_and(|offset| offset <= content.len() as u64),
                    "no place in {error}"
                );
            }
            return false;
        }
    };
    assert!(plain.len() <= content.len(), "{name}: more than was sealed");
    let mut written = Vec::new();
    let read =
        ImageReader::new(name, plain.len() as u64, &*plain).and_then(|image| rewrite(image, &mut written));
    assert!(
        read.is_ok() && written == plain,
        "{name}: opened to no image: {read:?}"
    );
    true
}
