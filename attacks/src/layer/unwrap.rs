//! The options of a layer, for readers that are put together here.

use data_encoding::BASE64;
use sealab_layer::image::Descriptor;
use zeroize::Zeroizing;

use super::format::Problem;
use super::image::{PACKETS, PUBLIC_OPTIONS};
use super::keyring::Key;

/// The private options, from the first packet that the key opens, and the public ones; both JSON.
pub(super) fn options(descriptor: &Descriptor, key: &Key) -> Result<(Zeroizing<String>, String), Problem> {
    let annotation = |name: &str| {
        let text = descriptor.annotations.get(name);
        text.ok_or_else(|| format!("the annotation {name} is missing"))
    };
    let public = String::from_utf8(BASE64.decode(annotation(PUBLIC_OPTIONS)?.as_bytes())?)?;
    for packet in annotation(PACKETS)?.split(',') {
        let packet = BASE64.decode(packet.as_bytes())?;
        if let Some(private) = key.named().key.open("jwe", &packet)? {
            return Ok((Zeroizing::new(str::from_utf8(&private)?.to_owned()), public));
        }
    }
    Err("no packet opens with the key".into())
}
