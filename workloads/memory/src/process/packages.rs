//! Which Debian package brings a program, for the message that says it is missing.

use std::path::Path;

/// Programs whose memory people like to measure with, and their packages.
const PACKAGES: [(&str, &str); 16] = [
    ("fio", "fio"),
    ("gcc", "gcc"),
    ("java", "default-jre-headless"),
    ("mariadbd", "mariadb-server"),
    ("memcached", "memcached"),
    ("memhog", "numactl"),
    ("nginx", "nginx-light"),
    ("node", "nodejs"),
    ("perl", "perl"),
    ("php", "php-cli"),
    ("python3", "python3"),
    ("redis-server", "redis-server"),
    ("ruby", "ruby"),
    ("sqlite3", "sqlite3"),
    ("stress-ng", "stress-ng"),
    ("sysbench", "sysbench"),
];

/// The package of `program`, given as a name or a path, where it is known.
pub(super) fn of(program: &str) -> Option<&'static str> {
    let program = Path::new(program).file_name()?;
    let entry = PACKAGES.iter().find(|(name, _)| *name == program)?;
    Some(entry.1)
}
