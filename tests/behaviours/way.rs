//! Ways to a real server through `testkit::proxy`.

use crate::fixture::{Lacking, Person, Way};
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
    #[allow(dead_code, reason = "for providers with an HTTP API")]
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
