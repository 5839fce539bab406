//! What is searched: every text file of the checkout, and of a Rust file the part that is not its tests.

use std::path::Path;

/// One file.
pub struct Source {
    /// From the workspace's folder, as in `src/main.rs`.
    pub path: String,
    /// All of it.
    pub text: String,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        Source {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    /// Whether it belongs to what is shipped.
    pub fn is_product(&self) -> bool {
        self.path.starts_with("src/")
            && self.path.ends_with(".rs")
            && !self.path.ends_with("tests.rs")
            && !self.path.contains("/tests/")
    }

    /// Its lines with their numbers, without comments and without the module of tests at its end.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let before_tests = self.text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
        let lines = before_tests.lines().enumerate().map(|(at, line)| (at + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// [`Self::code`] as one text.
    pub fn code_text(&self) -> String {
        self.code().map(|(_, line)| format!("{line}\n")).collect()
    }
}

/// Folders that are nobody's text.
const NOT_OURS: &[&str] = &["target", ".git"];

/// Every text file of the workspace.
pub fn read() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    walk(root, root, &mut sources);
    sources
}

fn walk(root: &Path, folder: &Path, sources: &mut Vec<Source>) {
    for entry in std::fs::read_dir(folder).expect("a folder that can be read") {
        let entry = entry.expect("an entry");
        let (path, name) = (entry.path(), entry.file_name());
        if NOT_OURS.iter().any(|skipped| name == *skipped) {
            continue;
        }
        if entry.file_type().expect("a file type").is_dir() {
            walk(root, &path, sources);
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            let path = path.strip_prefix(root).expect("below the root").display().to_string();
            sources.push(Source { path, text });
        }
    }
}
