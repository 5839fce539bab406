//! Every generated file is what would be generated now. On a difference: `cargo xtask generate`.

use std::collections::BTreeMap;
use std::path::Path;

use readmit::manifests;

type Files = BTreeMap<String, String>;

/// The files of a folder of the checkout, by name.
fn folder(path: &str) -> Files {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            (path.file_name().expect("a name").to_string_lossy().into_owned(), text)
        })
        .collect()
}

#[track_caller]
fn same(path: &str, expected: &Files) {
    let found = folder(path);
    let names = |files: &Files| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        names(&found),
        names(expected),
        "the files of {path}; run `cargo xtask generate`"
    );
    for (name, text) in expected {
        assert!(
            found[name] == *text,
            "{path}/{name} is out of date; run `cargo xtask generate`"
        );
    }
}

#[test]
fn crds_are_up_to_date() {
    let files = manifests::crds_yaml().expect("CRDs as YAML");
    let files: Files = files.into_iter().map(|file| (file.name, file.yaml)).collect();
    assert_eq!(files.len(), 5);
    same("crds", &files);
    same("charts/readmit/files/crds", &files);
}

#[test]
fn the_charts_admission_policies_are_the_products() {
    let files = folder("admission");
    assert_eq!(files.len(), 3);
    same("charts/readmit/files/admission", &files);
}

#[test]
fn the_binary_carries_every_admission_policy() {
    let printed = manifests::admission_yaml("readmit-system", "readmit");
    for (name, text) in folder("admission") {
        assert!(
            printed.contains(&text),
            "`readmit admission` does not print admission/{name}"
        );
    }
}
