//! Two Directories with a line before each, and requests that use one of them or both: the product's own queues and
//! places, over budgets of calls and a clock that are plain numbers.

use jiff::Timestamp;
use readmit::domain::queue::{
    Lane, Next, Place, Queue, Turn,
    places::{Places, Stand},
};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

/// How many calls a look-up costs, and how many what follows it.
const LOOK_UP: u64 = 2;
const EFFECT: u64 = 2;
/// How much time passes from one look to the next.
const TICK: Duration = Duration::from_millis(50);
/// Who could not make a call tries again after so long.
const RETRY: Duration = Duration::from_secs(10);

pub const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A Directory: its line and its budget of calls.
struct Site {
    name: &'static str,
    queue: RefCell<Queue<usize>>,
    /// Calls a second.
    rate: Cell<f64>,
    credit: Cell<f64>,
    made: Cell<u64>,
    /// Nothing is sent before, and everybody knows it.
    paused: Cell<Duration>,
    /// Every call fails at once.
    broken: Cell<bool>,
    now: Rc<Cell<Duration>>,
}

impl Site {
    fn wait(&self, calls: usize) -> Duration {
        let earned = ((calls as f64 + 1.0 - self.credit.get()) / self.rate.get()).max(0.0);
        let paused = self.paused.get().saturating_sub(self.now.get());
        Duration::from_secs_f64(earned).max(paused)
    }

    /// Makes so many calls; answers how long they take. `None` where they cannot be made.
    fn make(&self, calls: u64) -> Option<Duration> {
        if self.broken.get() || self.now.get() < self.paused.get() {
            return None;
        }
        let credit = self.credit.get() - calls as f64;
        self.credit.set(credit);
        self.made.set(self.made.get() + calls);
        Some(Duration::from_secs_f64((-credit / self.rate.get()).max(0.0)))
    }

    fn earn(&self) {
        let credit = self.credit.get() + self.rate.get() * TICK.as_secs_f64();
        self.credit.set(credit.min((self.rate.get() * 6.0).max(1.0)));
    }
}

/// A place in the line before a site.
struct Spot {
    site: Rc<Site>,
    place: Place,
}

impl Stand for Spot {
    type Request = usize;

    fn directory(&self) -> &str {
        self.site.name
    }

    fn ask(&self, request: &usize) -> Option<Turn> {
        let site = &self.site;
        let mut queue = site.queue.borrow_mut();
        queue.ask(&self.place, || *request, site.now.get(), &|_, calls, _| {
            site.wait(calls)
        })
    }

    fn enter(&self) {
        self.site.queue.borrow_mut().enter(&self.place);
    }

    fn waits(&self) -> bool {
        self.site.queue.borrow().waits(&self.place)
    }

    fn is_called(&self) -> bool {
        self.site.queue.borrow().is_called(&self.place)
    }
}

impl Drop for Spot {
    fn drop(&mut self) {
        let (now, made) = (self.site.now.get(), self.site.made.get());
        self.site.queue.borrow_mut().leave(&self.place, now, made);
    }
}

/// A request.
#[derive(Clone, Debug)]
pub struct Asker {
    way: (usize, Option<usize>),
    lane: Lane,
    created: i64,
    stage: Stage,
    /// Whether it was led on when it looked last.
    led: bool,
    /// How often it looked its account up in the Directory that it names.
    pub looked: usize,
    /// When it was done.
    pub ended: Option<Duration>,
}

/// How far the pass of a request is.
#[derive(Clone, Copy, Debug)]
enum Stage {
    /// There is none; it is looked at again then, if at all.
    Asleep(Option<Duration>),
    /// Its look-up in the Directory that it names is answered then.
    LooksUp(Duration),
    /// Everything is done then.
    Acts(Duration),
    /// Everything is done.
    Done,
}

impl Asker {
    pub fn new(way: (usize, Option<usize>), lane: Lane, created: i64) -> Self {
        Asker {
            way,
            lane,
            created,
            stage: Stage::Asleep(Some(seconds(created.unsigned_abs()))),
            led: false,
            looked: 0,
            ended: None,
        }
    }

    pub fn is_routed(&self) -> bool {
        self.way.1.is_some()
    }

    pub fn uses_only(&self, site: usize) -> bool {
        self.way == (site, None)
    }
}

/// Everything.
pub struct Street {
    sites: [Rc<Site>; 2],
    askers: Vec<(Asker, Places<Spot>)>,
    now: Rc<Cell<Duration>>,
    /// How often everybody who waits is looked at for no reason.
    pub glance: Duration,
}

impl Street {
    /// Two Directories that take so many calls a second each.
    pub fn new(rates: [f64; 2], askers: Vec<Asker>) -> Self {
        let now = Rc::new(Cell::new(Duration::ZERO));
        let site = |name, rate| {
            Rc::new(Site {
                name,
                queue: RefCell::default(),
                rate: Cell::new(rate),
                credit: Cell::new(0.0),
                made: Cell::new(0),
                paused: Cell::new(Duration::ZERO),
                broken: Cell::new(false),
                now: now.clone(),
            })
        };
        let [a, b] = rates;
        Street {
            sites: [site("a", a), site("b", b)],
            askers: askers.into_iter().map(|asker| (asker, Places::default())).collect(),
            now,
            glance: seconds(30),
        }
    }

