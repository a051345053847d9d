//! A JWE packet of an encrypted layer says whom it is for, within bounds; or it is refused.

use sealab_layer::recipients_of;

use crate::refusal;

/// The most recipients that a packet may have.
const MOST: usize = 100;

/// Whether `data` is a packet that says whom it is for.
pub(crate) fn check(data: &[u8]) -> bool {
    match recipients_of(data) {
        Ok(recipients) => {
            assert!(recipients.len() <= MOST, "{} recipients", recipients.len());
            let bytes: usize = recipients.iter().map(|recipient| recipient.algorithm.len()).sum();
            // What all share is told for each.
            assert!(
                bytes <= MOST * data.len().max("unknown".len()),
                "{bytes} bytes of names"
            );
            true
        }
        Err(error) => {
            refusal::is_one_line(&error.to_string());
            false
        }
    }
}
