//! What the subcommands print: manifests to apply, and the version. Standard output of the running operator is the
//! audit log's, see [`crate::observe::audit`].

use std::io::{self, ErrorKind, Write};

use anyhow::Context;

use crate::{config::Printed, manifests};

/// Prints it on standard output.
///
/// # Errors
/// When it cannot be written. A reader that has seen enough is no error.
pub fn print(printed: &Printed) -> anyhow::Result<()> {
    match io::stdout().write_all(text(printed)?.as_bytes()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("write to standard output"),
    }
}

fn text(printed: &Printed) -> anyhow::Result<String> {
    match printed {
        Printed::Crds => {
            let files = manifests::crds_yaml().context("write the CRDs as YAML; report this as a bug")?;
            Ok(files.iter().map(|file| format!("---\n{}", file.yaml)).collect())
        }
        Printed::Admission {
            namespace,
            service_account,
            without_stamp,
        } => Ok(if *without_stamp {
            manifests::admission_yaml_without_stamp(namespace, service_account)
        } else {
            manifests::admission_yaml(namespace, service_account)
        }),
        Printed::Version => Ok(concat!("readmit ", env!("CARGO_PKG_VERSION"), "\n").to_owned()),
    }
}
