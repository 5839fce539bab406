//! The binary as the Dockerfile makes it: static, so that it runs where nothing is but a CA bundle, and reaches a TLS
//! server by name from there.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use support::{success, watch};
use testkit::skip::{self, Missing};

/// Links the operator's main with the flags of the Dockerfile, from libraries that are built already: they are the same for
/// both kinds of linking, as the standard library's are (what they link to is decided when the program is), so that this
/// takes seconds where a whole static build takes minutes. As a program of the package sweep, whose libraries have the
/// features that the tests' have. The copy is our own: cargo may link its file anew.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let output = Command::new(env!("CARGO"))
            .args([
                "rustc",
                "--quiet",
                "--locked",
                "--package",
                "sweep",
                "--bin",
                "readmit-static",
            ])
            .args(["--message-format=json-render-diagnostics", "--"])
            .args(flags().split(' '))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stderr(Stdio::inherit())
            .output()
            .expect("run cargo");
        let built = String::from_utf8_lossy(&output.stdout).lines().find_map(|line| {
            let message: serde_json::Value = serde_json::from_str(line).ok()?;
            let program = message["executable"].as_str().map(PathBuf::from)?;
            (message["target"]["name"] == "readmit-static").then_some(program)
        });
        assert!(
            output.status.success(),
            "the static build failed; its messages stand above"
        );
        let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("readmit-static");
        fs::copy(built.expect("cargo names the program"), &copy).expect("copied");
        copy
    })
}

#[test]
fn it_is_static() {
    let bytes = fs::read(binary()).expect("the binary");
    // The program header PT_INTERP names the dynamic loader (elf(5)); a static binary has none.
    let word = |at: usize, size: usize| {
        let mut value = [0; 8];
        value[..size].copy_from_slice(&bytes[at..at + size]);
        usize::try_from(u64::from_le_bytes(value)).expect("it fits")
    };
    let (table, size, count) = (word(32, 8), word(54, 2), word(56, 2));
    assert_eq!(&bytes[..5], b"\x7fELF\x02", "a 64-bit ELF file");
    let kinds: Vec<usize> = (0..count).map(|n| word(table + n * size, 4)).collect();
    assert!(kinds.contains(&1) && !kinds.contains(&3), "program headers: {kinds:?}");
}

/// What the Dockerfile sets, read from it, so that both stay the same.
fn flags() -> String {
    let file = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Dockerfile")).expect("the Dockerfile");
    let line = file.lines().find_map(|line| line.strip_prefix("ENV RUSTFLAGS="));
    let flags = line
        .expect("the Dockerfile sets RUSTFLAGS")
        .trim_matches('"')
        .to_owned();
    assert!(flags.contains("+crt-static"), "{flags}");
    flags
}

/// A folder with the binary and nothing else; chroot needs root.
fn bare() -> Option<tempfile::TempDir> {
    let id = success(&Command::new("id").arg("-u").output().expect("run id"));
    let root = if id.trim() == "0" {
        Ok(())
    } else {
        Err(Missing("chroot needs root; run this test as root".into()).into())
    };
    skip::unless_missing(root)?;
    let dir = tempfile::tempdir().expect("a folder");
    fs::copy(binary(), dir.path().join("readmit")).expect("copied");
    Some(dir)
}

/// The binary in that folder, as the user of the image, without anything from our environment.
fn inside(dir: &Path) -> Command {
    let mut command = Command::new("/usr/sbin/chroot");
    command
        .env_clear()
        .arg("--userspec=10001:10001")
        .arg(dir)
        .arg("/readmit")
        .stdin(Stdio::null());
    command
}

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn it_needs_no_other_file() {
    let Some(dir) = bare() else { return };
    let output: Output = inside(dir.path()).arg("crds").output().expect("run chroot");
    let printed = success(&output);
    assert_eq!(printed.matches("kind: CustomResourceDefinition").count(), 5);
    assert!(
        inside(dir.path())
            .arg("--help")
            .output()
            .expect("run chroot")
            .status
            .success()
    );
}

#[test]
fn it_reaches_a_tls_server_by_name() {
    let Some(dir) = bare() else { return };
    let Some(plane) = support::with_crds() else { return };
    support::open_rbac(plane);
    support::install_policies(plane, true);
    plane.apply("admin", support::eye::RBAC).expect("RBAC");
    // What the container runtime (OCI runtime specification, default devices) and the kubelet put into every container.
    fs::create_dir(dir.path().join("dev")).expect("made");
    for (name, minor) in [("random", "8"), ("urandom", "9")] {
        let device = dir.path().join("dev").join(name);
        let made = Command::new("mknod")
            .arg("--mode=444")
            .arg(device)
            .args(["c", "1", minor])
            .output();
        success(&made.expect("run mknod"));
    }
    fs::create_dir(dir.path().join("etc")).expect("made");
    fs::write(dir.path().join("etc/hosts"), "127.0.0.1 kubernetes.default.svc\n").expect("written");
    let kubeconfig = fs::read_to_string(plane.kubeconfig("operator")).expect("a kubeconfig");
    let named = kubeconfig.replace("https://127.0.0.1:", "https://kubernetes.default.svc:");
    assert_ne!(named, kubeconfig);
    fs::write(dir.path().join("kubeconfig"), named).expect("written");
    let log = fs::File::create(dir.path().join("log")).expect("a log");
    let child = inside(dir.path())
        .env("KUBECONFIG", "/kubeconfig")
        .env("READMIT_NAMESPACE", "readmit-system")
        .env("READMIT_SERVICE_ACCOUNT", "readmit")
        .env("READMIT_LISTEN", "127.0.0.1:0")
        .stdout(log.try_clone().expect("the log twice"))
        .stderr(log)
        .spawn();
    let _running = Running(child.expect("run chroot"));
    let place = ("configmap", "readmit-system", "readmit-enforcement");
    let what = "the operator to record that identity is enforced";
    let seen = watch::one(plane, place, (what, Duration::from_secs(30)), |_| Some(()));
    let log = || fs::read_to_string(dir.path().join("log")).unwrap_or_default();
    seen.unwrap_or_else(|error| panic!("{error}; its log: {}", log()));
}
