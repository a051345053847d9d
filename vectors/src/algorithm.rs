//! What there are vectors of: each algorithm with its operations and the values that they take and give.
//!
//! The names are those of `docs/harness-protocol.md` and of the vector files, and are kept stable.

use sealab_engine::Primitive;

/// A primitive, or a construction that a peer writes to disk.
#[derive(Debug)]
pub struct Algorithm {
    /// The stable identifier.
    pub id: &'static str,
    /// The operations that a valid vector is run in.
    pub operations: &'static [Operation],
    /// The operation that must refuse an invalid vector; none where there is nothing to refuse.
    pub refusing: Option<&'static Operation>,
}

/// One operation, by the names of its values.
#[derive(Debug)]
pub struct Operation {
    /// The stable name.
    pub name: &'static str,
    /// The values that are given.
    pub given: &'static [&'static str],
    /// The values that are answered.
    pub answered: &'static [&'static str],
}

/// What a value of a vector is, by its name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Number,
    Octets,
    Text,
}

impl Algorithm {
    /// Every algorithm.
    pub fn all() -> &'static [Self] {
        ALL
    }

    /// The algorithm of that identifier.
    pub fn from_id(id: &str) -> Option<&'static Self> {
        ALL.iter().find(|algorithm| algorithm.id == id)
    }

    /// The engines' primitive of that identifier, where it is one.
    pub fn primitive(&self) -> Option<Primitive> {
        Primitive::from_id(self.id)
    }

    /// The names of all values that its vectors may have, and what each is.
    pub(crate) fn kind(&self, name: &str) -> Option<Kind> {
        let mut operations = self.operations.iter().chain(self.refusing);
        let known = operations.any(|operation| {
            operation.given.contains(&name)
                || operation.answered.contains(&name)
                || (operation.answered.contains(&"ct") && name == "ctSha256")
        });
        match name {
            "msgLength" => Some(Kind::Number),
            _ if !known => None,
            "size" => Some(Kind::Number),
            "hash" | "mgfHash" | "jwk" | "jwe" | "privateOptions" | "publicOptions" => Some(Kind::Text),
            _ => Some(Kind::Octets),
        }
    }
}

macro_rules! operation {
    ($name:ident: $($given:ident)+ => $($answered:ident)+) => {
        Operation {
            name: stringify!($name),
            given: &[$(stringify!($given)),+],
            answered: &[$(stringify!($answered)),+],
        }
    };
}

const ENCRYPT_UNITS: &[Operation] = &[
    operation!(encrypt: key tweak msg => ct),
    operation!(decrypt: key tweak ct => msg),
];
const ENCRYPT_STREAM: &[Operation] = &[
    operation!(encrypt: key iv msg => ct),
    operation!(decrypt: key iv ct => msg),
];
const ENCRYPT_BLOCKS: &[Operation] = &[
    operation!(encrypt: key msg => ct),
    operation!(decrypt: key ct => msg),
];
const ENCRYPT_SECTORS: &[Operation] = &[
    operation!(encrypt: key sector msg => ct),
    operation!(decrypt: key sector ct => msg),
];
const SEAL_MESSAGE: &[Operation] = &[
    operation!(seal: key iv aad msg => ct tag),
    operation!(open: key iv aad ct tag => msg),
];
const SEAL_SECTOR_GCM: &[Operation] = &[
    operation!(seal: key sector iv msg => ct tag),
    operation!(open: key sector iv ct tag => msg),
];
const SEAL_SECTOR_HMAC: &[Operation] = &[
    operation!(seal: key sector msg => ct tag),
    operation!(open: key sector ct tag => msg),
];
const SEAL_FRAMED: &[Operation] = &[
    operation!(seal: key iv msg => framed),
    operation!(open: key framed => msg),
];
const SEAL_PAGES: &[Operation] = &[
    operation!(seal: key macKey iv addresses pid msg => ct digest),
    operation!(open: key macKey iv addresses pid ct digest => msg),
];
const SEAL_LAYER: &[Operation] = &[
    operation!(seal: key iv msg => ct tag),
    operation!(open: key iv ct tag => msg),
];
const OPEN_LAYER: &[Operation] = &[operation!(open: privateOptions publicOptions ct => msg)];
const WRAP: &[Operation] = &[operation!(wrap: key msg => ct), operation!(unwrap: key ct => msg)];
const DERIVE: &[Operation] = &[operation!(derive: ikm salt info size => okm)];
const DECRYPT_OAEP: &[Operation] = &[operation!(decrypt: key hash mgfHash label ct => msg)];
const DECRYPT_JWE: &[Operation] = &[operation!(decrypt: jwk jwe => msg)];
const MAC: &[Operation] = &[operation!(mac: key msg => tag)];
const DIGEST: &[Operation] = &[operation!(digest: msg => digest)];

