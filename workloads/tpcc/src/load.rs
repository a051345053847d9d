//! The first rows (clause 4.3.3), the same for the same seed in every database.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::backend::{Backend, Session, Value};
use crate::chance::Chance;
use crate::error::TpccError;
use crate::parameters::{DISTRICTS, Loading, Tpcc};
use crate::schema::{
    CUSTOMER, DISTRICT, Dialect, HISTORY, INDEXES, ITEM, NEW_ORDERS, ORDER_LINE, ORDERS, STOCK, TABLES,
    Table, WAREHOUSE,
};
use crate::transaction::now;

/// Rows that are inserted by one statement.
const ROWS: usize = 50;
/// Statements that are committed together.
const STATEMENTS: usize = 100;
/// What every customer has paid at first, in hundredths.
const FIRST_PAYMENT: u64 = 1000;

/// Makes the tables of `tpcc` in `backend`, which has none yet, fills them, and makes all of it durable.
///
/// # Errors
/// The database fails; `interrupted` was set. What is there then is of no use.
pub fn load(tpcc: &Tpcc, backend: &dyn Backend, interrupted: &AtomicBool) -> Result<(), TpccError> {
    tpcc.validate()?;
    let dialect = backend.dialect();
    let mut session = backend.loader()?;
    for set in 1..=tpcc.tables {
        for table in TABLES {
            let making = TpccError::doing(format!("making the table {}{set}", table.name));
            session
                .execute(&table.create(dialect, set), &[])
                .map_err(making)?;
        }
        let mut filler = Filler {
            session: session.as_mut(),
            dialect,
            set,
            chance: Chance::new(tpcc.seed, set.into()),
            loading: tpcc.loading,
            interrupted,
            statements: 0,
        };
        filler.items()?;
        for warehouse in 1..=u64::from(tpcc.scale) {
            filler.warehouse(warehouse)?;
        }
        for index in INDEXES {
            session
                .execute(&dialect.sql(index, set), &[])
                .map_err(TpccError::doing("making an index"))?;
        }
    }
    drop(session);
    backend.settle()
}

/// Fills one set of tables.
struct Filler<'a> {
    session: &'a mut dyn Session,
    dialect: Dialect,
    set: u32,
    chance: Chance,
    loading: Loading,
    interrupted: &'a AtomicBool,
    /// How many were done since the last commit.
    statements: usize,
}

/// Rows on their way into one table.
struct Rows {
    table: &'static Table,
    /// How [`ROWS`] of them are inserted.
    insert: String,
    values: Vec<Value>,
    rows: usize,
}

