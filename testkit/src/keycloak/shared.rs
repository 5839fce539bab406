//! One server for the suites of a whole run. Whoever runs them starts it and writes into a folder what came of that;
//! each suite reads it there, and waits for it where it comes first.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context, Error, Result};
use serde_json::{Value, json};

use super::server::READY_TIMEOUT;
use super::{Keycloak, Place};
use crate::skip::Missing;
use crate::{tls, wait};

/// Names the folder of a server that is there already, or comes: an absolute path, since suites run in other folders.
pub const FOLDER: &str = "TESTKIT_KEYCLOAK";

/// The file in that folder. It is put there as a whole.
const FILE: &str = "keycloak.json";
/// Fetching the program, which takes minutes the first time, may come before the start.
const FETCH_TIMEOUT: Duration = Duration::from_secs(300);
/// A server that is said to be there may be busy, but not for long.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

impl Keycloak {
    /// The server of the whole run where [`FOLDER`] names one, and else one of this process's own. Realms are shared by
    /// nobody: their names must be no other suite's.
    ///
    /// # Errors
    /// As [`Self::start`], whoever starts it.
    pub fn shared() -> Result<Self> {
        match std::env::var_os(FOLDER) {
            Some(folder) => Self::attach(Path::new(&folder)),
            None => Self::start(),
        }
    }

    /// Starts a server and writes into a folder, which is empty so far, how it is reached or why it is not there. It
    /// ends with the value.
    ///
    /// # Errors
    /// As [`Self::start`]; they are told in the folder already.
    pub fn serve(folder: &Path) -> Result<Self> {
        // Nobody would tell the others of a panic.
        let started = std::panic::catch_unwind(Self::start);
        let started = started.unwrap_or_else(|_| Err(Error::msg("it panicked; see what was written then")));
        match &started {
            Ok(server) => publish(folder, &server.place.to_json())?,
            Err(error) => tell_failure(folder, error)?,
        }
        started
    }

    /// The server of a folder, once it answers. Another process ends it.
    fn attach(folder: &Path) -> Result<Self> {
        let place = wait::until(
            &format!("{} to be written", folder.join(FILE).display()),
            FETCH_TIMEOUT + READY_TIMEOUT,
            || look(folder).transpose(),
        )??;
        wait::until_ok("the shared Keycloak to answer", ANSWER_TIMEOUT, || {
            place.check_answers()
        })?;
        let log_begin = std::fs::metadata(&place.log)
            .with_context(|| format!("look at {}", place.log.display()))?
            .len();
        Ok(Self {
            place,
            log_begin,
            importing: folder.join("importing"),
            token: Mutex::default(),
            _server: None,
        })
    }
}

/// Writes into the folder that there will be no server, so that nobody waits for it; [`Keycloak::serve`] does so itself.
/// What is [`Missing`] stays a reason to skip.
pub fn tell_failure(folder: &Path, error: &Error) -> Result<()> {
    let missing = error.chain().any(|cause| cause.is::<Missing>());
    publish(folder, &json!({"failure": format!("{error:#}"), "missing": missing}))
}

/// Only its owner may read it: the administrator's secret stands in it.
fn publish(folder: &Path, what: &Value) -> Result<()> {
    let new = folder.join(format!("{FILE}.new"));
    tls::write(&new, &what.to_string())?;
    std::fs::rename(&new, folder.join(FILE)).with_context(|| format!("put {} into place", new.display()))
}

/// What was written so far: nothing, a server, or why there is none.
fn look(folder: &Path) -> Result<Option<Place>> {
    let file = folder.join(FILE);
    let text = match std::fs::read_to_string(&file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        text => text.with_context(|| format!("read {}", file.display()))?,
    };
    let what: Value = serde_json::from_str(&text).with_context(|| format!("{} is JSON", file.display()))?;
    let Some(failure) = what["failure"].as_str() else {
        let place = Place::from_json(&what);
        return Ok(Some(place.with_context(|| format!("read {}", file.display()))?));
    };
    match what["missing"] == true {
        true => Err(Missing(failure.to_owned()).into()),
        false => Err(Error::msg(failure.to_owned()).context("the shared Keycloak did not start")),
    }
}

impl Place {
    fn to_json(&self) -> Value {
        json!({
            "httpPort": self.http_port, "httpsPort": self.https_port, "mailPort": self.mail_port,
            "secret": self.secret, "ca": self.ca_pem, "log": self.log, "mails": self.mails,
        })
    }

    fn from_json(value: &Value) -> Result<Self> {
        let text = |name: &str| {
            let text = value[name].as_str().map(str::to_owned);
            text.with_context(|| format!("it has no text {name}"))
        };
        let port = |name: &str| {
            let port = value[name].as_u64().and_then(|port| u16::try_from(port).ok());
            port.with_context(|| format!("it has no port {name}"))
        };
        Ok(Self {
            http_port: port("httpPort")?,
            https_port: port("httpsPort")?,
            mail_port: port("mailPort")?,
            secret: text("secret")?,
            ca_pem: text("ca")?,
            log: PathBuf::from(text("log")?),
            mails: PathBuf::from(text("mails")?),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::time::Instant;

    use super::*;

    fn place(folder: &Path, http_port: u16) -> Place {
        Place {
            http_port,
            https_port: 2,
            mail_port: 3,
            secret: "geheim \"1\"".into(),
            ca_pem: "-----BEGIN CERTIFICATE-----\nAA==\n".into(),
            log: folder.join("keycloak.log"),
            mails: folder.join("mail"),
        }
    }

    #[test]
    fn what_is_described_is_what_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(look(folder.path()).expect("no error").is_none(), "nothing is there yet");
        let place = place(folder.path(), 1);
        publish(folder.path(), &place.to_json()).expect("written");
        assert!(look(folder.path()).expect("read") == Some(place));
        publish(folder.path(), &json!({"httpPort": 70_000})).expect("written");
        let error = look(folder.path()).err().expect("an error");
        assert!(format!("{error:#}").contains("it has no port httpPort"), "{error:#}");
    }

    #[test]
    fn a_failure_is_told_at_once_and_what_is_missing_stays_a_skip() {
        let folder = tempfile::tempdir().expect("a folder");
        let began = Instant::now();
        for (error, skip) in [
            (Error::msg("no memory").context("start Keycloak"), false),
            (Error::new(Missing("install maven".into())).context("fetch it"), true),
        ] {
            tell_failure(folder.path(), &error).expect("written");
            let seen = Keycloak::attach(folder.path()).err().expect("an error");
            assert!(format!("{seen:#}").contains(&format!("{error:#}")), "{seen:#}");
            assert_eq!(seen.chain().any(|cause| cause.is::<Missing>()), skip);
        }
        assert!(began.elapsed() < Duration::from_secs(5));
    }

    /// The server is a listener that answers everything with 200.
    #[test]
    fn attaching_waits_for_the_server_and_reads_its_log_from_now_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let place = place(folder.path(), listener.local_addr().expect("an address").port());
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            }
        });
        std::fs::write(&place.log, "somebody else's\n").expect("written");
        let attached = std::thread::scope(|scope| {
            let attaching = scope.spawn(|| Keycloak::attach(folder.path()));
            std::thread::sleep(Duration::from_millis(150));
            assert!(!attaching.is_finished());
            publish(folder.path(), &place.to_json()).expect("written");
            attaching.join().expect("no panic").expect("attached")
        });
        assert_eq!(attached.log_begin, 16);
        assert!(attached.place == place);
    }
}
