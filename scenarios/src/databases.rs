//! Databases on volumes: what a `databases` block asks for.

mod cell;
mod image;

use std::collections::HashSet;
use std::fmt;

use schemars::JsonSchema;
use sealab_tpcc::sqlite::JournalMode;
use sealab_tpcc::{Loading, Tpcc, server};
use sealab_volume::format::FORMATS;
use serde::{Deserialize, Serialize};
use serde_saphyr::Spanned;

use crate::ScenarioError;
use crate::place::Place;
use crate::plan::Vocabulary;
use crate::selection::Selection;
use crate::volumes::StoreKind;

pub(crate) use cell::DatabaseCell;

/// What is counted in place of bytes.
pub(crate) const UNIT: &str = "transactions/s";
/// What chance begins with: every run loads the same rows.
const SEED: u64 = 1;

/// One block of databases: every combination of its lists is a cell.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatabaseBlock {
    /// The databases.
    #[schemars(with = "Vec<DatabaseKind>", length(min = 1))]
    pub databases: Spanned<Vec<DatabaseKind>>,
    /// Engines by identifier, or `all`.
    #[serde(default)]
    pub engines: Selection<String>,
    /// CPU profiles by identifier, or `all`.
    pub cpu_profiles: Selection<String>,
    /// Formats of volumes by identifier, or `all` that can be written.
    #[serde(default)]
    pub formats: Selection<String>,
    /// What the volumes lie on.
    #[schemars(with = "Vec<StoreKind>", length(min = 1))]
    pub stores: Spanned<Vec<StoreKind>>,
    /// What is done with them; each list entry with the words of sysbench-tpcc.
    #[schemars(with = "Vec<TpccWorkload>", length(min = 1))]
    pub tpcc: Spanned<Vec<Spanned<TpccWorkload>>>,
}

/// A database.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DatabaseKind {
    /// SQLite with a write-ahead log, within the worker.
    Sqlite,
    /// SQLite with a rollback journal, within the worker.
    SqliteDelete,
    /// A PostgreSQL server on ext4 on the volume.
    Postgresql,
    /// A MariaDB server on ext4 on the volume.
    Mariadb,
}

impl DatabaseKind {
    /// The bytes of its pages.
    fn page_bytes(self) -> u64 {
        match self {
            Self::Sqlite | Self::SqliteDelete => 4096,
            Self::Postgresql => 8192,
            Self::Mariadb => 16384,
        }
    }

    /// How it keeps transactions, if it is SQLite.
    fn sqlite(self) -> Option<JournalMode> {
        match self {
            Self::Sqlite => Some(JournalMode::Wal),
            Self::SqliteDelete => Some(JournalMode::Delete),
            Self::Postgresql | Self::Mariadb => None,
        }
    }
}

impl fmt::Display for DatabaseKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite => f.write_str("SQLite"),
            Self::SqliteDelete => f.write_str("SQLite, rollback journal"),
            Self::Postgresql => server::Kind::Postgresql.fmt(f),
            Self::Mariadb => server::Kind::Mariadb.fmt(f),
        }
    }
}

/// A workload like TPC-C, in the words of sysbench-tpcc.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TpccWorkload {
    /// Clients at a time, 1 to 256.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 256))]
    pub threads: u32,
    /// Sets of the nine tables, 1 to 100.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 100))]
    pub tables: u32,
    /// Warehouses in each set, 1 to 10,000; each has about 100 MB.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 10000))]
    pub scale: u32,
    /// How much a warehouse holds.
    #[serde(default)]
    pub loading: WarehouseLoading,
}

fn one() -> u32 {
    1
}

/// How much a warehouse holds at first.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WarehouseLoading {
    /// What the standard says.
    #[default]
    Full,
    /// A hundredth, for tests.
    Reduced,
}

impl TpccWorkload {
    pub(crate) fn parameters(self) -> Tpcc {
        Tpcc {
            threads: self.threads,
            tables: self.tables,
            scale: self.scale,
            loading: match self.loading {
                WarehouseLoading::Full => Loading::Full,
                WarehouseLoading::Reduced => Loading::Reduced,
            },
            seed: SEED,
        }
    }
}

