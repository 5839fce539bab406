//! Servers that are set up otherwise than the documentation asks for, and one that is no LDAP server.

use crate::lab::{Lab, call, connect, failure, spec, state};
use readmit::{
    directory::Directory,
    domain::account::{FailureClass, Sent},
};
use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
    time::{Duration, Instant},
};
use testkit::slapd::{ACCESS, OPERATOR_DN, Options, Slapd};

/// A lab whose configuration was edited after it was filled; the folder must outlive it.
fn edited(access: &str, edit: impl FnOnce(String) -> String) -> Option<(Lab, tempfile::TempDir)> {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        dir: Some(folder.path().to_owned()),
        access: access.into(),
        ..Options::default()
    };
    let lab = Lab::with(options, |_| {})?;
    lab.slapd.stop().unwrap();
    let file = folder.path().join("slapd.conf");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, edit(text)).unwrap();
    lab.slapd.start_again().unwrap();
    Some((lab, folder))
}

#[test]
fn a_server_without_the_overlay_is_said_so() {
    // Its schema goes with it, so no rule may name one of its attributes.
    let access = "access to *\n  by users read\n  by anonymous auth\n";
    let without = |text: String| {
        let lines = text
            .lines()
            .filter(|line| !line.contains("ppolicy") && !line.contains("pwd"));
        lines.collect::<Vec<_>>().join("\n")
    };
    let Some((lab, _folder)) = edited(access, without) else {
        return;
    };
    let failure = lab.wait(lab.directory.probe(&call())).unwrap_err();
    assert_eq!(failure.class, FailureClass::NeedsConfig, "{failure:?}");
    assert!(failure.public.contains("ppolicy"), "{}", failure.public);
}

#[test]
fn a_read_only_server_refuses() {
    let Some((lab, _folder)) = edited(ACCESS, |text| {
        text.replace("index objectClass", "readonly on\nindex objectClass")
    }) else {
        return;
    };
    for sent in [lab.unlock("alice"), lab.set_password("alice", "Temporary-4711")] {
        assert_eq!(sent.as_str(), "Refused");
        assert_eq!(failure(sent).class, FailureClass::NeedsConfig);
    }
}

#[test]
fn the_default_policy_is_found_where_cn_config_may_be_read() {
    let readable = |text: String| {
        let config = format!("database config\naccess to * by dn.exact=\"{OPERATOR_DN}\" read by * none\n\n");
        text.replacen("database mdb", &format!("{config}database mdb"), 1)
    };
    let Some((mut lab, _folder)) = edited(ACCESS, readable) else {
        return;
    };
    lab.change(|spec| spec.default_policy_dn = None);
    lab.slapd.lock("alice").unwrap();
    let account = lab.account("alice");
    assert_eq!(state(&account.lock), "unlock");
    assert!(account.obstacles.is_empty());
    assert_eq!(lab.unlock("alice"), Sent::Done);
}

/// Answers every connection's first request with these octets and keeps the connection open.
fn babbler(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ldap://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            let _ = client.read(&mut [0; 1024]);
            let _ = client.write_all(answer);
            thread::sleep(Duration::from_secs(10));
        }
    });
    url
}

#[test]
fn nonsense_is_no_answer_and_does_no_harm() {
    let Some(slapd) = testkit::skip::unless_missing(Slapd::start(Options::default())) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let answers: [&[u8]; 6] = [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        // A bind response without a result code, one with a text that is no UTF-8, one for an unknown request.
        &[0x30, 0x05, 0x02, 0x01, 0x01, 0x61, 0x00],
        &[
            0x30, 0x0d, 0x02, 0x01, 0x01, 0x61, 0x08, 0x0a, 0x01, 0x00, 0x04, 0x00, 0x04, 0x01, 0xff,
        ],
        &[
            0x30, 0x0c, 0x02, 0x01, 0x63, 0x61, 0x07, 0x0a, 0x01, 0x00, 0x04, 0x00, 0x04, 0x00,
        ],
        // Two gigabytes are said to follow.
        &[0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 0x02, 0x01, 0x01],
        &[0x30, 0x00],
    ];
    for answer in answers {
        let mut spec = spec(&slapd);
        spec.url = babbler(answer);
        let directory = connect(&slapd, &spec, slapd.secret());
        let begun = Instant::now();
        let failure = runtime.block_on(directory.probe(&call())).unwrap_err();
        let class = failure.class;
        assert!(
            matches!(class, FailureClass::Unknown | FailureClass::Transient(_)),
            "{failure:?}"
        );
        assert!(begun.elapsed() < Duration::from_secs(4));
    }
}
