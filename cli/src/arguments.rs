//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::checkpoint::CheckpointCommand;
use crate::layer::LayerCommand;
use crate::volume::VolumeCommand;

/// A benchmarking and conformance lab for the encryption of container data at rest.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Do to sealed data what adversaries do, and hold each format to the verdicts that it should earn
    Attack(AttackArguments),
    /// Seal, open, show and verify sets of CRIU images
    #[command(subcommand)]
    Checkpoint(CheckpointCommand),
    /// Hold engines, and implementations in other languages, to the golden vectors
    Conform(ConformArguments),
    /// Say what this machine has for the lab: CPU profiles, engines, real programs
    Doctor,
    /// Show each engine with its library's version, what it implements and the code path it takes
    Engines(EnginesArguments),
    /// Encrypt, decrypt, rewrap and show the layers of container images
    #[command(subcommand)]
    Layer(LayerCommand),
    /// Fill memory and verify it without end: the program that `run` has dumped
    #[command(hide = true)]
    Mixture(MixtureArguments),
    /// Make the reports of a run record again
    Report(ReportArguments),
    /// Run scenarios, print the table and write the record and its reports
    Run(RunArguments),
    /// List the shipped scenarios
    Scenarios,
    /// Print a JSON Schema
    Schema(SchemaArguments),
    /// Make, serve, check and show volumes
    #[command(subcommand)]
    Volume(VolumeCommand),
    /// Speak the harness protocol for one engine, on standard input and output
    Worker(WorkerArguments),
}

#[derive(Args, Debug)]
pub(crate) struct AttackArguments {
    /// Formats to attack (see --list); all if not given
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Vec<String>,
    /// Acts to try (see --list); all if not given
    #[arg(long, value_name = "ACT")]
    pub(crate) act: Vec<String>,
    /// How many states after a power cut are looked at for each format, for the acts whose names begin with crash
    #[arg(long, value_name = "N", default_value_t = sealab_attack::volume::POWER_CUTS.states)]
    pub(crate) crash_states: u64,
    /// The seed by which they are chosen where there are more
    #[arg(long, value_name = "SEED", default_value_t = sealab_attack::volume::POWER_CUTS.seed)]
    pub(crate) crash_seed: u64,
    /// List the formats and the acts and end
    #[arg(long)]
    pub(crate) list: bool,
    /// Where to write attack.json, attack.md and attack.html
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Where to write the findings as JSON; - for standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct ConformArguments {
    /// Vectors to run: a suite's name or an algorithm's (see --list); all if not given
    #[arg(long, value_name = "SUITE")]
    pub(crate) suite: Vec<String>,
    /// One case alone, by its number; with one suite
    #[arg(long, value_name = "NUMBER", requires = "suite")]
    pub(crate) case: Option<u32>,
    /// Further vector files, of the format that vectors/schema.json describes
    #[arg(long, value_name = "FILE")]
    pub(crate) vectors: Vec<PathBuf>,
    /// Engines to hold to them; every engine if neither --engine nor --harness is given
    #[arg(long, value_name = "ENGINE")]
    pub(crate) engine: Vec<String>,
    /// Harnesses to hold to them: a name of the list, an executable file, or a command with arguments between blanks
    #[arg(long, value_name = "HARNESS")]
    pub(crate) harness: Vec<String>,
    /// CPU profiles (see `sealab doctor`) and emulated CPUs (qemu-Nehalem, qemu-Westmere, qemu-Haswell, qemu-max);
    /// all if not given
    #[arg(long, value_name = "PROFILE")]
    pub(crate) cpu: Vec<String>,
    /// The folder of harnesses.yaml; by default ./harnesses, else the one of the build that this program stands in
    #[arg(long, value_name = "DIR")]
    pub(crate) harnesses: Option<PathBuf>,
    /// Take what is missing on this machine for a failure
    #[arg(long)]
    pub(crate) strict: bool,
    /// List the suites and end
    #[arg(long)]
    pub(crate) list: bool,
    /// Where to write conformance.json, junit.xml, conformance.md and conformance.html
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Where to write the results as JSON; - for standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
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
pub(crate) struct MixtureArguments {
    /// How much memory
    #[arg(value_name = "BYTES")]
    pub(crate) size: sealab_memory::ByteSize,
    /// Where to write its count
    #[arg(value_name = "FILE")]
    pub(crate) status: PathBuf,
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
    /// The engine's identifier, or `keys` for key wrapping
    #[arg(long)]
    pub(crate) engine: String,
    /// The CPU profile that this process was started under
    #[arg(long, default_value = "native")]
    pub(crate) cpu: String,
    /// Take measurements in place of the harness protocol, as `run` has it done
    #[arg(long, hide = true)]
    pub(crate) measure: bool,
}
