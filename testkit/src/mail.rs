//! A real SMTP server that keeps what it is sent: Python's aiosmtpd, with a Maildir.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::process::Child;
use crate::{packages, ports, wait};

const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// A running server without encryption or sign-in, on loopback; ended on drop.
pub struct MailServer {
    _child: Child,
    port: u16,
    folder: PathBuf,
}

/// A message as it was delivered.
#[derive(Debug, Clone)]
pub struct Mail {
    /// From whom, as the message itself says.
    pub from: String,
    /// To whom, as the message itself says.
    pub to: String,
    /// The whole message, with the transfer encodings of RFC 2045 that split lines undone.
    pub text: String,
}

impl MailServer {
    /// Installs what is missing and starts a server that keeps its messages in `dir`.
    pub fn start(dir: &Path) -> Result<Self> {
        packages::ensure(&["python3-aiosmtpd"])?;
        let (port, folder) = (ports::free(), dir.join("mail"));
        // Where Debian puts the module, whatever other Python comes first.
        let mut command = Command::new("/usr/bin/python3");
        command
            .args(["-m", "aiosmtpd", "-n", "-l", &format!("127.0.0.1:{port}")])
            .args(["-c", "aiosmtpd.handlers.Mailbox"])
            .arg(&folder);
        let mut child = Child::spawn("aiosmtpd", &mut command, &dir.join("mail.log"))?;
        wait::until_ok("the mail server to listen", READY_TIMEOUT, || {
            child.check_running()?;
            std::net::TcpStream::connect(("127.0.0.1", port)).context("connect")
        })?;
        Ok(Self {
            _child: child,
            port,
            folder,
        })
    }

    /// Where it listens on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it keeps what it is sent, see [`mails_in`].
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Every message that a [`MailServer`] has kept in its folder so far, oldest first.
pub fn mails_in(folder: &Path) -> Result<Vec<Mail>> {
    let folder = folder.join("new");
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let listing = std::fs::read_dir(&folder).with_context(|| format!("list {}", folder.display()))?;
    let mut files = Vec::new();
    for entry in listing {
        let entry = entry.with_context(|| format!("list {}", folder.display()))?;
        let arrived = entry.metadata().and_then(|data| data.modified());
        files.push((arrived.context("when a mail arrived")?, entry.path()));
    }
    files.sort();
    let read = |(_, file): (_, PathBuf)| {
        let bytes = std::fs::read(&file).with_context(|| format!("read {}", file.display()))?;
        Ok(Mail::parse(&String::from_utf8_lossy(&bytes)))
    };
    files.into_iter().map(read).collect()
}

impl Mail {
    fn parse(raw: &str) -> Self {
        let text = raw.replace("\r\n", "\n").replace("=\n", "").replace("=3D", "=");
        let header = |name: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(name));
            value.unwrap_or_default().trim().to_owned()
        };
        Self {
            from: header("From: "),
            to: header("To: "),
            text,
        }
    }

    /// The first web address in it.
    pub fn link(&self) -> Option<&str> {
        let begin = self.text.find("http")?;
        let rest = self.text.get(begin..)?;
        let end = rest.find(|c: char| c.is_whitespace() || "\"<>".contains(c));
        rest.get(..end.unwrap_or(rest.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_found_over_line_ends() {
        let mail = Mail::parse(
            "From: sign-in@example.test\r\nTo: ada@example.test\r\n\r\nClick:\r\nhttp://127.0.0.1/a?key=3Dab=\r\ncd\r\n\r\nBye",
        );
        assert_eq!((&*mail.from, &*mail.to), ("sign-in@example.test", "ada@example.test"));
        assert_eq!(mail.link(), Some("http://127.0.0.1/a?key=abcd"));
    }
}
