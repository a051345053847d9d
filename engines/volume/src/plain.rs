//! A volume without any protection, the baseline.
