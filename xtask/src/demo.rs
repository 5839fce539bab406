//! `cargo xtask demo`: the main job on a real API server: locked-out people get back in through manifests. Every step is
//! told in plain words with what kubectl printed, and checked: it ends well only if all of it really happened.

mod cluster;
mod key;
mod scenes;
mod servers;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use testkit::process::Scratch;
use testkit::workspace;

use cluster::Cluster;
use scenes::Stage;
use servers::{Programs, Sandbox};

const NEEDS: &str = "\
Readmit's demo. It starts, on this machine's loopback addresses only: etcd and a kube-apiserver, a sandbox that plays
Okta, an OpenLDAP server and the operator; and it ends them all when it is done.
Needs: Rust 1.95, a C compiler, Go 1.26 (not with KUBEBUILDER_ASSETS or --context), about 6 GB of disk. OpenLDAP is
installed where this runs as root on Debian, and left out where it cannot be had.
The first run compiles the operator, kube-apiserver, etcd and kubectl: about 10 minutes on two cores. Later runs take
about a minute.
";

/// The requests of people who asked before identity was enforced are not trusted, and for so long after it the clocks of
/// two API servers may differ; see READMIT_ENFORCEMENT_MARGIN.
const ENFORCEMENT_MARGIN: Duration = Duration::from_secs(11);

/// Where, and what is left.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Leave everything up, and say how to go on and how to stop it
    #[arg(long)]
    stay: bool,
    /// Use the cluster of this kubeconfig context instead of starting one; what is installed there is removed again
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
}

/// Runs it all.
///
/// # Errors
/// At the first thing that did not happen.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    println!("{NEEDS}");
    let began = Instant::now();
    let folder = Folder::new(arguments.stay)?;
    let existing = arguments.context.as_deref().map(Cluster::existing).transpose()?;
    title("Building the operator, the sandbox and what is missing of the control plane");
    let programs = build(existing.is_none())?;
    let mut cluster = match existing {
        Some(cluster) => cluster,
        None => {
            title("Starting etcd and kube-apiserver");
            Cluster::start(folder.path())?
        }
    };
    title("Installing CRDs, admission policies and RBAC; starting sandbox, OpenLDAP and operator");
    let manifests = manifests(&programs)?;
    cluster.install(folder.path(), &manifests)?;
    let okta = Sandbox::start(
        &programs,
        folder.path(),
        scenes::TOKEN,
        scenes::PEOPLE,
        scenes::PASSWORD,
    )?;
    let ldap = servers::slapd(folder.path())?;
    let mut operator = servers::operator(&programs, &cluster, &okta, folder.path())?;
    let ready = Instant::now();
    let stage = Stage::new(cluster, okta, ldap);
    let played = stage
        .lock_out()
        .and_then(|()| {
            let rest = ENFORCEMENT_MARGIN.saturating_sub(ready.elapsed());
            say(&format!(
                "waiting {} s: requests from before identity was enforced would be refused",
                rest.as_secs()
            ));
            std::thread::sleep(rest);
            stage.play()
        })
        .and_then(|()| operator.check_running());
    if let Err(error) = played {
        eprintln!("the end of the operator's log:\n{}", operator.log_tail());
        return Err(error);
    }
    println!("\nAll of this really happened, in {} s.", began.elapsed().as_secs());
    if arguments.stay {
        return stay(stage, operator, &programs, &folder);
    }
    operator
        .terminate(Duration::from_secs(40))
        .context("stop the operator")?;
    Ok(())
}

/// Builds the product's programs, and beside cargo those of the control plane where one is to be started.
fn build(control_plane: bool) -> Result<Programs> {
    std::thread::scope(|scope| {
        let assets = scope.spawn(|| match control_plane {
            true => testkit::assets::ensure().map(drop),
            false => Ok(()),
        });
        let programs = Programs::build();
        let assets = assets
            .join()
            .unwrap_or_else(|_| Err(anyhow!("building the control plane panicked")));
        assets.and(programs)
    })
}

