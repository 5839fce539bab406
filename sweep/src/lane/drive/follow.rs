//! The middle and the end of a case: what operators do is watched, what strikes is answered, changes are made, and the lane
//! is left as it was found.

use super::{Drive, LINGER, PATIENCE, STOPPED, TICK, changed};
use crate::{
    case::{Blow, Change, Outage, Trouble},
    history::{Event, What, now},
    lane::operator::Operator,
};
use anyhow::{Context, Result};
use rand::Rng;
use std::{
    thread::sleep,
    time::{Duration, Instant},
};

impl Drive<'_> {
    /// Goes on until every request has ended and nothing is owed any more.
    pub(super) fn follow(&mut self) -> Result<()> {
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
                && !self.awaits_successor
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
                self.events.extend(self.lane.operators.iter().map(Operator::said));
                return Ok(());
            }
        }
    }

    pub(super) fn all_passed(&self) -> bool {
        let mut points = self.case.case.points();
        points.all(|point| self.passed.iter().any(|passed| passed == point))
    }

    /// What would be done some time after the end is done on a stop.
    pub(super) fn hurry(&mut self) -> Result<()> {
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
    pub(super) fn have_ended(&mut self) -> Result<bool> {
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
    pub(super) fn tick(&mut self) -> Result<()> {
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
    pub(super) fn revive(&mut self) -> Result<()> {
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
                self.awaits_successor = false;
            }
        }
        Ok(())
    }

    pub(super) fn look(&mut self) -> Result<()> {
        let mut heard = Vec::new();
        for operator in &mut self.lane.operators {
            heard.extend(operator.look()?);
        }
        for event in &heard {
            if let Event::Process {
                what: What::Struck(point),
                ..
            } = event
            {
                self.strike(point)?;
            }
        }
        self.events.extend(heard);
        Ok(())
    }

    /// A failpoint was passed.
    pub(super) fn strike(&mut self, point: &str) -> Result<()> {
        self.passed.push(point.to_owned());
        let first = !std::mem::replace(&mut self.struck, true);
        let blow = match (first, &self.case.case.trouble, &self.case.case.second) {
            (true, Trouble::At(strike), _) | (false, _, Some(strike)) => Some(strike.blow),
            _ => None,
        };
        self.awaits_successor |= matches!(blow, Some(Blow::Kill | Blow::Panic));
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

    pub(super) fn make_changes(&mut self) -> Result<()> {
        while self.struck && Instant::now() >= self.not_before && !self.changes.is_empty() {
            let change = self.changes.remove(0);
            self.events.push(changed(&format!("{change:?}")));
            self.change(change)?;
        }
        Ok(())
    }

    pub(super) fn change(&mut self, change: Change) -> Result<()> {
        let person = self.people.first().context("a case is about somebody")?.clone();
        let kind = self.case.case.asks.first().map_or("", |ask| ask.work.kind());
        match change {
            Change::Stop => {
                for operator in &mut self.lane.operators {
                    operator.stop()?;
                }
                self.resume = Some(Instant::now() + STOPPED);
            }
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

    pub(super) fn set_clocks(&mut self, by: (i64, i64)) -> Result<()> {
        self.clocks = (self.clocks.0 + by.0, self.clocks.1 + by.1);
        for operator in &mut self.lane.operators {
            operator.set_clocks(self.clocks.0, self.clocks.1)?;
        }
        Ok(())
    }

    /// Ends the operators, by force only those that do not end when they are asked: what they have put off is for them to
    /// write, as nobody may come after them.
    fn retire(&mut self) -> Result<()> {
        for operator in &mut self.lane.operators {
            self.events.extend(operator.go_on()?);
            operator.terminate()?;
        }
        let end = Instant::now() + LINGER;
        while self.lane.operators.iter().any(Operator::is_running) && Instant::now() < end {
            sleep(TICK);
            self.look()?;
        }
        for operator in &mut self.lane.operators {
            self.events.extend(operator.kill());
        }
        Ok(())
    }

    /// Leaves the lane as it was found, whatever has happened.
    pub(super) fn clean_up(&mut self) -> Result<()> {
        self.lane.upstreams.behave()?;
        self.lane.cluster.calm();
        let upstream = self.people.first().map(|person| person.upstream);
        for change in self.case.case.changes.clone() {
            if let Some(upstream) = upstream {
                self.lane.cluster.restore(upstream, change)?;
            }
        }
        let restarted = matches!(self.case.case.trouble, Trouble::ApiServer(Outage::Restart));
        if self.clocks.1 != 0 || restarted {
            // A boot-time clock never goes backwards: whoever has seen it jump is done. And whose watches broke again and
            // again while the API server started looks for longer until it tries them anew than a request may wait.
            self.retire()?;
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
