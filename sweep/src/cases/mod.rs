//! What is tried: every failpoint that a kind of request passes, each with every blow; what directories and the API
//! server do; what people change meanwhile; clocks. Cases are data, made here and nowhere else.

mod changes;
mod outages;
mod points;
mod routed;
mod surroundings;

use crate::case::Case;

/// Every case, names sorted and unique.
pub fn all() -> Vec<Case> {
    let mut cases = points::all();
    cases.extend(outages::all());
    cases.extend(changes::all());
    cases.extend(routed::all());
    cases.extend(surroundings::all());
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_there_are_enough() {
        let cases = all();
        let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names.len(), cases.len());
        assert!(cases.len() >= 300, "{}", cases.len());
    }
}
