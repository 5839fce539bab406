//! The figures, in the shape in which they are printed: one JSON object. A part that was not measured is null.

use std::fmt;

use serde::Serialize;

/// All figures.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    pub(crate) burst: Option<Burst>,
    pub(crate) steady: Option<Steady>,
    pub(crate) per_request: Option<PerRequest>,
    pub(crate) memory_mb: Option<Memory>,
    pub(crate) scale: Option<Scale>,
    /// CPU time is measured in bursts, and told beside the calls.
    #[serde(skip)]
    pub(crate) cpu: Option<Cpu>,
}

/// Requests that are made as fast as the API server takes them, until the last is seen finished.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Burst {
    pub(crate) n: usize,
    pub(crate) per_second: f64,
    pub(crate) peer_per_second: f64,
    /// Ours by the peer's: above 1 is faster.
    pub(crate) ratio: f64,
}

/// From just before a request is sent until a watch shows it finished, at a fixed rate.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Steady {
    pub(crate) rate: u32,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) peer_p50_ms: f64,
    pub(crate) peer_p99_ms: f64,
}

/// Calls to objects of readmit.dev, by the API server's own count, and CPU time of the controller.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PerRequest {
    pub(crate) unlock_writes: f64,
    /// Until it is finished; closing the ledger's entry afterwards is one more.
    pub(crate) reset_writes: f64,
    pub(crate) denied_writes: f64,
    pub(crate) reads: f64,
    pub(crate) cpu_ms: Option<f64>,
    pub(crate) peer_cpu_ms: Option<f64>,
}

/// Milliseconds of CPU time a request, user and system.
#[derive(Clone, Copy)]
pub(crate) struct Cpu {
    pub(crate) ours: f64,
    pub(crate) peers: f64,
}

/// Resident sets in MB (10^6 bytes).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Memory {
    pub(crate) idle: f64,
    pub(crate) finished10k: f64,
    pub(crate) waiting10k: f64,
    pub(crate) peer_idle: f64,
    pub(crate) peer_after10k: f64,
}

/// Restarting where many finished requests are kept.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Scale {
    pub(crate) retained: usize,
    /// From the start of the process until a request that was there is seen finished.
    pub(crate) restart_to_first_result_ms: f64,
    pub(crate) memory_mb: f64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}