    pub fn pause(&mut self, site: usize, time: Duration) {
        self.sites[site].paused.set(time);
    }

    pub fn open(&mut self, site: usize) {
        self.sites[site].broken.set(true);
    }

    pub fn slow(&mut self, site: usize, rate: f64) {
        self.sites[site].rate.set(rate);
    }

    pub fn askers(&self) -> impl Iterator<Item = &Asker> {
        self.askers.iter().map(|(asker, _)| asker)
    }

    /// How long everybody's calls take in one Directory and then in the other, at two look-ups for each that uses both.
    pub fn least_time(&self) -> Duration {
        let calls = |site: usize| {
            let of = |asker: &Asker| match asker.way {
                (named, None) if named == site => LOOK_UP + EFFECT,
                (named, Some(_)) if named == site => 2 * LOOK_UP,
                (_, Some(acting)) if acting == site => LOOK_UP + EFFECT,
                _ => 0,
            };
            self.askers().map(of).sum::<u64>()
        };
        let time = |site: usize| Duration::from_secs_f64(calls(site) as f64 / self.sites[site].rate.get());
        time(0) + time(1)
    }

    /// Lets so much time pass, or less where everybody is done before.
    pub fn run(&mut self, time: Duration) {
        let mut glanced = Duration::ZERO;
        while self.now.get() < time && self.askers().any(|asker| asker.ended.is_none()) {
            self.now.set(self.now.get() + TICK);
            self.sites.iter().for_each(|site| site.earn());
            let now = self.now.get();
            let glances = now >= glanced + self.glance;
            if glances {
                glanced = now;
            }
            for n in 0..self.askers.len() {
                match self.askers[n].0.stage {
                    Stage::Asleep(at) if at.is_some_and(|at| at <= now) || glances && at.is_none() => self.begin(n),
                    Stage::LooksUp(until) if until <= now => self.follow(n),
                    Stage::Acts(until) if until <= now => self.end(n),
                    Stage::Asleep(_) | Stage::LooksUp(_) | Stage::Acts(_) | Stage::Done => {}
                }
            }
            self.call();
        }
    }

    /// Calls those whose turn it is.
    fn call(&mut self) {
        for site in self.sites.clone() {
            loop {
                let next = site
                    .queue
                    .borrow_mut()
                    .call(site.now.get(), &|_, calls, _| site.wait(calls));
                let Next::Call(n) = next else { break };
                if matches!(self.askers[n].0.stage, Stage::Asleep(_)) {
                    self.begin(n);
                }
            }
        }
    }

    /// Whether it may use this Directory. If not, its pass is over.
    fn may_use(&mut self, n: usize, site: usize) -> bool {
        let site = &self.sites[site];
        let (asker, places) = &mut self.askers[n];
        let place = Place {
            lane: asker.lane,
            created: Timestamp::from_second(asker.created).unwrap(),
            uid: format!("u{n:04}").into(),
        };
        let new = || Spot {
            site: site.clone(),
            place,
        };
        let queued = places.ask(site.name, &n, new).is_some();
        if queued {
            places.rest(true);
            asker.stage = Stage::Asleep(None);
        }
        !queued
    }

    /// Makes so many calls. Where that cannot be, its pass is over.
    fn make(&mut self, n: usize, site: usize, calls: u64) -> Option<Duration> {
        let (asker, places) = &mut self.askers[n];
        let took = self.sites[site].make(calls);
        if took.is_none() {
            places.rest(false);
            asker.stage = Stage::Asleep(Some(self.now.get() + RETRY));
        }
        took.map(|took| self.now.get() + took)
    }

    fn begin(&mut self, n: usize) {
        let (asker, places) = &mut self.askers[n];
        let (named, acting) = asker.way;
        // As `decide` does, by `routing::held_up`.
        if asker.led && acting.is_some_and(|acting| self.sites[acting].broken.get()) {
            places.rest(false);
            asker.stage = Stage::Asleep(Some(self.now.get() + RETRY));
            return;
        }
        if self.may_use(n, named)
            && let Some(until) = self.make(n, named, LOOK_UP)
        {
            let asker = &mut self.askers[n].0;
            asker.looked += 1;
            asker.stage = Stage::LooksUp(until);
        }
    }

    fn follow(&mut self, n: usize) {
        let (named, acting) = self.askers[n].0.way;
        self.askers[n].0.led = acting.is_some();
        let (site, calls) = acting.map_or((named, EFFECT), |acting| (acting, LOOK_UP + EFFECT));
        if self.may_use(n, site)
            && let Some(until) = self.make(n, site, calls)
        {
            self.askers[n].0.stage = Stage::Acts(until);
        }
    }

    fn end(&mut self, n: usize) {
        let (asker, places) = &mut self.askers[n];
        places.rest(false);
        asker.ended = Some(self.now.get());
        asker.stage = Stage::Done;
    }
}
