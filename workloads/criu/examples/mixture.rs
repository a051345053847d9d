//! The program that the tests dump: `mixture BYTES STATUS-FILE`.

use std::env;
use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let size = arguments.next().ok_or("the number of bytes is missing")?;
    let status = PathBuf::from(arguments.next().ok_or("the status file is missing")?);
    match sealab_criu::mixture(size.parse()?, &status)? {}
}
