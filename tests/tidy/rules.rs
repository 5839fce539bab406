//! The rules, each a function from the tree to what breaks it, with samples that do and some that do not.

use regex::Regex;
use std::collections::BTreeSet;

use crate::tree::Source;

/// A path and a text.
type Sample = (&'static str, &'static str);

/// One invariant.
pub struct Rule {
    pub name: &'static str,
    pub find: fn(&[Source]) -> Vec<String>,
    /// Each of these breaks it.
    pub samples: &'static [Sample],
    /// None of these does.
    pub innocent: &'static [Sample],
}

pub const RULES: &[Rule] = &[
    Rule {
        name: "src/domain does no I/O and knows no clock and no chance",
        find: |tree| in_code(tree, |path| path.starts_with("src/domain/"), IMPURE),
        samples: &[
            ("src/domain/a.rs", "use tokio::time;"),
            ("src/domain/a.rs", "fn f(client: kube::Client) {}"),
            ("src/domain/a.rs", "use kube::{Api, ResourceExt};"),
            ("src/domain/a.rs", "let now = Timestamp::now();"),
            ("src/domain/cel/b.rs", "let n = rand::random();"),
            ("src/domain/cel/b.rs", "async fn f() {}"),
        ],
        innocent: &[
            ("src/domain/a.rs", "// as tokio::time does\nuse kube::ResourceExt;"),
            (
                "src/domain/a.rs",
                "fn f() {}\n\n#[cfg(test)]\nmod tests {\n    use rand::Rng;\n}",
            ),
            ("src/controller/a.rs", "use tokio::time;"),
        ],
    },
    Rule {
        name: "only src/controller/record.rs writes a status",
        find: |tree| {
            let others = |path: &str| path.starts_with("src/") && path != "src/controller/record.rs";
            in_code(tree, others, r"\b(patch|replace|create)_(status|subresource|scale)\b")
        },
        samples: &[
            ("src/controller/a.rs", "api.patch_status(name, &params, &patch).await?;"),
            ("src/web/b.rs", "api.replace_status(name, &params, data).await?;"),
            (
                "src/web/b.rs",
                "api.patch_subresource(\"status\", name, &params, &patch).await?;",
            ),
        ],
        innocent: &[(
            "src/controller/record.rs",
            "api.patch_status(name, &params, &patch).await?;",
        )],
    },
    Rule {
        name: "only src/controller/execute.rs calls a method of a Directory that changes something",
        find: |tree| {
            let others = |path: &str| {
                path.starts_with("src/") && !path.starts_with("src/directory/") && path != "src/controller/execute.rs"
            };
            in_code(
                tree,
                others,
                r"(\.|Directory::)(unlock|clear_lock|set_password|send_reset_link|require_change|revoke_sessions)\(",
            )
        },
        samples: &[
            ("src/controller/pass.rs", "upstream.unlock(&call, &target).await"),
            ("src/controller/pass.rs", "upstream.clear_lock(&call, &target).await"),
            (
                "src/web/a.rs",
                "Directory::set_password(&okta, &call, &target, &password, &[]).await",
            ),
        ],
        innocent: &[("src/controller/execute.rs", "upstream.unlock(&call, &target).await")],
    },
    Rule {
        name: "nothing secret implements Debug, Display or Serialize",
        find: shown_secrets,
        samples: &[
            (
                "src/a.rs",
                "#[derive(Clone, Debug)]\npub struct Key {\n    bytes: Zeroizing<Vec<u8>>,\n}",
            ),
            ("src/a.rs", "struct Key(Secret);\nimpl fmt::Display for Key {}"),
            (
                "src/a.rs",
                "struct Key(Secret);\nstruct Ring { key: Key }\nimpl Serialize for Ring {}",
            ),
        ],
        innocent: &[(
            "src/a.rs",
            "#[derive(Debug)]\nstruct Directory { secret_ref: String }\nstruct Key(Secret);",
        )],
    },
    Rule {
        name: "metric labels are words of this program, never the name of an object or a person",
        find: open_labels,
        samples: &[
            (
                "src/observe/a.rs",
                "#[derive(Hash, EncodeLabelSet)]\nstruct Labels {\n    kind: &'static str,\n    directory: String,\n}",
            ),
            (
                "src/observe/a.rs",
                "#[derive(EncodeLabelSet)]\npub struct Labels {\n    pub login: Arc<str>,\n}",
            ),
        ],
        innocent: &[(
            "src/observe/a.rs",
            "#[derive(EncodeLabelSet)]\nstruct Labels {\n    kind: &'static str,\n}",
        )],
    },
    Rule {
        name: "the product denies what panics",
        find: lints,
        samples: &[
            ("src/lib.rs", "//! Readmit.\npub mod api;"),
            ("src/main.rs", "fn main() {}"),
        ],
        innocent: &[],
    },
    Rule {
        name: "nothing lifts a lint against panics",
        find: |tree| {
            let lifted = r"(allow|expect)\(.*clippy::(unwrap_used|expect_used|panic|indexing_slicing|unreachable|todo)";
            in_code(tree, |path| path.starts_with("src/"), lifted)
        },
        samples: &[("src/a.rs", "#[allow(clippy::unwrap_used)]\nfn f() {}")],
        innocent: &[],
    },
    Rule {
        name: "no file of code has more than 500 lines",
        find: |tree| {
            let long = tree
                .iter()
                .filter(|source| source.path.ends_with(".rs") && source.text.lines().count() > 500);
            long.map(|source| format!("{} has {}", source.path, source.text.lines().count()))
                .collect()
        },
        samples: &[("src/a.rs", include_str!("../../Cargo.lock"))],
        innocent: &[],
    },
    Rule {
        name: "every module says first what it is for",
        find: |tree| {
            let silent = tree
                .iter()
                .filter(|source| source.path.ends_with(".rs") && !source.text.starts_with("//! "));
            silent.map(|source| source.path.clone()).collect()
        },
        samples: &[("src/a.rs", "use std::fmt;")],
        innocent: &[("src/a.rs", "//! About it.\nuse std::fmt;")],
    },
    Rule {
        name: "no documentation test: rustdoc would compile each anew, so that examples are tests of a suite",
        find: documentation_tests,
        samples: &[
            ("src/a.rs", "//! About it.\n//!\n//! ```\n//! let a = 1;\n//! ```"),
            ("sweep/src/a.rs", "/// It.\n/// ```no_run\n/// f();\n/// ```\nfn f() {}"),
            ("testkit/Cargo.toml", "[package]\nname = \"testkit\"\n"),
        ],
        innocent: &[
            ("src/a.rs", "/// ```text\n/// a -> b\n/// ```\nfn f() {}"),
            ("src/a.rs", "// ```\nfn f() {}"),
            (
                "testkit/Cargo.toml",
                "[package]\nname = \"testkit\"\n\n[lib]\ndoctest = false\n",
            ),
            ("xtask/Cargo.toml", "[package]\nname = \"xtask\"\n"),
        ],
    },
    Rule {
        name: "no path of somebody's machine",
        find: |tree| in_text(tree, r"(^|[^A-Za-z0-9_.$}])/(root|home|Users|work|mnt)/[A-Za-z0-9_]"),
        samples: &[
            ("README.md", concat!("cd /ro", "ot/readmit")),
            ("src/a.rs", concat!("\"/wo", "rk/x\"")),
        ],
        innocent: &[("README.md", "see charts/workbench")],
    },
    Rule {
        name: "no host of a registry",
        find: |tree| {
            let named = r"(?i)\b(static\.|index\.)?(crates\.io|docker\.io|ghcr\.io|quay\.io|gcr\.io|registry\.k8s\.io|pypi\.org|npmjs\.(org|com)|proxy\.golang\.org|maven\.org)\b";
            in_text(tree, named)
        },
        samples: &[("charts/values.yaml", concat!("repository: gh", "cr.io/x/readmit"))],
        innocent: &[(
            "Cargo.lock",
            concat!("source = \"registry+https://github.com/rust-lang/crates", ".io-index\""),
        )],
    },
    Rule {
        name: "nothing is put off",
        find: |tree| {
            in_text(
                tree,
                concat!(r"\b(TO", r"DO|FIX", r"ME|XX", r"X)\b|\b(unimpl", r"emented|to", r"do)!"),
            )
        },
        samples: &[
            ("src/a.rs", concat!("// TO", "DO: later")),
            ("src/a.rs", concat!("unimpl", "emented!()")),
        ],
        innocent: &[("src/a.rs", "// to do so")],
    },
];

