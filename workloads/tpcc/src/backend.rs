//! What the driver asks of a database.

use crate::error::TpccError;
use crate::schema::Dialect;

/// A database that holds the tables, and gives a session to each of as many threads as like.
pub trait Backend: Send {
    /// The stable identifier: `sqlite`, `postgresql`, `mariadb`.
    fn id(&self) -> &'static str;

    /// The database's own name and version.
    fn version(&self) -> String;

    /// The words in which it differs from the others.
    fn dialect(&self) -> Dialect;

    /// A session in which commits are durable.
    fn session(&self) -> Result<Box<dyn Session>, TpccError>;

    /// A session for the first rows, whose commits need not be durable before [`Backend::settle`].
    fn loader(&self) -> Result<Box<dyn Session>, TpccError> {
        self.session()
    }

    /// Makes durable what was loaded.
    fn settle(&self) -> Result<(), TpccError>;

    /// CPU time that processes other than this one have spent for the database so far, in seconds.
    fn other_cpu_seconds(&self) -> f64 {
        0.0
    }
}

/// One client's connection. After an error that is not [`DatabaseError::again`], nothing more is done with it.
pub trait Session: Send {
    /// Begins a transaction; `writes` says whether it is going to write.
    fn begin(&mut self, writes: bool) -> Result<(), DatabaseError>;

    /// Does `sql`, which has a `?` (or the dialect's like) for each of `parameters`, and returns its rows.
    fn query(&mut self, sql: &str, parameters: &[Value]) -> Result<Vec<Vec<Value>>, DatabaseError>;

    /// Does `sql` and returns how many rows it changed.
    fn execute(&mut self, sql: &str, parameters: &[Value]) -> Result<u64, DatabaseError>;

    /// Ends the transaction; what it wrote is durable.
    fn commit(&mut self) -> Result<(), DatabaseError>;

    /// Ends the transaction as if it had not been.
    fn rollback(&mut self) -> Result<(), DatabaseError>;
}

/// A value of a row, or for one. Amounts are in hundredths, rates in ten-thousandths, times in milliseconds since 1970.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// A number.
    Int(i64),
    /// A text.
    Text(String),
}

impl Value {
    /// The number, 0 where there is none.
    pub(crate) fn int(&self) -> i64 {
        match self {
            Self::Int(number) => *number,
            Self::Null | Self::Text(_) => 0,
        }
    }

    /// The text, empty where there is none.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Null | Self::Int(_) => "",
        }
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        // All numbers here are far below 2^63.
        Self::Int(number.cast_signed())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// What a database says that it could not do.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct DatabaseError {
    /// What it says.
    pub message: String,
    /// Whether the transaction lost against another one and may be tried again.
    pub again: bool,
}

impl DatabaseError {
    pub(crate) fn new(message: impl ToString) -> Self {
        Self {
            message: message.to_string(),
            again: false,
        }
    }
}
