//! `cargo xtask generate`: writes what is generated: the CRDs under `crds/`, and the chart's copies of CRDs and admission
//! policies. The product's own binary says what the CRDs are; `tests/drift.rs` fails while a file differs.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Rewrites every generated file and removes what is no longer generated.
pub fn run() -> Result<()> {
    let root = workspace();
    let crds = printed(&root)?;
    for folder in ["crds", "charts/readmit/files/crds"] {
        replace(&root.join(folder), &crds)?;
    }
    let admission = files(&root.join("admission"))?;
    replace(&root.join("charts/readmit/files/admission"), &admission)
}

fn workspace() -> PathBuf {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_dir.parent().unwrap_or(crate_dir).to_owned()
}

/// A file's name and text.
type File = (String, String);

/// What `readmit crds` prints, one file a kind.
fn printed(root: &Path) -> Result<Vec<File>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["run", "--quiet", "--package", "readmit", "--", "crds"])
        .current_dir(root)
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("run cargo")?;
    if !output.status.success() {
        bail!("`readmit crds` failed with {}; see its messages above", output.status);
    }
    let text = String::from_utf8(output.stdout).context("`readmit crds` printed something that is not UTF-8")?;
    split(&text)
}

/// The documents of a text, each named after its resource: `accounts.readmit.dev` becomes `accounts.yaml`.
fn split(text: &str) -> Result<Vec<File>> {
    let documents = text.split("---\n").filter(|document| !document.trim().is_empty());
    documents
        .map(|document| {
            let name = document.lines().find_map(|line| line.strip_prefix("  name: "));
            let plural = name.and_then(|name| name.strip_suffix(".readmit.dev"));
            let plural = plural.with_context(|| format!("a document without a name of ours begins: {document:.80}"))?;
            Ok((format!("{plural}.yaml"), document.to_owned()))
        })
        .collect()
}

/// The YAML files of a folder.
fn files(folder: &Path) -> Result<Vec<File>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("read the folder {}", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry
            .with_context(|| format!("read the folder {}", folder.display()))?
            .path();
        let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        let name = path
            .file_name()
            .context("a file has a name")?
            .to_string_lossy()
            .into_owned();
        files.push((name, text));
    }
    Ok(files)
}

/// Makes a folder hold these files and no others.
fn replace(folder: &Path, wanted: &[File]) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("make the folder {}", folder.display()))?;
    for (name, _) in files(folder)? {
        if !wanted.iter().any(|(wanted, _)| *wanted == name) {
            let path = folder.join(name);
            std::fs::remove_file(&path).with_context(|| format!("remove {}", path.display()))?;
        }
    }
    for (name, text) in wanted {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
    }
    println!("{}: {} files", folder.display(), wanted.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_named_after_their_resource() {
        let text = "kind: A\nmetadata:\n  name: as.readmit.dev\n---\nkind: B\nmetadata:\n  name: bs.readmit.dev\n";
        let files = split(text).expect("two documents");
        assert_eq!(
            files[0],
            ("as.yaml".into(), "kind: A\nmetadata:\n  name: as.readmit.dev\n".into())
        );
        assert_eq!(files[1].0, "bs.yaml");
        assert!(split("kind: C\n").is_err());
    }

    #[test]
    fn a_folder_holds_what_is_wanted_and_no_more() {
        let folder = std::env::temp_dir().join(format!("readmit-generate-{}", std::process::id()));
        let files_of = |names: &[&str]| {
            names
                .iter()
                .map(|name| ((*name).to_owned(), "x".to_owned()))
                .collect::<Vec<_>>()
        };
        replace(&folder, &files_of(&["old.yaml", "kept.yaml"])).expect("written");
        replace(&folder, &files_of(&["kept.yaml", "new.yaml"])).expect("written");
        let mut names: Vec<String> = files(&folder)
            .expect("read")
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        names.sort();
        std::fs::remove_dir_all(&folder).expect("removed");
        assert_eq!(names, ["kept.yaml", "new.yaml"]);
    }
}
