//! Payment (clause 2.5).

use super::{Customer, End, Tables, district, now, text};
use crate::backend::{DatabaseError, Value};
use crate::chance::Chance;
use crate::outcome::Effects;
use crate::parameters::Loading;
use crate::statement::Statement;

/// The most characters that are kept of a customer with bad credit.
const MOST_DATA: usize = 500;

/// A payment as it is typed in.
pub(crate) struct Payment {
    warehouse: u64,
    district: u64,
    customer_warehouse: u64,
    customer_district: u64,
    customer: Customer,
    amount: u64,
}

impl Payment {
    pub(super) fn drawn(chance: &mut Chance, home: u64, scale: u64, loading: Loading) -> Self {
        let own_district = district(chance);
        let remote = scale > 1 && chance.percent(15);
        let (customer_warehouse, customer_district) = if remote {
            (chance.other(scale, home), district(chance))
        } else {
            (home, own_district)
        };
        Self {
            warehouse: home,
            district: own_district,
            customer_warehouse,
            customer_district,
            customer: Customer::drawn(chance, loading),
            amount: chance.within(100, 500_000),
        }
    }

    pub(super) fn run(&self, tables: &mut Tables<'_>, effects: &mut Effects) -> Result<End, DatabaseError> {
        let amount = Value::from(self.amount);
        let place: [Value; 2] = [self.warehouse.into(), self.district.into()];
        tables.change(Statement::WarehousePay, &[amount.clone(), place[0].clone()])?;
        let warehouse = tables.one(Statement::WarehouseAddress, &place[..1])?;
        tables.change(
            Statement::DistrictPay,
            &[amount.clone(), place[0].clone(), place[1].clone()],
        )?;
        let district = tables.one(Statement::DistrictAddress, &place)?;
        let number = self
            .customer
            .number(tables, self.customer_warehouse, self.customer_district)?;
        let key: [Value; 3] = [
            self.customer_warehouse.into(),
            self.customer_district.into(),
            number.into(),
        ];
        let [c_w, c_d, c] = key.clone();
        let customer = tables.one(Statement::CustomerToPay, &key)?;
        if text(&customer, 0) == "BC" {
            let data = self.remembered(number, text(&customer, 1));
            let update = [amount.clone(), amount.clone(), data.into(), c_w, c_d, c];
            tables.change(Statement::CustomerPayBadCredit, &update)?;
        } else {
            tables.change(
                Statement::CustomerPay,
                &[amount.clone(), amount.clone(), c_w, c_d, c],
            )?;
        }
        let [c_w, c_d, c] = key;
        let [w, d] = place;
        let names = format!("{:.10}    {:.10}", text(&warehouse, 0), text(&district, 0));
        let row = [c_w, c_d, c, w, d, now(), amount, names.into()];
        tables.change(Statement::InsertHistory, &row)?;
        effects.payments += 1;
        effects.remote_payments += u64::from(self.customer_warehouse != self.warehouse);
        Ok(End::Commit)
    }

    /// The payment before what was kept of the customer already.
    fn remembered(&self, customer: u64, before: &str) -> String {
        let mut data = format!(
            "{customer} {} {} {} {} {} {before}",
            self.customer_district, self.customer_warehouse, self.district, self.warehouse, self.amount
        );
        // All of it is ASCII.
        data.truncate(MOST_DATA);
        data
    }
}
