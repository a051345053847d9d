//! An NBD server that gives any volume to real clients.