const IMPURE: &str = r"\btokio\b|\bkube::(Client|Api|api|client|runtime|config)\b|\bkube::\{[^}]*\b(Client|Api|api|client|runtime|config)\b|\breqwest\b|\bldap3\b|SystemTime::now|Timestamp::now|Zoned::now|Instant::now|\brand::|\bstd::(fs|env|net|process|thread)\b|\basync fn\b|\be?println!";

/// Blocks of code in documentation that rustdoc would run, and libraries for which it would look for some.
fn documentation_tests(tree: &[Source]) -> Vec<String> {
    // An opening fence with nothing behind it, or with words that all mean Rust.
    let fence = Regex::new(r"^\s*//[/!]\s*```\s*((rust|no_run|should_panic|ignore|compile_fail|edition\d+)[,\s]*)*$");
    let fence = fence.expect("a pattern");
    let mut found = Vec::new();
    for source in tree {
        if source.path.ends_with(".rs") {
            let fences = source
                .text
                .lines()
                .enumerate()
                .filter(|(_, line)| line.contains("```") && is_doc(line));
            // Every second one closes a block.
            let opening = fences.step_by(2).filter(|(_, line)| fence.is_match(line));
            found.extend(opening.map(|(at, _)| format!("{}:{}", source.path, at + 1)));
        }
        let has_library = source.path.ends_with("Cargo.toml") && !["bench", "xtask"].contains(&folder(&source.path));
        if has_library && !source.text.contains("[lib]\ndoctest = false\n") {
            found.push(format!("{} does not say doctest = false", source.path));
        }
    }
    found
}

