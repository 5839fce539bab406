//! What the operator needs before it can work, and what of it is missing.
//!
//! Being a standby is no reason to be unready: a replica without the lease is as it should be.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, PoisonError, RwLock};

use crate::observe::text::clean;

/// The longest text that is shown for one thing.
const LONGEST: usize = 512;

/// Each thing that is needed, with what is wrong with it. Clones share it.
#[derive(Clone)]
pub struct Readiness(Arc<RwLock<BTreeMap<&'static str, Result<(), String>>>>);

impl Readiness {
    /// These things are needed, and nothing is known of them yet: it is not ready before each was [`Self::set`].
    pub fn needing(things: &[&'static str]) -> Self {
        let unknown = |thing: &&'static str| (*thing, Err("not looked at yet".to_owned()));
        Readiness(Arc::new(RwLock::new(things.iter().map(unknown).collect())))
    }

    /// Says how one thing stands: there, or what is missing and what to do about it.
    pub fn set(&self, thing: &'static str, state: Result<(), String>) {
        let mut things = self.0.write().unwrap_or_else(PoisonError::into_inner);
        things.insert(thing, state.map_err(|text| clean(&text, LONGEST)));
    }

    /// What is missing, one line a thing; `None` when nothing is.
    pub fn missing(&self) -> Option<String> {
        let things = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        for (thing, state) in things.iter() {
            if let Err(why) = state {
                // Writing to a text does not fail.
                let _ = writeln!(text, "{thing}: {why}");
            }
        }
        (!text.is_empty()).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_missing_thing_has_one_line() {
        let readiness = Readiness::needing(&["crds", "caches"]);
        assert_eq!(
            readiness.missing().as_deref(),
            Some("caches: not looked at yet\ncrds: not looked at yet\n")
        );
        readiness.set("caches", Ok(()));
        readiness.set("crds", Err("accounts.readmit.dev is missing;\nrun readmit crds".into()));
        assert_eq!(
            readiness.missing().as_deref(),
            Some("crds: accounts.readmit.dev is missing;\\u{a}run readmit crds\n")
        );
        readiness.clone().set("crds", Ok(()));
        assert_eq!(readiness.missing(), None);
        readiness.set("enforcement", Err("altered".into()));
        assert_eq!(readiness.missing().as_deref(), Some("enforcement: altered\n"));
    }
}
