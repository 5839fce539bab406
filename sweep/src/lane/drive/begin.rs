//! The beginning of a case: the right operators run and are ready, people are there, what must be so is so, failpoints are
//! armed, requests are made.

use super::{Drive, LINGER, PATIENCE, READY, Request, STOPPED, TICK, changed};
use crate::{
    case::{Ask, Blow, Crew, Fault, Given, Outage, Strike, Trouble},
    history::{Event, now},
    lane::{manifests, upstreams::FROZEN},
};
use anyhow::{Context, Result, ensure};
use rand::Rng;
use std::{
    thread::sleep,
    time::{Duration, Instant},
};

impl Drive<'_> {
    /// Sees to it that the right operators run, and are ready.
    pub(super) fn crew(&mut self, crew: Crew, fresh: bool) -> Result<()> {
        if self.lane.crew != Some(crew) || fresh {
            for operator in &mut self.lane.operators {
                operator.kill();
                operator.arm(None)?;
            }
        }
        self.lane.crew = Some(crew);
        if fresh { Ok(()) } else { self.ready() }
    }

    /// Starts those that do not run, and waits until all are ready and, where that is how it is, one of them leads.
    pub(super) fn ready(&mut self) -> Result<()> {
        let crew = self.case.case.crew;
        let count = crew.count();
        let end = Instant::now() + READY;
        loop {
            self.look()?;
            for operator in self.lane.operators.iter_mut().take(count) {
                if !operator.is_running() {
                    self.events.push(operator.start(crew)?);
                    self.awaits_successor = false;
                }
            }
            let operators = || self.lane.operators.iter().take(count);
            let ready = match crew {
                Crew::Pair => {
                    operators().all(|operator| operator.is_ready(false))
                        && operators().any(|operator| operator.is_ready(true))
                }
                Crew::Solo | Crew::Rivals | Crew::Leader => operators().all(|operator| operator.is_ready(true)),
            };
            if ready {
                return self.lane.cluster.wait_trusted();
            }
            ensure!(
                Instant::now() < end,
                "the operators do not become ready:\n{}",
                operators().map(|operator| operator.tail()).collect::<String>()
            );
            sleep(TICK);
        }
    }

    pub(super) fn cast(&mut self) -> Result<()> {
        // Whoever is struck while it recovers must have something to recover.
        let marked = self.random.random_bool(0.5) || self.case.case.second.is_some();
        for ask in &self.case.case.asks {
            let login = self.case.login(ask.upstream, ask.account);
            if !self.people.iter().any(|person| person.login == login) {
                let person = self.lane.upstreams.cast(ask.upstream, &login, ask.locked, marked)?;
                self.people.push(person);
            }
        }
        Ok(())
    }

    pub(super) fn given(&mut self, given: Given) -> Result<()> {
        if given == Given::SlowReads {
            self.people
                .iter()
                .for_each(|person| self.lane.upstreams.slow_down(person));
            return Ok(());
        }
        if given == Given::NamedLocked {
            let mut people = self.people.iter();
            return people.try_for_each(|person| self.lane.upstreams.lock_named(person));
        }
        if given != Given::ExpiredRequest {
            return self.lane.cluster.prepare(given);
        }
        // Made by the operators themselves, before anything goes wrong.
        self.ready()?;
        let case = self.case.case.clone();
        let ask = case.asks.first().context("a case asks for something")?;
        let name = format!("c{}-old", self.case.number);
        self.ask_as(0, &name)?;
        let end = Instant::now() + PATIENCE;
        while !self.have_ended()? && Instant::now() < end {
            self.tick()?;
        }
        // Whoever sweeps after its start must not see it yet.
        for operator in &mut self.lane.operators {
            operator.kill();
        }
        self.lane.cluster.set_time_to_live(ask.work.kind(), &name)?;
        sleep(Duration::from_millis(1100));
        Ok(())
    }

    /// Starts the operators with the trouble armed, and waits until it has struck and they are ready all the same.
    pub(super) fn start_armed(&mut self) -> Result<()> {
        if let Trouble::At(strike) = &self.case.case.trouble {
            for operator in &mut self.lane.operators {
                operator.arm(Some(strike))?;
            }
        }
        let lazily = |strike: &Strike| strike.point.starts_with("day-key-create");
        let waits = matches!(&self.case.case.trouble, Trouble::At(strike) if !lazily(strike));
        if waits {
            let first = self.lane.operators.first_mut().context("there is an operator")?;
            self.events.push(first.start(self.case.case.crew)?);
            let end = Instant::now() + LINGER;
            while !self.struck && Instant::now() < end {
                self.tick()?;
            }
            while self.resume.is_some() {
                self.tick()?;
            }
        }
        self.ready()
    }

    /// Arms the operator that acts.
    pub(super) fn arm_first(&mut self) -> Result<()> {
        let point = match &self.case.case.trouble {
            Trouble::At(strike) => strike.clone(),
            Trouble::Term(point) => Strike {
                point: point.clone(),
                blow: Blow::Watch,
            },
            _ => return Ok(()),
        };
        // Of two, whoever comes first is struck: without a lease both act, and with one it may change hands any time.
        for operator in &mut self.lane.operators {
            operator.arm(Some(&point))?;
        }
        Ok(())
    }

    pub(super) fn name(&self, ask: usize) -> String {
        format!("c{}-{ask}", self.case.number)
    }

    pub(super) fn ask(&mut self, ask: usize) -> Result<()> {
        self.ask_as(ask, &self.name(ask))
    }

    pub(super) fn ask_as(&mut self, ask: usize, name: &str) -> Result<()> {
        let asked: &Ask = self.case.case.asks.get(ask).context("a request of this number")?;
        let login = self.case.login(asked.upstream, asked.account);
        let person = self
            .people
            .iter()
            .find(|person| person.login == login)
            .context("a person")?;
        let person = person.clone();
        let manifest = manifests::request(name, asked, &login);
        let uid = self.lane.cluster.create(&manifest)?;
        self.events.push(Event::Request {
            at: now(),
            uid: uid.clone(),
            kind: asked.work.kind().into(),
            name: name.to_owned(),
            ask,
            account: person.id.clone(),
            named: person.named.clone(),
        });
        self.requests.push(Request {
            uid,
            name: name.to_owned(),
            ask,
            person,
            gone: false,
        });
        Ok(())
    }

    /// What goes wrong without a failpoint.
    pub(super) fn begin_trouble(&mut self) -> Result<()> {
        let person = self.people.first().context("a case is about somebody")?.clone();
        match &self.case.case.trouble {
            Trouble::None => self.struck = true,
            Trouble::Upstream { path, fault } => {
                self.lane.upstreams.misbehave(&person, path, *fault)?;
                if *fault == Fault::Frozen {
                    self.thaw = Some(Instant::now() + FROZEN);
                }
                self.struck = true;
            }
            Trouble::ApiServer(outage) => {
                let wait = self.random.random_range(0..120);
                sleep(Duration::from_millis(wait));
                self.events.push(changed(&format!("{outage:?}")));
                match outage {
                    Outage::Restart => self.lane.cluster.restart()?,
                    Outage::Freeze => self.lane.cluster.freeze(STOPPED)?,
                    _ => self.calm = Some(Instant::now() + STOPPED),
                }
                self.lane.cluster.disturb(*outage);
                self.struck = true;
            }
            Trouble::Write { .. } => self.struck = true,
            Trouble::At(_) | Trouble::Term(_) => {}
        }
        Ok(())
    }
}
