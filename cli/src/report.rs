//! `sealab report`: the reports of a record, made again.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use crate::Done;
use crate::arguments::ReportArguments;

pub(crate) fn report(arguments: &ReportArguments) -> Done {
    let run = sealab_record::read(&arguments.record)?;
    let beside = arguments
        .record
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let directory = arguments.out.as_deref().or(beside).unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory).map_err(|source| sealab_record::RecordError::Write {
        path: directory.to_owned(),
        source,
    })?;
    let written = sealab_report::write_all(&run, directory)?;
    writeln!(std::io::stdout(), "report: {}", written.html.display())?;
    Ok(ExitCode::SUCCESS)
}
