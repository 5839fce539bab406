//! `cargo xtask assets`: builds the control plane's programs ahead of time.

use anyhow::Result;

/// What to build.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Also build helm, which only the chart's tests need
    #[arg(long)]
    helm: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let assets = testkit::assets::ensure()?;
    for program in [&assets.kube_apiserver, &assets.etcd, &assets.kubectl] {
        println!("{}", program.display());
    }
    if arguments.helm {
        println!("{}", testkit::assets::helm()?.display());
    }
    Ok(())
}
