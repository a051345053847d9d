//! Valid protobuf of an exact length: varint fields, and strings as an image's paths and names.

use crate::canary::CANARY_BYTES;
use crate::random::Random;

/// A canary is the first field: its tag and length come before it.
pub(super) const CANARY_OFFSET: usize = 2;
/// The least length of a message with a canary: as a field, and another field or nothing behind it.
pub(super) const CANARY_MESSAGE_BYTES: usize = CANARY_OFFSET + CANARY_BYTES + 2;

const VARINT: u8 = 0;
const LENGTH_DELIMITED: u8 = 2;

/// Fills `message`, of at least 2 bytes, with fields; the first one is `canary` if there is one.
pub(super) fn fill(random: &mut Random, message: &mut [u8], canary: Option<&[u8; CANARY_BYTES]>) {
    let mut at = 0;
    let mut number = 1;
    if let Some(canary) = canary {
        message[0] = tag(number, LENGTH_DELIMITED);
        message[1] = CANARY_BYTES as u8;
        at = CANARY_OFFSET + CANARY_BYTES;
        message[CANARY_OFFSET..at].copy_from_slice(canary);
        number += 1;
    }
    while at < message.len() {
        let rest = &mut message[at..];
        let bits = random.next();
        // A field of 2 to 9 bytes with a varint, or of 10 to 41 with a string.
        let wished = if bits & 3 == 0 {
            10 + (bits >> 8) as usize % 32
        } else {
            2 + (bits >> 8) as usize % 8
        };
        // One byte cannot be a field, so none may be left over.
        let length = if wished + 2 > rest.len() {
            rest.len()
        } else {
            wished
        };
        let field = &mut rest[..length];
        if length < 10 {
            varint(field, number, random.next());
        } else {
            string(field, number, random);
        }
        at += length;
        // Numbers up to 15 have tags of one byte.
        number = number % 15 + 1;
    }
}

fn tag(number: u8, wire_type: u8) -> u8 {
    number << 3 | wire_type
}

fn varint(field: &mut [u8], number: u8, bits: u64) {
    field[0] = tag(number, VARINT);
    let digits = &mut field[1..];
    for (digit, byte) in digits.iter_mut().zip(bits.to_le_bytes()) {
        *digit = byte | 0x80;
    }
    if let Some(last) = digits.last_mut() {
        // The last digit ends the number and is not 0, as an encoder would have left it out.
        *last = *last & 0x7f | 1;
    }
}

fn string(field: &mut [u8], number: u8, random: &mut Random) {
    const LETTERS: &[u8; 32] = b"/abcdefghijklmnopqrstuvwxyz-_.01";
    field[0] = tag(number, LENGTH_DELIMITED);
    field[1] = (field.len() - 2) as u8;
    for letters in field[2..].chunks_mut(12) {
        let mut bits = random.next();
        for letter in letters {
            *letter = LETTERS[bits as usize & 31];
            bits >>= 5;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Walks a message's fields as a parser does; gives how many there are.
    fn fields(mut message: &[u8]) -> Option<usize> {
        let mut count = 0;
        while let Some((&tag, rest)) = message.split_first() {
            if tag >> 3 == 0 || tag >> 7 != 0 {
                return None;
            }
            message = match tag & 7 {
                0 => {
                    let digits = rest.iter().position(|byte| byte & 0x80 == 0)? + 1;
                    if digits > 10 {
                        return None;
                    }
                    rest.get(digits..)?
                }
                2 => {
                    let (&length, rest) = rest.split_first()?;
                    if length & 0x80 != 0 {
                        return None;
                    }
                    rest.get(usize::from(length)..)?
                }
                _ => return None,
            };
            count += 1;
        }
        Some(count)
    }

    #[test]
    fn every_length_is_a_valid_message() {
        let mut random = Random::new(1, "test");
        for length in 2..3000 {
            let mut message = vec![0; length];
            fill(&mut random, &mut message, None);
            assert!(fields(&message).is_some_and(|count| count > 0), "{length}");
            if length >= CANARY_MESSAGE_BYTES {
                fill(&mut random, &mut message, Some(&[b'c'; CANARY_BYTES]));
                assert!(fields(&message).is_some_and(|count| count > 1), "{length}");
                assert_eq!(message[CANARY_OFFSET..][..CANARY_BYTES], [b'c'; 32]);
            }
        }
    }
}
