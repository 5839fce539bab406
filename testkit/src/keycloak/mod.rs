//! A real Keycloak server, with a mail server beside it. Tests have realms of their own in it; what a realm begins with
//! stands in `realm`.
//!
//! Its data live in memory and end with it. Its access log is the ground truth of what the operator, known by how it
//! calls itself, really sent.
//!
//! A start takes some 15 s of a core, so that suites that run together share one, see [`Keycloak::shared`]. What they do
//! there is told apart by the realm: its name begins with the suite's, where the suite has the choice, and what is
//! counted is counted by realm or by a person's id.

mod admin;
mod browser;
mod calls;
mod distribution;
mod http;
mod people;
mod realm;
mod server;
mod shared;

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Instant;

use anyhow::Result;
use serde_json::json;

pub use browser::Browser;
pub use calls::Call;
pub use http::{Answer, encode};
pub use people::person;
pub use realm::{CLIENT, RIGHTS, client, initial_password, realm, secret, service_account, user};
pub use shared::{FOLDER, tell_failure};

use crate::mail::{self, Mail};
use server::Server;

/// A running server. Where this process started it, it is ended on drop, by process id, and when this process is killed.
pub struct Keycloak {
    place: Place,
    /// How long the access log was when we came: what stands before that is others'.
    log_begin: u64,
    /// Locked by whoever makes a realm, in whichever process.
    importing: PathBuf,
    token: Mutex<Option<(Instant, String)>>,
    /// `None` where another process started it.
    _server: Option<Server>,
}

/// Where a server is found, and what one needs to use it, in this process or in another one.
#[derive(Clone, PartialEq, Eq)]
struct Place {
    http_port: u16,
    https_port: u16,
    mail_port: u16,
    /// The administrator's secret.
    secret: String,
    /// The certificate of the authority that signed the server's.
    ca_pem: String,
    /// The server's log, with its access log in it.
    log: PathBuf,
    /// The folder in which the mail server keeps what it is sent.
    mails: PathBuf,
}

impl Keycloak {
    /// Fetches what is missing, starts the servers and waits until they answer. It is this process's own: for tests
    /// that stop it, or change what realms share.
    pub fn start() -> Result<Self> {
        let (server, place) = Server::start()?;
        let keycloak = Self {
            place,
            log_begin: 0,
            importing: server.folder().join("importing"),
            token: Mutex::default(),
            _server: Some(server),
        };
        keycloak.warm_up();
        Ok(keycloak)
    }

    /// Does once what takes seconds the first time: on a busy machine the operator would not wait for it. A first mail
    /// took 7 s.
    fn warm_up(&self) {
        const REALM: &str = "warm-up";
        let people = json!({"users": [user("first")]});
        self.import(&realm(REALM, self.mail_port(), RIGHTS, &people));
        let path = format!("{REALM}/users/{}/execute-actions-email", self.id(REALM, "first"));
        self.admin("PUT", &path, Some(&json!(["UPDATE_PASSWORD"])));
    }

    /// `127.0.0.1:PORT`, without TLS.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.place.http_port)
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// `https://127.0.0.1:PORT`, with a certificate of [`Self::ca_pem`].
    pub fn tls_url(&self) -> String {
        format!("https://127.0.0.1:{}", self.place.https_port)
    }

    /// The certificate of the authority that signed the server's.
    pub fn ca_pem(&self) -> &str {
        &self.place.ca_pem
    }

    /// What [`realm()`] needs to have mail delivered here.
    pub fn mail_port(&self) -> u16 {
        self.place.mail_port
    }

    /// Every mail that a realm made by [`realm()`] has sent to this address, oldest first.
    pub fn mails_to(&self, realm: &str, address: &str) -> Vec<Mail> {
        let mails = mail::mails_in(&self.place.mails).expect("the mails can be read");
        let is_meant =
            |mail: &Mail| mail.to.contains(address) && mail.from.trim_matches(['<', '>']) == realm::sender(realm);
        mails.into_iter().filter(is_meant).collect()
    }
}
