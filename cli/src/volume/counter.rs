//! The trusted counter of a volume: which one the user names, opened or made.

use std::io::{self, Write};
use std::str::FromStr;
use std::sync::Arc;

use sealab_tpm::{AddressError, CounterAddress};
use sealab_volume::counter::TrustedCounter;

use super::VolumeFailure;
use super::made::Made;

/// What `--counter` says.
#[derive(Clone, Debug)]
pub(crate) enum CounterChoice {
    /// `none`: said on purpose.
    None,
    At(CounterAddress),
}

impl FromStr for CounterChoice {
    type Err = AddressError;

    fn from_str(word: &str) -> Result<Self, AddressError> {
        match word {
            "none" => Ok(Self::None),
            address => address.parse().map(Self::At),
        }
    }
}

/// The counter of a volume that is there.
pub(super) fn open(choice: Option<&CounterChoice>) -> Result<Option<Arc<dyn TrustedCounter>>, VolumeFailure> {
    match choice {
        Some(CounterChoice::At(address)) => {
            let counter = address.open().map_err(VolumeFailure::Counter)?;
            Ok(Some(Arc::from(counter)))
        }
        Some(CounterChoice::None) | None => Ok(None),
    }
}

/// The counter of a new volume: a new one, which `made` removes again unless all goes well, or one that is there.
pub(super) fn make(
    address: &CounterAddress,
    made: &mut Made,
) -> Result<Box<dyn TrustedCounter>, VolumeFailure> {
    let refused = match address.create() {
        Ok(counter) => {
            made.counter(address.clone());
            return Ok(counter);
        }
        Err(error) => error,
    };
    let counter = address.open().map_err(|error| {
        VolumeFailure::Counter(if refused.kind() == io::ErrorKind::AlreadyExists {
            error
        } else {
            // A TPM does not say in one way that there is a counter already.
            io::Error::new(refused.kind(), format!("{refused}; nor does it open: {error}"))
        })
    })?;
    // Nobody is left to tell that standard error is gone.
    let _ = writeln!(
        io::stderr(),
        "sealab: the counter {} was there already; from now on it serves this volume, and no other may share it",
        counter.name()
    );
    Ok(counter)
}
