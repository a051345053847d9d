//! Sealab engine over AWS-LC.
