//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// A benchmarking and conformance lab for the encryption of container data at rest.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say what this machine has for the lab: CPU profiles, engines, real programs
    Doctor,
    /// Show each engine with its library's version, what it implements and the code path it takes
    Engines(EnginesArguments),
    /// Make the reports of a run record again
    Report(ReportArguments),
    /// Run scenarios, print the table and write the record and its reports
    Run(RunArguments),
    /// List the shipped scenarios
    Scenarios,
    /// Print a JSON Schema
    Schema(SchemaArguments),
    /// One engine under one CPU profile, asked on standard input (started by `run` and `engines`)
    #[command(hide = true)]
    Worker(WorkerArguments),
}

#[derive(Args, Debug)]
pub(crate) struct EnginesArguments {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// The CPU profile to look under
    #[arg(long, value_name = "PROFILE", default_value = "native")]
    pub(crate) cpu: String,
}

#[derive(Args, Debug)]
pub(crate) struct ReportArguments {
    /// The run record
    #[arg(value_name = "RUN.json")]
    pub(crate) record: PathBuf,
    /// Where to write; the record's own folder if not given
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct RunArguments {
    /// Scenario files, or names of shipped scenarios (see `sealab scenarios`)
    #[arg(value_name = "SCENARIO", required_unless_present = "all")]
    pub(crate) scenarios: Vec<String>,
    /// Run every shipped scenario
    #[arg(long, conflicts_with = "scenarios")]
    pub(crate) all: bool,
    /// Where to write run.json, report.html, report.md and cells.csv
    #[arg(long, value_name = "DIR", default_value = "sealab-report")]
    pub(crate) out: PathBuf,
    /// Samples for each cell, in place of what the scenarios say
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(6..=1000))]
    pub(crate) rounds: Option<u32>,
    /// Print the record instead of the table
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct SchemaArguments {
    /// Of what
    pub(crate) of: SchemaOf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum SchemaOf {
    /// Run records, run.json
    Run,
    /// Scenario files
    Scenario,
}

#[derive(Args, Debug)]
pub(crate) struct WorkerArguments {
    /// The engine's identifier
    #[arg(long)]
    pub(crate) engine: String,
    /// The CPU profile that this process was started under
    #[arg(long)]
    pub(crate) cpu: String,
}
