//! This server beside nbdkit, by fio, on the same kind of store: `compare [ROUNDS [SECONDS]]`, in release mode, after
//! `cargo build --release --example serve`. Needs fio and nbdkit.
//!
//! Both serve at the same time; every round measures one after the other, in turns first. Printed are the medians of MiB
//! per second and of their ratio, and the ratio's least and greatest of all rounds.

use std::error::Error;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

const BYTES: u64 = 256 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let rounds: usize = arguments.next().map_or(Ok(5), |rounds| rounds.parse())?;
    let seconds = arguments.next().unwrap_or_else(|| "2".to_owned());
    let folder = std::env::temp_dir().join(format!("sealab-nbd-compare-{}", std::process::id()));
    fs::create_dir(&folder)?;
    let result = measure(&folder, rounds, &seconds);
    fs::remove_dir_all(&folder)?;
    result
}

fn measure(folder: &Path, rounds: usize, seconds: &str) -> Result<(), Box<dyn Error>> {
    println!("store  operation  block  ours MiB/s  nbdkit MiB/s  ratio (least to greatest of {rounds})");
    for store in ["memory", "file"] {
        let (_ours, our_socket) = serve_ours(folder, store)?;
        let (_nbdkit, their_socket) = serve_nbdkit(folder, store)?;
        for socket in [&our_socket, &their_socket] {
            fio(socket, "write", "1M", "0")?;
        }
        for (operation, block) in [
            ("randread", "4k"),
            ("randwrite", "4k"),
            ("read", "128k"),
            ("write", "128k"),
        ] {
            let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
            for round in 0..rounds {
                let sockets = [&our_socket, &their_socket];
                let mut rates = [0.0; 2];
                for which in if round % 2 == 0 { [0, 1] } else { [1, 0] } {
                    rates[which] = fio(sockets[which], operation, block, seconds)?;
                }
                ours.push(rates[0]);
                theirs.push(rates[1]);
                ratios.push(rates[0] / rates[1]);
            }
            println!(
                "{store:<6} {operation:<10} {block:<6} {:>10.0} {:>13.0}  {:.2} ({:.2} to {:.2})",
                median(&mut ours),
                median(&mut theirs),
                median(&mut ratios),
                ratios[0],
                ratios[rounds - 1],
            );
        }
    }
    Ok(())
}

/// Kills a server when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serve_ours(folder: &Path, store: &str) -> Result<(Running, PathBuf), Box<dyn Error>> {
    let socket = folder.join(format!("ours-{store}"));
    let program = std::env::current_exe()?.with_file_name("serve");
    let what = match store {
        "memory" => BYTES.to_string(),
        _ => file(folder, "ours")?,
    };
    let mut command = Command::new(program);
    command.arg(&socket).arg(store).arg(what).stdin(Stdio::piped());
    start(command, socket)
}

fn serve_nbdkit(folder: &Path, store: &str) -> Result<(Running, PathBuf), Box<dyn Error>> {
    let socket = folder.join(format!("nbdkit-{store}"));
    let what = match store {
        "memory" => BYTES.to_string(),
        _ => file(folder, "nbdkit")?,
    };
    let mut command = Command::new("nbdkit");
    command
        .args(["--foreground", "--unix"])
        .arg(&socket)
        .arg(store)
        .arg(what);
    start(command, socket)
}

fn file(folder: &Path, name: &str) -> Result<String, Box<dyn Error>> {
    let path = folder.join(format!("{name}.img"));
    File::create(&path)?.set_len(BYTES)?;
    Ok(path.display().to_string())
}

fn start(mut command: Command, socket: PathBuf) -> Result<(Running, PathBuf), Box<dyn Error>> {
    let running = Running(command.spawn()?);
    for _ in 0..500 {
        if socket.exists() {
            return Ok((running, socket));
        }
        sleep(Duration::from_millis(10));
    }
    Err(format!("{command:?} did not make its socket").into())
}

/// Runs fio at queue depth 16; MiB per second.
fn fio(socket: &Path, operation: &str, block: &str, seconds: &str) -> Result<f64, Box<dyn Error>> {
    let mut command = Command::new("fio");
    command.args([
        "--name=compare",
        "--ioengine=nbd",
        "--iodepth=16",
        "--output-format=json",
    ]);
    command.arg(format!("--uri=nbd+unix:///?socket={}", socket.display()));
    command.args([
        format!("--rw={operation}"),
        format!("--bs={block}"),
        format!("--size={BYTES}"),
    ]);
    if seconds != "0" {
        command.args(["--time_based".to_owned(), format!("--runtime={seconds}")]);
    }
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    // nbdkit's client library may print a line before the report.
    let text = String::from_utf8(output.stdout)?;
    let report: serde_json::Value = serde_json::from_str(&text[text.find('{').unwrap_or(0)..])?;
    let side = if operation.ends_with("read") {
        "read"
    } else {
        "write"
    };
    let rate = report["jobs"][0][side]["bw_bytes"]
        .as_f64()
        .ok_or("fio reports no rate")?;
    Ok(rate / f64::from(1 << 20))
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
