//! CPU time of a server and its children.

use std::fs;

/// CPU time of the process `pid`, of its children that are there and of those it has waited for, in seconds.
pub(super) fn family_seconds(pid: u32) -> f64 {
    let mut ticks = stat(pid).map_or(0, |stat| stat.own + stat.waited_for);
    let others = fs::read_dir("/proc").into_iter().flatten().flatten();
    for entry in others {
        let number = entry.file_name().to_str().and_then(|name| name.parse().ok());
        if let Some(stat) = number.and_then(stat)
            && stat.parent == pid
        {
            ticks += stat.own;
        }
    }
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}

struct Stat {
    parent: u32,
    own: u64,
    waited_for: u64,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(Stat {
        parent: u32::try_from(number(1)?).ok()?,
        own: number(11)? + number(12)?,
        waited_for: number(13)? + number(14)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;
    use std::time::{Duration, Instant};

    #[test]
    fn a_child_that_works_is_counted() {
        let before = family_seconds(std::process::id());
        let mut child = Command::new("sh")
            .args(["-c", "while :; do :; done"])
            .spawn()
            .unwrap();
        let own = child.id();
        let began = Instant::now();
        while family_seconds(own) < 0.2 && began.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(10));
        }
        let with_child = family_seconds(std::process::id());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(with_child - before > 0.15, "{before} {with_child}");
        assert!(family_seconds(std::process::id()) - before > 0.15, "waited for");
    }
}
