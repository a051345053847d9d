//! The options of an encrypted layer, private and public, are read, and what is written of them says the same; or they
//! are refused.

use sealab_layer::ocicrypt::LayerOptions;

use crate::refusal;

/// Whether `data` is the text of private options, a zero byte, and the text of public ones.
pub(crate) fn check(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else {
        return false;
    };
    let Some((private, public)) = text.split_once('\0') else {
        return false;
    };
    let options = match LayerOptions::parse(private, public) {
        Ok(options) => options,
        Err(error) => {
            refusal::is_one_line(&error.to_string());
            return false;
        }
    };
    let written = options.private_json().and_then(|private| {
        let public = options.public_json()?;
        LayerOptions::parse(&private, &public)
    });
    let again = written.unwrap_or_else(|error| panic!("written, and not read: {error}"));
    assert!(again.key.expose() == options.key.expose() && again.key.nonce() == options.key.nonce());
    assert_eq!(again.code, options.code);
    assert_eq!(
        again.digest.unwrap_or_default(),
        options.digest.unwrap_or_default()
    );
    true
}
