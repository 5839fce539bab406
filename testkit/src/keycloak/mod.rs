//! A real Keycloak server, with a mail server beside it. Tests have realms of their own in it; what a realm begins with
//! stands in `realm`.
//!
//! Its data live in memory and end with it. Its access log is the ground truth of what the operator, known by how it
//! calls itself, really sent.

mod browser;
mod distribution;
mod http;
mod realm;

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

pub use browser::Browser;
pub use http::Answer;
pub use realm::{CLIENT, RIGHTS, client, initial_password, realm, secret, service_account, user};

use crate::mail::{Mail, MailServer};
use crate::process::{Child, Scratch};
use crate::{ports, tls, wait};
use http::{Request, send};

/// Keycloak starts in a quarter of a minute on an idle machine with two cores, and in minutes on a busy one.
const READY_TIMEOUT: Duration = Duration::from_secs(420);
/// Admin tokens live for 60 s.
const TOKEN_AGE: Duration = Duration::from_secs(30);
/// What the operator calls itself, up to its version.
const OPERATOR_AGENT: &str = "readmit/";

/// A running server; ended on drop, by process id, and when this process is killed.
pub struct Keycloak {
    // Before the folder, so that they have ended when that is removed.
    _server: Child,
    mail: MailServer,
    authority: tls::Authority,
    http_port: u16,
    https_port: u16,
    secret: String,
    token: Mutex<Option<(Instant, String)>>,
    importing: Mutex<()>,
    scratch: Scratch,
}

/// A request of the operator's, from the access log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub method: String,
    /// Path and query.
    pub path: String,
    pub status: u16,
}

impl Keycloak {
    /// Fetches what is missing, starts the servers and waits until they answer.
    pub fn start() -> Result<Self> {
        let distribution = distribution::ensure()?;
        let scratch = Scratch::new("readmit-keycloak-")?;
        let mail = MailServer::start(scratch.path())?;
        let authority = tls::Authority::new("readmit test sign-in", scratch.path())?;
        let identity = authority.issue("keycloak", &["127.0.0.1", "localhost"], scratch.path())?;
        let (http_port, https_port, secret) = (ports::free(), ports::free(), tls::random_secret()?);
        let home = scratch.path().join("home");
        furnish(&distribution, &home)?;
        let mut command = java(&home);
        command
            .args(["start", "--optimized", "--http-enabled=true", "--hostname-strict=false"])
            // Without this it looks for others to form a cluster with.
            .args([
                "--cache=local",
                "--http-host=127.0.0.1",
                "--http-access-log-enabled=true",
            ])
            .arg("--http-access-log-pattern=access|%s|%r|%{i,User-Agent}")
            .arg(format!("--http-port={http_port}"))
            .arg(format!("--https-port={https_port}"))
            .arg(format!("--https-certificate-file={}", identity.certificate.display()))
            .arg(format!("--https-certificate-key-file={}", identity.key.display()))
            .env("KC_BOOTSTRAP_ADMIN_USERNAME", "admin")
            .env("KC_BOOTSTRAP_ADMIN_PASSWORD", &secret);
        let mut server = Child::spawn("keycloak", &mut command, &scratch.path().join("keycloak.log"))?;
        let ready = format!("http://127.0.0.1:{http_port}/realms/master");
        wait::until_ok("Keycloak to answer", READY_TIMEOUT, || {
            if server.exit_status()?.is_some() {
                return Ok(()); // reported below, at once
            }
            let answer = get(&ready)?;
            if answer.status != 200 {
                bail!("{ready} answers {}", answer.status);
            }
            Ok(())
        })
        .with_context(|| format!("the end of its log:\n{}", server.log_tail()))?;
        server.check_running()?;
        Ok(Self {
            _server: server,
            mail,
            authority,
            http_port,
            https_port,
            secret,
            token: Mutex::default(),
            importing: Mutex::default(),
            scratch,
        })
    }

    /// `127.0.0.1:PORT`, without TLS.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.http_port)
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// `https://127.0.0.1:PORT`, with a certificate of [`Self::ca_pem`].
    pub fn tls_url(&self) -> String {
        format!("https://127.0.0.1:{}", self.https_port)
    }

    /// The certificate of the authority that signed the server's.
    pub fn ca_pem(&self) -> &str {
        self.authority.pem()
    }

    /// What [`realm`] needs to have mail delivered here.
    pub fn mail_port(&self) -> u16 {
        self.mail.port()
    }

