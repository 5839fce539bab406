//! The places of one request in the lines of its Directories. Where an account's credentials live elsewhere there are two
//! of them: its account is looked up in the Directory that it names, and then in the one that this leads to.
//!
//! A request waits in one line at a time and keeps no place in another one meanwhile: what waits for a slow Directory
//! takes nothing from those who use a quick one, and no two requests wait for each other. Once its turn comes where it
//! waits, it does not stand in line a second time where its turn has been before: of two lines that are both full the
//! other one would call it after the first had given it up, again and again. The calls that it makes there a second time
//! keep to the budget and to its lane all the same, since that is the throttle's matter.

use super::Turn;

/// A place in the line before one Directory. It is given up when this is dropped.
pub trait Stand {
    /// Who asks.
    type Request: ?Sized;
    /// Before which Directory.
    fn directory(&self) -> &str;
    /// Whether it is the request's turn: `None` where it is, and it is served from now on.
    fn ask(&self, request: &Self::Request) -> Option<Turn>;
    /// It is served from now on, whoever waits.
    fn enter(&self);
    /// Whether it waits, or was called meanwhile.
    fn waits(&self) -> bool;
    /// Whether it was called and has not come yet.
    fn is_called(&self) -> bool;
}

/// It is not a request's turn yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queued {
    /// The Directory before which it waits.
    pub directory: String,
    /// How it stands there.
    pub turn: Turn,
}

/// The places of one request: those where it is served, and at the end of a pass at most the one where it waits.
pub struct Places<P> {
    /// As they were asked last, the last one at the end.
    all: Vec<P>,
    /// Whether the last one is waited for since an earlier pass, and was not asked since.
    awaited: bool,
}

impl<P> Default for Places<P> {
    fn default() -> Self {
        let (all, awaited) = (Vec::new(), false);
        Places { all, awaited }
    }
}

impl<P: Stand> Places<P> {
    /// Whether the request may use this Directory now: `None` where it may. `new` gives it a place there.
    pub fn ask(&mut self, directory: &str, request: &P::Request, new: impl FnOnce() -> P) -> Option<Queued> {
        let awaited = std::mem::take(&mut self.awaited);
        let elsewhere = self.all.last().filter(|last| awaited && last.directory() != directory);
        if let Some(place) = elsewhere {
            if let Some(turn) = place.ask(request) {
                return Some(queued(place, turn));
            }
            let here = new();
            here.enter();
            self.all.push(here);
            return None;
        }
        let own = self.all.iter().position(|place| place.directory() == directory);
        let place = own.map_or_else(new, |own| self.all.swap_remove(own));
        let queued = place.ask(request).map(|turn| queued(&place, turn));
        self.all.push(place);
        queued
    }

    /// Gives up places that are none any more.
    pub fn retain(&mut self, valid: impl Fn(&P) -> bool) {
        self.all.retain(valid);
        self.awaited &= !self.all.is_empty();
    }

    /// The pass is over: others may use the Directories. Where the request waits for its turn, it keeps its place where it
    /// asked last.
    pub fn rest(&mut self, waits: bool) {
        let last = self.all.pop().filter(|place| waits && place.waits());
        self.awaited = last.is_some();
        self.all = Vec::from_iter(last);
    }

    /// Whether its turn has come since it began to wait.
    pub fn is_called(&self) -> bool {
        self.all.iter().any(P::is_called)
    }
}

fn queued(place: &impl Stand, turn: Turn) -> Queued {
    Queued {
        directory: place.directory().to_owned(),
        turn,
    }
}
