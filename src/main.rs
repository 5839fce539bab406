//! The operator's process: reads the configuration, starts what it says, turns signals into a stop and errors into
//! exit codes: 1 when the work failed, 2 when the configuration is wrong. Anything testable belongs into the library.

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use readmit::config::{self, Command, Config};
use readmit::{controller, manifests, observe::logs};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

fn main() -> ExitCode {
    let result = match config::parse(std::env::args_os()) {
        Ok(Command::Run(config)) => operate(*config),
        Ok(Command::Crds) => print_crds(),
        Ok(Command::Admission {
            namespace,
            service_account,
            without_stamp,
        }) => print(&if without_stamp {
            manifests::admission_yaml_without_stamp(&namespace, &service_account)
        } else {
            manifests::admission_yaml(&namespace, &service_account)
        }),
        Ok(Command::Version) => print(concat!("readmit ", env!("CARGO_PKG_VERSION"), "\n")),
        Err(error) => return ExitCode::from(error.report()),
    };
    let Err(error) = result else { return ExitCode::SUCCESS };
    eprintln!("readmit: {error:#}");
    ExitCode::FAILURE
}

#[tokio::main]
async fn operate(config: Config) -> anyhow::Result<()> {
    // Before anything that could use TLS, so that everything uses the same one.
    let installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    installed.map_err(|_| anyhow!("another TLS provider was installed before ours; report this as a bug"))?;
    logs::init(config.log_format, &config.log_filter).context("start the log")?;
    let stop = CancellationToken::new();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let on_signal = stop.clone();
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => (), _ = interrupt.recv() => () }
        tracing::info!("stopping: letting what was begun end");
        on_signal.cancel();
    });
    // The operator itself begins here; everything above is the process around it.
    controller::run(config, stop).await
}

fn print_crds() -> anyhow::Result<()> {
    let files = manifests::crds_yaml().context("write the CRDs as YAML")?;
    print(
        &files
            .iter()
            .map(|file| format!("---\n{}", file.yaml))
            .collect::<String>(),
    )
}

fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("write to standard output"),
    }
}