/// An algorithm whose last operation must refuse what is not authentic.
const fn refusing(id: &'static str, operations: &'static [Operation]) -> Algorithm {
    Algorithm {
        id,
        operations,
        refusing: operations.last(),
    }
}

/// An algorithm that takes every input.
const fn total(id: &'static str, operations: &'static [Operation]) -> Algorithm {
    Algorithm {
        id,
        operations,
        refusing: None,
    }
}

const ALL: &[Algorithm] = &[
    total("aes-128-xts", ENCRYPT_UNITS),
    total("aes-256-xts", ENCRYPT_UNITS),
    refusing("aes-128-gcm", SEAL_MESSAGE),
    refusing("aes-256-gcm", SEAL_MESSAGE),
    refusing("chacha20-poly1305", SEAL_MESSAGE),
    total("aes-256-ctr", ENCRYPT_STREAM),
    total("aes-256-block", ENCRYPT_BLOCKS),
    total("hmac-sha256", MAC),
    total("sha-256", DIGEST),
    refusing("aes-kw", WRAP),
    refusing("aes-kwp", WRAP),
    refusing("hkdf-sha256", DERIVE),
    refusing("rsa-oaep", DECRYPT_OAEP),
    refusing("jwe", DECRYPT_JWE),
    total("aes-128-cbc-essiv-sha256", ENCRYPT_SECTORS),
    total("aes-256-cbc-essiv-sha256", ENCRYPT_SECTORS),
    refusing("dm-crypt-aes-256-gcm-random", SEAL_SECTOR_GCM),
    refusing("dm-crypt-aes-256-xts-hmac-sha256", SEAL_SECTOR_HMAC),
    refusing("criu-pr2297-entry", SEAL_FRAMED),
    refusing("criu-pr2297-raw", SEAL_FRAMED),
    refusing("criu-pr2297-pages", SEAL_PAGES),
    refusing("ocicrypt-layer", SEAL_LAYER),
    refusing("ocicrypt-options", OPEN_LAYER),
];

#[cfg(test)]
mod tests {
    use super::*;

    const PROTOCOL: &str = include_str!("../../docs/harness-protocol.md");

    #[test]
    fn every_primitive_is_an_algorithm() {
        for primitive in Primitive::ALL {
            let algorithm = Algorithm::from_id(primitive.id()).unwrap();
            assert_eq!(algorithm.primitive(), Some(primitive));
        }
    }

    /// The protocol's table is what harness authors read; this one is what they are held to.
    #[test]
    fn the_protocol_documents_each_operation_with_its_values() {
        for algorithm in ALL {
            let first = PROTOCOL
                .lines()
                .position(|line| {
                    line.split('|')
                        .nth(1)
                        .is_some_and(|cell| cell.contains(&format!("`{}`", algorithm.id)))
                })
                .unwrap_or_else(|| panic!("{} is not in the table", algorithm.id));
            for (operation, line) in algorithm.operations.iter().zip(PROTOCOL.lines().skip(first)) {
                let cells: Vec<_> = line.split('|').collect();
                assert_eq!(
                    cells[2].trim(),
                    format!("`{}`", operation.name),
                    "{}",
                    algorithm.id
                );
                for (cell, names) in [(cells[3], operation.given), (cells[4], operation.answered)] {
                    for name in names {
                        assert!(cell.contains(&format!("`{name}`")), "{}: {name}", algorithm.id);
                    }
                }
            }
        }
    }
}
