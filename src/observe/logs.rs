//! The log: what to write, how, and what never to write.
//!
//! It goes to standard error; standard output belongs to the audit log. Libraries log requests, headers and answers at
//! their finer levels, so only this program's own lines may be as fine as the filter asks for: every other target is
//! capped, whatever the filter says. Records of the crate `log` (ldap3, rustls, reqwest) are not taken in at all.

use std::io;

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{EnvFilter, FilterExt, FilterFn, LevelFilter, ParseError};
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::{Layer, Registry, layer::SubscriberExt};

use crate::config::LogFormat;

/// The finest level of targets that are not named below. hyper, h2, rustls and tower tell frames, headers, handshakes
/// and addresses only below it.
const OTHERS: Level = Level::WARN;

/// Targets, modules below them included, with another cap; the longest that fits counts. Found by reading the
/// libraries' sources: kube-client 5.0 logs the whole text of an answer that it cannot parse as a warning
/// (`client/mod.rs`), which can be a Secret; its tracing layer (`client/builder.rs`) logs method, path and status.
const CAPS: [(&str, Level); 4] = [
    ("readmit", Level::TRACE),
    ("kube_client::client", Level::ERROR),
    ("kube_client::client::builder", Level::DEBUG),
    ("ldap3", Level::ERROR),
];

/// Whether a filter can be read.
///
/// # Errors
/// What is wrong with it.
pub fn check(filter: &str) -> Result<(), ParseError> {
    read(filter).map(drop)
}

/// Starts the log of this process.
///
/// # Errors
/// When the filter cannot be read, or when the process has a log already.
pub fn init(format: LogFormat, filter: &str) -> anyhow::Result<()> {
    let subscriber = subscriber(format, filter, io::stderr)?;
    // Not by `SubscriberInitExt`, which would take in the records of the crate `log`.
    tracing::subscriber::set_global_default(subscriber)?;
    Ok(())
}

/// What [`init`] installs, for any writer: tests look at what is written.
///
/// # Errors
/// When the filter cannot be read.
pub fn subscriber<W>(format: LogFormat, filter: &str, out: W) -> Result<impl Subscriber + Send + Sync, ParseError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let layer = fmt::layer().with_writer(out);
    let layer: Box<dyn Layer<Registry> + Send + Sync> = match format {
        LogFormat::Json => Box::new(layer.json().flatten_event(true).with_current_span(false)),
        LogFormat::Text => Box::new(layer.with_ansi(false)),
    };
    let filter = read(filter)?.and(caps());
    Ok(tracing_subscriber::registry().with(layer.with_filter(filter)))
}

fn read(filter: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::builder().parse(filter)
}

fn caps() -> FilterFn<fn(&Metadata<'_>) -> bool> {
    fn within(metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= cap(metadata.target())
    }
    let within: fn(&Metadata<'_>) -> bool = within;
    // Without the hint, code below the level asked for would be looked at each time.
    FilterFn::new(within).with_max_level_hint(LevelFilter::TRACE)
}

fn cap(target: &str) -> Level {
    let fits = |name: &str| {
        target
            .strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    let named = CAPS.into_iter().filter(|(name, _)| fits(name));
    named
        .max_by_key(|(name, _)| name.len())
        .map_or(OTHERS, |(_, level)| level)
}

#[cfg(test)]
mod tests;
