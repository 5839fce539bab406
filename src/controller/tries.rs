//! Claims whose writes were not answered. Whether one of them landed is read elsewhere.

use crate::domain::account::Step;
use std::time::Duration;

/// More are not remembered, besides the first: with the API server down for long, a request is tried again and again.
const LATER: usize = 3;

/// A claim whose write was not answered. Nothing was sent under it.
pub struct Tried {
    /// Which writing it is.
    pub writer: String,
    /// Until when we may send under it, by the boot-time clock.
    pub until: Duration,
    /// The steps it is for.
    pub plan: Vec<Step>,
}

/// The claims of one request whose writes nobody has answered. At most one of them has landed, since each is written
/// only where there is none yet; it need not be the last. Boxed, since most requests never have any.
#[derive(Default)]
pub struct Tries(Option<Box<Unanswered>>);

/// The first is the likeliest to have landed, as the others were sent to a server that was not well: it stays.
struct Unanswered {
    first: Tried,
    later: Vec<Tried>,
}

impl Tries {
    /// Another one is about to be written.
    pub fn add(&mut self, tried: Tried) {
        let Some(before) = &mut self.0 else {
            let (first, later) = (tried, Vec::new());
            self.0 = Some(Box::new(Unanswered { first, later }));
            return;
        };
        if before.later.len() == LATER {
            before.later.remove(0);
        }
        before.later.push(tried);
    }

    /// The last one has certainly not landed; what that says of those before it is still to be read.
    pub fn refused(&mut self) {
        if self.0.as_mut().is_some_and(|tries| tries.later.pop().is_none()) {
            self.clear();
        }
    }

    /// The one with this name, where it is remembered; then the others have not landed.
    pub fn take(&mut self, writer: &str) -> Option<Tried> {
        let tries = self
            .0
            .take_if(|tries| tries.all().any(|tried| tried.writer == writer))?;
        let mut all = std::iter::once(tries.first).chain(tries.later);
        all.find(|tried| tried.writer == writer)
    }

    /// None has landed, or what has is known.
    pub fn clear(&mut self) {
        self.0 = None;
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl Unanswered {
    fn all(&self) -> impl Iterator<Item = &Tried> {
        std::iter::once(&self.first).chain(&self.later)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tries so many, and gives which of them are remembered.
    fn remembered(count: u32, refused: bool) -> Vec<u32> {
        let mut tries = Tries::default();
        for n in 0..count {
            tries.add(Tried {
                writer: n.to_string(),
                until: Duration::ZERO,
                plan: Vec::new(),
            });
        }
        if refused {
            tries.refused();
        }
        let all = tries.0.iter().flat_map(|tries| tries.all());
        all.filter_map(|tried| tried.writer.parse().ok()).collect()
    }

    #[test]
    fn the_first_and_the_latest_are_remembered() {
        for (count, refused, kept) in [
            (0, false, &[][..]),
            (1, false, &[0]),
            (1, true, &[]),
            (2, true, &[0]),
            (4, false, &[0, 1, 2, 3]),
            (5, false, &[0, 2, 3, 4]),
            (9, false, &[0, 6, 7, 8]),
            (9, true, &[0, 6, 7]),
        ] {
            assert_eq!(remembered(count, refused), kept, "{count} {refused}");
        }
    }
}
