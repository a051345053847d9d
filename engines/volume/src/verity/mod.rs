//! dm-verity: blocks for reading only, held to one root hash.