fn is_doc(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("///") || line.starts_with("//!")
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Where the code of the product matches.
fn in_code(tree: &[Source], path: impl Fn(&str) -> bool, pattern: &str) -> Vec<String> {
    let pattern = Regex::new(pattern).expect("a pattern");
    let sources = tree.iter().filter(|source| source.is_product() && path(&source.path));
    sources
        .flat_map(|source| {
            let hits = source.code().filter(|(_, line)| pattern.is_match(line));
            hits.map(|(at, line)| format!("{}:{at}: {}", source.path, line.trim()))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Where any text matches. Lock files and sums are written by tools.
fn in_text(tree: &[Source], pattern: &str) -> Vec<String> {
    let pattern = Regex::new(pattern).expect("a pattern");
    let by_tools = |path: &str| path.ends_with(".lock") || path.ends_with("go.sum") || path.ends_with("go.mod");
    let sources = tree.iter().filter(|source| !by_tools(&source.path));
    sources
        .flat_map(|source| {
            let hits = source
                .text
                .lines()
                .enumerate()
                .filter(|(_, line)| pattern.is_match(line));
            hits.map(|(at, line)| format!("{}:{}: {}", source.path, at + 1, line.trim()))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// A struct or enum: its name, what it derives and what it holds.
struct Type {
    path: String,
    name: String,
    derives: String,
    body: String,
}

fn types(tree: &[Source]) -> Vec<Type> {
    let item = r"(?m)^(?P<attributes>(?:#\[.*\]\n)*)(?:pub(?:\([a-z]+\))? )?(?:struct|enum) (?P<name>\w+)[^;{(]*(?P<body>\((?s:.*?)\);|\{(?s:.*?)(?:\n\}|\}\n|\}$)|;)";
    let item = Regex::new(item).expect("a pattern");
    let mut found = Vec::new();
    for source in tree.iter().filter(|source| source.is_product()) {
        for hit in item.captures_iter(&source.code_text()) {
            found.push(Type {
                path: source.path.clone(),
                name: hit["name"].to_owned(),
                derives: hit["attributes"].to_owned(),
                body: hit["body"].to_owned(),
            });
        }
    }
    found
}

/// Types that hold a secret, directly or through another one, and show it.
///
/// File by file, for names are not unique over the tree; that a secret itself shows nothing holds the rest: deriving these
/// for a type that holds one does not compile.
fn shown_secrets(tree: &[Source]) -> Vec<String> {
    tree.iter()
        .flat_map(|source| shown_in(std::slice::from_ref(source)))
        .collect()
}

fn shown_in(tree: &[Source]) -> Vec<String> {
    let types = types(tree);
    let names = Regex::new(r"(?m)^\s*#\[.*$|^\s*(pub(\([a-z]+\))? )?\w+|\w+: ").expect("a pattern");
    let mut secret: BTreeSet<String> = ["Secret", "Zeroizing", "SecretString", "SecretBox"]
        .map(String::from)
        .into();
    loop {
        let holds = |body: &str| {
            // Names of fields and variants are no types. Kubernetes' own kind Secret, as in `Api<Secret>`, is a handle.
            let body = names
                .replace_all(body, "")
                .replace("Api<Secret>", "")
                .replace("Api<v1::Secret>", "");
            let mut words = body
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .map(str::to_owned);
            words.any(|word| secret.contains(&word))
        };
        let more: Vec<String> = types
            .iter()
            .filter(|t| !secret.contains(&t.name) && holds(&t.body))
            .map(|t| t.name.clone())
            .collect();
        if more.is_empty() {
            break;
        }
        secret.extend(more);
    }
    let derived = types
        .iter()
        .filter(|t| {
            secret.contains(&t.name)
                && Regex::new(r"derive\(.*\b(Debug|Display|Serialize)\b")
                    .expect("a pattern")
                    .is_match(&t.derives)
        })
        .map(|t| format!("{}: {} derives it", t.path, t.name));
    let by_hand = r"impl(?:<[^>]*>)? (?:\w+::)*(?:Debug|Display|Serialize) for (\w+)";
    let by_hand = Regex::new(by_hand).expect("a pattern");
    let written = tree.iter().filter(|source| source.is_product()).flat_map(|source| {
        let text = source.code_text();
        let hits = by_hand.captures_iter(&text).filter(|hit| secret.contains(&hit[1]));
        hits.map(|hit| format!("{}: {}", source.path, &hit[0]))
            .collect::<Vec<_>>()
    });
    derived.chain(written).collect()
}

/// Label sets with a field that can hold any text.
fn open_labels(tree: &[Source]) -> Vec<String> {
    let types = types(tree);
    let labels = types.iter().filter(|t| t.derives.contains("EncodeLabelSet"));
    labels
        .flat_map(|t| {
            let fields = t.body.lines().filter(|line| line.contains(':'));
            let open = fields.filter(|line| !line.contains("&'static str") && !line.contains(": bool"));
            open.map(|line| format!("{}: {} has {}", t.path, t.name, line.trim()))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// What both roots of the product say to clippy.
const DENIED: &str =
    "clippy::unwrap_used,clippy::expect_used,clippy::panic,clippy::indexing_slicing,clippy::unreachable";

fn lints(tree: &[Source]) -> Vec<String> {
    let roots = tree
        .iter()
        .filter(|source| ["src/lib.rs", "src/main.rs"].contains(&source.path.as_str()));
    let lacks = |source: &&Source| {
        let text: String = source.text.split_whitespace().collect();
        !text.contains(&format!("#![cfg_attr(not(test),deny({DENIED}))]"))
    };
    roots
        .filter(lacks)
        .map(|source| format!("{} lacks deny({DENIED})", source.path))
        .collect()
}
