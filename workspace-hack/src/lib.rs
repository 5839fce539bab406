//! Nothing: its dependencies are what it is for. Cargo unites the features of those packages that one command builds, so
//! that the test build, the operator with failpoints, the static binary and `cargo xtask` would each compile the same
//! libraries anew with other features. Whatever builds them depends on this crate; only the product, as it is shipped,
//! does not. `xtask/tests/one_build.rs` holds that nothing is compiled twice.
