//! The nine tables, and the words in which the databases differ.

/// A database's own words.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Dialect {
    /// SQLite: no row locks, tables kept in the order of their primary keys.
    Sqlite,
    /// PostgreSQL: numbered parameters.
    Postgresql,
    /// MariaDB with InnoDB.
    Mariadb,
}

impl Dialect {
    /// `template` for the `set`th set of tables. It holds `{n}` for the set's number, `{int}` for a cast's 64-bit type,
    /// `{lock}` where rows are locked for a change, `{clustered}` at a table's end, and `?` for parameters.
    pub(crate) fn sql(self, template: &str, set: u32) -> String {
        let (int, lock, clustered) = match self {
            Self::Sqlite => ("BIGINT", "", " WITHOUT ROWID"),
            Self::Postgresql => ("BIGINT", " FOR UPDATE", ""),
            Self::Mariadb => ("SIGNED", " FOR UPDATE", " ENGINE=InnoDB"),
        };
        let text = template
            .replace("{n}", &set.to_string())
            .replace("{int}", int)
            .replace("{lock}", lock)
            .replace("{clustered}", clustered);
        match self {
            Self::Sqlite | Self::Mariadb => text,
            Self::Postgresql => numbered(&text),
        }
    }
}

/// Numbers the parameters: `?` becomes `$1`, `$2`, …
fn numbered(text: &str) -> String {
    let mut parts = text.split('?');
    let mut sql = parts.next().unwrap_or_default().to_owned();
    for (index, part) in parts.enumerate() {
        sql.push_str(&format!("${}{part}", index + 1));
    }
    sql
}

/// A table, as it is made and filled.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// The columns with their types, and the key.
    pub(crate) definition: &'static str,
    /// The columns that rows are given in.
    pub(crate) columns: &'static str,
}

pub(crate) const ITEM: Table = Table {
    name: "item",
    definition: "i_id BIGINT NOT NULL, i_im_id BIGINT NOT NULL, i_name VARCHAR(24) NOT NULL, \
        i_price BIGINT NOT NULL, i_data VARCHAR(50) NOT NULL, PRIMARY KEY (i_id)",
    columns: "i_id, i_im_id, i_name, i_price, i_data",
};

pub(crate) const WAREHOUSE: Table = Table {
    name: "warehouse",
    definition: "w_id BIGINT NOT NULL, w_name VARCHAR(10) NOT NULL, w_street_1 VARCHAR(20) NOT NULL, \
        w_street_2 VARCHAR(20) NOT NULL, w_city VARCHAR(20) NOT NULL, w_state VARCHAR(2) NOT NULL, \
        w_zip VARCHAR(9) NOT NULL, w_tax BIGINT NOT NULL, w_ytd BIGINT NOT NULL, PRIMARY KEY (w_id)",
    columns: "w_id, w_name, w_street_1, w_street_2, w_city, w_state, w_zip, w_tax, w_ytd",
};

pub(crate) const DISTRICT: Table = Table {
    name: "district",
    definition: "d_w_id BIGINT NOT NULL, d_id BIGINT NOT NULL, d_name VARCHAR(10) NOT NULL, \
        d_street_1 VARCHAR(20) NOT NULL, d_street_2 VARCHAR(20) NOT NULL, d_city VARCHAR(20) NOT NULL, \
        d_state VARCHAR(2) NOT NULL, d_zip VARCHAR(9) NOT NULL, d_tax BIGINT NOT NULL, d_ytd BIGINT NOT NULL, \
        d_next_o_id BIGINT NOT NULL, PRIMARY KEY (d_w_id, d_id)",
    columns: "d_w_id, d_id, d_name, d_street_1, d_street_2, d_city, d_state, d_zip, d_tax, d_ytd, d_next_o_id",
};

pub(crate) const CUSTOMER: Table = Table {
    name: "customer",
    definition: "c_w_id BIGINT NOT NULL, c_d_id BIGINT NOT NULL, c_id BIGINT NOT NULL, \
        c_first VARCHAR(16) NOT NULL, c_middle VARCHAR(2) NOT NULL, c_last VARCHAR(16) NOT NULL, \
        c_street_1 VARCHAR(20) NOT NULL, c_street_2 VARCHAR(20) NOT NULL, c_city VARCHAR(20) NOT NULL, \
        c_state VARCHAR(2) NOT NULL, c_zip VARCHAR(9) NOT NULL, c_phone VARCHAR(16) NOT NULL, \
        c_since BIGINT NOT NULL, c_credit VARCHAR(2) NOT NULL, c_credit_lim BIGINT NOT NULL, \
        c_discount BIGINT NOT NULL, c_balance BIGINT NOT NULL, c_ytd_payment BIGINT NOT NULL, \
        c_payment_cnt BIGINT NOT NULL, c_delivery_cnt BIGINT NOT NULL, c_data VARCHAR(500) NOT NULL, \
        PRIMARY KEY (c_w_id, c_d_id, c_id)",
    columns: "c_w_id, c_d_id, c_id, c_first, c_middle, c_last, c_street_1, c_street_2, c_city, c_state, c_zip, \
        c_phone, c_since, c_credit, c_credit_lim, c_discount, c_balance, c_ytd_payment, c_payment_cnt, \
        c_delivery_cnt, c_data",
};

pub(crate) const HISTORY: Table = Table {
    name: "history",
    definition: "h_c_w_id BIGINT NOT NULL, h_c_d_id BIGINT NOT NULL, h_c_id BIGINT NOT NULL, \
        h_w_id BIGINT NOT NULL, h_d_id BIGINT NOT NULL, h_date BIGINT NOT NULL, h_amount BIGINT NOT NULL, \
        h_data VARCHAR(24) NOT NULL",
    columns: "h_c_w_id, h_c_d_id, h_c_id, h_w_id, h_d_id, h_date, h_amount, h_data",
};

