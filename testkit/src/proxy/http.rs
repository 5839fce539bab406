//! HTTP/1.1 (RFC 9112): one request a connection, so that an answer ends with it.

use std::io::{Error, ErrorKind, Result};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Fault, Stream, Way, send};

/// Requests of tests are small; whatever is larger is not one.
const LARGEST: usize = 1 << 20;

const DONE: &[u8] = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
const BUSY: &[u8] =
    b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 2\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// Passes one request on and its answer back, or what a fault makes of them.
pub(super) async fn relay(mut client: Box<dyn Stream>, way: &Way) -> anyhow::Result<()> {
    let Some(request) = read_request(&mut client).await? else {
        return Ok(());
    };
    let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let reads = line.starts_with(b"GET ") || line.starts_with(b"HEAD ");
    let fault = if reads { None } else { way.script.fault_for(line) };
    match fault {
        None => {
            let mut server = way.connect().await?;
            send(&mut server, &request).await?;
            tokio::io::copy(&mut server, &mut client).await?;
        }
        Some(Fault::LostBefore) => {}
        Some(Fault::LostAfter) => carry_out(way, &request).await?,
        Some(Fault::Late(wait)) => {
            drop(client);
            tokio::time::sleep(wait).await;
            return carry_out(way, &request).await;
        }
        Some(Fault::Untrue) => send(&mut client, DONE).await?,
        Some(Fault::Busy) => send(&mut client, BUSY).await?,
    }
    // Without this TLS ends in a way that clients take for an attack.
    client.shutdown().await?;
    Ok(())
}

/// Has the server carry a request out, and keeps the answer to itself.
async fn carry_out(way: &Way, request: &[u8]) -> anyhow::Result<()> {
    let mut server = way.connect().await?;
    send(&mut server, request).await?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await?;
    Ok(())
}

/// One whole request that asks for the connection to be closed; `None` where the client sends nothing.
async fn read_request(client: &mut Box<dyn Stream>) -> Result<Option<Vec<u8>>> {
    let mut buffer = Vec::new();
    let head = loop {
        if let Some(at) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break at + 4;
        }
        if buffer.len() > LARGEST || client.read_buf(&mut buffer).await? == 0 {
            return match buffer.is_empty() {
                true => Ok(None),
                false => Err(Error::new(ErrorKind::InvalidData, "no whole request")),
            };
        }
    };
    let (text, length) = closing(&buffer[..head])?;
    while buffer.len() < head + length {
        if client.read_buf(&mut buffer).await? == 0 {
            return Err(Error::new(ErrorKind::UnexpectedEof, "a body broke off"));
        }
    }
    let mut request = text.into_bytes();
    request.extend(&buffer[head..head + length]);
    Ok(Some(request))
}

/// The head with `Connection: close`, and the length of the body.
fn closing(head: &[u8]) -> Result<(String, usize)> {
    let invalid = |what| Error::new(ErrorKind::InvalidData, what);
    let head = std::str::from_utf8(head).map_err(|_| invalid("a head that is not text"))?;
    let mut length = 0;
    let mut text = String::new();
    for line in head.trim_end().split("\r\n") {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().map_err(|_| invalid("a body without a length"))?;
        }
        if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(invalid("a body in pieces is not understood here"));
        }
        if !name.eq_ignore_ascii_case("connection") {
            text += line;
            text += "\r\n";
        }
    }
    if length > LARGEST {
        return Err(invalid("a body too large"));
    }
    Ok((text + "Connection: close\r\n\r\n", length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_made_to_close_its_connection() {
        let head = b"PUT /a HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\ncontent-length: 12\r\n\r\n";
        let (text, length) = closing(head).expect("a head");
        assert_eq!(
            text,
            "PUT /a HTTP/1.1\r\nHost: x\r\ncontent-length: 12\r\nConnection: close\r\n\r\n"
        );
        assert_eq!(length, 12);
        closing(b"PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n").expect_err("not understood");
    }
}
