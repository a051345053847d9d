//! Sealab engine over the xts-mode crate as published.
