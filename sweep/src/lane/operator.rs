//! One operator of a lane: a process that comes and goes, the file by which its failpoints are armed, and its log,
//! which is where everything is learned that it does.

use crate::{
    case::{Blow, Crew, Strike},
    history::{Event, What, now},
};
use anyhow::{Context, Result};
use jiff::Timestamp;
use serde_json::Value;
use std::{
    fs,
    io::{Read, Seek, SeekFrom, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
use testkit::{
    ports,
    process::{Child, Scratch},
};

/// Seconds instead of minutes; the ratios are those of production.
const TIMINGS: &[(&str, &str)] = &[
    ("READMIT_ALLOW_SHORT_TIMINGS", "true"),
    ("READMIT_LEASE_DURATION", "2s"),
    ("READMIT_LEASE_RENEW", "400ms"),
    ("READMIT_EFFECT_DEADLINE", "600ms"),
    ("READMIT_UPSTREAM_TIMEOUT", "600ms"),
    ("READMIT_QUARANTINE", "1300ms"),
    ("READMIT_ENFORCEMENT_MARGIN", "1ms"),
    ("READMIT_WAIT_NOTICE", "200ms"),
    ("READMIT_READ_BACK", "1s"),
    ("READMIT_READING_AGE", "1s"),
    ("READMIT_RIGHTS_RECHECK", "500ms"),
    ("READMIT_LOG", "info,readmit=debug"),
    ("READMIT_LOG_FORMAT", "text"),
];
/// A call that is delayed this long passes deadline, timeout and quarantine.
pub const DELAY: Duration = Duration::from_millis(1600);

/// So many lines of a log are told of a case that was given up.
const SAID: usize = 30;

/// An operator that may be running.
pub struct Operator {
    /// `a` or `b`.
    pub label: &'static str,
    scratch: Scratch,
    kubeconfig: PathBuf,
    program: PathBuf,
    starts: usize,
    child: Option<Child>,
    address: String,
    log: PathBuf,
    /// How much of the log has been read.
    read: u64,
    stopped: bool,
    armed: String,
    clocks: String,
}

impl Operator {
    /// One that is not running yet.
    ///
    /// # Errors
    /// When it can have no folder.
    pub fn new(label: &'static str, program: &Path, kubeconfig: PathBuf) -> Result<Self> {
        let scratch = Scratch::new("sweep-operator-")?;
        Ok(Operator {
            label,
            log: scratch.path().join("none.log"),
            scratch,
            kubeconfig,
            program: program.to_owned(),
            starts: 0,
            child: None,
            address: String::new(),
            read: 0,
            stopped: false,
            armed: String::new(),
            clocks: String::new(),
        })
    }

    /// The name of the present process, the last one where none runs.
    pub fn process(&self) -> String {
        format!("{}{}", self.label, self.starts)
    }

    fn event(&self, what: What) -> Event {
        Event::Process {
            at: now(),
            process: self.process(),
            what,
        }
    }

    /// Starts a process.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&mut self, crew: Crew) -> Result<Event> {
        self.starts += 1;
        self.address = format!("127.0.0.1:{}", ports::free());
        self.log = self.scratch.path().join(format!("{}.log", self.process()));
        (self.read, self.stopped) = (0, false);
        let lease = matches!(crew, Crew::Leader | Crew::Pair);
        let mut command = Command::new(&self.program);
        command
            .env("KUBECONFIG", &self.kubeconfig)
            .env("READMIT_LISTEN", &self.address)
            .env("READMIT_NAMESPACE", super::manifests::NAMESPACE)
            .env("READMIT_IDENTITY", self.process())
            .env("READMIT_LEASE", lease.to_string())
            .env("READMIT_FAILPOINTS_FILE", self.file())
            .env("NO_PROXY", "127.0.0.1,localhost")
            .envs(TIMINGS.iter().copied());
        self.child = Some(Child::spawn("readmit", &mut command, &self.log)?);
        Ok(self.event(What::Started))
    }

    fn file(&self) -> PathBuf {
        self.scratch.path().join("failpoints")
    }

    /// Arms one failpoint, once, or none. What was armed before is not any more.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn arm(&mut self, strike: Option<&Strike>) -> Result<()> {
        self.armed = strike.map_or_else(String::new, |strike| {
            let word = match strike.blow {
                Blow::Kill => "kill".to_owned(),
                Blow::Panic => "panic".to_owned(),
                Blow::Stop => "stop".to_owned(),
                Blow::Lost => "lost".to_owned(),
                Blow::Delay => format!("delay {}", DELAY.as_millis()),
                Blow::Watch => "delay 0".to_owned(),
            };
            format!("{}=1*return({word})\n", strike.point)
        });
        self.write()
    }

    /// Sets how far its clocks are off, in milliseconds, until it is called again.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set_clocks(&mut self, wall: i64, boot: i64) -> Result<()> {
        let line = |name: &str, offset: i64| match offset {
            0 => String::new(),
            offset => format!("{name}=return({offset})\n"),
        };
        self.clocks = line("clock-wall", wall) + &line("clock-boot", boot);
        self.write()
    }

    /// In one step, for the process may read at any time. The comment makes every writing another text, so that what was
    /// used up is armed anew.
    fn write(&self) -> Result<()> {
        let new = self.scratch.path().join("failpoints.new");
        let text = format!("# {}\n{}{}", rand::random::<u32>(), self.clocks, self.armed);
        fs::write(&new, text).with_context(|| format!("write {}", new.display()))?;
        fs::rename(&new, self.file()).with_context(|| format!("put {} into place", new.display()))
    }

    /// Whether a process runs, stopped ones included.
    pub fn is_running(&self) -> bool {
        self.child.is_some()
    }

    /// What happened since the last look: lines of the log, and what became of the process.
    ///
    /// # Errors
    /// When log or process cannot be looked at.
    pub fn look(&mut self) -> Result<Vec<Event>> {
        let Some(child) = &mut self.child else {
            return Ok(Vec::new());
        };
        let pid = child.pid();
        let exit = child.exit_status()?;
        let mut events = self.read_log()?;
        if let Some(status) = exit {
            self.child = None;
            events.push(self.event(status.code().map_or(What::Killed, What::Exited)));
        } else if !self.stopped && is_stopped(pid) {
            self.stopped = true;
            events.push(self.event(What::Stopped));
        }
        Ok(events)
    }

    fn read_log(&mut self) -> Result<Vec<Event>> {
        let mut text = Vec::new();
        let mut file = fs::File::open(&self.log).with_context(|| format!("open {}", self.log.display()))?;
        file.seek(SeekFrom::Start(self.read))
            .context("find the place in the log")?;
        file.read_to_end(&mut text).context("read the log")?;
        // The last line may be half written yet.
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        self.read += whole as u64;
        let text = String::from_utf8_lossy(text.get(..whole).unwrap_or_default()).into_owned();
        Ok(text.lines().filter_map(|line| self.heard(line)).collect())
    }

    /// What a line of the log says.
    fn heard(&self, line: &str) -> Option<Event> {
        if let Some(struck) = line.strip_prefix("failpoint ") {
            let point = struck.split(' ').next().unwrap_or_default().to_owned();
            return Some(self.event(What::Struck(point)));
        }
        let line: Value = serde_json::from_str(line).ok()?;
        // When it was written, and not when it was heard of.
        let written = line["time"].as_str().and_then(|time| time.parse::<Timestamp>().ok());
        (line["log"] == "audit").then(|| Event::Audit {
            at: written.map_or_else(now, |time| time.as_millisecond()),
            process: self.process(),
            line: Box::new(line),
        })
    }

    /// Stops it from outside.
    ///
    /// # Errors
    /// When it cannot be signalled.
    pub fn stop(&mut self) -> Result<()> {
        self.child.as_mut().map_or(Ok(()), |child| child.signal("STOP"))
    }

    /// Lets a stopped process go on.
    ///
    /// # Errors
    /// When it cannot be signalled.
    pub fn go_on(&mut self) -> Result<Option<Event>> {
        let Some(child) = self.child.as_mut().filter(|_| self.stopped) else {
            return Ok(None);
        };
        child.signal("CONT")?;
        self.stopped = false;
        Ok(Some(self.event(What::Continued)))
    }

    /// Asks it to end.
    ///
    /// # Errors
    /// When it cannot be signalled.
    pub fn terminate(&mut self) -> Result<()> {
        self.child.as_mut().map_or(Ok(()), |child| child.signal("TERM"))
    }

    /// Ends it at once.
    pub fn kill(&mut self) -> Option<Event> {
        self.child.take().map(|mut child| child.kill())?;
        self.stopped = false;
        Some(self.event(What::Killed))
    }

    /// Whether it says that it is ready and, where one has to, leads.
    pub fn is_ready(&self, leading: bool) -> bool {
        let Ok(ready) = get(&self.address, "/readyz") else {
            return false;
        };
        if !ready.contains("200 OK") {
            return false;
        }
        let metrics = get(&self.address, "/metrics").unwrap_or_default();
        !leading || (metrics.contains("readmit_leading 1") && !metrics.contains("ready=\"true\"} 0"))
    }

    /// The end of its log, for messages.
    pub fn tail(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines
            .get(lines.len().saturating_sub(40)..)
            .unwrap_or_default()
            .join("\n")
    }

    /// The end of its log without what [`Operator::look`] has told already.
    pub fn said(&self) -> Event {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let said: Vec<&str> = text.lines().filter(|line| !line.starts_with('{')).collect();
        let last = said.get(said.len().saturating_sub(SAID)..).unwrap_or_default();
        Event::Log {
            at: now(),
            process: self.process(),
            lines: last.iter().map(ToString::to_string).collect(),
        }
    }

    /// Copies its logs to a folder.
    ///
    /// # Errors
    /// When a file cannot be copied.
    pub fn keep_logs(&self, folder: &Path, prefix: &str) -> Result<()> {
        for entry in fs::read_dir(self.scratch.path()).context("list the logs")? {
            let path = entry.context("list the logs")?.path();
            if let Some(name) = path.file_name().and_then(|name| name.to_str())
                && name.ends_with(".log")
            {
                fs::copy(&path, folder.join(format!("{prefix}-{name}"))).context("copy a log")?;
            }
        }
        Ok(())
    }
}

/// Whether the process is stopped by a signal (proc(5)).
fn is_stopped(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
}

/// An HTTP answer as it comes. Whoever does not answer within a second is not ready.
fn get(address: &str, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}
