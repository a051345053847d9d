//! The resident private pages of stopped processes, read through /proc/PID/smaps, pagemap and mem.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use super::{Capture, Process, check};
use crate::WorkloadError;

/// Bits of an entry of /proc/PID/pagemap (proc(5)). Flags can be read without privilege, frame numbers cannot.
const PRESENT: u64 = 1 << 63;
const SWAPPED: u64 = 1 << 62;
const FILE_OR_SHARED: u64 = 1 << 61;

/// Pagemap entries read at once.
const ENTRIES: usize = 1 << 16;
/// The most that is read of a memory at once.
const READ_BYTES: usize = 4 << 20;
/// A region's path cannot be longer than this, so a longer line is none of the kernel's.
const MAX_LINE: usize = 1 << 16;

/// A region of a process's memory that may have private pages.
struct Region {
    addresses: Range<u64>,
    /// Its pages that are neither a file's nor shared, in bytes.
    anonymous: u64,
}

/// Adjacent pages that are resident and private.
struct Run {
    pid: u32,
    region: usize,
    addresses: Range<u64>,
}

/// Takes the pages of the stopped processes `pids`, up to the limit of `process`.
pub(super) fn take(
    process: &Process,
    pids: Vec<u32>,
    cancelled: &AtomicBool,
) -> Result<Capture, WorkloadError> {
    let page_bytes = rustix::param::page_size();
    let page = page_bytes as u64;
    let mut capture = Capture {
        bytes: Vec::new(),
        page_bytes,
        pids,
        regions: 0,
        resident_pages: 0,
        taken_pages: 0,
        zero_pages: 0,
        unreadable_pages: 0,
        swapped_pages: 0,
    };
    let mut runs = Vec::new();
    let mut region_count = 0;
    for &pid in &capture.pids {
        let path = proc_file(pid, "pagemap");
        let pagemap = File::open(&path).map_err(|error| refused(&path, error))?;
        for region in regions(pid, page)? {
            region_count += 1;
            let mut find = Find {
                pid,
                region: region_count,
                page,
                runs: &mut runs,
                swapped: &mut capture.swapped_pages,
            };
            find.region(&pagemap, &region, cancelled)
                .map_err(|error| error.at(&path))?;
        }
    }
    let resident: u64 = runs
        .iter()
        .map(|run| run.addresses.end - run.addresses.start)
        .sum();
    capture.resident_pages = resident / page;
    let wanted = resident.min(process.limit.bytes() / page * page);
    read(&mut capture, &runs, wanted, cancelled)?;
    capture.taken_pages = capture.bytes.len() as u64 / page;
    if capture.taken_pages == 0 {
        return Err(WorkloadError::NoPages {
            program: process.command.program().to_owned(),
            pids: capture.pids,
        });
    }
    let zero = vec![0; page_bytes];
    let pages = capture.bytes.chunks_exact(page_bytes);
    capture.zero_pages = pages.filter(|page| **page == zero[..]).count() as u64;
    Ok(capture)
}

/// Reads `wanted` bytes of the runs into the capture.
fn read(
    capture: &mut Capture,
    runs: &[Run],
    wanted: u64,
    cancelled: &AtomicBool,
) -> Result<(), WorkloadError> {
    let out_of_memory = || WorkloadError::OutOfMemory { bytes: wanted };
    let length = usize::try_from(wanted).map_err(|_| out_of_memory())?;
    capture
        .bytes
        .try_reserve_exact(length)
        .map_err(|_| out_of_memory())?;
    let page = capture.page_bytes;
    let mut memory: Option<(u32, PathBuf, File)> = None;
    let mut last_region = 0;
    for run in runs {
        if memory.as_ref().is_none_or(|(pid, ..)| *pid != run.pid) {
            let path = proc_file(run.pid, "mem");
            let file = File::open(&path).map_err(|error| refused(&path, error))?;
            memory = Some((run.pid, path, file));
        }
        let Some((_, path, file)) = &memory else {
            continue;
        };
        let mut addresses = run.addresses.clone();
        while !addresses.is_empty() {
            check(cancelled)?;
            let start = capture.bytes.len();
            let left = addresses.end - addresses.start;
            let step = (left.min(READ_BYTES as u64) as usize).min(length - start);
            if step == 0 {
                return Ok(());
            }
            capture.bytes.resize(start + step, 0);
            let mut done = 0;
            while done < step {
                match file.read_at(&mut capture.bytes[start + done..], addresses.start + done as u64) {
                    Ok(0) => break,
                    Ok(count) => done += count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    // Device memory and the like; the pages before it are good.
                    Err(error) if unreadable(&error) => break,
                    Err(error) => return Err(refused(path, error)),
                }
            }
            let whole = done / page * page;
            capture.bytes.truncate(start + whole);
            if whole > 0 && run.region != last_region {
                capture.regions += 1;
                last_region = run.region;
            }
            let mut passed = whole;
            if whole < step {
                capture.unreadable_pages += 1;
                passed += page;
            }
            addresses.start += passed as u64;
        }
    }
    Ok(())
}

/// Finds the resident private pages of one region.
struct Find<'a> {
    pid: u32,
    region: usize,
    page: u64,
    runs: &'a mut Vec<Run>,
    swapped: &'a mut u64,
}

enum FindError {
    Io(io::Error),
    Workload(WorkloadError),
}

impl FindError {
    fn at(self, path: &std::path::Path) -> WorkloadError {
        match self {
            Self::Io(error) => refused(path, error),
            Self::Workload(error) => error,
        }
    }
}

