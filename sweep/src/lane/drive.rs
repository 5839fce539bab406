//! Drives one case from its beginning to the end of its requests, and records what is learned on the way.

use super::{Lane, Numbered, Past, Person, manifests, upstreams::FROZEN};
use crate::{
    case::{Ask, Blow, Change, Crew, Fault, Given, Outage, Strike, Trouble},
    history::{Event, What, now},
};
use anyhow::{Context, Result, ensure};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::{
    thread::sleep,
    time::{Duration, Instant},
};

/// Between two looks at processes and requests.
const TICK: Duration = Duration::from_millis(20);
/// How long a case may take.
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
            case: case.case.name.clone(),
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
        for ask in 0..case.asks.len() {
            self.ask(ask)?;
        }
        self.begin_trouble()?;
        self.follow()
    }

    /// Sees to it that the right operators run, and are ready.
    fn crew(&mut self, crew: Crew, fresh: bool) -> Result<()> {
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
    fn ready(&mut self) -> Result<()> {
        let crew = self.case.case.crew;
        let count = crew.count();
        let end = Instant::now() + READY;
        loop {
            self.look()?;
            for operator in self.lane.operators.iter_mut().take(count) {
                if !operator.is_running() {
                    self.events.push(operator.start(crew)?);
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

    fn cast(&mut self) -> Result<()> {
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

    fn given(&mut self, given: Given) -> Result<()> {
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
        self.lane.cluster.set_time_to_live(ask.work.kind(), &name)?;
        sleep(Duration::from_millis(1100));
        for operator in &mut self.lane.operators {
            operator.kill();
        }
        Ok(())
    }

    /// Starts the operators with the trouble armed, and waits until it has struck and they are ready all the same.
    fn start_armed(&mut self) -> Result<()> {
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
    fn arm_first(&mut self) -> Result<()> {
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

    fn name(&self, ask: usize) -> String {
        format!("c{}-{ask}", self.case.number)
    }

    fn ask(&mut self, ask: usize) -> Result<()> {
        self.ask_as(ask, &self.name(ask))
    }

    fn ask_as(&mut self, ask: usize, name: &str) -> Result<()> {
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
    fn begin_trouble(&mut self) -> Result<()> {
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

    /// Goes on until every request has ended and nothing is owed any more.
    fn follow(&mut self) -> Result<()> {
        let mut ended = None;
        loop {
            self.tick()?;
            let over = self.have_ended()?;
            if over {
                self.hurry()?;
            }
            if over && ended.is_none() {
                ended = Some(Instant::now());
            }
            if over
                && self.resume.is_none()
                && self.thaw.is_none()
                && self.calm.is_none()
                && self.changes.is_empty()
                && self.all_passed()
            {
                return Ok(());
            }
            let lingered = ended.is_some_and(|at| at.elapsed() > LINGER);
            if self.begun.elapsed() > PATIENCE || lingered {
                let what = match over {
                    true => format!("not every failpoint was reached, only {:?}", self.passed),
                    false => "not every request has ended".to_owned(),
                };
                self.events.push(Event::GaveUp { at: now(), what });
                return Ok(());
            }
        }
    }

    fn all_passed(&self) -> bool {
        let mut points = self.case.case.points();
        points.all(|point| self.passed.iter().any(|passed| passed == point))
    }

    /// What would be done some time after the end is done on a stop.
    fn hurry(&mut self) -> Result<()> {
        let last = self.case.case.points().last().unwrap_or_default().to_owned();
        let on_stop = last.starts_with("ledger-flush") || last.starts_with("lease-release");
        if on_stop && !self.hurried && self.struck == self.case.case.second.is_some() {
            self.hurried = true;
            for operator in &mut self.lane.operators {
                operator.terminate()?;
            }
        }
        Ok(())
    }

    /// Whether all requests have ended. What the watch does not show is asked for now and then.
    fn have_ended(&mut self) -> Result<bool> {
        let ask_api = self.looked.elapsed() > Duration::from_secs(3);
        if ask_api {
            self.looked = Instant::now();
        }
        let mut all = true;
        for request in &mut self.requests {
            if request.gone || self.lane.board.has_ended(&request.uid) {
                continue;
            }
            all = false;
            if ask_api {
                let kind = self.case.case.asks.get(request.ask).map_or("", |ask| ask.work.kind());
                let read = self.lane.cluster.read(kind, &request.name, &request.uid);
                request.gone = matches!(read, Ok(None));
                if request.gone {
                    let uid = request.uid.clone();
                    self.events.push(Event::Gone { at: now(), uid });
                }
            }
        }
        Ok(all)
    }

    /// One look at everything that moves.
    fn tick(&mut self) -> Result<()> {
        sleep(TICK);
        self.look()?;
        self.make_changes()?;
        if self.resume.is_some_and(|at| Instant::now() >= at) {
            self.resume = None;
            for operator in &mut self.lane.operators {
                self.events.extend(operator.go_on()?);
            }
        }
        if self.thaw.is_some_and(|at| Instant::now() >= at) {
            self.thaw = None;
            self.lane.upstreams.behave()?;
        }
        if self.calm.is_some_and(|at| Instant::now() >= at) {
            self.calm = None;
            self.lane.cluster.calm();
        }
        self.revive()
    }

    /// Whoever has ended is started again, as Kubernetes does; but first comes what is changed meanwhile.
    fn revive(&mut self) -> Result<()> {
        if self
            .changes
            .first()
            .is_some_and(|change| !matches!(change, Change::Pause(_)))
        {
            return Ok(());
        }
        let (crew, count) = (self.case.case.crew, self.case.case.crew.count());
        for operator in self.lane.operators.iter_mut().take(count) {
            if !operator.is_running() {
                self.events.push(operator.start(crew)?);
            }
        }
        Ok(())
    }

    fn look(&mut self) -> Result<()> {
        let mut heard = Vec::new();
        for operator in &mut self.lane.operators {
            heard.extend(operator.look()?);
        }
        for event in &heard {
            match event {
                Event::Process {
                    what: What::Struck(point),
                    ..
                } => self.strike(point)?,
                _ => {}
            }
        }
        self.events.extend(heard);
        Ok(())
    }

    /// A failpoint was passed.
    fn strike(&mut self, point: &str) -> Result<()> {
        self.passed.push(point.to_owned());
        let first = !std::mem::replace(&mut self.struck, true);
        let blow = match (first, &self.case.case.trouble, &self.case.case.second) {
            (true, Trouble::At(strike), _) | (false, _, Some(strike)) => Some(strike.blow),
            _ => None,
        };
        if blow == Some(Blow::Stop) {
            let more = self.random.random_range(0..500);
            self.resume = Some(Instant::now() + STOPPED + Duration::from_millis(more));
        }
        // Disarmed before the next process reads it.
        let second = self.case.case.second.clone().filter(|_| first);
        for operator in &mut self.lane.operators {
            operator.arm(second.as_ref())?;
        }
        if !first {
            return Ok(());
        }
        if matches!(self.case.case.trouble, Trouble::Term(_)) {
            for operator in &mut self.lane.operators {
                operator.terminate()?;
            }
        }
        // A successor does not start in the same instant everywhere.
        let wait = self.random.random_range(0..60);
        self.not_before = Instant::now() + Duration::from_millis(wait);
        Ok(())
    }

    fn make_changes(&mut self) -> Result<()> {
        while self.struck && Instant::now() >= self.not_before && !self.changes.is_empty() {
            let change = self.changes.remove(0);
            self.events.push(changed(&format!("{change:?}")));
            self.change(change)?;
        }
        Ok(())
    }

    fn change(&mut self, change: Change) -> Result<()> {
        let person = self.people.first().context("a case is about somebody")?.clone();
        let kind = self.case.case.asks.first().map_or("", |ask| ask.work.kind());
        match change {
            Change::Pause(millis) => self.not_before = Instant::now() + Duration::from_millis(millis),
            Change::Delete => self.lane.cluster.delete(kind, &self.name(0))?,
            Change::Recreate => self.ask(0)?,
            Change::Suspend | Change::Resume => {
                let name = self.name(0);
                self.lane.cluster.suspend(kind, &name, change == Change::Suspend)?;
            }
            Change::WallClock(seconds) => self.set_clocks((seconds * 1000, 0))?,
            Change::BootClock(seconds) => self.set_clocks((0, seconds * 1000))?,
            change => {
                if self.lane.cluster.change(person.upstream, change)?.is_none() {
                    self.lane.upstreams.change(&person, change)?;
                }
            }
        }
        Ok(())
    }

    fn set_clocks(&mut self, by: (i64, i64)) -> Result<()> {
        self.clocks = (self.clocks.0 + by.0, self.clocks.1 + by.1);
        for operator in &mut self.lane.operators {
            operator.set_clocks(self.clocks.0, self.clocks.1)?;
        }
        Ok(())
    }

    /// Leaves the lane as it was found, whatever has happened.
    fn clean_up(&mut self) -> Result<()> {
        self.lane.upstreams.behave()?;
        self.lane.cluster.calm();
        let upstream = self.people.first().map(|person| person.upstream);
        for change in self.case.case.changes.clone() {
            if let Some(upstream) = upstream {
                self.lane.cluster.restore(upstream, change)?;
            }
        }
        if self.clocks.1 != 0 {
            // A boot-time clock never goes backwards: whoever has seen it jump is done.
            for operator in &mut self.lane.operators {
                self.events.extend(operator.kill());
            }
        }
        self.look()?;
        for operator in &mut self.lane.operators {
            self.events.extend(operator.go_on()?);
            operator.arm(None)?;
            operator.set_clocks(0, 0)?;
        }
        self.look()
    }
}

fn changed(what: &str) -> Event {
    Event::Changed {
        at: now(),
        what: what.to_owned(),
    }
}
