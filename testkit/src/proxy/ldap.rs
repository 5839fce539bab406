//! LDAP messages (RFC 4511, section 4.1.1): where one ends, whether it changes something, and short answers to it.

use std::io::{Error, ErrorKind, Result};

use tokio::io::AsyncReadExt;

use super::{Fault, Stream, Way, send};

/// BER tags of the requests that change an entry, and of their answers.
const MODIFY: (u8, u8) = (0x66, 0x67);
const EXTENDED: (u8, u8) = (0x77, 0x78);
/// Change of a password (RFC 3062).
const PASSWORD_MODIFY: &[u8] = b"1.3.6.1.4.1.4203.1.11.1";

const SUCCESS: u8 = 0;
const BUSY: u8 = 51;

/// Passes messages to and fro until either side ends, or a fault ends it.
pub(super) async fn relay(mut client: Box<dyn Stream>, way: &Way) -> anyhow::Result<()> {
    let mut server = way.connect().await?;
    let (mut asked, mut answered) = (Vec::new(), Vec::new());
    // The message id whose answer is lost.
    let mut losing = None;
    loop {
        tokio::select! {
            read = client.read_buf(&mut asked) => if read? == 0 { return Ok(()) },
            read = server.read_buf(&mut answered) => if read? == 0 { return Ok(()) },
        }
        while let Some(message) = take(&mut asked)? {
            match changes(&message).and_then(|change| Some((way.script.fault_for(&message)?, change))) {
                None => send(&mut server, &message).await?,
                Some((Fault::LostBefore, _)) => return Ok(()),
                Some((Fault::LostAfter, change)) => {
                    losing = Some(change.id);
                    send(&mut server, &message).await?;
                }
                Some((Fault::Late(wait), _)) => {
                    drop(client);
                    tokio::time::sleep(wait).await;
                    send(&mut server, &message).await?;
                    // Its answer has come, so that it was carried out before the connection goes.
                    server.read_buf(&mut answered).await?;
                    return Ok(());
                }
                Some((Fault::Untrue, change)) => send(&mut client, &change.answer(SUCCESS)).await?,
                Some((Fault::Busy, change)) => send(&mut client, &change.answer(BUSY)).await?,
            }
        }
        while let Some(message) = take(&mut answered)? {
            if losing.is_some() && losing == parts(&message).map(|(id, _)| id) {
                return Ok(());
            }
            send(&mut client, &message).await?;
        }
    }
}

/// A request that changes an entry.
struct Change {
    id: Vec<u8>,
    response: u8,
}

impl Change {
    /// An LDAPResult with this code and nothing else.
    fn answer(&self, code: u8) -> Vec<u8> {
        let result = [0x0a, 1, code, 0x04, 0, 0x04, 0];
        let mut body = vec![0x02, self.id.len() as u8];
        body.extend(&self.id);
        body.extend([self.response, result.len() as u8]);
        body.extend(result);
        let mut message = vec![0x30, body.len() as u8];
        message.extend(body);
        message
    }
}

fn changes(message: &[u8]) -> Option<Change> {
    let (id, tag) = parts(message)?;
    let about_password = || {
        message
            .windows(PASSWORD_MODIFY.len())
            .any(|bytes| bytes == PASSWORD_MODIFY)
    };
    let response = match tag {
        tag if tag == MODIFY.0 => MODIFY.1,
        tag if tag == EXTENDED.0 && about_password() => EXTENDED.1,
        _ => return None,
    };
    Some(Change { id, response })
}

/// The message id's content octets, and the tag of the operation.
fn parts(message: &[u8]) -> Option<(Vec<u8>, u8)> {
    let (head, _) = header(message)?;
    let rest = &message[head..];
    let (head, length) = header(rest).filter(|_| rest[0] == 0x02)?;
    let id = rest.get(head..head + length)?.to_vec();
    Some((id, *rest.get(head + length)?))
}

/// Takes the first whole message off the buffer.
fn take(buffer: &mut Vec<u8>) -> Result<Option<Vec<u8>>> {
    if buffer.first().is_some_and(|tag| *tag != 0x30) {
        return Err(Error::new(ErrorKind::InvalidData, "not an LDAP message"));
    }
    let whole = header(buffer).map(|(head, length)| head + length);
    Ok(whole
        .filter(|whole| *whole <= buffer.len())
        .map(|whole| buffer.drain(..whole).collect()))
}

/// Lengths of tag and length octets, and of the content; `None` while they are not all there.
fn header(bytes: &[u8]) -> Option<(usize, usize)> {
    let first = *bytes.get(1)?;
    if first < 0x80 {
        return Some((2, usize::from(first)));
    }
    let more = usize::from(first & 0x7f);
    let octets = bytes.get(2..2 + more)?;
    let length = octets.iter().fold(0, |sum, octet| (sum << 8) | usize::from(*octet));
    Some((2 + more, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Message 7: a modify of `cn=a` without changes.
    const MODIFY_A: &[u8] = &[0x30, 13, 2, 1, 7, 0x66, 8, 4, 4, b'c', b'n', b'=', b'a', 0x30, 0];

    #[test]
    fn a_message_is_taken_once_it_is_whole() {
        let mut buffer = Vec::new();
        for (at, byte) in MODIFY_A.iter().enumerate() {
            assert_eq!(take(&mut buffer).expect("LDAP"), None, "after {at} bytes");
            buffer.push(*byte);
        }
        buffer.push(0x30);
        assert_eq!(take(&mut buffer).expect("LDAP").as_deref(), Some(MODIFY_A));
        assert_eq!(buffer, [0x30]);
        // 128 bytes and more have their length in octets of its own.
        let mut long = vec![0x30, 0x82, 1, 0];
        long.resize(4 + 256, 0);
        assert_eq!(take(&mut long.clone()).expect("LDAP"), Some(long));
        take(&mut b"GET /".to_vec()).expect_err("HTTP");
    }

    #[test]
    fn changes_are_known_and_answered() {
        let change = changes(MODIFY_A).expect("a modify");
        assert_eq!(change.answer(51), [0x30, 12, 2, 1, 7, 0x67, 7, 0x0a, 1, 51, 4, 0, 4, 0]);
        let search = [0x30, 5, 2, 1, 7, 0x63, 0];
        assert!(changes(&search).is_none());
        let mut extended = vec![0x30, 0, 2, 1, 9, 0x77, 0, 0x80, PASSWORD_MODIFY.len() as u8];
        extended.extend(PASSWORD_MODIFY);
        extended[1] = extended.len() as u8 - 2;
        assert_eq!(changes(&extended).expect("a change of a password").response, 0x78);
    }
}
