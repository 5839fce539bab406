//! A moment: the world, two operators in it, and the faults that may still strike; and what can happen next.

use crate::simulation::{
    replica::{Crash, Fault, How, Next, Passed, Replica},
    world::World,
};
use jiff::{SignedDuration, Timestamp};
use readmit::domain::{decide::after, decision::Effect, request::Request};
use std::time::Duration;

/// Time moves by so much at least: whoever waits for less wakes up late.
pub const GRID: Duration = Duration::from_secs(10);
/// As `controller/accounts.rs` has it.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);
/// The effect of a send whose reply was lost, so many seconds later: within what deadline and timeout allow.
const LATE: u8 = 15;

/// How often things may go otherwise than smoothly: each in its way, and all together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Faults {
    /// Another pass comes in between before one is over.
    pub switches: u8,
    /// A process ends, and another begins.
    pub crashes: u8,
    /// A process stands still and goes on later, not knowing it.
    pub pauses: u8,
    /// A reply is lost.
    pub lost: u8,
    /// A process sees requests and claims as they were.
    pub lags: u8,
    pub together: u8,
}

/// One operator.
#[derive(Clone)]
pub struct Seat {
    pub replica: Replica,
    /// When it looks at each request again; `None` for what has ended as far as it knows.
    pub gates: Vec<Option<Timestamp>>,
    /// Since when it stands still.
    pub paused: Option<Timestamp>,
    /// Since when its watches lag, and the requests as they show them.
    pub lagging: Option<(Timestamp, Vec<Option<Request>>)>,
}

/// A moment.
#[derive(Clone)]
pub struct State {
    pub world: World,
    pub seats: [Seat; 2],
    pub left: Faults,
    /// The pass that made the last step: operator and request.
    pub current: Option<(usize, usize)>,
}

/// What can happen next. Operators and requests by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// An operator carries out what it decided for a request.
    Step(usize, usize, How),
    /// An operator writes how claims ended.
    Flush(usize),
    /// An operator closes a claim that nobody else will.
    Sweep(usize),
    /// Nothing is to be done now, and time moves on.
    Tick,
    Crash(usize),
    Pause(usize),
    Resume(usize),
    Lag(usize),
    CatchUp(usize),
}

impl State {
    pub fn new(world: World, left: Faults) -> Self {
        let seat = Seat {
            replica: Replica::default(),
            gates: vec![Some(world.now); world.requests.len()],
            paused: None,
            lagging: None,
        };
        let mut state = State {
            world,
            seats: [seat.clone(), seat],
            left,
            current: None,
        };
        (0..2).for_each(|seat| state.wake(seat));
        state
    }

    /// Whether every request has ended.
    pub fn is_over(&self) -> bool {
        self.world.requests.iter().flatten().all(Request::is_finished)
    }

    /// Everything that can happen now, in a fixed order.
    pub fn actions(&self, actions: &mut Vec<Action>) {
        let before = actions.len();
        for seat in 0..2 {
            self.steps(seat, actions);
        }
        let busy = actions.len() > before;
        let tick = if busy { None } else { self.next_time() };
        actions.extend(tick.map(|_| Action::Tick));
        let idle = !busy && tick.is_none();
        for (seat, Seat { paused, lagging, .. }) in self.seats.iter().enumerate() {
            if paused.is_some_and(|since| since < self.world.now || idle) {
                actions.push(Action::Resume(seat));
            }
            if paused.is_none() && lagging.as_ref().is_some_and(|(since, _)| *since < self.world.now) {
                actions.push(Action::CatchUp(seat));
            }
            if paused.is_none() && self.left.together > 0 {
                self.troubles(seat, actions);
            }
        }
    }

    fn troubles(&self, seat: usize, actions: &mut Vec<Action>) {
        let Seat {
            replica,
            gates,
            lagging,
            ..
        } = &self.seats[seat];
        // What has nothing to lose loses nothing.
        let works = !replica.works.is_empty() || !replica.pending.is_empty();
        if self.left.crashes > 0 && works {
            actions.push(Action::Crash(seat));
        }
        if self.left.pauses > 0 && replica.works.values().any(|work| work.pass.is_some()) {
            actions.push(Action::Pause(seat));
        }
        if self.left.lags > 0 && lagging.is_none() && gates.iter().any(Option::is_some) {
            actions.push(Action::Lag(seat));
        }
    }

