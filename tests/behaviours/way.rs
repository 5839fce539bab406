//! Ways to a server: to a real one through `testkit::proxy`, to a simulated one with the sandbox's own faults.

use crate::fixture::{Lacking, Person, Way};
use sandbox::{Entry, Fault as Scripted, FaultKind, Origin, Sandbox};
use std::{sync::Arc, time::Duration};
use testkit::proxy::{Fault, Options, Protocol, Proxy};

/// A proxy in front of a real server. The operator speaks TLS to it with LDAP, and plain HTTP otherwise.
pub struct Proxied {
    proxy: Proxy,
    scheme: &'static str,
}

impl Proxied {
    /// LDAP over TLS, to a server that is reached with or without it. Faults strike requests that contain
    /// [`Person::handle`], which therefore is the DN, or whatever the operator names the entry by.
    pub fn ldap(server: &str, server_tls: bool) -> Box<dyn Way> {
        Self::start(Protocol::Ldap, server, server_tls, "ldaps")
    }

    /// HTTP, in the clear to loopback. Faults strike requests whose path contains [`Person::id`].
    pub fn http(server: &str) -> Box<dyn Way> {
        Self::start(Protocol::Http, server, false, "http")
    }

    fn start(protocol: Protocol, server: &str, server_tls: bool, scheme: &'static str) -> Box<dyn Way> {
        let options = Options {
            protocol,
            server: server.into(),
            server_tls,
            tls: scheme == "ldaps",
        };
        let proxy = Proxy::start(options).expect("a proxy on loopback");
        Box::new(Proxied { proxy, scheme })
    }
}

impl Way for Proxied {
    fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.proxy.address())
    }

    fn ca_pem(&self) -> Option<&str> {
        self.proxy.ca_pem()
    }

    fn strike(&self, person: &Person, fault: Fault) -> Result<(), Lacking> {
        let text = match self.scheme {
            "http" => &person.id,
            _ => &person.handle,
        };
        self.proxy.strike(text, fault);
        Ok(())
    }

    fn struck(&self, _: &Person) -> usize {
        self.proxy.struck()
    }
}

/// The way to a service of the sandbox, which goes wrong by itself.
pub struct Simulated {
    /// The sandbox.
    pub sandbox: Arc<Sandbox>,
    /// Where the service listens.
    pub url: String,
    /// How the operator changes an account: the method, and what follows [`Person::handle`] in the path.
    pub writes: (&'static str, &'static str),
}

impl Way for Simulated {
    fn url(&self) -> String {
        self.url.clone()
    }

    fn ca_pem(&self) -> Option<&str> {
        None
    }

    fn strike(&self, person: &Person, fault: Fault) -> Result<(), Lacking> {
        let milliseconds = |wait: Duration| u64::try_from(wait.as_millis()).expect("a short time");
        let kind = match fault {
            Fault::LostBefore => FaultKind::ReplyLostBeforeCommit,
            Fault::LostAfter => FaultKind::ReplyLostAfterCommit,
            Fault::Late(wait) => FaultKind::LateCommit { ms: milliseconds(wait) },
            Fault::Untrue => FaultKind::Status {
                status: 200,
                body: Some("{}".into()),
            },
            Fault::Busy => FaultKind::RateLimited {
                limit: 600,
                reset_seconds: 2,
            },
        };
        let (method, rest) = self.writes;
        self.sandbox
            .inject(Scripted::once(method, &format!("{}{rest}", person.handle), kind));
        Ok(())
    }

    fn struck(&self, person: &Person) -> usize {
        let calls = changes(&self.sandbox, person);
        calls.iter().filter(|call| !call.faults.is_empty()).count()
    }
}

/// The calls to a simulated service that may change an account, oldest first.
pub fn changes(sandbox: &Sandbox, person: &Person) -> Vec<Entry> {
    let about = |call: &Entry| call.path == person.handle || call.path.starts_with(&format!("{}/", person.handle));
    let truth = sandbox.truth().into_iter();
    truth
        .filter(|call| call.origin == Origin::Api && call.method != "GET" && about(call))
        .collect()
}

/// How often a simulated service has refused a credential.
pub fn refusals(sandbox: &Sandbox) -> usize {
    let truth = sandbox.truth().into_iter();
    truth
        .filter(|call| call.origin == Origin::Api && call.status == Some(401))
        .count()
}
