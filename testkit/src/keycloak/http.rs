//! Requests to the server as anybody but the operator sends them, with curl, so that no client of the product is
//! needed to look behind its back.

use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process;

/// A request. Headers and bodies go by standard input, so that no secret stands in a list of processes.
#[derive(Default)]
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    pub(super) url: &'a str,
    pub(super) bearer: Option<&'a str>,
    pub(super) json: Option<&'a Value>,
    pub(super) form: &'a [(&'a str, &'a str)],
    /// A file of cookies to read and write; redirects are followed then, as browsers do, and the certificate is not
    /// checked: it is the test's own server on loopback.
    pub(super) cookies: Option<&'a str>,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

impl Answer {
    /// The body as JSON; null where there is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// Sends it.
pub(super) fn send(request: &Request<'_>) -> Result<Answer> {
    let mut config = vec![
        option("url", request.url),
        option("request", request.method),
        option("write-out", "\n%{http_code}"),
        "silent\nshow-error\nmax-time = 240".to_owned(),
    ];
    if let Some(token) = request.bearer {
        config.push(option("header", &format!("Authorization: Bearer {token}")));
    }
    if let Some(json) = request.json {
        config.push(option("header", "Content-Type: application/json"));
        config.push(option("data-raw", &json.to_string()));
    }
    for (name, value) in request.form {
        config.push(option("data-urlencode", &format!("{name}={value}")));
    }
    if let Some(cookies) = request.cookies {
        config.extend([
            option("cookie", cookies),
            option("cookie-jar", cookies),
            "location".into(),
            "insecure".into(),
        ]);
        // A redirect after a form is fetched by GET, which naming the method would prevent.
        config.retain(|line| !line.starts_with("request"));
    }
    let output = process::with_input(Command::new("curl").args(["--config", "-"]), &config.join("\n"))?;
    if !output.status.success() {
        bail!(
            "{} {}: {}",
            request.method,
            request.url,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let (body, status) = text.rsplit_once('\n').context("curl says no status")?;
    Ok(Answer {
        status: status.trim().parse().context("a status")?,
        body: body.to_owned(),
    })
}

/// A line of curl's configuration: quotes and backslashes are escaped within quotes.
fn option(name: &str, value: &str) -> String {
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("{name} = \"{escaped}\"")
}

/// Fetches a page as anybody.
pub(super) fn get(url: &str) -> Result<Answer> {
    send(&Request {
        method: "GET",
        url,
        ..Request::default()
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
