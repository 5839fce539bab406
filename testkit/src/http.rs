//! As much of an HTTP client as demo and benchmark need for health, metrics and control APIs: over loopback, one call a
//! connection. Nothing here may talk to anything but loopback.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Longer than any answer on loopback takes.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Calls `http://127.0.0.1:PORT` and gives the answer's JSON.
///
/// # Errors
/// When nothing answers, or with another status than 200.
pub fn json(method: &str, base: &str, path: &str, body: Option<&Value>) -> Result<Value> {
    let text = call(method, base, path, body).with_context(|| format!("{method} {base}{path}"))?;
    serde_json::from_str(&text).with_context(|| format!("{method} {base}{path} did not answer JSON: {text}"))
}

/// As [`json`], for an answer in plain text; an answer with another status is an error with its text.
///
/// # Errors
/// As [`json`].
pub fn call(method: &str, base: &str, path: &str, body: Option<&Value>) -> Result<String> {
    let address = base.strip_prefix("http://").context("only http:// to loopback")?;
    let mut stream = TcpStream::connect(address).context("connect")?;
    stream.set_read_timeout(Some(TIMEOUT)).context("set a time limit")?;
    let body = body.map(Value::to_string).unwrap_or_default();
    // HTTP/1.0: the answer ends with the connection and comes in one piece.
    let request = format!(
        "{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).context("send the request")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).context("read the answer")?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .context("the answer has no end of headers")?;
    let status = head.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) != Some("200") {
        bail!("answered {status}: {body}");
    }
    Ok(body.to_owned())
}
