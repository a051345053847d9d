//! The standard's consistency conditions (clause 3.3.2), each as a question for what breaks it.

use std::fmt;

use crate::backend::{Backend, Value};
use crate::error::TpccError;
use crate::parameters::Tpcc;

/// One of the standard's twelve.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Condition {
    /// Its number in clause 3.3.2.
    pub number: u32,
    /// What must hold.
    pub meaning: &'static str,
    /// Counts the rows for which it does not. A `?` stands for the orders of a district that were delivered at first.
    violations: &'static str,
}

/// What was found of one condition in one set of tables.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Finding {
    /// The condition.
    pub condition: Condition,
    /// The set of tables, 1 being the first.
    pub set: u32,
    /// Rows for which it does not hold.
    pub violations: u64,
}

impl Finding {
    /// Whether it holds.
    pub fn held(&self) -> bool {
        self.violations == 0
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            condition,
            set,
            violations,
        } = self;
        write!(
            f,
            "consistency condition {} in set {set}, {}: ",
            condition.number, condition.meaning
        )?;
        match violations {
            0 => f.write_str("holds"),
            rows => write!(f, "does not hold for {rows} rows; right would be 0"),
        }
    }
}

/// All twelve. The eleventh is said of the first rows only; with the orders delivered since, it holds at any time.
pub const CONDITIONS: [Condition; 12] = [
    Condition {
        number: 1,
        meaning: "a warehouse was paid what its districts were paid",
        violations: "SELECT COUNT(*) FROM warehouse{n} WHERE w_ytd <> \
            COALESCE((SELECT SUM(d_ytd) FROM district{n} WHERE d_w_id = w_id), -1)",
    },
    Condition {
        number: 2,
        meaning: "the number after a district's last order is its next",
        violations: "SELECT COUNT(*) FROM district{n} WHERE d_next_o_id - 1 <> \
            COALESCE((SELECT MAX(o_id) FROM orders{n} WHERE o_w_id = d_w_id AND o_d_id = d_id), 0) \
            OR d_next_o_id - 1 <> COALESCE((SELECT MAX(no_o_id) FROM new_orders{n} \
            WHERE no_w_id = d_w_id AND no_d_id = d_id), d_next_o_id - 1)",
    },
    Condition {
        number: 3,
        meaning: "a district's new orders have numbers without a gap",
        violations: "SELECT COUNT(*) FROM (SELECT MAX(no_o_id) - MIN(no_o_id) + 1 AS span, COUNT(*) AS there \
            FROM new_orders{n} GROUP BY no_w_id, no_d_id) AS spans WHERE span <> there",
    },
    Condition {
        number: 4,
        meaning: "a district has as many lines as its orders say",
        violations: "SELECT COUNT(*) FROM district{n} WHERE \
            COALESCE((SELECT SUM(o_ol_cnt) FROM orders{n} WHERE o_w_id = d_w_id AND o_d_id = d_id), 0) <> \
            (SELECT COUNT(*) FROM order_line{n} WHERE ol_w_id = d_w_id AND ol_d_id = d_id)",
    },
    Condition {
        number: 5,
        meaning: "an order has no carrier exactly while it is new",
        violations: "SELECT (SELECT COUNT(*) FROM orders{n} LEFT JOIN new_orders{n} \
            ON no_w_id = o_w_id AND no_d_id = o_d_id AND no_o_id = o_id \
            WHERE (o_carrier_id IS NULL) <> (no_o_id IS NOT NULL)) + \
            (SELECT COUNT(*) FROM new_orders{n} LEFT JOIN orders{n} \
            ON no_w_id = o_w_id AND no_d_id = o_d_id AND no_o_id = o_id WHERE o_id IS NULL)",
    },
    Condition {
        number: 6,
        meaning: "an order has as many lines as it says",
        violations: "SELECT COUNT(*) FROM orders{n} WHERE o_ol_cnt <> (SELECT COUNT(*) FROM order_line{n} \
            WHERE ol_w_id = o_w_id AND ol_d_id = o_d_id AND ol_o_id = o_id)",
    },
    Condition {
        number: 7,
        meaning: "a line has no time of delivery exactly while its order has no carrier",
        violations: "SELECT COUNT(*) FROM order_line{n} JOIN orders{n} \
            ON o_w_id = ol_w_id AND o_d_id = ol_d_id AND o_id = ol_o_id \
            WHERE (ol_delivery_d IS NULL) <> (o_carrier_id IS NULL)",
    },
    Condition {
        number: 8,
        meaning: "a warehouse was paid what its history says",
        violations: "SELECT COUNT(*) FROM warehouse{n} LEFT JOIN (SELECT h_w_id, SUM(h_amount) AS paid \
            FROM history{n} GROUP BY h_w_id) AS payments ON h_w_id = w_id WHERE w_ytd <> COALESCE(paid, 0)",
    },
    Condition {
        number: 9,
        meaning: "a district was paid what its history says",
        violations: "SELECT COUNT(*) FROM district{n} LEFT JOIN (SELECT h_w_id, h_d_id, SUM(h_amount) AS paid \
            FROM history{n} GROUP BY h_w_id, h_d_id) AS payments ON h_w_id = d_w_id AND h_d_id = d_id \
            WHERE d_ytd <> COALESCE(paid, 0)",
    },
    Condition {
        number: 10,
        meaning: "a customer's balance is what was delivered less what the history says was paid",
        violations: "SELECT COUNT(*) FROM customer{n} LEFT JOIN (SELECT o_w_id, o_d_id, o_c_id, \
            SUM(ol_amount) AS bought FROM orders{n} JOIN order_line{n} \
            ON ol_w_id = o_w_id AND ol_d_id = o_d_id AND ol_o_id = o_id \
            WHERE ol_delivery_d IS NOT NULL GROUP BY o_w_id, o_d_id, o_c_id) AS delivered \
            ON o_w_id = c_w_id AND o_d_id = c_d_id AND o_c_id = c_id \
            LEFT JOIN (SELECT h_c_w_id, h_c_d_id, h_c_id, SUM(h_amount) AS paid FROM history{n} \
            GROUP BY h_c_w_id, h_c_d_id, h_c_id) AS payments \
            ON h_c_w_id = c_w_id AND h_c_d_id = c_d_id AND h_c_id = c_id \
            WHERE c_balance <> COALESCE(bought, 0) - COALESCE(paid, 0)",
    },
    Condition {
        number: 11,
        meaning: "a district's orders are those delivered at first, those delivered since, and the new ones",
        violations: "SELECT COUNT(*) FROM district{n} WHERE \
            (SELECT COUNT(*) FROM orders{n} WHERE o_w_id = d_w_id AND o_d_id = d_id) - \
            (SELECT COUNT(*) FROM new_orders{n} WHERE no_w_id = d_w_id AND no_d_id = d_id) - \
            COALESCE((SELECT SUM(c_delivery_cnt) FROM customer{n} WHERE c_w_id = d_w_id AND c_d_id = d_id), 0) \
            <> CAST(? AS {int})",
    },
    Condition {
        number: 12,
        meaning: "a customer's balance and payments are together what was delivered",
        violations: "SELECT COUNT(*) FROM customer{n} LEFT JOIN (SELECT o_w_id, o_d_id, o_c_id, \
            SUM(ol_amount) AS bought FROM orders{n} JOIN order_line{n} \
            ON ol_w_id = o_w_id AND ol_d_id = o_d_id AND ol_o_id = o_id \
            WHERE ol_delivery_d IS NOT NULL GROUP BY o_w_id, o_d_id, o_c_id) AS delivered \
            ON o_w_id = c_w_id AND o_d_id = c_d_id AND o_c_id = c_id \
            WHERE c_balance + c_ytd_payment <> COALESCE(bought, 0)",
    },
];

/// Asks `backend`, which was loaded for `tpcc` and on which no client works, for what breaks each condition in each set.
pub fn check(tpcc: &Tpcc, backend: &dyn Backend) -> Result<Vec<Finding>, TpccError> {
    let mut session = backend.session()?;
    let mut findings = Vec::new();
    for set in 1..=tpcc.tables {
        for condition in CONDITIONS {
            let sql = backend.dialect().sql(condition.violations, set);
            let parameters: &[Value] = match condition.violations.contains('?') {
                true => &[tpcc.loading.delivered().into()],
                false => &[],
            };
            let asking = format!("asking for consistency condition {}", condition.number);
            let rows = session
                .query(&sql, parameters)
                .map_err(TpccError::doing(asking))?;
            // Without a number nothing is known to hold.
            let violations = match rows.first().and_then(|row| row.first()) {
                Some(Value::Int(rows)) => rows.unsigned_abs(),
                _ => u64::MAX,
            };
            findings.push(Finding {
                condition,
                set,
                violations,
            });
        }
    }
    Ok(findings)
}
