//! Restarting where many finished requests are kept.
//!
//! They get there below the API server: the operator finishes one, and what the API server stored of it is copied in
//! etcd under other names and uids. Through the API it would be the same bytes, and take some ten minutes.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use data_encoding::BASE64;
use serde_json::{Value, json};
use testkit::{http, wait};

use crate::lab::Lab;
use crate::load::{Kind, Load};
use crate::report::{Report, Scale};
use crate::stats::{median, rounded};
use crate::subject::{PATIENCE, Subject, Who};
use crate::watch::{Until, Watch};

const REGISTRY: &str = "/registry/readmit.dev/accountunlockrequests/default";
/// etcd takes 128 operations in a transaction.
const BATCH: usize = 100;
const RESTARTS: usize = 3;
/// The first sweep through finished requests begins a second after the start, and is over by then.
const SWEPT: Duration = Duration::from_secs(20);

/// Measures, and puts it down.
pub(crate) fn measure(lab: &mut Lab, retained: usize, report: &mut Report) -> Result<()> {
    let mut subject = Subject::start(lab, Who::Operator)?;
    let load = Load::new(Kind::Unlock, &lab.round(), 1);
    subject.finish(lab, &load)?;
    subject.stop()?;
    let begun = Instant::now();
    copy(lab, &format!("{}-0", load.round), retained - 1)?;
    crate::progress!("{retained} finished requests stored in {:?}", begun.elapsed());
    let (mut times, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..RESTARTS {
        let (taken, subject) = restart(lab)?;
        std::thread::sleep(SWEPT);
        memory.push(subject.resident_mb()?);
        times.push(taken.as_secs_f64() * 1e3);
        subject.stop()?;
    }
    crate::progress!("restarts to the first result: {times:.0?} ms; then {memory:.1?} MB");
    report.scale = Some(Scale {
        retained,
        restart_to_first_result_ms: rounded(median(&times), 0),
        memory_mb: rounded(median(&memory), 1),
    });
    Ok(())
}

/// From the start of the process until the request that awaits it is seen finished.
fn restart(lab: &mut Lab) -> Result<(Duration, Subject)> {
    let load = Load::new(Kind::Unlock, &lab.round(), 1);
    lab.sandbox.seed(&load.logins(), true)?;
    let mut watch = lab
        .runtime
        .block_on(Watch::begin(&lab.watching, load.kind, Until::Outcome("Succeeded")))?;
    lab.runtime.block_on(load.burst(&lab.asking))?;
    let begun = Instant::now();
    let mut subject = Subject::start(lab, Who::Operator)?;
    let seen = lab.runtime.block_on(watch.all(&load, PATIENCE));
    let seen = subject.explained(seen)?;
    let seen = seen.first().context("one request, one end")?;
    Ok((seen.duration_since(begun), subject))
}

/// Copies a stored request so many times, and waits until the API server knows of all.
fn copy(lab: &Lab, name: &str, count: usize) -> Result<()> {
    let etcd = lab.plane.etcd_url();
    let key = BASE64.encode(format!("{REGISTRY}/{name}").as_bytes());
    let found = http::json("POST", &etcd, "/v3/kv/range", Some(&json!({"key": key})))?;
    let value = found["kvs"][0]["value"].as_str().context("the request is in etcd")?;
    let value = BASE64.decode(value.as_bytes()).context("etcd answers base64")?;
    let stored: Value = serde_json::from_slice(&value).context("a custom resource is stored as JSON")?;
    ensure!(
        stored["status"]["outcome"] == "Succeeded",
        "{name} was not stored finished: {stored}"
    );
    let numbers: Vec<usize> = (0..count).collect();
    for batch in numbers.chunks(BATCH) {
        let puts: Vec<Value> = batch.iter().map(|n| put(&stored, *n)).collect();
        let done = http::json("POST", &etcd, "/v3/kv/txn", Some(&json!({"success": puts})))?;
        ensure!(done["succeeded"] == true, "etcd refused a transaction: {done}");
    }
    // From its cache, which takes them in one after the other: a restart in the middle of that would wait for it.
    let last = format!(
        "?resourceVersion=0&fieldSelector=metadata.name%3D{}",
        name_of_copy(count - 1)
    );
    wait::until_ok("the API server to know all of them", PATIENCE, || {
        let list = lab
            .plane
            .kubectl_as("admin", &["get", "--raw", &format!("{}{last}", Kind::Unlock.path())])?;
        let list: Value = serde_json::from_str(&list).context("a list")?;
        ensure!(
            list["items"].as_array().is_some_and(|items| items.len() == 1),
            "the last one is not"
        );
        Ok(())
    })
}

fn name_of_copy(n: usize) -> String {
    format!("retained-{n}")
}

fn put(stored: &Value, n: usize) -> Value {
    let (name, mut object) = (name_of_copy(n), stored.clone());
    object["metadata"]["name"] = json!(name);
    object["metadata"]["uid"] = json!(format!("00000000-0000-4000-8000-{n:012x}"));
    let base64 = |text: &str| BASE64.encode(text.as_bytes());
    json!({"requestPut": {"key": base64(&format!("{REGISTRY}/{name}")), "value": base64(&object.to_string())}})
}
