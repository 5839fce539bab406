//! `readmit-sandbox`: simulated directories in a process of their own.
//!
//! Prints one JSON line with its addresses when it is ready and stops at SIGTERM or SIGINT.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Parser;
use sandbox::okta::auth::Role;
use sandbox::options::{TlsFiles, token};
use sandbox::quirks::AnyQuirk;
use sandbox::seed::{SeedUser, numbered};
use sandbox::{Latency, Options, Sandbox, Status};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

/// Simulated SaaS directories over an in-memory account store.
#[derive(Debug, Parser)]
#[command(name = "readmit-sandbox", version)]
struct Arguments {
    /// Plain HTTP listener of Okta's API (loopback; port 0 lets the system choose)
    #[arg(long, default_value = "127.0.0.1:0")]
    http: SocketAddr,
    /// Plain HTTP listener of ServiceNow's API
    #[arg(long, default_value = "127.0.0.1:0")]
    servicenow: SocketAddr,
    /// Plain HTTP listener of CXone's API
    #[arg(long, default_value = "127.0.0.1:0")]
    cxone: SocketAddr,
    /// TLS listener of the APIs: a host below service-now.com is ServiceNow's, one below niceincontact.com or
    /// nice-incontact.com CXone's, every other one Okta's
    #[arg(long, default_value = "127.0.0.1:0")]
    https: SocketAddr,
    /// CONNECT proxy that leads every https host to this sandbox
    #[arg(long, default_value = "127.0.0.1:0")]
    proxy: SocketAddr,
    /// Control API
    #[arg(long, default_value = "127.0.0.1:0")]
    control: SocketAddr,
    /// Users as a JSON array, in the place of the built-in ones (operator@example.com, who owns the tokens, is added)
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// Locked users user-00001@example.com and on, besides the others
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    locked_users: usize,
    /// API token with an administrator's rights; may be repeated
    #[arg(long, value_name = "VALUE")]
    token: Vec<String>,
    /// Name from which ids derive
    #[arg(long, default_value = "example")]
    org: String,
    /// Turn quirks on; may be repeated, or a list with commas
    #[arg(long, visible_alias = "quirks", value_name = "NAME", value_delimiter = ',')]
    quirk: Vec<AnyQuirk>,
    /// Turn quirks off
    #[arg(
        long,
        visible_alias = "no-quirks",
        value_name = "NAME",
        value_delimiter = ',',
        hide_possible_values = true
    )]
    no_quirk: Vec<AnyQuirk>,
    /// Milliseconds that each call takes
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// Do not limit rates
    #[arg(long)]
    no_rate_limits: bool,
    /// Certificate chain (PEM) for https, in the place of certificates minted for whatever host is asked for; the https
    /// listener may then listen elsewhere than on loopback
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// Key (PEM) of that certificate
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// Where to write the test authority's certificate (PEM)
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

impl Arguments {
    fn options(&self) -> anyhow::Result<Options> {
        let mut options = Options {
            http: self.http,
            servicenow_http: self.servicenow,
            cxone_http: self.cxone,
            https: self.https,
            proxy: self.proxy,
            control: self.control,
            org: self.org.clone(),
            latency: Latency {
                base_ms: self.latency_ms,
                spread_ms: 0,
            },
            ..Options::default()
        };
        if let (Some(certificate), Some(key)) = (&self.tls_certificate, &self.tls_key) {
            let (certificate, key) = (certificate.clone(), key.clone());
            options.tls = Some(TlsFiles { certificate, key });
        }
        if let Some(path) = &self.seed {
            let text = std::fs::read(path).with_context(|| format!("cannot read the seed {}", path.display()))?;
            options.users = serde_json::from_slice(&text)
                .with_context(|| format!("the seed {} is not a JSON array of users", path.display()))?;
            let owner = "operator@example.com";
            if !options.users.iter().any(|user| user.login == owner) {
                options.users.push(SeedUser::new(owner, Status::Active, None));
            }
        }
        options.users.extend(numbered(self.locked_users, Status::LockedOut));
        for (number, value) in self.token.iter().enumerate() {
            options
                .tokens
                .push(token(&format!("flag-{}", number + 1), value, Role::Admin));
        }
        options.settings.rate_limits.enabled = !self.no_rate_limits;
        for (names, on) in [(&self.quirk, true), (&self.no_quirk, false)] {
            for quirk in names {
                match quirk {
                    AnyQuirk::Cxone(quirk) => options.cxone.settings.quirks.set(*quirk, on),
                    AnyQuirk::Okta(quirk) => options.settings.quirks.set(*quirk, on),
                    AnyQuirk::ServiceNow(quirk) => options.servicenow.settings.quirks.set(*quirk, on),
                }
            }
        }
        Ok(options)
    }
}

// One thread: an operation is shorter than it takes to hand it to another one, and what is measured beside a sandbox
// keeps the other cores.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut terminate = signal(SignalKind::terminate())?;
    let sandbox = Sandbox::start(arguments.options()?).await?;
    if let Some(path) = &arguments.ca_file {
        std::fs::write(path, sandbox.ca_pem())
            .with_context(|| format!("cannot write the certificate to {}", path.display()))?;
    }
    let mut ready = json!(sandbox.addresses());
    ready["caFile"] = json!(arguments.ca_file);
    println!("{ready}");
    tokio::select! {
        _ = terminate.recv() => {}
        result = tokio::signal::ctrl_c() => result?,
    }
    sandbox.stop().await;
    Ok(())
}
