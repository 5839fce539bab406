//! The durations that decisions use. Production minima are checked where they are read, see `config`.

use std::time::Duration;

/// Durations that decisions use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Nothing is sent under a claim so long after it was written.
    pub effect_deadline: Duration,
    /// How long one call to a directory may take.
    pub upstream_timeout: Duration,
    /// How long a claim that another process left is left alone; longer than deadline and timeout together.
    pub quarantine: Duration,
    /// A request created less than this after identity was enforced is not trusted.
    pub enforcement_margin: Duration,
    /// A wait is written to the status only after so long.
    pub wait_notice: Duration,
    /// How long a read-back may lag behind what was done.
    pub read_back: Duration,
    /// A reading older than this is not acted on.
    pub reading_age: Duration,
    /// A right that a requester lacks is asked for again after so long.
    pub rights_recheck: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Timing {
            effect_deadline: Duration::from_secs(10),
            upstream_timeout: Duration::from_secs(8),
            quarantine: Duration::from_secs(30),
            enforcement_margin: Duration::from_secs(10),
            wait_notice: Duration::from_secs(5),
            read_back: Duration::from_secs(30),
            reading_age: Duration::from_secs(5),
            rights_recheck: Duration::from_secs(30),
        }
    }
}
