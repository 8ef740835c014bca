//! `tokenwright man [DIR]`.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory as _};
use clap_mangen::Man;

use crate::cli::arguments::Arguments;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::Output;

/// Arguments of `man`.
#[derive(Debug, Args)]
pub(crate) struct ManArguments {
    /// Write one page for each command into this folder
    dir: Option<PathBuf>,
}

pub(crate) fn run(arguments: &ManArguments, output: &mut Output) -> Result<Exit, Failure> {
    let mut command = Arguments::command();
    command.build();
    let Some(dir) = &arguments.dir else {
        let page = render(command)?;
        output.verbatim(&page)?;
        return Ok(Exit::Done);
    };
    fs::create_dir_all(dir).map_err(|error| Failure::file("create", dir, &error))?;
    let count = write_pages(command, dir)?;
    output.note(format!("wrote {count} pages to {}", dir.display()));
    Ok(Exit::Done)
}

/// Writes the page of a command and those of the commands below it.
fn write_pages(command: clap::Command, dir: &Path) -> Result<usize, Failure> {
    let name = command
        .get_display_name()
        .unwrap_or("tokenwright")
        .to_owned();
    let path = dir.join(format!("{name}.1"));
    let mut count: usize = 1;
    for below in command.get_subcommands() {
        count = count.saturating_add(write_pages(below.clone(), dir)?);
    }
    let page = render(command)?;
    fs::write(&path, page).map_err(|error| Failure::file("write", &path, &error))?;
    Ok(count)
}

fn render(command: clap::Command) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    Man::new(command)
        .render(&mut page)
        .map_err(|error| Failure::new("io", Exit::Operator, error))?;
    Ok(page)
}
