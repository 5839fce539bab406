//! The patches that put faults back: each applies to the tree as it is, and docs/sweep.md says what it shows. That the
//! sweep fails under each is shown by building it, which takes minutes a patch; that it can be tried at all is shown here.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use sweep::{
    cases, caught,
    sample::{self, PINNED},
};
use testkit::workspace;

fn patches() -> BTreeSet<String> {
    let folder = std::fs::read_dir(workspace::root().join("sweep/patches")).expect("the folder of patches");
    let names = folder.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"));
    let names: Vec<String> = names.collect();
    let others = names
        .iter()
        .filter(|name| !name.ends_with(".patch") && !name.ends_with(".caught"));
    assert_eq!(
        others.count(),
        0,
        "only patches and what caught them stand there: {names:?}"
    );
    names
        .iter()
        .filter_map(|name| Some(name.strip_suffix(".patch")?.to_owned()))
        .collect()
}

fn applies(root: &Path, name: &str) -> Result<(), String> {
    let patch = format!("sweep/patches/{name}.patch");
    let output = Command::new("git")
        .args(["apply", "--check", &patch])
        .current_dir(root)
        .output()
        .expect("run git");
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim())),
    }
}

#[test]
fn every_patch_applies() {
    let failed: Vec<String> = patches()
        .iter()
        .filter_map(|name| applies(workspace::root(), name).err())
        .collect();
    assert!(failed.is_empty(), "make them anew:\n{}", failed.join("\n"));
}

/// The rows of the tables of patches.
fn rows(page: &str) -> impl Iterator<Item = &str> {
    let tables = page.split("| Patch |").skip(1);
    let lines = tables.flat_map(|table| table.lines().skip(1).take_while(|line| line.starts_with('|')));
    lines.filter(|line| line.starts_with("| `"))
}

fn page() -> String {
    std::fs::read_to_string(workspace::root().join("docs/sweep.md")).expect("the page")
}

#[test]
fn the_page_names_every_patch_and_no_other() {
    let page = page();
    let names = rows(&page).filter_map(|row| Some(row.strip_prefix("| `")?.split_once('`')?.0.to_owned()));
    let named: BTreeSet<String> = names.collect();
    assert_eq!(named, patches());
}

/// The last column tells of cases, each in backticks; nothing else there has a slash in it.
#[test]
fn the_cases_that_the_page_names_are_the_pinned_ones() {
    let page = page();
    let cells = rows(&page).filter_map(|row| row.trim_end_matches('|').rsplit('|').next());
    let quoted = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let named: BTreeSet<&str> = quoted.filter(|word| word.contains('/')).collect();
    assert_eq!(named, BTreeSet::from(PINNED));
}

#[test]
fn what_is_pinned_or_repeated_or_caught_a_patch_is_a_case() {
    let cases = cases::all();
    let known: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    let lists = caught::lists().expect("the lists");
    let pinned = PINNED
        .into_iter()
        .chain([sample::REPEATED.0])
        .map(|name| ("sample.rs", name));
    let caught = lists
        .iter()
        .flat_map(|(patch, list)| list.iter().map(|name| (patch.as_str(), name.as_str())));
    let unknown: Vec<_> = pinned.chain(caught).filter(|(_, name)| !known.contains(name)).collect();
    assert!(unknown.is_empty(), "there are no such cases: {unknown:?}");
}

#[test]
fn lists_are_sorted_and_belong_to_patches() {
    let patches = patches();
    for (patch, list) in caught::lists().expect("the lists") {
        assert!(patches.contains(&patch), "there is no {patch}.patch");
        assert!(list.is_sorted_by(|a, b| a < b), "{patch}.caught: sort -u with LC_ALL=C");
    }
}

/// What `sample` makes of the lists is held by its own tests, for all seeds and shards: at least one case of each.
#[test]
fn every_patch_was_caught() {
    let lists = caught::lists().expect("the lists");
    let is_caught = |patch: &String| lists.get(patch).is_some_and(|list| !list.is_empty());
    let missing: Vec<String> = patches().into_iter().filter(|patch| !is_caught(patch)).collect();
    assert_eq!(
        missing, [""; 0],
        "docs/sweep.md says how sweep/patches/NAME.caught is made"
    );
}
