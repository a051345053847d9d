//! Delivery (clause 2.7), all districts in one transaction and at once.

use super::{End, Tables, int, now};
use crate::backend::{DatabaseError, Value};
use crate::chance::Chance;
use crate::outcome::Effects;
use crate::parameters::DISTRICTS;
use crate::statement::Statement;

/// Who delivers for which warehouse.
pub(crate) struct Delivery {
    warehouse: u64,
    carrier: u64,
}

impl Delivery {
    pub(super) fn drawn(chance: &mut Chance, home: u64) -> Self {
        Self {
            warehouse: home,
            carrier: chance.within(1, 10),
        }
    }

    pub(super) fn run(&self, tables: &mut Tables<'_>, effects: &mut Effects) -> Result<End, DatabaseError> {
        let warehouse = Value::from(self.warehouse);
        for district in 1..=DISTRICTS {
            let place = [warehouse.clone(), district.into()];
            let Some(oldest) = tables.row(Statement::OldestNewOrder, &place)? else {
                effects.skipped_deliveries += 1;
                continue;
            };
            let order = [warehouse.clone(), district.into(), int(&oldest, 0).into()];
            let [w, d, o] = order.clone();
            tables.change(Statement::DeleteNewOrder, &order)?;
            // Changed before it is read: the order may be younger than what this transaction sees, but for rows that it
            // locks (the oldest new order) or changes.
            tables.change(
                Statement::OrderDeliver,
                &[self.carrier.into(), w.clone(), d.clone(), o.clone()],
            )?;
            let customer = tables.one(Statement::OrderCustomer, &order)?;
            tables.changes(Statement::LinesDeliver, &[now(), w.clone(), d.clone(), o])?;
            let sum = tables.one(Statement::LinesSum, &order)?;
            let update = [int(&sum, 0).into(), w, d, int(&customer, 0).into()];
            tables.change(Statement::CustomerDeliver, &update)?;
            effects.deliveries += 1;
        }
        Ok(End::Commit)
    }
}
