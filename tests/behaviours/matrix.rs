//! What the rows saw, as the table in `docs/providers.md`. The suite itself compares the two, since servers must run
//! for it: with `READMIT_UPDATE_DOCS=1` it writes the table anew, and otherwise fails where they differ.

use crate::{PROVIDERS, cell::Verdict, table::BEHAVIOURS};
use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::Path,
    sync::{Condvar, Mutex},
};
use testkit::skip::{self, Missing};

const FILE: &str = "docs/providers.md";
const BEGIN: &str = "<!-- The matrix begins; written by tests/behaviours. -->\n";
const END: &str = "<!-- The matrix ends. -->";
/// Set to `1`, it has the suite write the table.
const UPDATE: &str = "READMIT_UPDATE_DOCS";

/// How a row ended on a provider.
enum Ended {
    Seen(Verdict),
    Skipped,
    Failed,
}

/// Collects what the rows see. Row and provider are places in [`BEHAVIOURS`] and [`PROVIDERS`].
pub struct Matrix {
    cells: Mutex<HashMap<(usize, usize), Ended>>,
    changed: Condvar,
}

impl Matrix {
    pub fn new() -> Self {
        Matrix {
            cells: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Runs a row and notes how it ended, also when it panics.
    pub fn note(&self, row: usize, provider: usize, run: impl FnOnce() -> Option<Verdict>) {
        let ran = catch_unwind(AssertUnwindSafe(run));
        let ended = match &ran {
            Ok(Some(verdict)) => Ended::Seen(verdict.clone()),
            Ok(None) => Ended::Skipped,
            Err(_) => Ended::Failed,
        };
        self.cells.lock().expect("no panic").insert((row, provider), ended);
        self.changed.notify_all();
        if let Err(panic) = ran {
            resume_unwind(panic);
        }
    }

    /// Waits for all rows, prints the table and compares it with the documentation.
    pub fn compare(&self) {
        let all = BEHAVIOURS.len() * PROVIDERS.len();
        let cells = self.cells.lock().expect("no panic");
        let cells = self
            .changed
            .wait_while(cells, |cells| cells.len() < all)
            .expect("no panic");
        assert!(
            cells.values().all(|ended| !matches!(ended, Ended::Failed)),
            "no matrix: rows failed"
        );
        let mut seen = HashMap::new();
        for (place, ended) in cells.iter() {
            let Ended::Seen(verdict) = ended else {
                let missing = Missing("the matrix needs every provider, and some were skipped".into());
                skip::unless_missing::<()>(Err(missing.into()));
                return;
            };
            seen.insert(*place, verdict);
        }
        compare(&table(&seen));
    }
}

fn compare(table: &str) {
    println!("{table}");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let text = std::fs::read_to_string(&file).expect("the page about providers");
    let (before, rest) = text.split_once(BEGIN).expect("the beginning of the matrix");
    let (old, after) = rest.split_once(END).expect("the end of the matrix");
    if old.trim() == table.trim() {
        return;
    }
    if std::env::var(UPDATE).is_ok_and(|value| value == "1") {
        let new = format!("{before}{BEGIN}\n{}\n\n{END}{after}", table.trim());
        std::fs::write(&file, new).expect("the page can be written");
        return;
    }
    panic!(
        "{FILE} shows another matrix than the suite saw; run it with {UPDATE}=1, look at the difference and commit \
         it:\n{table}"
    );
}

/// Reasons stand below the table, each once.
fn table(seen: &HashMap<(usize, usize), &Verdict>) -> String {
    let mut notes: Vec<String> = Vec::new();
    let names: Vec<&str> = PROVIDERS.iter().map(|(name, _)| *name).collect();
    let mut table = format!("| | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(names.len()));
    for (row, behaviour) in BEHAVIOURS.iter().enumerate() {
        table += &format!("| {} |", behaviour.text);
        for provider in 0..PROVIDERS.len() {
            let (word, why) = match seen[&(row, provider)] {
                Verdict::Passed => ("passed", None),
                Verdict::PassedAs(how) => ("passed", Some(*how)),
                Verdict::NotCapable(why) => ("not capable", Some(why.as_str())),
                Verdict::Lacking(why) => ("not there", Some(*why)),
            };
            table += &match why {
                None => format!(" {word} |"),
                Some(why) => format!(" {word} ({}) |", number(&mut notes, why)),
            };
        }
        table.push('\n');
    }
    table.push('\n');
    for (number, note) in notes.iter().enumerate() {
        table += &format!("{}. {note}\n", number + 1);
    }
    table
}

fn number(notes: &mut Vec<String>, note: &str) -> usize {
    let known = notes.iter().position(|old| old == note);
    known.map_or_else(
        || {
            notes.push(note.to_owned());
            notes.len()
        },
        |place| place + 1,
    )
}
