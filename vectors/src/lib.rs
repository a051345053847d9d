//! Golden vectors and the check that holds an engine to them.
