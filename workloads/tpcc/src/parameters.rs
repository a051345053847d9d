//! The workload's parameters, by the names of sysbench-tpcc.

use crate::error::TpccError;

/// A workload: how many tables there are, and how many clients work on them.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Tpcc {
    /// Clients at a time, each with a session, 1 to 256. They neither think nor type.
    pub threads: u32,
    /// Sets of the nine tables, 1 to 100; each transaction takes one set by chance.
    pub tables: u32,
    /// Warehouses in each set, 1 to 10,000.
    pub scale: u32,
    /// How much each warehouse holds.
    pub loading: Loading,
    /// What chance begins with. The same seed loads the same rows.
    pub seed: u64,
}

/// How much a warehouse holds at first.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Loading {
    /// As the standard has it: 100,000 items, 3,000 customers with an order each in every district.
    Full,
    /// 1,000 items and 60 customers a district, for tests. What it measures says nothing about a full one.
    Reduced,
}

impl Loading {
    /// Items in a set, and rows of stock in a warehouse.
    pub fn items(self) -> u64 {
        match self {
            Self::Full => 100_000,
            Self::Reduced => 1_000,
        }
    }

    /// Customers in a district, and orders at first.
    pub fn customers(self) -> u64 {
        match self {
            Self::Full => 3_000,
            Self::Reduced => 60,
        }
    }

    /// Orders of a district that are delivered at first: seven of ten, as in the standard.
    pub(crate) fn delivered(self) -> u64 {
        self.customers() * 7 / 10
    }
}

/// Districts in a warehouse.
pub(crate) const DISTRICTS: u64 = 10;

impl Tpcc {
    /// That the parameters make a workload.
    pub fn validate(&self) -> Result<(), TpccError> {
        let within = |name, found: u32, most: u32, expected| {
            if (1..=most).contains(&found) {
                return Ok(());
            }
            Err(TpccError::Parameter {
                name,
                found: found.into(),
                expected,
            })
        };
        within("threads", self.threads, 256, "1 to 256")?;
        within("tables", self.tables, 100, "1 to 100")?;
        within("scale", self.scale, 10_000, "1 to 10,000")
    }

    /// The bytes of a volume that has room for the rows at first and as many again of what grows, in any of the databases'
    /// formats; a generous estimate.
    pub fn volume_bytes(&self) -> u64 {
        let warehouses = u64::from(self.scale) * u64::from(self.tables);
        let each = self.loading.items() * 450 + DISTRICTS * self.loading.customers() * 3_000;
        (64 << 20) + u64::from(self.tables) * self.loading.items() * 120 + warehouses * each
    }
}
