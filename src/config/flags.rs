//! The command line and environment as people write them. What the values mean, and which are sound, is for
//! [`super`]: nothing here is checked beyond its syntax.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use super::delay;

/// Lets people back into their accounts: the operator of the kinds in group readmit.dev.
#[derive(Debug, Parser)]
#[command(name = "readmit", version)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub command: Sub,
}

/// The command line with the subcommand that is meant where none is named. Flags of `run` are not flags of the whole
/// program, because then their variables would be read, and could be faulty, whatever the subcommand.
pub(super) fn with_subcommand(mut args: Vec<OsString>) -> Vec<OsString> {
    const OF_THE_PROGRAM: [&str; 4] = ["-h", "--help", "-V", "--version"];
    let first = args.get(1).map(|arg| arg.to_string_lossy().into_owned());
    let named = first.is_some_and(|arg| !arg.starts_with('-') || OF_THE_PROGRAM.contains(&arg.as_str()));
    if !named {
        args.insert(args.len().min(1), "run".into());
    }
    args
}

#[derive(Debug, Subcommand)]
pub(super) enum Sub {
    /// Run the operator (what happens without a subcommand)
    Run(Box<RunFlags>),
    /// Print the CustomResourceDefinitions
    Crds,
    /// Print the admission policies that record and check who made a request
    Admission(AdmissionFlags),
    /// Print the version
    Version,
}

#[derive(Debug, Args)]
pub(super) struct AdmissionFlags {
    /// Namespace that the operator runs in
    #[arg(long, env = "READMIT_NAMESPACE", default_value = super::DEFAULT_NAMESPACE)]
    pub namespace: String,
    /// Service account that the operator runs under
    #[arg(long, env = "READMIT_SERVICE_ACCOUNT", default_value = super::DEFAULT_SERVICE_ACCOUNT)]
    pub service_account: String,
    /// Leave out what needs Kubernetes 1.36: manifests then have to name their author
    #[arg(long)]
    pub without_stamp: bool,
}

#[derive(Debug, Args)]
pub(super) struct RunFlags {
    /// Namespace of the operator, its Secrets and its lease [default: the one it runs in, else readmit-system]
    #[arg(long, env = "READMIT_NAMESPACE")]
    pub namespace: Option<String>,
    /// Service account that the operator runs under
    #[arg(long, env = "READMIT_SERVICE_ACCOUNT", default_value = super::DEFAULT_SERVICE_ACCOUNT)]
    pub service_account: String,
    /// Name of this replica in the lease; no two replicas may share one [default: host name and random characters]
    #[arg(long, env = "READMIT_IDENTITY")]
    pub identity: Option<String>,
    /// Address of /livez, /readyz and /metrics
    #[arg(long, env = "READMIT_LISTEN", default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,
    /// Format of the log on standard error; the audit log on standard output is always JSON
    #[arg(long, env = "READMIT_LOG_FORMAT", value_enum, default_value_t = LogFormat::Json)]
    pub log_format: LogFormat,
    /// What to log: error, warn, info, debug, trace, or by target, as in info,readmit::controller=debug
    #[arg(long, env = "READMIT_LOG", default_value = "info")]
    pub log: String,
    /// How many requests are worked on at once
    #[arg(long, env = "READMIT_WORKERS", default_value_t = 64)]
    pub workers: usize,
    #[command(flatten)]
    pub lease: LeaseFlags,
    #[command(flatten)]
    pub timing: TimingFlags,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

#[derive(Debug, Args)]
pub(super) struct LeaseFlags {
    /// Whether replicas take turns by a Lease
    #[arg(long, env = "READMIT_LEASE", action = ArgAction::Set, default_value_t = true, value_name = "true|false")]
    pub lease: bool,
    /// Name of the Lease
    #[arg(long, env = "READMIT_LEASE_NAME", default_value = "readmit")]
    pub lease_name: String,
    /// How long the Lease of a replica that is gone keeps others waiting; whole seconds
    #[arg(long, env = "READMIT_LEASE_DURATION", value_parser = delay::parse, default_value = "15s")]
    pub lease_duration: Duration,
    /// How often the Lease is renewed
    #[arg(long, env = "READMIT_LEASE_RENEW", value_parser = delay::parse, default_value = "4s")]
    pub lease_renew: Duration,
}

#[derive(Debug, Args)]
pub(super) struct TimingFlags {
    /// Nothing is sent to a directory under a claim so long after it was written
    #[arg(long, env = "READMIT_EFFECT_DEADLINE", value_parser = delay::parse, default_value = "10s")]
    pub effect_deadline: Duration,
    /// How long one call to a directory may take
    #[arg(long, env = "READMIT_UPSTREAM_TIMEOUT", value_parser = delay::parse, default_value = "8s")]
    pub upstream_timeout: Duration,
    /// How long a claim that another process left is left alone; longer than the two above together
    #[arg(long, env = "READMIT_QUARANTINE", value_parser = delay::parse, default_value = "30s")]
    pub quarantine: Duration,
    /// A request created less than this after identity was enforced is not trusted
    #[arg(long, env = "READMIT_ENFORCEMENT_MARGIN", value_parser = delay::parse, default_value = "10s")]
    pub enforcement_margin: Duration,
    /// A wait is written to the status only after so long
    #[arg(long, env = "READMIT_WAIT_NOTICE", value_parser = delay::parse, default_value = "5s")]
    pub wait_notice: Duration,
    /// How long a read-back may lag behind what was done
    #[arg(long, env = "READMIT_READ_BACK", value_parser = delay::parse, default_value = "30s")]
    pub read_back: Duration,
    /// A reading of an account older than this is not acted on
    #[arg(long, env = "READMIT_READING_AGE", value_parser = delay::parse, default_value = "5s")]
    pub reading_age: Duration,
    /// A right that a requester lacks is asked for again after so long
    #[arg(long, env = "READMIT_RIGHTS_RECHECK", value_parser = delay::parse, default_value = "30s")]
    pub rights_recheck: Duration,
    /// For tests: durations below what is safe in production
    #[arg(long, env = "READMIT_ALLOW_SHORT_TIMINGS", hide = true)]
    pub allow_short_timings: bool,
}
