//! dm-integrity: where the codes of authenticated sectors lie on a disk.