impl Find<'_> {
    fn region(&mut self, pagemap: &File, region: &Region, cancelled: &AtomicBool) -> Result<(), FindError> {
        let mut buffer = vec![0; ENTRIES * 8];
        let mut addresses = region.addresses.clone();
        let mut found = 0;
        // A program may reserve terabytes and use little of them: past its last private page nothing is read.
        while !addresses.is_empty() && found < region.anonymous {
            check(cancelled).map_err(FindError::Workload)?;
            let pages = (addresses.end - addresses.start) / self.page;
            let entries = &mut buffer[..pages.min(ENTRIES as u64) as usize * 8];
            pagemap
                .read_exact_at(entries, addresses.start / self.page * 8)
                .map_err(FindError::Io)?;
            for entry in entries.as_chunks::<8>().0 {
                let entry = u64::from_ne_bytes(*entry);
                if entry & SWAPPED != 0 {
                    *self.swapped += 1;
                } else if entry & PRESENT != 0 && entry & FILE_OR_SHARED == 0 {
                    self.add(addresses.start);
                    found += self.page;
                }
                addresses.start += self.page;
            }
        }
        Ok(())
    }

    fn add(&mut self, address: u64) {
        let end = address + self.page;
        match self.runs.last_mut() {
            Some(run) if run.addresses.end == address && run.region == self.region && run.pid == self.pid => {
                run.addresses.end = end;
            }
            _ => self.runs.push(Run {
                pid: self.pid,
                region: self.region,
                addresses: address..end,
            }),
        }
    }
}

/// The regions of a process that have anonymous pages. smaps tells them, so that empty reservations cost nothing.
fn regions(pid: u32, page: u64) -> Result<Vec<Region>, WorkloadError> {
    let path = proc_file(pid, "smaps");
    let failed = |error| refused(&path, error);
    let mut lines = BufReader::new(File::open(&path).map_err(failed)?);
    let mut regions = Vec::new();
    let mut region: Option<Region> = None;
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut limited = io::Read::take(&mut lines, MAX_LINE as u64);
        if limited.read_until(b'\n', &mut line).map_err(failed)? == 0 {
            return Ok(regions);
        }
        let line = String::from_utf8_lossy(&line);
        if let Some(addresses) = private_region(&line) {
            region = addresses
                .filter(|addresses| {
                    addresses.start.is_multiple_of(page) && addresses.end.is_multiple_of(page)
                })
                .map(|addresses| Region {
                    addresses,
                    anonymous: 0,
                });
        } else if let Some(kibibytes) = line.strip_prefix("Anonymous:") {
            let number = kibibytes.trim().trim_end_matches("kB").trim_end();
            let bytes = number.parse::<u64>().ok().and_then(|n| n.checked_mul(1024));
            if let (Some(mut region), Some(anonymous @ 1..)) = (region.take(), bytes) {
                region.anonymous = anonymous;
                regions.push(region);
            }
        }
    }
}

/// Reads the first line of a region in smaps: its addresses, or an inner none where it has no private memory of the
/// program; an outer none where the line is another one.
fn private_region(line: &str) -> Option<Option<Range<u64>>> {
    let mut words = line.split_ascii_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let start = u64::from_str_radix(start, 16).ok()?;
    let end = u64::from_str_radix(end, 16).ok()?;
    let private = words.next()?.ends_with('p');
    // Offset, device and inode stand before the name.
    let name = words.nth(3).unwrap_or_default();
    // These are the kernel's, mapped into every process.
    let kernel = ["[vvar", "[vdso]", "[vsyscall]"]
        .iter()
        .any(|kernel| name.starts_with(kernel));
    // read_at takes signed offsets.
    let readable = start < end && i64::try_from(end).is_ok();
    Some((private && !kernel && readable).then_some(start..end))
}

fn proc_file(pid: u32, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/{name}"))
}

fn unreadable(error: &io::Error) -> bool {
    let errno = rustix::io::Errno::from_io_error(error);
    errno == Some(rustix::io::Errno::IO) || errno == Some(rustix::io::Errno::FAULT)
}

fn refused(path: &std::path::Path, source: io::Error) -> WorkloadError {
    let path = path.to_owned();
    if source.kind() == io::ErrorKind::PermissionDenied {
        WorkloadError::NotPermitted { path, source }
    } else {
        WorkloadError::Read { path, source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_told_from_other_lines() {
        let private = "7f00-8000 rw-p 00000000 00:00 0 \n";
        assert_eq!(private_region(private), Some(Some(0x7f00..0x8000)));
        let named = "7f00-8000 r--p 00000000 08:01 77   /usr/lib/a [vdso]\n";
        assert_eq!(private_region(named), Some(Some(0x7f00..0x8000)));
        for skipped in [
            "7f00-8000 rw-s 00000000 00:01 9 /dev/zero (deleted)",
            "7f00-8000 r-xp 00000000 00:00 0 [vdso]",
            "7f00-8000 r--p 00000000 00:00 0 [vvar_vclock]",
            "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]",
            "8000-7f00 rw-p 00000000 00:00 0",
        ] {
            assert_eq!(private_region(skipped), Some(None), "{skipped}");
        }
        for other in ["", "Rss:  4 kB", "VmFlags: rd wr", "x-y rw-p 0 0 0", "7f00-8000"] {
            assert_eq!(private_region(other), None, "{other}");
        }
    }
}
