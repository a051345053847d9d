//! The records of PAX extended headers (POSIX.1-2001 pax, "pax Extended Header").
//!
//! The crate `tar` splits them at newlines, which values of extended attributes may have; they are cut by their lengths here.

use super::entry::{MAX_XATTR_BYTES, MAX_XATTR_NAME_BYTES};

const XATTR: &[u8] = b"SCHILY.xattr.";
const SPARSE: &[u8] = b"GNU.sparse.";

/// What the extended header before an entry says of it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Pax {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) uid: Option<u64>,
    pub(super) gid: Option<u64>,
    pub(super) mtime: Option<i64>,
    pub(super) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// Whether the file is stored without its holes.
    pub(super) sparse: bool,
    pub(super) sparse_name: Option<Vec<u8>>,
    pub(super) sparse_size: Option<u64>,
}

impl Pax {
    /// Reads records; says what is wrong with one, and at which byte it begins.
    pub(super) fn parse(data: &[u8]) -> Result<Self, (usize, String)> {
        let mut pax = Self::default();
        let mut start = 0;
        while start < data.len() {
            let (length, record) = record(&data[start..]).ok_or_else(|| {
                (
                    start,
                    "it has no record as pax has them: length, space, key, =, value, newline".to_owned(),
                )
            })?;
            let wrong = |problem: &str| (start, problem.to_owned());
            let equals = record
                .iter()
                .position(|byte| *byte == b'=')
                .ok_or_else(|| wrong("a record has no ="))?;
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            pax.set(key, value).map_err(|problem| (start, problem))?;
            start += length;
        }
        Ok(pax)
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), String> {
        let number = || {
            let text = str::from_utf8(value).ok();
            text.and_then(|text| text.parse::<u64>().ok())
                .ok_or_else(|| format!("{} is no number", key.escape_ascii()))
        };
        // An empty value takes an earlier one back.
        let text = || (!value.is_empty()).then(|| value.to_vec());
        match key {
            b"path" => self.path = text(),
            b"linkpath" => self.link = text(),
            b"size" if !value.is_empty() => self.size = Some(number()?),
            b"uid" if !value.is_empty() => self.uid = Some(number()?),
            b"gid" if !value.is_empty() => self.gid = Some(number()?),
            b"mtime" if !value.is_empty() => {
                self.mtime = Some(seconds(value).ok_or_else(|| "mtime is no time".to_owned())?);
            }
            b"GNU.sparse.name" => self.sparse_name = text(),
            b"GNU.sparse.realsize" | b"GNU.sparse.size" => self.sparse_size = Some(number()?),
            _ => {}
        }
        if let Some(name) = key.strip_prefix(XATTR) {
            if name.is_empty() || name.len() > MAX_XATTR_NAME_BYTES || value.len() > MAX_XATTR_BYTES {
                return Err(format!(
                    "an extended attribute has a name of {} bytes and a value of {}; at most {MAX_XATTR_NAME_BYTES} and \
                     {MAX_XATTR_BYTES} are read",
                    name.len(),
                    value.len()
                ));
            }
            // The last one of a name counts.
            self.xattrs.retain(|(known, _)| known != name);
            self.xattrs.push((name.to_vec(), value.to_vec()));
            if self.xattrs.len() > MAX_XATTRS {
                return Err(format!("it has more than {MAX_XATTRS} extended attributes"));
            }
        }
        self.sparse |= key.starts_with(SPARSE);
        Ok(())
    }
}

/// The most extended attributes of an entry.
const MAX_XATTRS: usize = 256;

/// The first record of `data`, without its newline, and its whole length.
fn record(data: &[u8]) -> Option<(usize, &[u8])> {
    let space = data.iter().take(20).position(|byte| *byte == b' ')?;
    let digits = str::from_utf8(&data[..space]).ok()?;
    let length: usize = digits.parse().ok()?;
    if !digits.starts_with(|digit: char| digit.is_ascii_digit()) {
        return None;
    }
    let (newline, record) = data.get(space + 1..length)?.split_last()?;
    (*newline == b'\n').then_some((length, record))
}

/// Whole seconds of a decimal time, rounded down.
fn seconds(value: &[u8]) -> Option<i64> {
    let text = str::from_utf8(value).ok()?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = whole.strip_prefix('-').unwrap_or(whole);
    if unsigned.is_empty() || !digits(unsigned) || !digits(fraction) {
        return None;
    }
    let seconds: i64 = whole.parse().ok()?;
    let below = whole.starts_with('-') && fraction.bytes().any(|byte| byte != b'0');
    seconds.checked_sub(i64::from(below))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(records: &[(&str, &[u8])]) -> Vec<u8> {
        let mut data = Vec::new();
        for (key, value) in records {
            let rest = key.len() + value.len() + 3;
            let length = (rest..)
                .find(|length| rest + length.to_string().len() == *length)
                .unwrap();
            data.extend(format!("{length} {key}=").bytes());
            data.extend(*value);
            data.push(b'\n');
        }
        data
    }

    #[test]
    fn records_are_cut_by_their_lengths() {
        let capability = b"\x01\n\n2 x=\0";
        let data = with(&[
            ("path", b"a\nb"),
            ("SCHILY.xattr.security.capability", capability),
            ("mtime", b"-1.5"),
            ("size", b"8589934592"),
            ("comment", b""),
            ("uid", b""),
        ]);
        let pax = Pax::parse(&data).unwrap();
        assert_eq!(pax.path.as_deref(), Some(&b"a\nb"[..]));
        assert_eq!(
            pax.xattrs,
            [(b"security.capability".to_vec(), capability.to_vec())]
        );
        assert_eq!((pax.mtime, pax.size, pax.uid), (Some(-2), Some(8 << 30), None));
        assert!(!pax.sparse);
        assert!(Pax::parse(&with(&[("GNU.sparse.major", b"1")])).unwrap().sparse);
    }

    #[test]
    fn what_is_no_record_is_refused_with_its_place() {
        let good = with(&[("path", b"a")]);
        for bad in [
            &b"8 path=a\n"[..],
            b"11 path=a\n",
            b"10 path=aa",
            b"99999999999999999999999 path=a\n",
            b"+10 path=a\n",
            b"8 patha\n",
            b"path=a\n",
            b"0 ",
            b"2 ",
        ] {
            let (place, _) = Pax::parse(&[&good, bad].concat()).unwrap_err();
            assert_eq!(place, good.len(), "{}", bad.escape_ascii());
        }
        for (key, value) in [
            ("size", "-1"),
            ("mtime", "1,5"),
            ("mtime", "."),
            ("mtime", "99999999999999999999"),
            ("SCHILY.xattr.", "v"),
        ] {
            assert!(
                Pax::parse(&with(&[(key, value.as_bytes())])).is_err(),
                "{key}={value}"
            );
        }
        assert!(Pax::parse(&with(&[("SCHILY.xattr.user.a", &[0; MAX_XATTR_BYTES + 1])])).is_err());
    }
}
