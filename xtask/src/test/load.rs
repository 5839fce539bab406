//! How much of the machine each suite takes, and which start first.

/// A part of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Share {
    /// Half a core: it mostly waits.
    Half,
    /// A core: it computes, or its servers do.
    Whole,
    /// All of it, and nobody beside it: it measures time, kills on time, or fills every core by itself.
    Alone,
}

/// What a job takes while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) share: Share,
    /// It calls cargo, which lets one command at a time build.
    pub(super) cargo: bool,
}

impl Share {
    pub(super) fn half_cores(self) -> usize {
        match self {
            Share::Half => 1,
            Share::Whole | Share::Alone => 2,
        }
    }
}

impl Load {
    pub(super) const fn of(share: Share) -> Self {
        Self { share, cargo: false }
    }

    const fn cargo(share: Share) -> Self {
        Self { share, cargo: true }
    }
}

/// Suites in the order in which they start: the longest first, so that no long one is left at the end.
const SUITES: &[(&str, Load)] = &[
    ("cargo clippy", Load::cargo(Share::Half)),
    (super::checks::CHECK, Load::cargo(Share::Half)),
    ("readmit tests/secrets", Load::of(Share::Half)),
    ("readmit tests/crash_openldap", Load::of(Share::Half)),
    ("readmit tests/requests_okta", Load::of(Share::Half)),
    ("readmit tests/behaviours", Load::of(Share::Whole)),
    ("readmit tests/examples", Load::of(Share::Whole)),
    ("readmit tests/limits", Load::of(Share::Whole)),
    ("readmit tests/chart", Load::of(Share::Half)),
    ("readmit tests/enforcement", Load::of(Share::Half)),
    ("readmit tests/routing", Load::of(Share::Half)),
    ("readmit tests/access", Load::of(Share::Half)),
    ("readmit tests/api_calls", Load::of(Share::Half)),
    ("readmit tests/requests_cxone", Load::of(Share::Half)),
    ("readmit tests/admission", Load::of(Share::Half)),
    ("readmit tests/requests_servicenow", Load::of(Share::Half)),
    ("readmit tests/domain", Load::of(Share::Whole)),
    ("readmit tests/requests_openldap", Load::of(Share::Half)),
    ("readmit tests/requests_active_directory", Load::of(Share::Whole)),
    ("readmit tests/requests_directory389", Load::of(Share::Whole)),
    ("readmit tests/requests_keycloak", Load::of(Share::Whole)),
    ("readmit tests/keycloak", Load::of(Share::Whole)),
    ("readmit tests/active_directory", Load::of(Share::Whole)),
    ("readmit tests/directory389", Load::of(Share::Whole)),
    ("testkit tests/samba", Load::of(Share::Whole)),
    ("testkit tests/dirsrv", Load::of(Share::Whole)),
    ("readmit tests/static_binary", Load::cargo(Share::Half)),
    ("sweep tests/places", Load::cargo(Share::Half)),
    ("xtask tests/one_build", Load::cargo(Share::Half)),
    ("readmit tests/model", Load::of(Share::Alone)),
    ("readmit tests/replicas", Load::of(Share::Alone)),
    ("readmit tests/lease", Load::of(Share::Alone)),
    ("readmit tests/storm", Load::of(Share::Alone)),
    ("xtask tests/bench", Load::cargo(Share::Alone)),
    (super::SWEEP, Load::cargo(Share::Alone)),
];

/// What a suite takes; half a core where nothing else is known.
pub(super) fn of(suite: &str) -> Load {
    let known = SUITES.iter().find(|(name, _)| *name == suite);
    known.map_or(Load::of(Share::Half), |(_, load)| *load)
}

/// By which suites are sorted before they start.
pub(super) fn order(suite: &str) -> usize {
    SUITES
        .iter()
        .position(|(name, _)| *name == suite)
        .unwrap_or(SUITES.len())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::suite;
    use super::*;

    #[test]
    fn every_suite_that_is_named_is_there() {
        let targets = suite::targets().expect("cargo metadata");
        let mut there: BTreeSet<&str> = targets.iter().map(|target| target.suite.as_str()).collect();
        there.extend(["cargo clippy", super::super::checks::CHECK]);
        let gone: Vec<&str> = SUITES
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| !there.contains(name))
            .collect();
        assert_eq!(gone, [""; 0]);
    }

    /// A suite that builds while another one does would wait for it, and its tests' times with it.
    #[test]
    fn whoever_calls_cargo_is_named_so() {
        let root = testkit::workspace::root();
        let mut found = BTreeSet::new();
        for (package, folder) in [("readmit", "tests"), ("sweep", "sweep/tests"), ("xtask", "xtask/tests")] {
            for entry in std::fs::read_dir(root.join(folder)).expect("a folder") {
                let path = entry.expect("an entry").path();
                let Ok(text) = std::fs::read_to_string(&path) else {
                    continue;
                };
                let asks_xtask = text.contains("CARGO_BIN_EXE_xtask") && !text.contains("confine --report");
                if text.contains("env!(\"CARGO\")") || asks_xtask {
                    let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
                    found.insert(format!("{package} tests/{name}"));
                }
            }
        }
        let named: BTreeSet<String> = SUITES
            .iter()
            .filter(|(name, load)| load.cargo && !name.starts_with("cargo "))
            .map(|(name, _)| (*name).to_owned())
            .collect();
        assert_eq!(found, named);
    }
}
