//! The five transactions, of clause 2 of the standard.

mod delivery;
mod new_order;
mod order_status;
mod payment;
mod stock_level;

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::backend::{DatabaseError, Session, Value};
use crate::chance::Chance;
use crate::outcome::Effects;
use crate::parameters::{DISTRICTS, Loading};
use crate::statement::{Statement, Statements};

/// A kind of transaction.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Kind {
    /// An order of 5 to 15 lines is entered: 45 of a hundred, 1 % of which are rolled back.
    NewOrder,
    /// A customer pays: 43 of a hundred.
    Payment,
    /// A customer asks for the last order: 4 of a hundred, read only.
    OrderStatus,
    /// The oldest new order of every district is delivered: 4 of a hundred.
    Delivery,
    /// How many items of the last twenty orders run low: 4 of a hundred, read only.
    StockLevel,
}

impl Kind {
    /// All five, in the standard's order.
    pub const ALL: [Self; 5] = [
        Self::NewOrder,
        Self::Payment,
        Self::OrderStatus,
        Self::Delivery,
        Self::StockLevel,
    ];

    /// One of the mix, for a number of `0..100`.
    pub(crate) fn drawn(number: u64) -> Self {
        match number {
            0..45 => Self::NewOrder,
            45..88 => Self::Payment,
            88..92 => Self::OrderStatus,
            92..96 => Self::Delivery,
            _ => Self::StockLevel,
        }
    }

    /// Whether it writes.
    pub(crate) fn writes(self) -> bool {
        matches!(self, Self::NewOrder | Self::Payment | Self::Delivery)
    }

    /// The stable identifier.
    pub fn id(self) -> &'static str {
        match self {
            Self::NewOrder => "new-order",
            Self::Payment => "payment",
            Self::OrderStatus => "order-status",
            Self::Delivery => "delivery",
            Self::StockLevel => "stock-level",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// How a transaction is to end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    Commit,
    /// The one in a hundred new orders with an item that there is not.
    Rollback,
}

/// What the client has typed in: all that chance decides, so that a transaction that lost is tried again as it was.
pub(crate) enum Input {
    NewOrder(new_order::Order),
    Payment(payment::Payment),
    OrderStatus(order_status::Question),
    Delivery(delivery::Delivery),
    StockLevel(stock_level::Question),
}

impl Input {
    /// For a transaction at the warehouse `home` of `scale`.
    pub(crate) fn drawn(kind: Kind, chance: &mut Chance, home: u64, scale: u64, loading: Loading) -> Self {
        match kind {
            Kind::NewOrder => Self::NewOrder(new_order::Order::drawn(chance, home, scale, loading)),
            Kind::Payment => Self::Payment(payment::Payment::drawn(chance, home, scale, loading)),
            Kind::OrderStatus => Self::OrderStatus(order_status::Question::drawn(chance, home, loading)),
            Kind::Delivery => Self::Delivery(delivery::Delivery::drawn(chance, home)),
            Kind::StockLevel => Self::StockLevel(stock_level::Question::drawn(chance, home)),
        }
    }

    /// Does it all but the end. What is added to `effects` counts once the end has come about.
    pub(crate) fn run(&self, tables: &mut Tables<'_>, effects: &mut Effects) -> Result<End, DatabaseError> {
        match self {
            Self::NewOrder(order) => order.run(tables, effects),
            Self::Payment(payment) => payment.run(tables, effects),
            Self::OrderStatus(question) => question.run(tables),
            Self::Delivery(delivery) => delivery.run(tables, effects),
            Self::StockLevel(question) => question.run(tables),
        }
    }
}

/// One set of tables in one session.
pub(crate) struct Tables<'a> {
    pub(crate) session: &'a mut dyn Session,
    pub(crate) statements: &'a Statements,
}

impl Tables<'_> {
    fn rows(&mut self, statement: Statement, parameters: &[Value]) -> Result<Vec<Vec<Value>>, DatabaseError> {
        self.session.query(self.statements.sql(statement), parameters)
    }

    /// The first row, if there is one.
    fn row(
        &mut self,
        statement: Statement,
        parameters: &[Value],
    ) -> Result<Option<Vec<Value>>, DatabaseError> {
        Ok(self.rows(statement, parameters)?.into_iter().next())
    }

    /// The first row, which must be there.
    fn one(&mut self, statement: Statement, parameters: &[Value]) -> Result<Vec<Value>, DatabaseError> {
        self.row(statement, parameters)?
            .ok_or_else(|| DatabaseError::new(format!("{statement:?} of {parameters:?} has no row")))
    }

    /// Changes one row, which must be there.
    fn change(&mut self, statement: Statement, parameters: &[Value]) -> Result<(), DatabaseError> {
        match self.changes(statement, parameters)? {
            1 => Ok(()),
            rows => {
                let message = format!("{statement:?} of {parameters:?} has changed {rows} rows instead of 1");
                Err(DatabaseError::new(message))
            }
        }
    }

    /// Changes rows; how many.
    fn changes(&mut self, statement: Statement, parameters: &[Value]) -> Result<u64, DatabaseError> {
        self.session.execute(self.statements.sql(statement), parameters)
    }
}

/// A customer, as the client names one.
pub(crate) enum Customer {
    Number(u64),
    LastName(String),
}

impl Customer {
    /// By the last name in 60 of a hundred cases.
    fn drawn(chance: &mut Chance, loading: Loading) -> Self {
        if chance.percent(60) {
            Self::LastName(chance.last_name(loading.customers()))
        } else {
            Self::Number(chance.customer(loading.customers()))
        }
    }

    /// The customer's number: of several with the name, the one in the middle by first names.
    fn number(&self, tables: &mut Tables<'_>, warehouse: u64, district: u64) -> Result<u64, DatabaseError> {
        let name = match self {
            Self::Number(number) => return Ok(*number),
            Self::LastName(name) => name,
        };
        let parameters = [warehouse.into(), district.into(), name.as_str().into()];
        let found = tables.rows(Statement::CustomersByName, &parameters)?;
        let middle = found.len().div_ceil(2).saturating_sub(1);
        let number = found.get(middle).and_then(|row| row.first()).map(Value::int);
        number
            .map(i64::unsigned_abs)
            .ok_or_else(|| DatabaseError::new(format!("no customer is named {name}")))
    }
}

/// A district by chance.
fn district(chance: &mut Chance) -> u64 {
    chance.within(1, DISTRICTS)
}

/// Milliseconds since 1970.
pub(crate) fn now() -> Value {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Value::Int(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn int(row: &[Value], column: usize) -> i64 {
    row.get(column).map_or(0, Value::int)
}

fn text(row: &[Value], column: usize) -> &str {
    row.get(column).map_or("", Value::text)
}
