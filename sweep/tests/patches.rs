//! The patches that put faults back: each applies to the tree as it is, and docs/sweep.md says what it shows. That the
//! sweep fails under each is shown by building it, which takes minutes a patch; that it can be tried at all is shown here.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use testkit::workspace;

fn patches() -> BTreeSet<String> {
    let folder = std::fs::read_dir(workspace::root().join("sweep/patches")).expect("the folder of patches");
    let names = folder.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"));
    names
        .map(|name| {
            name.strip_suffix(".patch")
                .expect("only patches stand there")
                .to_owned()
        })
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

#[test]
fn the_page_names_every_patch_and_no_other() {
    let page = std::fs::read_to_string(workspace::root().join("docs/sweep.md")).expect("the page");
    let tables = page.split("| Patch |").skip(1);
    let rows = tables.flat_map(|table| table.lines().skip(1).take_while(|line| line.starts_with('|')));
    let names = rows.filter_map(|row| Some(row.strip_prefix("| `")?.split_once('`')?.0.to_owned()));
    let named: BTreeSet<String> = names.collect();
    assert_eq!(named, patches());
}