/// What the product needs in a cluster, as the operator's binary prints it, and RBAC. What is removed first stands first.
fn manifests(programs: &Programs) -> Result<String> {
    let mut parts = Vec::new();
    for what in ["admission", "crds"] {
        let output = std::process::Command::new(&programs.operator)
            .arg(what)
            .output()
            .with_context(|| format!("run {}", programs.operator.display()))?;
        if !output.status.success() {
            bail!("`readmit {what}` failed: {}", String::from_utf8_lossy(&output.stderr));
        }
        parts.push(String::from_utf8(output.stdout).context("manifests are UTF-8")?);
    }
    parts.push(include_str!("../../tests/support/operator-rights.yaml").to_owned());
    parts.push(include_str!("demo/rights.yaml").to_owned());
    Ok(parts.join("\n---\n"))
}

/// Leaves everything up.
fn stay(stage: Stage, operator: testkit::process::Child, programs: &Programs, folder: &Folder) -> Result<()> {
    let Folder::Kept(dir) = folder else {
        bail!("the folder is a temporary one");
    };
    let how = stage.cluster.how_to_kubectl();
    let key = stage.key.secret();
    let (mut processes, removal) = stage.leave(dir)?;
    processes.insert(0, operator.leave_running());
    let stop = dir.join("stop");
    testkit::tls::write(&stop, &stop_script(&processes, &removal, dir))?;
    println!(
        "\nEverything is left up. To go on as bob:\n\n{how}\nkubectl get aur,pwr\n\nOperator: {operator}, its log: {log}\n\
         Okta's people: {people}, password {password}. Sealed passwords open with the age key {key}\n\nTo end it all:\n\n\
         sh {stop}",
        operator = programs.operator.display(),
        log = dir.join("operator.log").display(),
        people = scenes::PEOPLE.join(", "),
        password = scenes::PASSWORD,
        stop = stop.display(),
    );
    Ok(())
}

/// Ends these processes, if they are still the same programs, and removes the folder.
fn stop_script(processes: &[u32], removal: &str, dir: &Path) -> String {
    let mut script = format!("{removal}{END}");
    for pid in processes {
        let program = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
        script += &format!("end {pid} '{}'\n", program.display());
    }
    script + &format!("rm -rf '{}'\n", dir.display())
}

/// kube-apiserver waits a minute for open watches, and for ever once etcd is gone: hence the harder end.
const END: &str = r#"end() {
    [ "$(readlink "/proc/$1/exe")" = "$2" ] || return 0
    kill "$1"
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        sleep 0.5
        [ -e "/proc/$1/exe" ] || return 0
    done
    kill -9 "$1"
}
"#;

/// Where the servers keep their files.
enum Folder {
    Temporary(Scratch),
    Kept(PathBuf),
}

impl Folder {
    fn new(kept: bool) -> Result<Self> {
        if !kept {
            return Scratch::new("readmit-demo-").map(Folder::Temporary);
        }
        let dir = workspace::target_dir().join("demo");
        if dir.exists() {
            bail!(
                "an earlier demo was left up; end it first: sh {}",
                dir.join("stop").display()
            );
        }
        std::fs::create_dir_all(&dir).with_context(|| format!("make the folder {}", dir.display()))?;
        // Until everything runs, so that a demo that breaks off can be begun again.
        testkit::tls::write(&dir.join("stop"), &stop_script(&[], "", &dir))?;
        Ok(Folder::Kept(dir))
    }

    fn path(&self) -> &Path {
        match self {
            Folder::Temporary(scratch) => scratch.path(),
            Folder::Kept(dir) => dir,
        }
    }
}

/// Begins a part.
fn title(text: &str) {
    println!("\n== {text}");
}

/// One line within a part.
fn say(text: &str) {
    println!("   {text}");
}
