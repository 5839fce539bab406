//! A lane: an API server, directories and operators of its own, on which cases run one after another. Lanes share
//! nothing, so that several run at once.

mod board;
mod cluster;
mod drive;
mod manifests;
mod operator;
mod upstreams;

use crate::{
    case::{Case, Crew, Upstream},
    history::{self, Event},
};
use age::x25519;
use anyhow::{Context, Result};
use board::Board;
use cluster::Cluster;
use operator::Operator;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::runtime::Runtime;
use upstreams::{Person, Upstreams};

pub use manifests::LIMIT;

/// Longer than an operator keeps the closing of a claim to itself, and its sweeper sleeps.
const CLOSED: Duration = Duration::from_millis(7000);

/// A lane, ready for cases.
pub struct Lane {
    cluster: Cluster,
    upstreams: Upstreams,
    operators: Vec<Operator>,
    board: Board,
    /// Opens what requests deliver.
    key: x25519::Identity,
    crew: Option<Crew>,
    folder: PathBuf,
    /// What was run, until its truth is taken down.
    past: Vec<Past>,
    // Last, since sandbox and watches live in it.
    _runtime: Runtime,
}

/// A case that was run.
struct Past {
    events: Vec<Event>,
    /// Its label.
    case: String,
    people: Vec<Person>,
    /// The uids of its requests, each with whom it was about.
    requests: Vec<(String, Person)>,
    millis: u64,
}

/// A case and its seed, with its position among all cases.
#[derive(Clone, Debug)]
pub struct Numbered {
    pub number: usize,
    /// The seed of the sweep from which the case's own follows.
    pub sweep_seed: u64,
    pub seed: u64,
    /// How many of the same name come before it.
    pub earlier: usize,
    pub case: Case,
}

impl Numbered {
    /// The case's name; where it is run several times, no two alike.
    pub fn label(&self) -> String {
        match self.earlier {
            0 => self.case.name.clone(),
            earlier => format!("{}@{}", self.case.name, earlier + 1),
        }
    }

    /// What the account of this number signs in with.
    fn login(&self, upstream: Upstream, account: usize) -> String {
        match upstream {
            Upstream::Okta => format!("c{}-{account}@example.com", self.number),
            Upstream::OpenLdap => format!("c{}-{account}", self.number),
            Upstream::Routed => format!("c{}-{account}@routed.example.com", self.number),
        }
    }

    /// Everybody whom slapd must have.
    fn ldap_people(&self) -> Vec<String> {
        let mut accounts: Vec<usize> = self
            .case
            .asks
            .iter()
            .filter(|ask| ask.upstream != Upstream::Okta)
            .map(|ask| ask.account)
            .collect();
        accounts.sort_unstable();
        accounts.dedup();
        accounts
            .into_iter()
            .map(|account| self.login(Upstream::OpenLdap, account))
            .collect()
    }
}

impl Lane {
    /// Starts everything but operators.
    ///
    /// # Errors
    /// When a server does not start, or the API server refuses a manifest.
    pub fn start(name: &str, program: &Path, folder: &Path, cases: &[Numbered]) -> Result<Self> {
        let runtime = Runtime::new().context("start a runtime")?;
        let people: Vec<String> = cases.iter().flat_map(|case| case.ldap_people()).collect();
        let upstreams = Upstreams::start(&runtime, name, &people)?;
        let key = x25519::Identity::generate();
        let cluster = Cluster::start(&runtime, &upstreams, &key.to_public().to_string())?;
        let board = Board::watch(&runtime, &cluster.admin);
        let operators = ["a", "b"].into_iter().zip(cluster.kubeconfigs()?);
        let operators = operators.map(|(label, kubeconfig)| Operator::new(label, program, kubeconfig));
        let operators = operators.collect::<Result<_>>()?;
        Ok(Lane {
            cluster,
            upstreams,
            operators,
            board,
            key,
            crew: None,
            folder: folder.to_owned(),
            past: Vec::new(),
            _runtime: runtime,
        })
    }

    /// Ends the operators and writes the history of every case, with what the directories did by now.
    ///
    /// # Errors
    /// When the truth cannot be read or a file not be written.
    pub fn finish(mut self, name: &str) -> Result<()> {
        // Results that wait for another write to ride on are in the ledgers by then.
        std::thread::sleep(CLOSED);
        for operator in &mut self.operators {
            operator.kill();
            operator.keep_logs(&self.folder, name)?;
        }
        self.upstreams.read_log()?;
        for past in std::mem::take(&mut self.past) {
            let events = self
                .told(&past)
                .with_context(|| format!("the truth of {}", past.case))?;
            history::write(&history::file(&self.folder, &past.case), &events)?;
        }
        Ok(())
    }

    /// The whole history of a case.
    fn told(&mut self, past: &Past) -> Result<Vec<Event>> {
        let uids: Vec<String> = past.requests.iter().map(|(uid, _)| uid.clone()).collect();
        let accounts = past.people.iter().map(|person| &person.id);
        let named = past.people.iter().filter_map(|person| person.named.as_ref());
        let accounts: Vec<String> = accounts.chain(named).cloned().collect();
        let mut events = past.events.clone();
        events.extend(self.board.about(&uids, &accounts));
        // Both were heard in their own order; the time says how they go together.
        let first = events.iter().position(|event| matches!(event, Event::Case { .. }));
        events.sort_by_key(at);
        debug_assert!(first == Some(0), "the case comes first");
        let mut passwords = Vec::new();
        for (uid, person) in &past.requests {
            if let Some(password) = self.delivered(uid)? {
                events.push(Event::Delivered {
                    uid: uid.clone(),
                    value: sandbox::fingerprint(&password),
                    in_force: self.upstreams.is_in_force(person, &password)?,
                });
                passwords.push(password);
            }
        }
        for (n, person) in past.people.iter().enumerate() {
            // Who is asked for in both directories is one person all the same.
            let again = past.people.iter().take(n).any(|before| before.id == person.id);
            events.extend(self.upstreams.truth(person, &passwords, !again)?);
        }
        events.push(Event::End {
            at: history::now(),
            millis: past.millis,
        });
        Ok(events)
    }

    fn delivered(&self, uid: &str) -> Result<Option<String>> {
        let status = self.board.status(uid);
        status["delivery"]["sealed"]
            .as_str()
            .map(|sealed| open(sealed, &self.key))
            .transpose()
    }
}

/// When an event was learned of; what has no time stays in front.
fn at(event: &Event) -> i64 {
    match event {
        Event::Request { at, .. }
        | Event::Status { at, .. }
        | Event::Gone { at, .. }
        | Event::Process { at, .. }
        | Event::Changed { at, .. }
        | Event::Audit { at, .. }
        | Event::Ledger { at, .. }
        | Event::GaveUp { at, .. }
        | Event::Log { at, .. }
        | Event::End { at, .. } => *at,
        Event::Case { .. } | Event::Effect(_) | Event::Account { .. } | Event::Delivered { .. } => 0,
    }
}

fn open(sealed: &str, key: &x25519::Identity) -> Result<String> {
    use age::{Decryptor, Identity, armor::ArmoredReader};
    use std::io::Read;
    let decryptor =
        Decryptor::new(ArmoredReader::new(sealed.as_bytes())).context("what is delivered is no age file")?;
    let mut reader = decryptor
        .decrypt(std::iter::once(key as &dyn Identity))
        .context("what is delivered is not sealed to the policy's recipient")?;
    let mut text = String::new();
    reader
        .read_to_string(&mut text)
        .context("what is delivered is no text")?;
    Ok(text)
}