    fn steps(&self, seat: usize, actions: &mut Vec<Action>) {
        let Seat { replica, paused, .. } = &self.seats[seat];
        if paused.is_some() {
            return;
        }
        for index in 0..self.world.requests.len() {
            let Some(next) = self.next(seat, index) else { continue };
            let switches = u8::from(self.comes_between(seat, index));
            if switches > self.left.switches.min(self.left.together) {
                continue;
            }
            actions.push(Action::Step(seat, index, How::default()));
            if self.left.lost > 0 && self.left.together > switches {
                actions.extend(faults(next).map(|how| Action::Step(seat, index, how)));
            }
        }
        if replica
            .pending_since
            .is_some_and(|since| after(since, CLOSE_WITHIN) <= self.world.now)
        {
            actions.push(Action::Flush(seat));
        }
        if replica.abandoned(&self.world).is_some() {
            actions.push(Action::Sweep(seat));
        }
    }

    /// What is to be carried out in the pass of this operator over this request.
    fn next(&self, seat: usize, index: usize) -> Option<&Next> {
        let Seat { replica, paused, .. } = &self.seats[seat];
        let work = replica.works.get(self.uid(index)?).filter(|_| paused.is_none())?;
        work.pass.as_ref().map(|pass| &pass.next)
    }

    /// Whether a step of this pass would come in between those of another one.
    fn comes_between(&self, seat: usize, index: usize) -> bool {
        let other = self.current.filter(|current| *current != (seat, index));
        other.is_some_and(|(seat, index)| self.next(seat, index).is_some())
    }

    /// When something is to be done next, on the grid.
    fn next_time(&self) -> Option<Timestamp> {
        let late = self.world.upstream.late.iter().map(|(at, ..)| *at);
        let own = self.seats.iter().flat_map(|seat| match seat.paused {
            // Whoever stands still may go on before and after its time to act has run out.
            Some(_) => seat.deadlines(),
            None => seat.times(&self.world),
        });
        let next = late
            .chain(own)
            .filter(|at| *at > self.world.now && *at < Timestamp::MAX)
            .min()?;
        let grid = SignedDuration::try_from(GRID).unwrap().as_nanos();
        let distance = next.duration_since(self.world.now).as_nanos();
        let whole = (distance + grid - 1) / grid * grid;
        Some(self.world.now + SignedDuration::from_nanos(i64::try_from(whole).unwrap()))
    }

    /// Does it, and everything that follows from it by itself.
    pub fn perform(&mut self, action: Action) {
        match action {
            Action::Step(seat, index, how) => self.step(seat, index, how),
            Action::Flush(seat) => self.seats[seat].replica.flush(&mut self.world),
            Action::Sweep(seat) => self.seats[seat].replica.sweep(&mut self.world),
            Action::Tick => {
                let Some(next) = self.next_time() else { return };
                let wait = next.duration_since(self.world.now);
                self.world.advance(Duration::try_from(wait).unwrap());
                (0..2).for_each(|seat| self.look(seat));
            }
            Action::Crash(seat) => {
                (self.left.crashes, self.left.together) = (self.left.crashes - 1, self.left.together - 1);
                self.hide(seat);
                self.seats[seat] = Seat {
                    replica: Replica::default(),
                    gates: vec![Some(self.world.now); self.world.requests.len()],
                    paused: None,
                    lagging: None,
                };
                self.look(seat);
            }
            Action::Pause(seat) => {
                (self.left.pauses, self.left.together) = (self.left.pauses - 1, self.left.together - 1);
                self.hide(seat);
                self.seats[seat].paused = Some(self.world.now);
            }
            Action::Resume(seat) => {
                self.seats[seat].paused = None;
                self.look(seat);
            }
            Action::Lag(seat) => {
                (self.left.lags, self.left.together) = (self.left.lags - 1, self.left.together - 1);
                self.seats[seat].lagging = Some((self.world.now, self.world.requests.clone()));
            }
            Action::CatchUp(seat) => {
                self.seats[seat].lagging = None;
                self.look(seat);
            }
        }
    }

    /// What this operator works on may become a matter that others cannot know.
    fn hide(&mut self, seat: usize) {
        let works = self.seats[seat].replica.works.keys().cloned();
        self.world.truth.hidden.extend(works);
    }

