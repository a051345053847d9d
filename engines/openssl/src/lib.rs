//! Sealab engine over a vendored OpenSSL.