/// One database × engine × CPU profile × format × store × workload, not yet run.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct DatabaseCellSpec {
    /// The database.
    pub database: DatabaseKind,
    /// The engine's identifier.
    pub engine: &'static str,
    /// The CPU profile's identifier.
    pub cpu_profile: String,
    /// The format's identifier.
    pub format: &'static str,
    /// What the volume lies on.
    pub store: StoreKind,
    /// What is done.
    pub tpcc: TpccWorkload,
}

impl DatabaseCellSpec {
    /// The workload with all its parameters but those that a cell has of its own.
    pub(crate) fn label(&self) -> String {
        let tpcc = self.tpcc;
        let warehouses = match tpcc.scale {
            1 => "1 warehouse".to_owned(),
            scale => format!("{scale} warehouses"),
        };
        let sets = match tpcc.tables {
            1 => String::new(),
            tables => format!(" in each of {tables} sets of tables"),
        };
        let reduced = match tpcc.loading {
            WarehouseLoading::Full => "",
            WarehouseLoading::Reduced => " (reduced)",
        };
        format!(
            "tpcc-like, {}, {warehouses}{sets}{reduced}, on {}",
            self.database, self.store
        )
    }

    /// The bytes of its database's pages.
    pub(crate) fn unit_bytes(&self) -> u64 {
        self.database.page_bytes()
    }
}

/// Cells that are measured in the same rounds: those that differ in engine, CPU profile and format alone.
pub(crate) fn groups(specs: &[DatabaseCellSpec]) -> Vec<Vec<&DatabaseCellSpec>> {
    let mut groups: Vec<Vec<&DatabaseCellSpec>> = Vec::new();
    for spec in specs {
        let kin = |group: &&mut Vec<&DatabaseCellSpec>| {
            group.first().is_some_and(|first| {
                first.database == spec.database && first.store == spec.store && first.tpcc == spec.tpcc
            })
        };
        match groups.iter_mut().find(kin) {
            Some(group) => group.push(spec),
            None => groups.push(vec![spec]),
        }
    }
    groups
}

/// Multiplies the blocks out.
pub(crate) fn plan_databases(
    blocks: &[DatabaseBlock],
    words: &Vocabulary,
    place: &Place<'_>,
) -> Result<Vec<DatabaseCellSpec>, ScenarioError> {
    let mut specs: Vec<DatabaseCellSpec> = Vec::new();
    for block in blocks {
        let location = block.databases.referenced;
        let engines = place.selected("engine", &block.engines, &words.engines, location)?;
        let profiles = place.selected("CPU profile", &block.cpu_profiles, &words.cpu_profiles, location)?;
        let writable = FORMATS.iter().filter(|format| format.writable());
        let ids: Vec<&'static str> = writable.map(|format| format.id()).collect();
        let formats = place.selected("format", &block.formats, &ids, location)?;
        place.filled("databases", &block.databases.value, location)?;
        place.filled("stores", &block.stores.value, block.stores.referenced)?;
        place.filled("tpcc", &block.tpcc.value, block.tpcc.referenced)?;
        for tpcc in &block.tpcc.value {
            if let Err(error) = tpcc.value.parameters().validate() {
                return Err(place.error(tpcc.referenced, error.to_string()));
            }
            for database in &block.databases.value {
                for store in &block.stores.value {
                    for format in &formats {
                        for cpu_profile in &profiles {
                            specs.extend(engines.iter().map(|engine| DatabaseCellSpec {
                                database: *database,
                                engine,
                                cpu_profile: cpu_profile.clone(),
                                format,
                                store: *store,
                                tpcc: tpcc.value,
                            }));
                        }
                    }
                }
            }
        }
    }
    let mut seen = HashSet::new();
    specs.retain(|spec| seen.insert(spec.clone()));
    Ok(specs)
}
