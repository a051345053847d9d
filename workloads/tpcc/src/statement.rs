//! What transactions say to the database, once for all databases.

use crate::schema::{Dialect, HISTORY, NEW_ORDERS, ORDER_LINE, ORDERS, Table};

/// The statements of the five transactions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Statement {
    WarehouseTax,
    DistrictNext,
    DistrictAdvance,
    CustomerDiscount,
    InsertOrder,
    InsertNewOrder,
    Item,
    Stock,
    StockUpdate,
    InsertOrderLine,
    WarehousePay,
    WarehouseAddress,
    DistrictPay,
    DistrictAddress,
    CustomersByName,
    CustomerToPay,
    CustomerPay,
    CustomerPayBadCredit,
    InsertHistory,
    CustomerStatus,
    LastOrder,
    OrderLines,
    OldestNewOrder,
    DeleteNewOrder,
    OrderCustomer,
    OrderDeliver,
    LinesDeliver,
    LinesSum,
    CustomerDeliver,
    DistrictNextUnlocked,
    LowStock,
}

/// Every statement in the order of [`Statement`], with its words or the table that it inserts a row into.
const TEXTS: [Text; 31] = [
    Text::Words("SELECT w_tax FROM warehouse{n} WHERE w_id = ?"),
    Text::Words("SELECT d_next_o_id, d_tax FROM district{n} WHERE d_w_id = ? AND d_id = ?{lock}"),
    Text::Words("UPDATE district{n} SET d_next_o_id = d_next_o_id + 1 WHERE d_w_id = ? AND d_id = ?"),
    Text::Words(
        "SELECT c_discount, c_last, c_credit FROM customer{n} WHERE c_w_id = ? AND c_d_id = ? AND c_id = ?",
    ),
    Text::Insert(&ORDERS),
    Text::Insert(&NEW_ORDERS),
    Text::Words("SELECT i_price, i_name, i_data FROM item{n} WHERE i_id = ?"),
    Text::Words(
        "SELECT s_quantity, s_data, CASE CAST(? AS {int}) WHEN 1 THEN s_dist_01 WHEN 2 THEN s_dist_02 \
         WHEN 3 THEN s_dist_03 WHEN 4 THEN s_dist_04 WHEN 5 THEN s_dist_05 WHEN 6 THEN s_dist_06 \
         WHEN 7 THEN s_dist_07 WHEN 8 THEN s_dist_08 WHEN 9 THEN s_dist_09 ELSE s_dist_10 END \
         FROM stock{n} WHERE s_w_id = ? AND s_i_id = ?{lock}",
    ),
    Text::Words(
        "UPDATE stock{n} SET s_quantity = ?, s_ytd = s_ytd + ?, s_order_cnt = s_order_cnt + 1, \
         s_remote_cnt = s_remote_cnt + ? WHERE s_w_id = ? AND s_i_id = ?",
    ),
    Text::Insert(&ORDER_LINE),
    Text::Words("UPDATE warehouse{n} SET w_ytd = w_ytd + ? WHERE w_id = ?"),
    Text::Words(
        "SELECT w_name, w_street_1, w_street_2, w_city, w_state, w_zip FROM warehouse{n} WHERE w_id = ?",
    ),
    Text::Words("UPDATE district{n} SET d_ytd = d_ytd + ? WHERE d_w_id = ? AND d_id = ?"),
    Text::Words(
        "SELECT d_name, d_street_1, d_street_2, d_city, d_state, d_zip FROM district{n} \
         WHERE d_w_id = ? AND d_id = ?",
    ),
    Text::Words(
        "SELECT c_id FROM customer{n} WHERE c_w_id = ? AND c_d_id = ? AND c_last = ? ORDER BY c_first",
    ),
    Text::Words(
        "SELECT c_credit, c_data, c_first, c_middle, c_last, c_street_1, c_street_2, c_city, c_state, c_zip, \
         c_phone, c_since, c_credit_lim, c_discount, c_balance FROM customer{n} \
         WHERE c_w_id = ? AND c_d_id = ? AND c_id = ?{lock}",
    ),
    Text::Words(
        "UPDATE customer{n} SET c_balance = c_balance - ?, c_ytd_payment = c_ytd_payment + ?, \
         c_payment_cnt = c_payment_cnt + 1 WHERE c_w_id = ? AND c_d_id = ? AND c_id = ?",
    ),
    Text::Words(
        "UPDATE customer{n} SET c_balance = c_balance - ?, c_ytd_payment = c_ytd_payment + ?, \
         c_payment_cnt = c_payment_cnt + 1, c_data = ? WHERE c_w_id = ? AND c_d_id = ? AND c_id = ?",
    ),
    Text::Insert(&HISTORY),
    Text::Words(
        "SELECT c_balance, c_first, c_middle, c_last FROM customer{n} \
         WHERE c_w_id = ? AND c_d_id = ? AND c_id = ?",
    ),
    Text::Words(
        "SELECT o_id, o_entry_d, o_carrier_id FROM orders{n} \
         WHERE o_w_id = ? AND o_d_id = ? AND o_c_id = ? ORDER BY o_id DESC LIMIT 1",
    ),
    Text::Words(
        "SELECT ol_i_id, ol_supply_w_id, ol_quantity, ol_amount, ol_delivery_d FROM order_line{n} \
         WHERE ol_w_id = ? AND ol_d_id = ? AND ol_o_id = ?",
    ),
    Text::Words(
        "SELECT no_o_id FROM new_orders{n} WHERE no_w_id = ? AND no_d_id = ? ORDER BY no_o_id LIMIT 1{lock}",
    ),
    Text::Words("DELETE FROM new_orders{n} WHERE no_w_id = ? AND no_d_id = ? AND no_o_id = ?"),
    Text::Words("SELECT o_c_id FROM orders{n} WHERE o_w_id = ? AND o_d_id = ? AND o_id = ?"),
    Text::Words("UPDATE orders{n} SET o_carrier_id = ? WHERE o_w_id = ? AND o_d_id = ? AND o_id = ?"),
    Text::Words(
        "UPDATE order_line{n} SET ol_delivery_d = ? WHERE ol_w_id = ? AND ol_d_id = ? AND ol_o_id = ?",
    ),
    Text::Words(
        "SELECT CAST(SUM(ol_amount) AS {int}) FROM order_line{n} \
         WHERE ol_w_id = ? AND ol_d_id = ? AND ol_o_id = ?",
    ),
    Text::Words(
        "UPDATE customer{n} SET c_balance = c_balance + ?, c_delivery_cnt = c_delivery_cnt + 1 \
         WHERE c_w_id = ? AND c_d_id = ? AND c_id = ?",
    ),
    Text::Words("SELECT d_next_o_id FROM district{n} WHERE d_w_id = ? AND d_id = ?"),
    Text::Words(
        "SELECT COUNT(DISTINCT s_i_id) FROM order_line{n}, stock{n} WHERE ol_w_id = ? AND ol_d_id = ? \
         AND ol_o_id >= ? AND ol_o_id < ? AND s_w_id = ? AND s_i_id = ol_i_id AND s_quantity < ?",
    ),
];

