//! How image layers are sealed, over any engine.

pub mod ocicrypt;
