//! Scenes, what must hold in them, and their exploration.

use crate::{
    simulation::{
        build,
        truth::Rule,
        world::{Mutant, World},
    },
    state::{Action, Faults, State},
};
use readmit::{
    api::Outcome,
    domain::{request::Request, settings::Timing},
};
use serde_json::json;
use stateright::{Checker, HasDiscoveries, Model, Property};
use std::{
    collections::BTreeSet,
    fmt::Write,
    time::{Duration, Instant},
};

/// A small world to explore: two operators, and these requests for one account.
#[derive(Clone)]
pub struct Scene {
    pub name: &'static str,
    pub requests: Vec<Request>,
    /// As many resets a day as the policy allows.
    pub limit: usize,
    /// How long a request lives, as policies write it.
    pub life: &'static str,
    /// Whether the directory shows by which a set password can be recognised.
    pub marks: bool,
    pub locked: bool,
    pub faults: Faults,
    pub mutant: Mutant,
}

impl Scene {
    fn world(&self) -> World {
        let limits = json!([{"actions": ["ResetPassword"], "max": self.limit, "per": "24h"}]);
        let password = json!({
            "methods": ["Link", "TemporaryPassword", "ChangeAtNextSignIn"],
            "recipients": ["age1policy"],
            // One step more that tells nothing new.
            "revokeSessions": false,
        });
        let spec = json!({"limits": limits, "maxValidity": self.life, "password": password});
        let mut world = World::new(self.requests.clone(), vec![build::policy("desk", spec)], self.marks);
        world.upstream.locked = self.locked;
        world.mutant = self.mutant;
        if self.mutant == Mutant::NoQuarantine {
            world.timing = Timing {
                quarantine: Duration::ZERO,
                ..world.timing
            };
        }
        world
    }
}

impl Model for Scene {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::new(self.world(), self.faults)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        // Nothing good comes after a broken rule, and what comes is nobody's fault.
        if state.world.truth.broken.is_empty() {
            state.actions(actions);
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        next.perform(action);
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(ONE_EFFECT, |_, state: &State| keeps(state, &[Rule::OneEffect])),
            Property::always(LIMIT, |scene: &Self, state: &State| {
                state.world.truth.most_resets_a_day() <= scene.limit
            }),
            Property::always(ONE_CLAIM, |_, state: &State| keeps(state, &[Rule::OneClaim])),
            Property::always(TERMINAL, |_, state: &State| keeps(state, &[Rule::Terminal])),
            Property::always(TRUTH, |_, state: &State| keeps(state, &[Rule::Outcome, Rule::Unknown])),
            Property::always(LATE, |_, state: &State| keeps(state, &[Rule::Late])),
            Property::always(WARRANTED, |_, state: &State| keeps(state, &[Rule::Warranted])),
            // Exact, though stateright may overlook eventualities where paths join: what has ended stays so, and time
            // moves on along every path, so that a path on which it never comes ends in a state where it is not so.
            Property::eventually(ENDS, |_, state: &State| {
                state.is_over() || !state.world.truth.broken.is_empty()
            }),
            Property::sometimes("something succeeds", |_, state: &State| {
                ended(state, Outcome::Succeeded)
            }),
            Property::sometimes("something becomes unknown", |_, state: &State| {
                ended(state, Outcome::Unknown)
            }),
            Property::sometimes("something expires", |_, state: &State| ended(state, Outcome::Expired)),
        ]
    }
}

pub const ONE_EFFECT: &str = "a request has one effective value";
pub const LIMIT: &str = "no effect goes over the limit";
pub const ONE_CLAIM: &str = "an account has one open claim";
pub const TERMINAL: &str = "what has ended never changes";
pub const TRUTH: &str = "what is said is the truth, and Unknown only where it was hidden";
pub const LATE: &str = "nothing is done after the end";
pub const WARRANTED: &str = "nothing is said that the world does not warrant";
pub const ENDS: &str = "every request ends";

fn keeps(state: &State, rules: &[Rule]) -> bool {
    state.world.truth.broken.iter().all(|(rule, _)| !rules.contains(rule))
}

fn ended(state: &State, outcome: Outcome) -> bool {
    let mut requests = state.world.requests.iter().flatten();
    requests.any(|request| request.status.outcome == Some(outcome))
}

/// What an exploration found.
pub struct Explored {
    pub states: usize,
    /// Broken properties, each with the path that leads there.
    pub broken: Vec<(&'static str, String)>,
    /// What was seen to happen.
    pub seen: BTreeSet<&'static str>,
}

/// Explores everything, or until a property is broken.
pub fn explore(scene: &Scene) -> Explored {
    let begun = Instant::now();
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get());
    let checker = scene
        .clone()
        .checker()
        .threads(threads)
        .finish_when(HasDiscoveries::AnyFailures);
    let checker = checker.spawn_bfs().join();
    let mut explored = Explored {
        states: checker.unique_state_count(),
        broken: Vec::new(),
        seen: BTreeSet::new(),
    };
    println!(
        "{} ({:?}): {} states, {} steps, {} deep, {:.1} s",
        scene.name,
        scene.mutant,
        explored.states,
        checker.state_count(),
        checker.max_depth(),
        begun.elapsed().as_secs_f32()
    );
    for (name, path) in checker.discoveries() {
        if checker.model().property(name).expectation.discovery_is_failure() {
            explored.broken.push((name, told(path.into_vec())));
        } else {
            explored.seen.insert(name);
        }
    }
    explored
}

/// A path, for people: each step, and what was decided behind it.
fn told(path: Vec<(State, Option<Action>)>) -> String {
    let mut text = String::new();
    for (state, action) in path {
        let now = state.world.now;
        let _ = match action {
            Some(action) => writeln!(text, "{now} {action:?}"),
            None => writeln!(text, "{now} {:#?}", state.world.truth.broken),
        };
    }
    text
}
