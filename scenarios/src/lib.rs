//! Scenario files of Sealab: read, planned into cells, and run.
