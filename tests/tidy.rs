//! The invariants of `ARCHITECTURE.md` that the compiler does not hold, as searches over the sources. Every rule has a
//! sample that breaks it, so that none can pass because it looks at nothing.

#[path = "tidy/rules.rs"]
mod rules;
#[path = "tidy/tree.rs"]
mod tree;

use rules::{RULES, Rule};
use tree::Source;

#[test]
fn the_tree_is_tidy() {
    let tree = tree::read();
    let rust = tree.iter().filter(|source| source.path.ends_with(".rs")).count();
    assert!(rust > 150, "only {rust} Rust files were found");
    let found: Vec<String> = RULES.iter().flat_map(|rule| violations(rule, &tree)).collect();
    assert!(found.is_empty(), "{} violations:\n{}", found.len(), found.join("\n"));
}

#[test]
fn every_rule_can_fail() {
    for rule in RULES {
        assert!(!rule.samples.is_empty(), "{} has no sample", rule.name);
        for (path, text) in rule.samples {
            let sample = [Source::new(path, text)];
            assert!(
                !violations(rule, &sample).is_empty(),
                "{} lets pass:\n{text}",
                rule.name
            );
        }
        for (path, text) in rule.innocent {
            let found = violations(rule, &[Source::new(path, text)]);
            assert!(found.is_empty(), "{} wrongly says: {}", rule.name, found.join("\n"));
        }
    }
}

fn violations(rule: &Rule, tree: &[Source]) -> Vec<String> {
    (rule.find)(tree)
        .into_iter()
        .map(|found| format!("{}: {found}", rule.name))
        .collect()
}
