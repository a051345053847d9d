//! A database workload like TPC-C on any volume: what sealing costs a program that commits.
//!
//! It is tpcc-like, not TPC-C: nine tables, five transactions, their mix, their skew and the standard's consistency
//! conditions are there; think times, terminals, the scale that a rate demands, foreign keys and the audit are not. Rates
//! are transactions a second and no tpmC. The parameters `threads`, `tables` and `scale` mean what they mean in
//! sysbench-tpcc.
//!
//! [`Driver`] runs the transactions over the [`Backend`] trait. [`sqlite`] keeps a database on a volume within the process;
//! [`server`] starts PostgreSQL and MariaDB on a file system on a volume.

mod backend;
mod chance;
mod consistency;
mod counted;
mod driver;
mod error;
mod load;
mod outcome;
mod parameters;
mod schema;
pub mod server;
pub mod sqlite;
mod statement;
mod transaction;

pub use backend::{Backend, DatabaseError, Session, Value};
pub use consistency::{CONDITIONS, Condition, Finding, check};
pub use counted::{CountedVolume, VolumeCounts};
pub use driver::{Driver, Limit};
pub use error::{TpccError, Unavailable};
pub use load::load;
pub use outcome::{Done, Outcome};
pub use parameters::{Loading, Tpcc};
pub use schema::Dialect;
pub use sealab_blocks::Latency;
pub use transaction::Kind;
