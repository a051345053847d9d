//! How the bytes of process checkpoints are sealed, over any engine.