    /// Every mail that Keycloak has sent to this address, oldest first.
    pub fn mails_to(&self, address: &str) -> Vec<Mail> {
        let mails = self.mail.mails().expect("the mails can be read");
        mails.into_iter().filter(|mail| mail.to.contains(address)).collect()
    }

    /// Makes a realm from a representation, see [`realm`]. One at a time: that is heavy work, and all tests begin with
    /// it at once.
    ///
    /// # Panics
    /// Where Keycloak does not take it.
    pub fn import(&self, representation: &Value) {
        let _alone = self.importing.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = self.send_as_admin("POST", "/admin/realms", Some(representation));
        assert_eq!(answer.status, 201, "{}", answer.body);
    }

    /// Sends a request to the admin API as the server's administrator; the path begins behind `/admin/realms/`.
    ///
    /// # Panics
    /// Where there is no answer, or an error answer.
    #[track_caller]
    pub fn admin(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let answer = self.send_as_admin(method, &format!("/admin/realms/{path}"), body);
        assert!(
            answer.status < 300,
            "{method} {path} answered {}: {}",
            answer.status,
            answer.body
        );
        answer.json()
    }

    /// The same, whatever the answer; the path begins at the server.
    #[track_caller]
    pub fn send_as_admin(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let token = self.admin_token().expect("the administrator signs in");
        send(&Request {
            method,
            url: &format!("{}{path}", self.url()),
            bearer: Some(&token),
            json: body,
            ..Request::default()
        })
        .expect("an answer")
    }

    /// Asks the token endpoint of a realm.
    pub fn token(&self, realm: &str, form: &[(&str, &str)]) -> Answer {
        send(&Request {
            method: "POST",
            url: &format!("{}/realms/{realm}/protocol/openid-connect/token", self.url()),
            form,
            ..Request::default()
        })
        .expect("an answer")
    }

    /// Signs a person in once, by the password grant.
    pub fn sign_in(&self, realm: &str, username: &str, password: &str) -> Answer {
        self.token(
            realm,
            &[
                ("grant_type", "password"),
                ("client_id", "app"),
                ("username", username),
                ("password", password),
            ],
        )
    }

    /// The page of the realm's sign-in, which leads back to a page that anybody may see.
    pub fn sign_in_page(&self, realm: &str) -> String {
        let back = format!("{}/realms/{realm}/.well-known/openid-configuration", self.url());
        format!(
            "{}/realms/{realm}/protocol/openid-connect/auth?client_id=app&response_type=code&redirect_uri={}",
            self.url(),
            encode(&back)
        )
    }

    /// The id of a person.
    #[track_caller]
    pub fn id(&self, realm: &str, username: &str) -> String {
        let users = self.admin(
            "GET",
            &format!("{realm}/users?exact=true&username={}", encode(username)),
            None,
        );
        users[0]["id"]
            .as_str()
            .unwrap_or_else(|| panic!("no {username} in {realm}"))
            .to_owned()
    }

    /// Locks a person by wrong passwords, and waits until Keycloak has counted them: it does so behind its answers.
    #[track_caller]
    pub fn lock(&self, realm: &str, username: &str) {
        let id = self.id(realm, username);
        for number in 0..realm::FAILURES {
            let answer = self.sign_in(realm, username, &format!("wrong {number}"));
            assert!(matches!(answer.status, 400 | 401), "{}", answer.body);
        }
        let is_locked = || {
            let record = self.brute_force(realm, &id);
            (record["disabled"] == true).then_some(())
        };
        wait::until("the brute-force detection to lock", Duration::from_secs(20), is_locked).expect("locked");
    }

    /// What the brute-force detection has counted.
    #[track_caller]
    pub fn brute_force(&self, realm: &str, id: &str) -> Value {
        self.admin("GET", &format!("{realm}/attack-detection/brute-force/users/{id}"), None)
    }

    /// What the operator has sent whose path contains this, in the order of its answers. The server writes its log a
    /// moment after it has answered, so that a request of our own is awaited there.
    pub fn calls(&self, part: &str) -> Vec<Call> {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let mark = format!("/realms/master/mark-{}-", ASKED.fetch_add(1, Ordering::Relaxed));
        let url = format!("{}{mark}", self.url());
        send(&Request {
            method: "GET",
            url: &url,
            ..Request::default()
        })
        .expect("it answers");
        let file = self.scratch.path().join("keycloak.log");
        let log = wait::until("the server's log to be written", Duration::from_secs(20), || {
            let log = std::fs::read_to_string(&file).expect("its log can be read");
            log.contains(&mark).then_some(log)
        });
        let log = log.expect("it writes its log");
        let calls = log.lines().filter_map(parse_call);
        calls.filter(|call| call.path.contains(part)).collect()
    }

