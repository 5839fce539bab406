//! What the process was told by flags and environment, checked once at the start: everything after this trusts it.
//!
//! Every flag has a variable `READMIT_...`. What a platform team decides while the operator runs belongs in Directory
//! and AccountPolicy instead.

mod checks;
pub mod delay;
mod flags;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use clap::Parser;
use rand::distr::{Alphanumeric, SampleString};

use crate::domain::settings::Timing;
use flags::{Cli, RunFlags, Sub, TimingFlags};

pub use flags::LogFormat;

/// The namespace of the operator where nothing else is said.
pub const DEFAULT_NAMESPACE: &str = "readmit-system";
/// The service account of the operator where nothing else is said.
pub const DEFAULT_SERVICE_ACCOUNT: &str = "readmit";

/// Where Kubernetes mounts the namespace of a pod.
const MOUNTED_NAMESPACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// What the process is to do.
#[derive(Debug)]
pub enum Command {
    /// Run the operator.
    Run(Box<Config>),
    /// Print a text and end.
    Print(Printed),
}

/// What can be printed.
#[derive(Debug, PartialEq, Eq)]
pub enum Printed {
    /// The CRDs.
    Crds,
    /// The admission policies for an operator with this service account.
    Admission {
        /// Its namespace.
        namespace: String,
        /// Its name.
        service_account: String,
        /// Whether to leave out what needs Kubernetes 1.36.
        without_stamp: bool,
    },
    /// The version.
    Version,
}

/// How the operator runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Namespace of the operator, its Secrets and its lease.
    pub namespace: String,
    /// Service account that the operator runs under.
    pub service_account: String,
    /// Name of this replica, different for each process.
    pub identity: String,
    /// Address of health and metrics.
    pub listen: SocketAddr,
    /// Format of the log.
    pub log_format: LogFormat,
    /// What to log, in the syntax of `tracing_subscriber::EnvFilter`.
    pub log_filter: String,
    /// How many requests are worked on at once.
    pub workers: usize,
    /// How replicas take turns; `None` where they do not.
    pub lease: Option<LeaseSettings>,
    /// The durations that decisions use.
    pub timing: Timing,
}

/// How replicas take turns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseSettings {
    /// Name of the Lease, in [`Config::namespace`].
    pub name: String,
    /// How long after its last renewal it keeps others waiting; whole seconds.
    pub duration: Duration,
    /// How often it is renewed; at most a third of the duration.
    pub renew: Duration,
}

/// Why there is no [`Command`].
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The command line could not be read, or asked for help; the text is complete.
    #[error(transparent)]
    Syntax(#[from] clap::Error),
    /// Values that do not go together or are not safe, each with what to set.
    #[error("{}", .0.join("\n"))]
    Values(Vec<String>),
}

impl ConfigError {
    /// Prints the text where it belongs, and gives the exit code: 2, or 0 where help was asked for.
    pub fn report(&self) -> u8 {
        match self {
            ConfigError::Syntax(error) => {
                // A closed terminal is no reason for another exit code.
                let _ = error.print();
                u8::try_from(error.exit_code()).unwrap_or(2)
            }
            ConfigError::Values(faults) => {
                for fault in faults {
                    eprintln!("readmit: bad configuration: {fault}");
                }
                2
            }
        }
    }
}

/// Reads a command line, the program's name first, and the environment.
///
/// # Errors
/// As [`ConfigError`] says; all faulty values at once.
pub fn parse<I>(args: I) -> Result<Command, ConfigError>
where
    I: IntoIterator,
    I::Item: Into<OsString>,
{
    let args = args.into_iter().map(Into::into).collect();
    match Cli::try_parse_from(flags::with_subcommand(args))?.command {
        Sub::Run(flags) => run(*flags),
        Sub::Crds => Ok(Command::Print(Printed::Crds)),
        Sub::Version => Ok(Command::Print(Printed::Version)),
        Sub::Admission(flags) => {
            let mut faults = Vec::new();
            checks::name(&mut faults, "namespace", &flags.namespace, 63);
            checks::name(&mut faults, "service-account", &flags.service_account, 253);
            checks::conclude(faults)?;
            Ok(Command::Print(Printed::Admission {
                namespace: flags.namespace,
                service_account: flags.service_account,
                without_stamp: flags.without_stamp,
            }))
        }
    }
}

fn run(flags: RunFlags) -> Result<Command, ConfigError> {
    let lease = flags.lease.lease.then_some(LeaseSettings {
        name: flags.lease.lease_name,
        duration: flags.lease.lease_duration,
        renew: flags.lease.lease_renew,
    });
    let config = Config {
        namespace: flags
            .namespace
            .unwrap_or_else(|| namespace(Path::new(MOUNTED_NAMESPACE))),
        service_account: flags.service_account,
        identity: flags.identity.unwrap_or_else(identity),
        listen: flags.listen,
        log_format: flags.log_format,
        log_filter: flags.log,
        workers: flags.workers,
        lease,
        timing: timing(&flags.timing),
    };
    checks::conclude(checks::config(&config, flags.timing.allow_short_timings))?;
    Ok(Command::Run(Box::new(config)))
}

fn timing(flags: &TimingFlags) -> Timing {
    Timing {
        effect_deadline: flags.effect_deadline,
        upstream_timeout: flags.upstream_timeout,
        quarantine: flags.quarantine,
        enforcement_margin: flags.enforcement_margin,
        wait_notice: flags.wait_notice,
        read_back: flags.read_back,
        reading_age: flags.reading_age,
        rights_recheck: flags.rights_recheck,
    }
}

/// The namespace that Kubernetes mounted, else the default: outside a pod there is no such file.
fn namespace(mounted: &Path) -> String {
    let text = std::fs::read_to_string(mounted).unwrap_or_default();
    match text.trim() {
        "" => DEFAULT_NAMESPACE.to_owned(),
        name => name.to_owned(),
    }
}

/// The host's name, which in a pod is the pod's, for people; random characters, because two processes of one pod must
/// differ too.
fn identity() -> String {
    let host: String = std::env::var("HOSTNAME").unwrap_or_default();
    let host: String = host
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "-.".contains(*c))
        .take(64)
        .collect();
    let random = Alphanumeric.sample_string(&mut rand::rng(), 12);
    format!("{}_{random}", if host.is_empty() { "readmit" } else { &host })
}
