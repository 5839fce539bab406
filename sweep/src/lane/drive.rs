//! Drives one case from its beginning to the end of its requests, and records what is learned on the way.

mod begin;
mod follow;

use super::{Lane, Numbered, Past, Person, manifests};
use crate::{
    case::{Change, Given, Trouble},
    history::{Event, now},
};
use anyhow::{Context, Result};
use rand::{SeedableRng, rngs::StdRng};
use std::time::{Duration, Instant};

/// Between two looks at processes and requests.
const TICK: Duration = Duration::from_millis(20);
/// How long a case may take from its first request.
const PATIENCE: Duration = Duration::from_secs(40);
/// How long operators may take to become ready.
const READY: Duration = Duration::from_secs(60);
/// A stopped process is let go on after this, and up to half a second more: longer than lease, deadline and quarantine.
const STOPPED: Duration = Duration::from_millis(2600);
/// A failpoint that requests do not wait for is waited for this long.
const LINGER: Duration = Duration::from_secs(10);

/// A case under way.
struct Drive<'a> {
    lane: &'a mut Lane,
    case: &'a Numbered,
    random: StdRng,
    events: Vec<Event>,
    people: Vec<Person>,
    requests: Vec<Request>,
    begun: Instant,
    /// Whether the first trouble has struck.
    struck: bool,
    /// Whether an operator was killed and its successor has not started yet. The successor closes what was left open, and
    /// the lane may run no other case that would start one.
    awaits_successor: bool,
    /// Failpoints that were passed.
    passed: Vec<String>,
    /// When the stopped process is let go on.
    resume: Option<Instant>,
    /// When slapd is let go on.
    thaw: Option<Instant>,
    /// When the way to the API server is as it should be again.
    calm: Option<Instant>,
    /// Changes still to be made, and not before when.
    changes: Vec<Change>,
    not_before: Instant,
    clocks: (i64, i64),
    looked: Instant,
    hurried: bool,
}

struct Request {
    uid: String,
    name: String,
    ask: usize,
    person: Person,
    gone: bool,
}

impl Lane {
    /// Runs one case. Its history is written by [`Lane::finish`].
    ///
    /// # Errors
    /// When the surroundings fail: a server that does not answer, an operator that does not start. That a case comes out
    /// badly is for the checker to say.
    pub fn run(&mut self, case: &Numbered) -> Result<()> {
        let begun = Instant::now();
        let mut drive = Drive {
            random: StdRng::seed_from_u64(case.seed),
            lane: self,
            case,
            events: Vec::new(),
            people: Vec::new(),
            requests: Vec::new(),
            begun,
            struck: false,
            awaits_successor: false,
            passed: Vec::new(),
            resume: None,
            thaw: None,
            calm: None,
            changes: case.case.changes.clone(),
            not_before: begun,
            clocks: (0, 0),
            looked: begun,
            hurried: false,
        };
        let driven = drive.drive();
        let driven = driven.and(drive.clean_up());
        let Drive {
            events,
            people,
            requests,
            ..
        } = drive;
        let requests = requests
            .into_iter()
            .map(|request| (request.uid, request.person))
            .collect();
        self.past.push(Past {
            events,
            case: case.label(),
            people,
            requests,
            millis: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        });
        driven.with_context(|| format!("case {}", case.case.name))
    }
}

impl Drive<'_> {
    fn drive(&mut self) -> Result<()> {
        let case = self.case.case.clone();
        self.events.push(Event::Case {
            case: Box::new(case.clone()),
            seed: self.case.seed,
            limit: manifests::LIMIT,
            sweep_seed: Some(self.case.sweep_seed),
        });
        let fresh = case.given.contains(&Given::FreshStart);
        self.crew(case.crew, fresh)?;
        self.cast()?;
        for given in &case.given {
            self.given(*given)?;
        }
        if fresh {
            self.start_armed()?;
        } else {
            self.arm_first()?;
        }
        if let Trouble::Write { write, fault } = &case.trouble {
            self.lane.cluster.meet(*write, *fault);
        }
        // How long the operators took to become ready is no matter of the case.
        self.begun = Instant::now();
        for ask in 0..case.asks.len() {
            self.ask(ask)?;
        }
        self.begin_trouble()?;
        self.follow()
    }
}

fn changed(what: &str) -> Event {
    Event::Changed {
        at: now(),
        what: what.to_owned(),
    }
}
