//! Where a counter is, in one word of a command line.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sealab_volume::counter::{FileCounter, TrustedCounter};

use crate::auth::AuthValue;
use crate::counter::TpmCounter;
use crate::index::NvIndex;
use crate::transport::{DeviceTransport, SocketTransport, Transport};

/// Where a counter is: `file:PATH`, `tpm:DEVICE,INDEX` or `swtpm:SOCKET,INDEX`.
///
/// `SOCKET` is the path of a Unix socket, with a `/` in it, or `HOST:PORT`. `INDEX` is an [`NvIndex`] in hexadecimal with
/// `0x`. Behind it may stand, in any order, `,auth=FILE` with the counter's authorization value and `,owner=FILE` with that of
/// the TPM's owner, which making and removing need where it is not empty; the whole file is the value, 1 to 32 bytes. All
/// paths but that of `file:` are without commas.
#[derive(Clone, Debug)]
pub struct CounterAddress(Address);

#[derive(Clone, Debug)]
enum Address {
    File(PathBuf),
    Tpm {
        place: Place,
        index: NvIndex,
        auth: Option<PathBuf>,
        owner: Option<PathBuf>,
    },
}

#[derive(Clone, Debug)]
enum Place {
    Device(PathBuf),
    Unix(PathBuf),
    Tcp(String),
}

/// Why a word is no address of a counter.
#[derive(Debug)]
pub struct AddressError {
    word: String,
    problem: String,
}

impl std::error::Error for AddressError {}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "counter \"{}\": {}; right are file:PATH, tpm:DEVICE,INDEX and swtpm:SOCKET,INDEX, the last two with \
             ,auth=FILE and ,owner=FILE",
            self.word.escape_debug(),
            self.problem
        )
    }
}

impl FromStr for CounterAddress {
    type Err = AddressError;

    fn from_str(word: &str) -> Result<Self, AddressError> {
        parse(word).map(Self).map_err(|problem| {
            // A whole file given by mistake is not to be repeated.
            let word = word.chars().take(256).collect();
            AddressError { word, problem }
        })
    }
}

fn parse(word: &str) -> Result<Address, String> {
    let (kind, rest) = word.split_once(':').ok_or("it begins with no kind")?;
    match kind {
        "file" if rest.is_empty() => Err("the path is empty".to_owned()),
        "file" => Ok(Address::File(rest.into())),
        "tpm" | "swtpm" => {
            let mut parts = rest.split(',');
            let place = parts.next().filter(|place| !place.is_empty());
            let place = place.ok_or("the device or socket is empty")?;
            let place = match kind {
                "tpm" => Place::Device(place.into()),
                _ if place.contains('/') => Place::Unix(place.into()),
                _ if place.contains(':') => Place::Tcp(place.to_owned()),
                _ => return Err("the socket is neither a path with a / nor HOST:PORT".to_owned()),
            };
            let index = parts.next().ok_or("the NV index is missing")?.parse()?;
            let (mut auth, mut owner) = (None, None);
            for part in parts {
                let (option, path) = part.split_once('=').unwrap_or((part, ""));
                let slot = match option {
                    "auth" => &mut auth,
                    "owner" => &mut owner,
                    _ => return Err("an option that there is not".to_owned()),
                };
                if path.is_empty() {
                    return Err(format!("{option}= without a file"));
                }
                if slot.replace(PathBuf::from(path)).is_some() {
                    return Err(format!("{option}= twice"));
                }
            }
            Ok(Address::Tpm {
                place,
                index,
                auth,
                owner,
            })
        }
        _ => Err("there is no such kind".to_owned()),
    }
}

impl CounterAddress {
    /// Opens the counter, which is there.
    ///
    /// Without `auth=` that of a TPM has an empty authorization value, and its answers are not authenticated; its name then
    /// says so.
    pub fn open(&self) -> io::Result<Box<dyn TrustedCounter>> {
        Ok(match &self.0 {
            Address::File(path) => Box::new(FileCounter::open(path)?),
            Address::Tpm {
                place, index, auth, ..
            } => {
                let auth = value(auth.as_deref())?;
                Box::new(TpmCounter::open(place.connect()?, *index, auth)?)
            }
        })
    }

    /// Makes the counter, which is not there yet. One in a file begins at 0, one in a TPM where the TPM says.
    ///
    /// One in a TPM takes `auth=`; where that file is not there, it is made with 32 random bytes.
    pub fn create(&self) -> io::Result<Box<dyn TrustedCounter>> {
        match &self.0 {
            Address::File(path) => Ok(Box::new(FileCounter::create(path, 0)?)),
            Address::Tpm { auth: None, .. } => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "without an authorization value anybody could forge the counter's answers; add auth=FILE",
            )),
            Address::Tpm {
                place,
                index,
                auth: Some(auth),
                owner,
            } => {
                let owner = value(owner.as_deref())?;
                let transport = place.connect()?;
                let (secret, is_new) = match AuthValue::read(auth) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        (AuthValue::generate(auth)?, true)
                    }
                    read => (read?, false),
                };
                match TpmCounter::create(transport, *index, secret, &owner) {
                    Ok(counter) => Ok(Box::new(counter)),
                    Err(error) => {
                        if is_new {
                            let _ = fs::remove_file(auth);
                        }
                        Err(error.into())
                    }
                }
            }
        }
    }

    /// Removes the counter, after which no volume that it counted for opens. The file of `auth=` stays.
    pub fn remove(&self) -> io::Result<()> {
        match &self.0 {
            Address::File(path) => {
                // Opened first: one that is in use, or no counter, stays.
                let _counter = FileCounter::open(path)?;
                fs::remove_file(path)?;
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
            }
            Address::Tpm {
                place, index, owner, ..
            } => {
                let owner = value(owner.as_deref())?;
                Ok(TpmCounter::remove(place.connect()?, *index, &owner)?)
            }
        }
    }
}

