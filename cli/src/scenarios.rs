//! `sealab scenarios` and `sealab schema`.

use std::io::Write;
use std::process::ExitCode;

use sealab_scenario::SHIPPED;

use crate::Done;
use crate::arguments::{SchemaArguments, SchemaOf};

pub(crate) fn list() -> Done {
    let width = SHIPPED.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, text) in SHIPPED {
        let scenario = sealab_scenario::parse(text, name)?;
        writeln!(std::io::stdout(), "{name:width$}  {}", scenario.title)?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn schema(arguments: &SchemaArguments) -> Done {
    let schema = match arguments.of {
        SchemaOf::Run => sealab_record::json_schema(),
        SchemaOf::Scenario => sealab_scenario::json_schema(),
    };
    writeln!(std::io::stdout(), "{schema:#}")?;
    Ok(ExitCode::SUCCESS)
}
