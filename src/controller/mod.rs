//! The operator's work: gather, decide, execute, record.

pub mod lease;

use tokio_util::sync::CancellationToken;

use crate::config::Config;

/// Runs the operator until the token is cancelled.
///
/// # Errors
/// Always, until the parts are wired.
pub async fn run(_: Config, _: CancellationToken) -> anyhow::Result<()> {
    anyhow::bail!("not wired")
}
