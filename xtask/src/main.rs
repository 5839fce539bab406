//! Developer commands, called as `cargo xtask ...`. One module a command; nothing here is part of the product.

mod assets;
mod bench;
mod demo;
mod generate;
mod programs;
mod sweep;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Developer commands of Readmit")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Builds the servers that tests and the demo need, and prints where they lie
    Assets(assets::Arguments),
    /// Runs a command under the eye of a process that takes in what the command leaves behind
    #[command(hide = true)]
    Confine(test::confine::Arguments),
    /// Measures speed, calls and memory against a peer, and prints them as JSON
    Bench(bench::Arguments),
    /// Shows the main job: starts a cluster, directories and the operator, locks people out and lets them back in
    Demo(demo::Arguments),
    /// Rewrites crds/ and the chart's copies
    Generate,
    /// Runs the crash sweep: operators killed, stopped and deceived at every write and send, and a checker of it
    Sweep(sweep::Arguments),
    /// Runs every check and every test, one line a suite
    Test(test::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Assets(arguments) => assets::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Confine(arguments) => test::confine::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Generate => generate::run().map(|()| ExitCode::SUCCESS),
        Command::Sweep(arguments) => sweep::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
