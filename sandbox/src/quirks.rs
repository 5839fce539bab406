//! Documented oddities and undocumented choices, each by name, so that a test can turn one on or off.
//!
//! Each vendor lists its own; a name belongs to one vendor. The defaults are what the documentation says, or what a
//! careful client should assume where it says nothing.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use clap::ValueEnum;
use clap::builder::PossibleValue;
use serde::{Deserialize, Serialize};

use crate::{cxone, okta, servicenow};

/// A vendor's list of oddities. Names are kebab-case, the same on the command line as in JSON.
pub trait Oddity: ValueEnum + Copy + Ord + 'static {
    /// Those that are on unless turned off.
    const DEFAULT: &'static [Self];
}

/// The oddities of one vendor that are on.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Quirks<Q: Ord>(BTreeSet<Q>);

impl<Q: Oddity> Default for Quirks<Q> {
    fn default() -> Self {
        Self(Q::DEFAULT.iter().copied().collect())
    }
}

impl<Q: Oddity> Quirks<Q> {
    /// Whether a quirk is on.
    pub fn has(&self, quirk: Q) -> bool {
        self.0.contains(&quirk)
    }

    /// Turns a quirk on or off.
    pub fn set(&mut self, quirk: Q, on: bool) {
        if on {
            self.0.insert(quirk)
        } else {
            self.0.remove(&quirk)
        };
    }
}

/// A quirk of any vendor, as the command line names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnyQuirk {
    Cxone(cxone::Quirk),
    Okta(okta::quirks::Quirk),
    ServiceNow(servicenow::Quirk),
}

impl ValueEnum for AnyQuirk {
    fn value_variants<'a>() -> &'a [Self] {
        static ALL: LazyLock<Vec<AnyQuirk>> = LazyLock::new(|| {
            let okta = okta::quirks::Quirk::value_variants()
                .iter()
                .copied()
                .map(AnyQuirk::Okta);
            let servicenow = servicenow::Quirk::value_variants().iter().copied();
            let cxone = cxone::Quirk::value_variants().iter().copied();
            okta.chain(servicenow.map(AnyQuirk::ServiceNow))
                .chain(cxone.map(AnyQuirk::Cxone))
                .collect()
        });
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (vendor, value) = match self {
            Self::Cxone(quirk) => ("CXone", quirk.to_possible_value()?),
            Self::Okta(quirk) => ("Okta", quirk.to_possible_value()?),
            Self::ServiceNow(quirk) => ("ServiceNow", quirk.to_possible_value()?),
        };
        let help = value.get_help().map(ToString::to_string).unwrap_or_default();
        Some(value.help(format!("{vendor}: {help}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_quirk_has_one_name_and_a_description() {
        let mut names = BTreeSet::new();
        for quirk in AnyQuirk::value_variants() {
            let value = quirk.to_possible_value().expect("it has a name");
            let name = value.get_name().to_owned();
            let json = match quirk {
                AnyQuirk::Cxone(quirk) => serde_json::to_value(quirk),
                AnyQuirk::Okta(quirk) => serde_json::to_value(quirk),
                AnyQuirk::ServiceNow(quirk) => serde_json::to_value(quirk),
            };
            assert_eq!(
                json.expect("plain data"),
                name.as_str(),
                "in JSON as on the command line"
            );
            assert!(
                value.get_help().is_some_and(|help| help.to_string().len() > 20),
                "{name} says nothing"
            );
            assert!(names.insert(name.clone()), "{name} is there twice");
        }
    }
}