enum Text {
    Words(&'static str),
    Insert(&'static Table),
}

/// The statements of one set of tables in a database's words.
pub(crate) struct Statements(Vec<String>);

impl Statements {
    pub(crate) fn new(dialect: Dialect, set: u32) -> Self {
        let say = |text: &Text| match text {
            Text::Words(words) => dialect.sql(words, set),
            Text::Insert(table) => table.insert(dialect, set, 1),
        };
        Self(TEXTS.iter().map(say).collect())
    }

    pub(crate) fn sql(&self, statement: Statement) -> &str {
        // Each statement has its text, by the length of the list.
        self.0.get(statement as usize).map_or("", String::as_str)
    }
}

/// How many statements a session has of each set, for the size of its store of prepared ones.
pub(crate) const COUNT: usize = TEXTS.len();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statement_has_its_own_text() {
        let statements = Statements::new(Dialect::Sqlite, 4);
        assert_eq!(Statement::LowStock as usize + 1, COUNT);
        assert!(
            statements
                .sql(Statement::LowStock)
                .starts_with("SELECT COUNT(DISTINCT")
        );
        assert!(
            statements
                .sql(Statement::InsertHistory)
                .starts_with("INSERT INTO history4")
        );
        assert!(
            statements
                .sql(Statement::OldestNewOrder)
                .contains("FROM new_orders4")
        );
        assert!(statements.sql(Statement::Item).contains("FROM item4"));
    }
}
