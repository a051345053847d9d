//! New-order (clause 2.4).

use super::{End, Tables, district, int, now, text};
use crate::backend::{DatabaseError, Value};
use crate::chance::Chance;
use crate::outcome::Effects;
use crate::parameters::Loading;
use crate::statement::Statement;

/// An order as it is typed in.
pub(crate) struct Order {
    warehouse: u64,
    district: u64,
    customer: u64,
    lines: Vec<Line>,
}

struct Line {
    item: u64,
    supplier: u64,
    quantity: u64,
}

impl Order {
    pub(super) fn drawn(chance: &mut Chance, home: u64, scale: u64, loading: Loading) -> Self {
        let district = district(chance);
        let customer = chance.customer(loading.customers());
        let lines = chance.within(5, 15);
        let mut lines: Vec<Line> = (0..lines)
            .map(|_| Line {
                item: chance.item(loading.items()),
                supplier: if scale > 1 && chance.percent(1) {
                    chance.other(scale, home)
                } else {
                    home
                },
                quantity: chance.within(1, 10),
            })
            .collect();
        // Rows are locked in one order, so that two orders do not wait for each other.
        lines.sort_by_key(|line| (line.supplier, line.item));
        if chance.percent(1)
            && let Some(last) = lines.last_mut()
        {
            // There is no such item, which is found out after the others were taken.
            last.item = loading.items() + 1;
        }
        Self {
            warehouse: home,
            district,
            customer,
            lines,
        }
    }

    pub(super) fn run(&self, tables: &mut Tables<'_>, effects: &mut Effects) -> Result<End, DatabaseError> {
        let place: [Value; 2] = [self.warehouse.into(), self.district.into()];
        tables.one(Statement::WarehouseTax, &place[..1])?;
        let customer = [place[0].clone(), place[1].clone(), self.customer.into()];
        tables.one(Statement::CustomerDiscount, &customer)?;
        let district = tables.one(Statement::DistrictNext, &place)?;
        let number = Value::Int(int(&district, 0));
        tables.change(Statement::DistrictAdvance, &place)?;
        let local = self.lines.iter().all(|line| line.supplier == self.warehouse);
        let order = [
            place[0].clone(),
            place[1].clone(),
            number.clone(),
            self.customer.into(),
            now(),
            Value::Null,
            (self.lines.len() as u64).into(),
            u64::from(local).into(),
        ];
        tables.change(Statement::InsertOrder, &order)?;
        tables.change(Statement::InsertNewOrder, &order[..3])?;
        for (index, line) in (1_u64..).zip(&self.lines) {
            let Some(item) = tables.row(Statement::Item, &[line.item.into()])? else {
                return Ok(End::Rollback);
            };
            let info = self.take(tables, line)?;
            let amount = line.quantity.cast_signed() * int(&item, 0);
            let row = [
                place[0].clone(),
                place[1].clone(),
                number.clone(),
                index.into(),
                line.item.into(),
                line.supplier.into(),
                Value::Null,
                line.quantity.into(),
                amount.into(),
                info,
            ];
            tables.change(Statement::InsertOrderLine, &row)?;
            effects.lines += 1;
            effects.remote_lines += u64::from(line.supplier != self.warehouse);
        }
        Ok(End::Commit)
    }

    /// Takes a line's quantity from the stock; returns what the stock says for the district.
    fn take(&self, tables: &mut Tables<'_>, line: &Line) -> Result<Value, DatabaseError> {
        let stock = tables.one(
            Statement::Stock,
            &[self.district.into(), line.supplier.into(), line.item.into()],
        )?;
        let quantity = line.quantity.cast_signed();
        let left = int(&stock, 0) - quantity;
        let left = if left >= 10 { left } else { left + 91 };
        let update = [
            left.into(),
            quantity.into(),
            u64::from(line.supplier != self.warehouse).into(),
            line.supplier.into(),
            line.item.into(),
        ];
        tables.change(Statement::StockUpdate, &update)?;
        Ok(text(&stock, 2).into())
    }
}
