//! The `sealab` command: reads the command line and calls the crates that do the work.
//!
//! Exit codes: 0, done and all held; 1, something measured or checked did not hold; 2, the call, a file or the set-up
//! is wrong; 130, ended by the user.

mod arguments;
mod attack;
mod candidates;
mod checkpoint;
mod conform;
mod doctor;
mod engine;
mod engines;
mod failure;
mod interrupt;
mod keys;
mod layer;
mod progress;
mod report;
mod run;
mod scenarios;
mod volume;
mod worker;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};
use failure::Failure;

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Attack(arguments) => attack::attack(&arguments),
        Command::Checkpoint(command) => checkpoint::checkpoint(&command),
        Command::Conform(arguments) => conform::conform(&arguments),
        Command::Doctor => doctor::doctor(),
        Command::Engines(arguments) => engines::engines(&arguments),
        Command::Layer(command) => layer::layer(&command),
        Command::Mixture(arguments) => match sealab_criu::mixture(arguments.size, &arguments.status) {
            Ok(never) => match never {},
            Err(error) => Err(Failure::Usage(format!("{}: {error}", arguments.status.display()))),
        },
        Command::Report(arguments) => report::report(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Scenarios => scenarios::list(),
        Command::Schema(arguments) => scenarios::schema(&arguments),
        Command::Volume(command) => volume::volume(&command),
        Command::Worker(arguments) => worker::worker(&arguments),
    };
    match done {
        Ok(code) => code,
        Err(failure) => {
            if !failure.is_broken_pipe() {
                // Nobody is left to tell that standard error is gone.
                let _ = writeln!(std::io::stderr(), "sealab: {failure}");
            }
            failure.exit_code()
        }
    }
}

/// What a command returns: an exit code, or a failure that is told in one line.
type Done = Result<ExitCode, Failure>;
