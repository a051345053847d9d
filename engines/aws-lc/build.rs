//! Finds the symbol of AWS-LC's capability word, which carries the version of aws-lc-sys in its name.
//!
//! The symbol is hidden, so only a static AWS-LC can be asked for it; elsewhere `capability_word` stays unset.

use std::env;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(capability_word)");
    println!("cargo::rerun-if-changed=build.rs");
    let library = metadata("LIBCRYPTO").unwrap_or_default();
    let architecture = env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    let word = match architecture.as_str() {
        "x86_64" => "OPENSSL_ia32cap_P",
        "aarch64" => "OPENSSL_armcap_P",
        _ => return,
    };
    if let Some(prefix) = library.strip_suffix("_crypto")
        && metadata("LINK_KIND").as_deref() == Some("static")
    {
        println!("cargo::rustc-cfg=capability_word");
        println!("cargo::rustc-env=CAPABILITY_WORD={prefix}_{word}");
    }
}

/// What aws-lc-sys says of itself under `key`; Cargo puts the versioned `links` name before the key.
fn metadata(key: &str) -> Option<String> {
    env::vars()
        .find(|(name, _)| name.starts_with("DEP_AWS_LC_") && name.ends_with(&format!("_{key}")))
        .map(|(_, value)| value)
}