/// The value in the file, or the empty one.
fn value(path: Option<&Path>) -> io::Result<AuthValue> {
    path.map_or_else(|| Ok(AuthValue::default()), AuthValue::read)
}

impl Place {
    fn connect(&self) -> io::Result<Box<dyn Transport>> {
        Ok(match self {
            Self::Device(path) => Box::new(DeviceTransport::open(path)?),
            Self::Unix(path) => Box::new(SocketTransport::unix(path)?),
            Self::Tcp(address) => Box::new(SocketTransport::tcp(address)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_taken_apart() {
        let is_file = |word: &str, path: &str| matches!(parse(word), Ok(Address::File(found)) if found == Path::new(path));
        assert!(is_file("file:/a/b,c=d:e", "/a/b,c=d:e"));
        let tpm = parse("tpm:/dev/tpmrm0,0x01800001").unwrap();
        assert!(
            matches!(tpm, Address::Tpm { place: Place::Device(path), auth: None, owner: None, .. }
            if path == Path::new("/dev/tpmrm0"))
        );
        let unix = parse("swtpm:./socket,0x1bfffff,owner=o,auth=/k=1").unwrap();
        assert!(
            matches!(unix, Address::Tpm { place: Place::Unix(path), index, auth: Some(auth), owner: Some(owner) }
            if path == Path::new("./socket") && index.to_string() == "0x01bfffff" && auth == Path::new("/k=1")
                && owner == Path::new("o"))
        );
        let tcp = parse("swtpm:localhost:2321,0x01800001").unwrap();
        assert!(
            matches!(tcp, Address::Tpm { place: Place::Tcp(address), .. } if address == "localhost:2321")
        );
    }

    #[test]
    fn a_refusal_says_what_is_wrong_and_what_would_be_right() {
        for (word, part) in [
            ("", "no kind"),
            ("counter", "no kind"),
            ("nvram:x", "no such kind"),
            ("file:", "path is empty"),
            ("tpm:", "device or socket is empty"),
            ("tpm:,0x01800001", "device or socket is empty"),
            ("tpm:/dev/tpmrm0", "index is missing"),
            ("tpm:/dev/tpmrm0,", "0x01800000 to 0x01bfffff"),
            ("tpm:/dev/tpmrm0,25165825", "0x01800000 to 0x01bfffff"),
            ("tpm:/dev/tpmrm0,0x017fffff", "0x01800000 to 0x01bfffff"),
            ("tpm:/dev/tpmrm0,0x01c00000", "0x01800000 to 0x01bfffff"),
            ("tpm:/dev/tpmrm0,0x+1800001", "0x01800000 to 0x01bfffff"),
            ("tpm:/dev/tpmrm0,0x01800001,auth", "auth= without a file"),
            ("tpm:/dev/tpmrm0,0x01800001,auth=", "auth= without a file"),
            ("tpm:/dev/tpmrm0,0x01800001,auth=a,auth=b", "auth= twice"),
            ("tpm:/dev/tpmrm0,0x01800001,pin=a", "option"),
            ("swtpm:socket,0x01800001", "HOST:PORT"),
            ("tpm:\n,0x0", "\\n"),
        ] {
            let error = word.parse::<CounterAddress>().unwrap_err().to_string();
            assert!(error.contains(part), "{word}: {error}");
            assert!(error.contains("file:PATH, tpm:DEVICE,INDEX"), "{error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn counters_in_files_are_made_opened_and_removed() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("counter");
        let address: CounterAddress = format!("file:{}", path.display()).parse().unwrap();
        let counter = address.create().unwrap();
        assert_eq!(counter.advance().unwrap(), 1);
        assert!(address.remove().is_err(), "removed while it was open");
        drop(counter);
        assert!(address.create().is_err());
        assert_eq!(address.open().unwrap().value().unwrap(), 1);
        address.remove().unwrap();
        assert!(!path.exists());
        assert!(address.open().is_err());
    }

    #[test]
    fn a_counter_in_a_tpm_is_not_made_without_a_secret_or_beside_a_device() {
        let address: CounterAddress = "tpm:/dev/null,0x01800001".parse().unwrap();
        assert!(address.create().err().unwrap().to_string().contains("auth=FILE"));
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let address: CounterAddress = format!("tpm:{},0x01800001", file.display()).parse().unwrap();
        let error = address.open().err().unwrap().to_string();
        assert!(
            error.contains("no character device") && error.contains("file"),
            "{error}"
        );
    }
}
