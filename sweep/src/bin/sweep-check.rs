//! Judges the histories in a folder. It reads files and nothing else, so that an old run can be judged again.

use anyhow::{Context, Result, ensure};
use std::{env, fs, path::PathBuf, process::ExitCode};
use sweep::{
    check,
    history::{self, Event},
    timeline,
};

/// So many failed cases are told whole: what is wrong with all is rarely more than one thing.
const WHOLE: usize = 5;

fn main() -> Result<ExitCode> {
    let folder = env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.context("usage: sweep-check FOLDER, with the histories of sweep-run in it")?;
    let entries = fs::read_dir(&folder).with_context(|| format!("list {}", folder.display()))?;
    let mut files = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .context("list histories")?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    ensure!(!files.is_empty(), "{} holds no history", folder.display());
    let mut failed = 0;
    for file in &files {
        let events = history::read(file)?;
        let wrong = check::judge(&events);
        if wrong.is_empty() {
            continue;
        }
        failed += 1;
        let (name, again) = match events.first() {
            Some(Event::Case { case, sweep_seed, .. }) => (
                case.name.clone(),
                sweep_seed.map(|seed| history::command(&case.name, seed)),
            ),
            _ => (file.display().to_string(), None),
        };
        println!("FAILED {name}");
        wrong.iter().for_each(|what| println!("    {what}"));
        println!("    history: {}", file.display());
        again.iter().for_each(|command| println!("    again: {command}"));
        if failed <= WHOLE {
            timeline::of(&events).iter().for_each(|line| println!("    {line}"));
        }
    }
    println!("{} cases, {failed} failed", files.len());
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
