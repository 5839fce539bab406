//! How long the simulated services take to answer.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A fixed delay plus an even spread, in milliseconds, before each call takes effect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Latency {
    pub base_ms: u64,
    pub spread_ms: u64,
}

impl Latency {
    /// Draws one delay.
    pub fn draw(&self) -> Duration {
        let spread = if self.spread_ms == 0 {
            0
        } else {
            rand::random_range(0..=self.spread_ms)
        };
        Duration::from_millis(self.base_ms + spread)
    }
}
