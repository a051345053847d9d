//! Order-status (clause 2.6).

use super::{Customer, End, Tables, district, int};
use crate::backend::{DatabaseError, Value};
use crate::chance::Chance;
use crate::parameters::Loading;
use crate::statement::Statement;

/// Whose last order is asked for.
pub(crate) struct Question {
    warehouse: u64,
    district: u64,
    customer: Customer,
}

impl Question {
    pub(super) fn drawn(chance: &mut Chance, home: u64, loading: Loading) -> Self {
        Self {
            warehouse: home,
            district: district(chance),
            customer: Customer::drawn(chance, loading),
        }
    }

    pub(super) fn run(&self, tables: &mut Tables<'_>) -> Result<End, DatabaseError> {
        let number = self.customer.number(tables, self.warehouse, self.district)?;
        let customer: [Value; 3] = [self.warehouse.into(), self.district.into(), number.into()];
        tables.one(Statement::CustomerStatus, &customer)?;
        let order = tables.one(Statement::LastOrder, &customer)?;
        let lines = [self.warehouse.into(), self.district.into(), int(&order, 0).into()];
        tables.one(Statement::OrderLines, &lines)?;
        Ok(End::Commit)
    }
}