impl Filler<'_> {
    fn rows(&self, table: &'static Table) -> Rows {
        Rows {
            table,
            insert: table.insert(self.dialect, self.set, ROWS),
            values: Vec::new(),
            rows: 0,
        }
    }

    fn put<const N: usize>(&mut self, rows: &mut Rows, row: [Value; N]) -> Result<(), TpccError> {
        rows.values.extend(row);
        rows.rows += 1;
        if rows.rows == ROWS {
            self.insert(rows)?;
        }
        Ok(())
    }

    fn insert(&mut self, rows: &mut Rows) -> Result<(), TpccError> {
        if rows.rows == 0 {
            return Ok(());
        }
        if self.interrupted.load(Ordering::Relaxed) {
            return Err(TpccError::Interrupted);
        }
        let name = rows.table.name;
        let filling = || TpccError::doing(format!("filling the table {name}{}", self.set));
        if self.statements == 0 {
            self.session.begin(true).map_err(filling())?;
        }
        let short;
        let sql = if rows.rows == ROWS {
            &rows.insert
        } else {
            short = rows.table.insert(self.dialect, self.set, rows.rows);
            &short
        };
        self.session.execute(sql, &rows.values).map_err(filling())?;
        rows.values.clear();
        rows.rows = 0;
        self.statements += 1;
        if self.statements == STATEMENTS {
            self.commit()?;
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), TpccError> {
        if self.statements > 0 {
            self.session.commit().map_err(TpccError::doing("loading"))?;
            self.statements = 0;
        }
        Ok(())
    }

    fn items(&mut self) -> Result<(), TpccError> {
        let mut rows = self.rows(&ITEM);
        for item in 1..=self.loading.items() {
            let row = [
                item.into(),
                self.chance.within(1, 10_000).into(),
                self.chance.text(14, 24).into(),
                self.chance.within(100, 10_000).into(),
                self.chance.data().into(),
            ];
            self.put(&mut rows, row)?;
        }
        self.insert(&mut rows)?;
        self.commit()
    }

    /// Two streets, a city, a state and a postal code.
    fn address(&mut self) -> [Value; 5] {
        [
            self.chance.text(10, 20).into(),
            self.chance.text(10, 20).into(),
            self.chance.text(10, 20).into(),
            self.chance.text(2, 2).into(),
            (self.chance.digits(4) + "11111").into(),
        ]
    }

    fn warehouse(&mut self, warehouse: u64) -> Result<(), TpccError> {
        let mut rows = self.rows(&WAREHOUSE);
        let name = self.chance.text(6, 10).into();
        let [street_1, street_2, city, state, zip] = self.address();
        let tax = self.chance.within(0, 2000).into();
        let paid = DISTRICTS * self.loading.customers() * FIRST_PAYMENT;
        let row = [
            warehouse.into(),
            name,
            street_1,
            street_2,
            city,
            state,
            zip,
            tax,
            paid.into(),
        ];
        self.put(&mut rows, row)?;
        self.insert(&mut rows)?;
        self.stock(warehouse)?;
        for district in 1..=DISTRICTS {
            self.district(warehouse, district)?;
            self.customers(warehouse, district)?;
            self.orders(warehouse, district)?;
        }
        self.commit()
    }

    fn stock(&mut self, warehouse: u64) -> Result<(), TpccError> {
        let mut rows = self.rows(&STOCK);
        for item in 1..=self.loading.items() {
            let quantity = self.chance.within(10, 100).into();
            let [a, b, c, d, e, f, g, h, i, j] =
                std::array::from_fn(|_| Value::from(self.chance.text(24, 24)));
            let data = self.chance.data().into();
            let zero = || Value::Int(0);
            let row = [
                warehouse.into(),
                item.into(),
                quantity,
                a,
                b,
                c,
                d,
                e,
                f,
                g,
                h,
                i,
                j,
                zero(),
                zero(),
                zero(),
                data,
            ];
            self.put(&mut rows, row)?;
        }
        self.insert(&mut rows)
    }

    fn district(&mut self, warehouse: u64, district: u64) -> Result<(), TpccError> {
        let mut rows = self.rows(&DISTRICT);
        let name = self.chance.text(6, 10).into();
        let [street_1, street_2, city, state, zip] = self.address();
        let customers = self.loading.customers();
        let row = [
            warehouse.into(),
            district.into(),
            name,
            street_1,
            street_2,
            city,
            state,
            zip,
            self.chance.within(0, 2000).into(),
            (customers * FIRST_PAYMENT).into(),
            (customers + 1).into(),
        ];
        self.put(&mut rows, row)?;
        self.insert(&mut rows)
    }

    fn customers(&mut self, warehouse: u64, district: u64) -> Result<(), TpccError> {
        let (mut rows, mut history) = (self.rows(&CUSTOMER), self.rows(&HISTORY));
        let since = now();
        for customer in 1..=self.loading.customers() {
            let last_name = self.chance.last_name_of(customer).into();
            let first_name = self.chance.text(8, 16).into();
            let [street_1, street_2, city, state, zip] = self.address();
            let credit = if self.chance.percent(10) { "BC" } else { "GC" };
            let row = [
                warehouse.into(),
                district.into(),
                customer.into(),
                first_name,
                "OE".into(),
                last_name,
                street_1,
                street_2,
                city,
                state,
                zip,
                self.chance.digits(16).into(),
                since.clone(),
                credit.into(),
                5_000_000_u64.into(),
                self.chance.within(0, 5000).into(),
                (-FIRST_PAYMENT.cast_signed()).into(),
                FIRST_PAYMENT.into(),
                1_u64.into(),
                0_u64.into(),
                self.chance.text(300, 500).into(),
            ];
            self.put(&mut rows, row)?;
            let row = [
                warehouse.into(),
                district.into(),
                customer.into(),
                warehouse.into(),
                district.into(),
                since.clone(),
                FIRST_PAYMENT.into(),
                self.chance.text(12, 24).into(),
            ];
            self.put(&mut history, row)?;
        }
        self.insert(&mut rows)?;
        self.insert(&mut history)
    }

    fn orders(&mut self, warehouse: u64, district: u64) -> Result<(), TpccError> {
        let mut orders = self.rows(&ORDERS);
        let mut new_orders = self.rows(&NEW_ORDERS);
        let mut order_lines = self.rows(&ORDER_LINE);
        let entered = now();
        let customers = self.chance.permutation(self.loading.customers());
        for (order, customer) in (1_u64..).zip(customers) {
            let delivered = order <= self.loading.delivered();
            let carrier = match delivered {
                true => self.chance.within(1, 10).into(),
                false => Value::Null,
            };
            let lines = self.chance.within(5, 15);
            let row = [
                warehouse.into(),
                district.into(),
                order.into(),
                customer.into(),
                entered.clone(),
                carrier,
                lines.into(),
                1_u64.into(),
            ];
            self.put(&mut orders, row)?;
            if !delivered {
                let row = [warehouse.into(), district.into(), order.into()];
                self.put(&mut new_orders, row)?;
            }
            for line in 1..=lines {
                let (delivery, amount) = match delivered {
                    true => (entered.clone(), 0),
                    false => (Value::Null, self.chance.within(1, 999_999)),
                };
                let row = [
                    warehouse.into(),
                    district.into(),
                    order.into(),
                    line.into(),
                    self.chance.within(1, self.loading.items()).into(),
                    warehouse.into(),
                    delivery,
                    5_u64.into(),
                    amount.into(),
                    self.chance.text(24, 24).into(),
                ];
                self.put(&mut order_lines, row)?;
            }
        }
        self.insert(&mut orders)?;
        self.insert(&mut new_orders)?;
        self.insert(&mut order_lines)
    }
}