    fn admin_token(&self) -> Result<String> {
        let mut kept = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((made, token)) = &*kept
            && made.elapsed() < TOKEN_AGE
        {
            return Ok(token.clone());
        }
        let answer = self.token(
            "master",
            &[
                ("grant_type", "password"),
                ("client_id", "admin-cli"),
                ("username", "admin"),
                ("password", &self.secret),
            ],
        );
        let json = answer.json();
        let token = json["access_token"]
            .as_str()
            .with_context(|| format!("no token: {}", answer.body))?;
        *kept = Some((Instant::now(), token.to_owned()));
        Ok(token.to_owned())
    }
}

/// A home of its own for a server: the distribution's folders by link, and one for what it writes.
fn furnish(distribution: &Path, home: &Path) -> Result<()> {
    std::fs::create_dir_all(home.join("data")).with_context(|| format!("make the folder {}", home.display()))?;
    for folder in ["bin", "conf", "lib", "providers", "themes"] {
        std::os::unix::fs::symlink(distribution.join(folder), home.join(folder))
            .with_context(|| format!("link {folder} into {}", home.display()))?;
    }
    Ok(())
}

/// The server's program without its script, which would stay between us and it. The options are the script's, but for
/// those that make a short life shorter.
fn java(home: &Path) -> Command {
    let mut command = Command::new("java");
    command
        .args(["-Xms128m", "-Xmx640m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dfile.encoding=UTF-8"])
        .args(["-Duser.language=en", "-Duser.country=US", "-Duser.timezone=UTC"])
        .args(["--add-opens=java.base/java.util=ALL-UNNAMED", "--add-opens=java.base/java.lang=ALL-UNNAMED"])
        .args([
            "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
            "--add-opens=java.base/java.security=ALL-UNNAMED",
        ])
        .arg("-Djava.util.concurrent.ForkJoinPool.common.threadFactory=io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory")
        .arg("-Djava.util.logging.manager=org.jboss.logmanager.LogManager")
        .arg(format!("-Dkc.home.dir={}", home.display()))
        .arg(format!("-Djboss.server.config.dir={}", home.join("conf").display()))
        .arg("-cp")
        .arg(home.join("lib/quarkus-run.jar"))
        .arg("io.quarkus.bootstrap.runner.QuarkusEntryPoint");
    command
}

fn get(url: &str) -> Result<Answer> {
    send(&Request {
        method: "GET",
        url,
        ..Request::default()
    })
}

/// `... access|204|PUT /admin/... HTTP/1.1|readmit/0.1.0`
fn parse_call(line: &str) -> Option<Call> {
    let (_, entry) = line.split_once("access|")?;
    let (status, rest) = entry.split_once('|')?;
    let (request, agent) = rest.rsplit_once('|')?;
    if !agent.starts_with(OPERATOR_AGENT) {
        return None;
    }
    let mut words = request.split(' ');
    Some(Call {
        method: words.next()?.to_owned(),
        path: words.next()?.to_owned(),
        status: status.parse().ok()?,
    })
}

/// A text within a query.
pub fn encode(text: &str) -> String {
    let byte = |b: u8| match b {
        b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// A person's representation with the password of [`initial_password`] and this in it besides.
pub fn person(username: &str, more: &Value) -> Value {
    let mut user = user(username);
    for (name, value) in more.as_object().into_iter().flatten() {
        user[name] = value.clone();
    }
    user
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_operators_calls_are_read() {
        let line = "2026 INFO [access] (x) access|204|PUT /admin/realms/a/users/u HTTP/1.1|readmit/0.1.0";
        let call = parse_call(line).expect("a call");
        assert_eq!(
            (call.method.as_str(), call.path.as_str(), call.status),
            ("PUT", "/admin/realms/a/users/u", 204)
        );
        assert_eq!(parse_call("access|204|PUT /admin HTTP/1.1|curl/7.88"), None);
        assert_eq!(parse_call("Keycloak started"), None);
    }
}
