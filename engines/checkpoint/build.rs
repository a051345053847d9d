//! Compiles `proto/`, without a `protoc` on the machine: `criu.proto` to Rust, and the messages that are only shown to
//! the descriptors that they are looked up in.

use std::path::PathBuf;
use std::{env, fs};

use protox::Compiler;

const SHOWN: [&str; 7] = [
    "files.proto",
    "form.proto",
    "namespaces.proto",
    "process.proto",
    "registers.proto",
    "set.proto",
    "sockets.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(["criu.proto"], ["proto"])?;
    prost_build::Config::new().compile_fds(descriptors)?;
    // Encoded by the compiler itself: prost's own types have no place for the options that form.proto defines.
    let mut shown = Compiler::new(["proto/images"])?;
    shown.include_imports(true).open_files(SHOWN)?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("images.bin"), shown.encode_file_descriptor_set())?;
    Ok(())
}
