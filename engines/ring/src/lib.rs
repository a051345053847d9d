//! Sealab engine over ring.
