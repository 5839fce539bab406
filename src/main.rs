//! The operator's process: reads the configuration, starts what it says, turns signals into a stop and errors into
//! exit codes: 1 when the work failed, 2 when the configuration is wrong. Anything testable belongs into the library.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::unreachable
    )
)]

use std::process::ExitCode;

use anyhow::{Context, anyhow};
use readmit::config::{self, Command, Config};
use readmit::{controller, observe::logs, output};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

// What a storm of requests leaves behind is given back: with the C library's allocator a fifth more stays resident
// (docs/performance.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub(crate) fn main() -> ExitCode {
    let result = match config::parse(std::env::args_os()) {
        Ok(Command::Run(config)) => operate(*config),
        Ok(Command::Print(printed)) => output::print(&printed),
        Err(error) => return ExitCode::from(error.report()),
    };
    let Err(error) = result else { return ExitCode::SUCCESS };
    eprintln!("readmit: {error:#}");
    ExitCode::FAILURE
}

// One thread: the work is waiting for others, and handing it from core to core cost a fifth of the CPU time
// (docs/performance.md). Nothing here computes for long; what does belongs on a thread of its own.
#[tokio::main(flavor = "current_thread")]
async fn operate(config: Config) -> anyhow::Result<()> {
    // Before anything that could use TLS, so that everything uses the same one.
    let installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    installed.map_err(|_| anyhow!("another TLS provider was installed before ours; report this as a bug"))?;
    logs::init(config.log_format, &config.log_filter).context("start the log")?;
    let stop = CancellationToken::new();
    cancel_on_signal(stop.clone())?;
    // The operator itself begins here; everything else is the process around it.
    controller::run(config, stop).await
}

/// SIGTERM is how Kubernetes ends a pod, SIGINT how people do.
fn cancel_on_signal(stop: CancellationToken) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => (), _ = interrupt.recv() => () }
        tracing::info!("stopping; what was begun is ended first");
        stop.cancel();
    });
    Ok(())
}
