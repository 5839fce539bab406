//! How much is measured.

use std::time::Duration;

/// How much is measured.
pub(crate) struct Plan {
    /// How often all of it is done; figures are medians.
    pub(crate) runs: usize,
    /// Bursts of each subject before anything is measured.
    pub(crate) settling: usize,
    /// Bursts of each subject in a run, in turns: single ones differ by a tenth, so that the ratio of 21 pairs is known to
    /// some 0.02, and that of three to no more than 0.06.
    pub(crate) bursts: usize,
    /// Requests of a burst.
    pub(crate) burst: usize,
    /// Requests a second under steady load.
    pub(crate) rate: u32,
    /// How long that lasts.
    pub(crate) steady: Duration,
    /// Requests of each sort of which the calls are counted.
    pub(crate) counted: usize,
    /// Requests that are held, finished or waiting, when memory is measured.
    pub(crate) held: usize,
    /// Finished requests on the API server when the operator is restarted.
    pub(crate) retained: Option<usize>,
    /// How long a subject is left alone before its memory is read.
    pub(crate) rest: Duration,
}

impl Plan {
    /// What the figures in docs/performance.md are from.
    pub(crate) fn full() -> Self {
        Plan {
            runs: 3,
            settling: 2,
            bursts: 7,
            burst: 5_000,
            rate: 100,
            // The slowest hundredth are those that meet a garbage collection of the API server: some dozens must be met.
            steady: Duration::from_secs(60),
            counted: 100,
            held: 10_000,
            retained: Some(100_000),
            rest: Duration::from_secs(5),
        }
    }

    /// Enough to see that everything works.
    pub(crate) fn quick() -> Self {
        Plan {
            runs: 1,
            settling: 1,
            bursts: 1,
            burst: 500,
            steady: Duration::from_secs(3),
            counted: 20,
            held: 500,
            retained: None,
            rest: Duration::from_secs(2),
            ..Plan::full()
        }
    }
}
