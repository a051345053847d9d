//! Stock-level (clause 2.8).

use super::{End, Tables, district, int};
use crate::backend::{DatabaseError, Value};
use crate::chance::Chance;
use crate::statement::Statement;

/// How many orders are looked at.
const ORDERS: i64 = 20;

/// Where, and below what stock runs low.
pub(crate) struct Question {
    warehouse: u64,
    district: u64,
    threshold: u64,
}

impl Question {
    pub(super) fn drawn(chance: &mut Chance, home: u64) -> Self {
        Self {
            warehouse: home,
            district: district(chance),
            threshold: chance.within(10, 20),
        }
    }

    pub(super) fn run(&self, tables: &mut Tables<'_>) -> Result<End, DatabaseError> {
        let place: [Value; 2] = [self.warehouse.into(), self.district.into()];
        let district = tables.one(Statement::DistrictNextUnlocked, &place)?;
        let next = int(&district, 0);
        let [w, d] = place;
        let orders = [
            w.clone(),
            d,
            (next - ORDERS).into(),
            next.into(),
            w,
            self.threshold.into(),
        ];
        tables.one(Statement::LowStock, &orders)?;
        Ok(End::Commit)
    }
}