    /// Time has passed for this operator: it sees what its watches bring, and wakes up.
    fn look(&mut self, seat: usize) {
        if self.seats[seat].paused.is_some() {
            return;
        }
        if self.seats[seat].lagging.is_none() {
            self.seats[seat].replica.watch(&self.world);
        }
        self.wake(seat);
    }

    /// Begins a pass over everything that is due.
    fn wake(&mut self, seat: usize) {
        for index in 0..self.world.requests.len() {
            let Seat {
                replica,
                gates,
                lagging,
                ..
            } = &mut self.seats[seat];
            let seen = lagging.as_ref().map_or(&self.world.requests, |(_, requests)| requests);
            let Some(request) = seen[index].clone() else { continue };
            if replica.works.get(&request.uid).is_some_and(|work| work.pass.is_some()) {
                continue;
            }
            if request.is_finished() {
                replica.works.remove(&request.uid);
                gates[index] = None;
            } else if gates[index].is_some_and(|at| at <= self.world.now) {
                replica.begin(&mut self.world, request);
                self.settle(seat, index);
            }
        }
    }

    fn step(&mut self, seat: usize, index: usize, how: How) {
        if self.comes_between(seat, index) {
            (self.left.switches, self.left.together) = (self.left.switches - 1, self.left.together - 1);
        }
        if how != How::default() {
            (self.left.lost, self.left.together) = (self.left.lost - 1, self.left.together - 1);
        }
        self.current = Some((seat, index));
        if self.carry_on(seat, index, how) {
            self.settle(seat, index);
        }
    }

    /// Goes on until something comes that others can see, or until the pass is over.
    fn settle(&mut self, seat: usize, index: usize) {
        let private = |state: &Self| state.next(seat, index).is_some_and(Next::is_private);
        while private(self) && self.carry_on(seat, index, How::default()) {}
    }

    /// One step of a pass; whether there is more.
    fn carry_on(&mut self, seat: usize, index: usize, how: How) -> bool {
        let Some(uid) = self.uid(index).map(str::to_owned) else {
            return false;
        };
        let Seat { replica, gates, .. } = &mut self.seats[seat];
        match replica.carry_on(&mut self.world, index, &uid, how) {
            Ok(Passed::On) => {
                replica.decide_next(&mut self.world, &uid);
                return true;
            }
            Ok(Passed::Again(at)) => gates[index] = Some(at),
            Ok(Passed::Over) => gates[index] = None,
            Err(Crash) => unreachable!("crashes come from outside"),
        }
        false
    }

    fn uid(&self, index: usize) -> Option<&str> {
        self.world.requests[index].as_ref().map(|request| request.uid.as_str())
    }
}

impl Seat {
    /// When it has something to do.
    fn times(&self, world: &World) -> Vec<Timestamp> {
        let Seat { replica, gates, .. } = self;
        let closing = replica.pending_since.map(|since| after(since, CLOSE_WITHIN));
        let finished = |uid: &str| {
            let live = world.requests.iter().flatten();
            live.clone().any(|request| request.uid == uid && request.is_finished())
        };
        let abandoned = replica.claims.iter().filter(|(uid, _)| finished(uid));
        let sweeps = abandoned.map(|(_, found)| after(found.since, world.timing.quarantine));
        gates.iter().copied().flatten().chain(closing).chain(sweeps).collect()
    }

    /// When it may not act any more under the claims that it holds.
    fn deadlines(&self) -> Vec<Timestamp> {
        let works = self.replica.works.values();
        works
            .filter_map(|work| work.held.as_ref())
            .map(|held| held.until)
            .collect()
    }
}

/// How a reply to this can be lost.
fn faults(next: &Next) -> impl Iterator<Item = How> + use<> {
    let sends = matches!(next, Next::Act(Effect::Send { .. }));
    let writes = matches!(next, Next::Act(Effect::Claim(_) | Effect::Renew(_)));
    let lost = [Fault::LostBefore, Fault::LostAfter, Fault::Late(LATE)].map(|fault| How {
        fault: Some(fault),
        ..How::default()
    });
    let write = How {
        lost_write: true,
        ..How::default()
    };
    lost.into_iter()
        .filter(move |_| sends)
        .chain([write].into_iter().filter(move |_| writes))
}
