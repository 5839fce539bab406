//! The table that is printed: a row a suite, when it ends.

use std::time::Duration;

use super::tally::Tally;

/// What stands above the rows.
pub(super) fn header() {
    println!(
        "{:<44}{:>6}{:>8}{:>8}{:>9}{:>9}{:>8}",
        "suite", "run", "passed", "failed", "skipped", "seconds", "CPU s"
    );
}

/// How something that is counted ended.
pub(super) fn row(name: &str, tally: &Tally, time: Duration, cpu: Duration) {
    println!(
        "{name:<44}{:>6}{:>8}{:>8}{:>9}{:>9.1}{:>8.1}",
        tally.passed + tally.failed,
        tally.passed,
        tally.failed,
        tally.skipped,
        time.as_secs_f32(),
        cpu.as_secs_f32()
    );
}

/// What took time and is no test.
pub(super) fn uncounted(name: &str, time: Duration, cpu: Duration) {
    println!(
        "{name:<44}{:>6}{:>8}{:>8}{:>9}{:>9.1}{:>8.1}",
        "",
        "",
        "",
        "",
        time.as_secs_f32(),
        cpu.as_secs_f32()
    );
}
