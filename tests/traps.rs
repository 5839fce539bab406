//! `docs/traps.md` names a test for every trap: each of them exists, and every switch of the simulators stands there.

use clap::ValueEnum;
use regex::Regex;
use std::{collections::BTreeMap, path::Path};

const DOCUMENT: &str = include_str!("../docs/traps.md");

/// A row of a table of traps: what it says, and the tests that it names.
struct Row {
    section: String,
    text: String,
    tests: Vec<(String, String)>,
}

/// The rows of every table whose first column is headed "Trap".
fn rows() -> Vec<Row> {
    let reference = Regex::new(r"`([A-Za-z0-9_/.]+\.rs)::([a-z0-9_]+)`").expect("a pattern");
    let (mut section, mut within, mut rows) = (String::new(), false, Vec::new());
    for line in DOCUMENT.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            section = heading.to_owned();
        }
        match line.strip_prefix('|') {
            Some(cells) if cells.trim_start().starts_with("Trap ") => within = true,
            Some(cells) if cells.starts_with("---") => {}
            Some(_) if within => {
                let found = reference.captures_iter(line);
                let tests = found.map(|found| (found[1].to_owned(), found[2].to_owned())).collect();
                rows.push(Row {
                    section: section.clone(),
                    text: line.to_owned(),
                    tests,
                });
            }
            Some(_) => {}
            None => within = false,
        }
    }
    rows
}

#[test]
fn every_trap_names_tests_that_exist() {
    let rows = rows();
    let mut wrong = Vec::new();
    for row in &rows {
        if row.tests.is_empty() {
            wrong.push(format!("{} names no test: {}", row.section, row.text));
        }
        for (path, name) in &row.tests {
            match std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)) {
                Err(error) => wrong.push(format!("{path}: {error}")),
                Ok(text) if is_test(&text, name) => {}
                Ok(_) => wrong.push(format!("{path} has no test {name}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let mut sections = BTreeMap::<&str, usize>::new();
    for row in &rows {
        *sections.entry(&row.section).or_default() += 1;
    }
    for section in ["Okta", "ServiceNow", "CXone"] {
        assert!(
            sections.get(section).is_some_and(|count| *count >= 20),
            "{section}: {sections:?}"
        );
    }
}

/// Whether a function of this name is there, with an attribute of a test before it. A test that is not run shows nothing.
fn is_test(text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let heads = [format!("fn {name}("), format!("async fn {name}(")];
    let at = lines
        .iter()
        .position(|line| heads.iter().any(|head| line.starts_with(head.as_str())));
    at.is_some_and(|at| {
        let attributes = lines.iter().take(at).rev().take_while(|line| line.starts_with("#["));
        let has = |heads: &[&str]| {
            let mut attributes = attributes.clone();
            attributes.any(|line| heads.iter().any(|head| line.starts_with(head)))
        };
        has(&["#[test", "#[tokio::test"]) && !has(&["#[ignore"])
    })
}

#[test]
fn a_name_in_a_comment_is_no_test() {
    for (text, expected) in [
        ("#[test]\nfn a() {}", true),
        ("#[tokio::test]\nasync fn a() {}", true),
        ("#[test]\n#[should_panic]\nfn a() {}", true),
        ("#[test]\n#[ignore = \"x\"]\nfn a() {}", false),
        ("fn a() {}", false),
        ("// fn a()", false),
        ("#[test]\nfn ab() {}", false),
    ] {
        assert_eq!(is_test(text, "a"), expected, "{text}");
    }
}

#[test]
fn every_switch_of_the_simulators_has_a_row() {
    let okta = sandbox::Quirk::value_variants()
        .iter()
        .filter_map(ValueEnum::to_possible_value);
    let servicenow = sandbox::servicenow::Quirk::value_variants()
        .iter()
        .filter_map(ValueEnum::to_possible_value);
    let cxone = sandbox::cxone::Quirk::value_variants()
        .iter()
        .filter_map(ValueEnum::to_possible_value);
    let switches = okta
        .map(|value| ("Okta", value))
        .chain(servicenow.map(|value| ("ServiceNow", value)))
        .chain(cxone.map(|value| ("CXone", value)));
    let rows = rows();
    let missing: Vec<String> = switches
        .map(|(section, value)| (section, format!("`{}`", value.get_name())))
        .filter(|(section, name)| {
            !rows
                .iter()
                .any(|row| row.section == *section && row.text.contains(name))
        })
        .map(|(section, name)| format!("{section} {name}"))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/traps.md says nothing of {}",
        missing.join(", ")
    );
}
