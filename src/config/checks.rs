//! Which values are sound. Every fault names the flag, what is wrong and what to set.

use std::time::Duration;

use super::delay::print;
use super::{Config, ConfigError, LeaseSettings};
use crate::domain::settings::Timing;
use crate::observe::logs;

/// No duration here is sensibly longer.
const LONGEST: Duration = Duration::from_secs(600);

pub(super) fn conclude(faults: Vec<String>) -> Result<(), ConfigError> {
    if faults.is_empty() {
        Ok(())
    } else {
        Err(ConfigError::Values(faults))
    }
}

pub(super) fn config(config: &Config, short: bool) -> Vec<String> {
    let mut faults = Vec::new();
    name(&mut faults, "namespace", &config.namespace, 63);
    name(&mut faults, "service-account", &config.service_account, 253);
    if config.identity.is_empty()
        || config.identity.len() > 128
        || !config.identity.bytes().all(|b| b.is_ascii_graphic())
    {
        let fault = "must be 1 to 128 printable ASCII characters without spaces, such as the pod's name";
        faults.push(format!("{} {fault}", flag("identity")));
    }
    if let Err(error) = logs::check(&config.log_filter) {
        faults.push(format!(
            "{} {:?} is no filter ({error}); set for example info or info,readmit=debug",
            flag("log"),
            config.log_filter,
        ));
    }
    if !(1..=1024).contains(&config.workers) {
        faults.push(format!("{} must be between 1 and 1024", flag("workers")));
    }
    if let Some(lease) = &config.lease {
        check_lease(&mut faults, lease, short);
    }
    timing(&mut faults, &config.timing, short);
    faults
}

/// A name as Kubernetes has them: RFC 1123, with dots where it may be longer than a label.
pub(super) fn name(faults: &mut Vec<String>, flag_name: &str, value: &str, longest: usize) {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || (longest > 63 && b == b'.');
    let ends = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let (first, last) = (value.bytes().next(), value.bytes().next_back());
    if value.len() > longest || !value.bytes().all(inner) || !ends(first) || !ends(last) {
        faults.push(format!(
            "{} {value:?} is no Kubernetes name; set lower-case letters, digits and hyphens, at most {longest}",
            flag(flag_name)
        ));
    }
}

fn check_lease(faults: &mut Vec<String>, lease: &LeaseSettings, short: bool) {
    name(faults, "lease-name", &lease.name, 253);
    at_least(
        faults,
        "lease-duration",
        lease.duration,
        if short { 1000 } else { 10_000 },
    );
    if lease.duration.subsec_nanos() != 0 {
        let value = print(lease.duration);
        faults.push(format!("{} {value} must be whole seconds", flag("lease-duration")));
    }
    at_least(faults, "lease-renew", lease.renew, if short { 50 } else { 1000 });
    if lease.renew > lease.duration / 3 {
        faults.push(format!(
            "{} {} must be at most a third of --lease-duration {}, so that a renewal can be tried again in time",
            flag("lease-renew"),
            print(lease.renew),
            print(lease.duration),
        ));
    }
}

fn timing(faults: &mut Vec<String>, timing: &Timing, short: bool) {
    let table = [
        ("effect-deadline", timing.effect_deadline, 5_000),
        ("upstream-timeout", timing.upstream_timeout, 2_000),
        ("quarantine", timing.quarantine, 20_000),
        ("enforcement-margin", timing.enforcement_margin, 10_000),
        ("wait-notice", timing.wait_notice, 1_000),
        ("read-back", timing.read_back, 10_000),
        ("reading-age", timing.reading_age, 1_000),
        ("rights-recheck", timing.rights_recheck, 10_000),
    ];
    for (flag, value, millis) in table {
        at_least(faults, flag, value, if short { 1 } else { millis });
    }
    // A longer one would not be slower but less safe: the account may have changed since.
    if timing.reading_age > Duration::from_secs(10) {
        let value = print(timing.reading_age);
        faults.push(format!("{} {value} is too long; set 10s or less", flag("reading-age")));
    }
    let both = timing.effect_deadline.saturating_add(timing.upstream_timeout);
    // Not lifted for tests: with a shorter quarantine an effect could still be under way when it is judged.
    if timing.quarantine <= both {
        faults.push(format!(
            "{} {} must be longer than --effect-deadline and --upstream-timeout together; set more than {}",
            flag("quarantine"),
            print(timing.quarantine),
            print(both),
        ));
    }
}

fn at_least(faults: &mut Vec<String>, flag_name: &str, value: Duration, millis: u64) {
    let least = Duration::from_millis(millis);
    let fault = if value < least {
        format!("is too short; set {} or more", print(least))
    } else if value > LONGEST {
        format!("is too long; set {} or less", print(LONGEST))
    } else {
        return;
    };
    faults.push(format!("{} {} {fault}", flag(flag_name), print(value)));
}

/// The flag and its variable: whoever set it has used one of them.
fn flag(name: &str) -> String {
    let variable = name.to_ascii_uppercase().replace('-', "_");
    format!("--{name} (READMIT_{variable})")
}