pub(crate) const ORDERS: Table = Table {
    name: "orders",
    definition: "o_w_id BIGINT NOT NULL, o_d_id BIGINT NOT NULL, o_id BIGINT NOT NULL, \
        o_c_id BIGINT NOT NULL, o_entry_d BIGINT NOT NULL, o_carrier_id BIGINT, o_ol_cnt BIGINT NOT NULL, \
        o_all_local BIGINT NOT NULL, PRIMARY KEY (o_w_id, o_d_id, o_id)",
    columns: "o_w_id, o_d_id, o_id, o_c_id, o_entry_d, o_carrier_id, o_ol_cnt, o_all_local",
};

pub(crate) const NEW_ORDERS: Table = Table {
    name: "new_orders",
    definition: "no_w_id BIGINT NOT NULL, no_d_id BIGINT NOT NULL, no_o_id BIGINT NOT NULL, \
        PRIMARY KEY (no_w_id, no_d_id, no_o_id)",
    columns: "no_w_id, no_d_id, no_o_id",
};

pub(crate) const ORDER_LINE: Table = Table {
    name: "order_line",
    definition: "ol_w_id BIGINT NOT NULL, ol_d_id BIGINT NOT NULL, ol_o_id BIGINT NOT NULL, \
        ol_number BIGINT NOT NULL, ol_i_id BIGINT NOT NULL, ol_supply_w_id BIGINT NOT NULL, \
        ol_delivery_d BIGINT, ol_quantity BIGINT NOT NULL, ol_amount BIGINT NOT NULL, \
        ol_dist_info VARCHAR(24) NOT NULL, PRIMARY KEY (ol_w_id, ol_d_id, ol_o_id, ol_number)",
    columns: "ol_w_id, ol_d_id, ol_o_id, ol_number, ol_i_id, ol_supply_w_id, ol_delivery_d, ol_quantity, \
        ol_amount, ol_dist_info",
};

pub(crate) const STOCK: Table = Table {
    name: "stock",
    definition: "s_w_id BIGINT NOT NULL, s_i_id BIGINT NOT NULL, s_quantity BIGINT NOT NULL, \
        s_dist_01 VARCHAR(24) NOT NULL, s_dist_02 VARCHAR(24) NOT NULL, s_dist_03 VARCHAR(24) NOT NULL, \
        s_dist_04 VARCHAR(24) NOT NULL, s_dist_05 VARCHAR(24) NOT NULL, s_dist_06 VARCHAR(24) NOT NULL, \
        s_dist_07 VARCHAR(24) NOT NULL, s_dist_08 VARCHAR(24) NOT NULL, s_dist_09 VARCHAR(24) NOT NULL, \
        s_dist_10 VARCHAR(24) NOT NULL, s_ytd BIGINT NOT NULL, s_order_cnt BIGINT NOT NULL, \
        s_remote_cnt BIGINT NOT NULL, s_data VARCHAR(50) NOT NULL, PRIMARY KEY (s_w_id, s_i_id)",
    columns: "s_w_id, s_i_id, s_quantity, s_dist_01, s_dist_02, s_dist_03, s_dist_04, s_dist_05, s_dist_06, \
        s_dist_07, s_dist_08, s_dist_09, s_dist_10, s_ytd, s_order_cnt, s_remote_cnt, s_data",
};

/// All nine.
pub(crate) const TABLES: [&Table; 9] = [
    &ITEM,
    &WAREHOUSE,
    &DISTRICT,
    &CUSTOMER,
    &HISTORY,
    &ORDERS,
    &NEW_ORDERS,
    &ORDER_LINE,
    &STOCK,
];

/// The indexes beside the primary keys that transactions look rows up by.
pub(crate) const INDEXES: [&str; 2] = [
    "CREATE INDEX customer_name{n} ON customer{n} (c_w_id, c_d_id, c_last, c_first)",
    "CREATE INDEX orders_customer{n} ON orders{n} (o_w_id, o_d_id, o_c_id, o_id)",
];

impl Table {
    /// How the `set`th of its like is made.
    pub(crate) fn create(&self, dialect: Dialect, set: u32) -> String {
        // History has no key, so there is no order to keep it in.
        let keyed = self.definition.contains("PRIMARY KEY");
        let end = if keyed || dialect == Dialect::Mariadb {
            "{clustered}"
        } else {
            ""
        };
        let template = format!("CREATE TABLE {}{{n}} ({}){end}", self.name, self.definition);
        dialect.sql(&template, set)
    }

    /// How `rows` rows are put into the `set`th of its like.
    pub(crate) fn insert(&self, dialect: Dialect, set: u32, rows: usize) -> String {
        let width = self.columns.split(',').count();
        let row = format!("({})", vec!["?"; width].join(", "));
        let template = format!(
            "INSERT INTO {}{{n}} ({}) VALUES {}",
            self.name,
            self.columns,
            vec![row; rows].join(", ")
        );
        dialect.sql(&template, set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dialect_says_it_in_its_words() {
        let template = "SELECT CAST(? AS {int}) FROM item{n} WHERE i_id = ?{lock}";
        let said = [Dialect::Sqlite, Dialect::Postgresql, Dialect::Mariadb].map(|it| it.sql(template, 3));
        assert_eq!(
            said,
            [
                "SELECT CAST(? AS BIGINT) FROM item3 WHERE i_id = ?",
                "SELECT CAST($1 AS BIGINT) FROM item3 WHERE i_id = $2 FOR UPDATE",
                "SELECT CAST(? AS SIGNED) FROM item3 WHERE i_id = ? FOR UPDATE",
            ]
        );
    }
}
