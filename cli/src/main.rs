//! The `sealab` command.
fn main() {}
