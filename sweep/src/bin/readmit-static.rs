//! The operator's own main, in a package whose libraries have the features that the tests' have: `tests/static_binary.rs`
//! links it anew without compiling any of them. A module, since two programs cannot have one file as their root.

#[path = "../../../src/main.rs"]
mod operator;

fn main() -> std::process::ExitCode {
    operator::main()
}
