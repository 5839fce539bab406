//! Counting tests.

use std::fmt;
use std::ops::AddAssign;

/// How many tests ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

impl Tally {
    /// A command that is one test as a whole.
    pub(crate) fn one(success: bool) -> Self {
        Self {
            passed: usize::from(success),
            failed: usize::from(!success),
            skipped: 0,
        }
    }

    /// A command that was not run.
    pub(crate) fn one_skipped() -> Self {
        Self {
            skipped: 1,
            ..Self::default()
        }
    }

    /// Adds up lines like `test result: ok. 3 passed; 0 failed; 1 ignored; ...`. Ignored tests are skipped ones. A
    /// program that prints no such line is one test, and one that fails without naming a failure counts as one.
    pub(crate) fn of_libtest(output: &str, success: bool) -> Self {
        let results: Vec<&str> = output
            .lines()
            .filter(|line| line.starts_with("test result: "))
            .collect();
        if results.is_empty() {
            return Self::one(success);
        }
        let sum = |word: &str| results.iter().filter_map(|line| number_before(line, word)).sum();
        let mut tally = Self {
            passed: sum(" passed"),
            failed: sum(" failed"),
            skipped: sum(" ignored"),
        };
        if !success && tally.failed == 0 {
            tally.failed = 1;
        }
        tally
    }

    /// Moves tests that noted a skip, and so ended like passed ones, to where they belong: to the failed where all
    /// tests are required.
    pub(crate) fn with_skips(mut self, noted: usize, require_all: bool) -> Self {
        let noted = noted.min(self.passed);
        self.passed -= noted;
        self.skipped += noted;
        if require_all {
            self.failed += std::mem::take(&mut self.skipped);
        }
        self
    }

    /// Counts each process that a suite left running as a failure: tests end what they start.
    pub(crate) fn with_left_behind(mut self, count: usize) -> Self {
        self.failed += count;
        self
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)
        } else {
            Ok(())
        }
    }
}

fn number_before(line: &str, word: &str) -> Option<usize> {
    line[..line.find(word)?].rsplit(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
running 4 tests
test a ... ok
test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.17s

test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
";

    #[test]
    fn adds_up_all_results() {
        assert_eq!(
            Tally::of_libtest(OUTPUT, false),
            Tally {
                passed: 4,
                failed: 2,
                skipped: 1
            }
        );
    }

    #[test]
    fn a_crash_is_a_failure() {
        assert_eq!(
            Tally::of_libtest("running 2 tests\n", false),
            Tally {
                passed: 0,
                failed: 1,
                skipped: 0
            }
        );
        let ok = "test result: ok. 3 passed; 0 failed; 0 ignored;\n";
        assert_eq!(
            Tally::of_libtest(ok, false),
            Tally {
                passed: 3,
                failed: 1,
                skipped: 0
            }
        );
    }

    #[test]
    fn a_skip_is_never_a_pass_and_a_failure_where_all_are_required() {
        let tally = Tally {
            passed: 4,
            failed: 0,
            skipped: 1,
        };
        assert_eq!(
            tally.with_skips(2, false),
            Tally {
                passed: 2,
                failed: 0,
                skipped: 3
            }
        );
        assert_eq!(
            tally.with_skips(2, true),
            Tally {
                passed: 2,
                failed: 3,
                skipped: 0
            }
        );
    }

    #[test]
    fn the_last_line_names_skips_only_where_there_are_some() {
        assert_eq!(
            Tally {
                passed: 2,
                failed: 1,
                skipped: 0
            }
            .to_string(),
            "2 passed, 1 failed"
        );
        assert_eq!(
            Tally {
                passed: 2,
                failed: 0,
                skipped: 3
            }
            .to_string(),
            "2 passed, 0 failed, 3 skipped"
        );
    }
}
