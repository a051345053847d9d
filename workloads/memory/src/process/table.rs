//! The kernel's process table, as far as a program's descendants are concerned.

use std::fs;
use std::io::{self, Read};

/// An environment is longer than this only by intent; what lies behind is not looked at.
const MAX_ENVIRONMENT: u64 = 1 << 20;

/// One process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) pid: u32,
    /// The state letter of proc(5).
    pub(super) state: u8,
    pub(super) parent: u32,
    pub(super) group: u32,
    /// When it started, in ticks since boot: with the pid it names a process for good.
    pub(super) started: u64,
}

impl Entry {
    /// Whether nothing of it runs any more, and only its exit status is left.
    pub(super) fn is_dead(&self) -> bool {
        matches!(self.state, b'Z' | b'X')
    }
}

/// Every process that can be seen.
pub(super) fn all() -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for file in fs::read_dir("/proc")? {
        let name = file?.file_name();
        let pid = name.to_str().and_then(|name| name.parse().ok());
        // A process that has gone meanwhile is no error.
        entries.extend(pid.and_then(|pid: u32| read(&format!("/proc/{pid}/stat"))));
    }
    Ok(entries)
}

/// The process `pid`, if it is there.
pub(super) fn one(pid: u32) -> Option<Entry> {
    read(&format!("/proc/{pid}/stat"))
}

/// Whether every thread of the process is stopped or dead, and one at least is stopped.
pub(super) fn is_stopped(pid: u32) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return false;
    };
    let mut stopped = false;
    for thread in threads.flatten() {
        let stat = thread.path().join("stat");
        match stat.to_str().and_then(read) {
            Some(thread) if matches!(thread.state, b'T' | b't') => stopped = true,
            Some(thread) if !thread.is_dead() => return false,
            _ => {}
        }
    }
    stopped
}

/// Whether the environment that the process was started with holds `variable`, given as `NAME=value`.
pub(super) fn has_variable(pid: u32, variable: &str) -> bool {
    let Ok(file) = fs::File::open(format!("/proc/{pid}/environ")) else {
        return false;
    };
    let mut environment = Vec::new();
    file.take(MAX_ENVIRONMENT)
        .read_to_end(&mut environment)
        .is_ok_and(|_| {
            environment
                .split(|&byte| byte == 0)
                .any(|found| found == variable.as_bytes())
        })
}

fn read(path: &str) -> Option<Entry> {
    parse(&fs::read(path).ok()?)
}

/// Reads a line of /proc/PID/stat. The name in parentheses may hold anything, parentheses too.
fn parse(stat: &[u8]) -> Option<Entry> {
    let name_end = stat.iter().rposition(|&byte| byte == b')')?;
    let pid = stat.split(|&byte| byte == b' ').next()?;
    let pid = str::from_utf8(pid).ok()?.parse().ok()?;
    let rest = str::from_utf8(stat.get(name_end + 1..)?).ok()?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    Some(Entry {
        pid,
        state: *fields.first()?.as_bytes().first()?,
        parent: fields.get(1)?.parse().ok()?,
        group: fields.get(2)?.parse().ok()?,
        started: fields.get(19)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_look_like_the_rest_of_the_line() {
        let line = b"42 (a) Z 1 1) T 7 9 9 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 12345 99 1";
        let entry = parse(line).expect("a line");
        assert_eq!((entry.pid, entry.state, entry.parent), (42, b'T', 7));
        assert_eq!((entry.group, entry.started), (9, 12345));
    }

    #[test]
    fn what_is_no_line_is_none() {
        for line in [
            &b""[..],
            b"42",
            b"42 (a",
            b"42 (a)",
            b"42 (a) T",
            b"x (a) T 1 1 1",
            b"\xff\xff (\xff) \xff",
        ] {
            assert!(parse(line).is_none(), "{line:?}");
        }
    }

    #[test]
    fn this_process_is_in_the_table() {
        let pid = std::process::id();
        let all = all().expect("/proc");
        let this = all.iter().find(|entry| entry.pid == pid).expect("this one");
        assert_eq!(one(pid).expect("this one").started, this.started);
        assert_eq!(this.parent, std::os::unix::process::parent_id());
        assert!(!is_stopped(pid));
    }
}
