//! The server's access log, which tells what the operator really sent.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::Keycloak;
use super::http::get;
use crate::wait;

/// What the operator calls itself, up to its version.
const OPERATOR_AGENT: &str = "readmit/";

/// A request of the operator's, from the access log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub method: String,
    /// Path and query.
    pub path: String,
    pub status: u16,
}

impl Keycloak {
    /// What the operator has sent whose path contains this, in the order of its answers. On a shared server it must be
    /// a realm's or a person's own. The server writes its log a moment after it has answered, so that a request of our
    /// own is awaited there.
    pub fn calls(&self, part: &str) -> Vec<Call> {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let number = ASKED.fetch_add(1, Ordering::Relaxed);
        // Others may ask the same server just now.
        let mark = format!("/realms/master/mark-{}-{number}-", std::process::id());
        get(&format!("{}{mark}", self.url())).expect("it answers");
        let log = wait::until("the server's log to be written", Duration::from_secs(60), || {
            let log = self.log().expect("its log can be read");
            log.contains(&mark).then_some(log)
        });
        let log = log.expect("it writes its log");
        let calls = log.lines().filter_map(parse_call);
        calls.filter(|call| call.path.contains(part)).collect()
    }

    /// What the server has written since we came.
    fn log(&self) -> std::io::Result<String> {
        let (mut file, mut bytes) = (File::open(&self.place.log)?, Vec::new());
        file.seek(SeekFrom::Start(self.log_begin))?;
        file.read_to_end(&mut bytes)?;
        // It may end within a character.
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
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
