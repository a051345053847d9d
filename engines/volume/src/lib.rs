//! How volumes are sealed, over any engine.

pub mod sector;
