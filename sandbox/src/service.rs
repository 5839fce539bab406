//! What a simulated service is to the server that carries it: something that takes calls in, carries them out at one
//! moment, and lets time pass.
//!
//! A vendor's own module implements [`Service`]; listeners, faults, latency and the truth log are the server's, so that
//! every vendor has them alike. To add a vendor: its module, a member of [`Vendor`], a [`Host`] in `Shared`, and a
//! listener. HTTP and waiting must not come in here.

use std::fmt::Debug;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use jiff::Timestamp;

use crate::exchange::{Call, Reply};
use crate::faults::FaultKind;
use crate::shared::Shared;
use crate::truth::{Change, Origin};

/// Whose API is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vendor {
    Cxone,
    Okta,
    ServiceNow,
}

impl Vendor {
    /// Whose API a host name leads to, with or without a port: names of a vendor's own cloud to that vendor, all else
    /// to Okta, whose organisations may have any name.
    pub fn of_host(host: &str) -> Self {
        let name = host
            .rsplit_once(':')
            .map_or(host, |(name, _)| name)
            .to_ascii_lowercase();
        if name.ends_with(".service-now.com") {
            Self::ServiceNow
        } else if name.ends_with(".niceincontact.com") || name.ends_with(".nice-incontact.com") {
            Self::Cxone
        } else {
            Self::Okta
        }
    }
}

/// What a call came to, besides its answer.
#[derive(Debug, Default)]
pub struct Effects {
    /// Immutable id of the account or record that it was about.
    pub account: Option<String>,
    /// Whether a changing operation was accepted.
    pub applied: bool,
    /// What really changed, in order.
    pub changes: Vec<Change>,
}

/// A simulated service: plain data behind one lock, with synchronous operations.
pub trait Service: Debug + Send + Sized + 'static {
    /// What was found out about a call before its operation runs.
    type Admission: Debug + Send + Sync;

    /// Where this service lives.
    fn host(shared: &Shared) -> &Host<Self>;

    /// The operation that a call asks for, as a path pattern, and what kind of call that is.
    fn operation(&self, call: &Call) -> (String, Origin);

    /// The query as the truth log keeps it: as received, unless it holds a secret.
    fn shown_query(call: &Call) -> String {
        call.query.clone()
    }

    /// Takes a call in: finds its operation and caller and counts it against the rate limits.
    fn admit(&mut self, call: &Call, now: Timestamp) -> Self::Admission;

    /// Name of the caller, for the truth log.
    fn caller(admission: &Self::Admission) -> Option<String>;

    /// Calls that may be in flight at once; `None` for no limit.
    fn concurrency(&self) -> Option<usize>;

    /// Carries out an admitted call.
    fn execute(&mut self, call: &Call, admission: &Self::Admission, now: Timestamp) -> (Reply, Effects);

    /// An answer that a fault puts in the place of the operation's own, where it does.
    fn fault_reply(&self, fault: &FaultKind, call: &Call, admission: &Self::Admission, now: Timestamp)
    -> Option<Reply>;

    /// Lets time pass. Returns what changed by itself.
    fn settle(&mut self, now: Timestamp) -> Vec<Change>;
}

/// The place of one service among those that a sandbox carries.
#[derive(Debug)]
pub struct Host<S> {
    pub(crate) service: Mutex<S>,
    pub(crate) in_flight: AtomicUsize,
}

impl<S> Host<S> {
    pub(crate) fn new(service: S) -> Self {
        Self {
            service: Mutex::new(service),
            in_flight: AtomicUsize::new(0),
        }
    }
}

/// An answer that a fault of the transport puts in the place of any vendor's own: a bare status, or a redirect.
pub fn bare_reply(fault: &FaultKind) -> Option<Reply> {
    use hyper::StatusCode;
    match fault {
        FaultKind::Status { status, body } => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_GATEWAY);
            let mut reply = Reply::empty(status).with_header("content-type", "text/html");
            reply.body = body.clone().unwrap_or_default().into();
            Some(reply)
        }
        FaultKind::Redirect { location } => Some(Reply::empty(StatusCode::FOUND).with_header("location", location)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vendors_own_cloud_leads_to_that_vendor() {
        for (host, vendor) in [
            ("example.service-now.com", Vendor::ServiceNow),
            ("EXAMPLE.service-now.com:443", Vendor::ServiceNow),
            ("cxone.niceincontact.com:443", Vendor::Cxone),
            ("na1.nice-incontact.com", Vendor::Cxone),
            ("example.okta.com", Vendor::Okta),
            ("login.example.com:8443", Vendor::Okta),
            ("service-now.com.example.com", Vendor::Okta),
            ("127.0.0.1:80", Vendor::Okta),
        ] {
            assert_eq!(Vendor::of_host(host), vendor, "{host}");
        }
    }
}
