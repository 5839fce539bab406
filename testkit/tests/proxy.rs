//! Each fault of the proxy, over HTTP and over LDAP with and without TLS, in front of servers that count what they got.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use testkit::proxy::{Fault, Options, Protocol, Proxy};
use testkit::slapd::{self, Slapd, user_dn};
use testkit::{skip, wait};

const LATE: Duration = Duration::from_millis(800);

/// A server that answers every request with 200, and the first lines of those that it got.
fn http_server() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let got = Arc::new(Mutex::new(Vec::new()));
    let seen = got.clone();
    thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            let mut buffer = [0; 4096];
            let n = client.read(&mut buffer).unwrap_or(0);
            let text = String::from_utf8_lossy(&buffer[..n]).into_owned();
            let line = text.lines().next().unwrap_or_default().to_owned();
            let body = text.rsplit("\r\n\r\n").next().unwrap_or_default().to_owned();
            seen.lock().expect("no panic").push(format!("{line} {body}"));
            // The proxy may have gone.
            let _ = client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
        }
    });
    (address, got)
}

/// The status line of the answer; empty where there is none.
fn send(proxy: &Proxy, method: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(proxy.address()).expect("the proxy listens");
    let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    // A reset connection is no answer either.
    let _ = stream.read_to_string(&mut answer);
    answer.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn http_requests_meet_each_fault_once() {
    let (server, got) = http_server();
    let proxy = Proxy::start(Options {
        protocol: Protocol::Http,
        server,
        server_tls: false,
        tls: false,
    })
    .expect("a proxy");
    let count = || got.lock().expect("no panic").len();
    assert_eq!(send(&proxy, "PUT", "/users/1"), "HTTP/1.1 200 OK");
    assert_eq!(got.lock().expect("no panic").join(";"), "PUT /users/1 HTTP/1.1 body");
    for (fault, answer, arrives) in [
        (Fault::LostBefore, "", false),
        (Fault::LostAfter, "", true),
        (Fault::Untrue, "HTTP/1.1 204 No Content", false),
        (Fault::Busy, "HTTP/1.1 429 Too Many Requests", false),
    ] {
        let before = count();
        proxy.strike("/users/1", fault);
        assert_eq!(send(&proxy, "GET", "/users/1"), "HTTP/1.1 200 OK", "{fault:?}: a read");
        assert_eq!(send(&proxy, "PUT", "/users/2"), "HTTP/1.1 200 OK", "{fault:?}: another");
        assert_eq!(send(&proxy, "PUT", "/USERS/1/x"), answer, "{fault:?}");
        assert_eq!(count() - before, 2 + usize::from(arrives), "{fault:?}");
        assert_eq!(send(&proxy, "PUT", "/users/1"), "HTTP/1.1 200 OK", "{fault:?}: once");
    }
    assert_eq!(proxy.struck(), 4);
    let before = count();
    proxy.strike("/users/1", Fault::Late(LATE));
    let began = Instant::now();
    assert_eq!(send(&proxy, "DELETE", "/users/1"), "");
    assert!(began.elapsed() < LATE, "cut at once");
    assert_eq!(count(), before);
    wait::until("the late request", Duration::from_secs(10), || {
        (count() > before).then_some(())
    })
    .expect("it comes");
    assert!(began.elapsed() >= LATE);
}

/// `ldapmodify` of a person's description by way of the proxy; gives whether it was confirmed, and what it said.
fn describe(slapd: &Slapd, proxy: &Proxy, scheme: &str, uid: &str, text: &str) -> (bool, String) {
    let folder = testkit::process::Scratch::new("proxy-test").expect("a folder");
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, proxy.ca_pem().unwrap_or_default()).expect("written");
    let dn = user_dn(uid);
    let change = format!("dn: {dn}\nchangetype: modify\nreplace: description\ndescription: {text}\n");
    let mut command = std::process::Command::new("ldapmodify");
    command
        .env("LDAPTLS_CACERT", &ca)
        .args(["-x", "-H", &format!("{scheme}://{}", proxy.address())])
        .args(["-D", slapd::ROOT_DN, "-w", slapd.secret()]);
    let output = testkit::process::with_input(&mut command, &change).expect("run ldapmodify");
    (
        output.status.success(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn ldap_requests_meet_each_fault_once() {
    let Some(slapd) = skip::unless_missing(Slapd::start(slapd::Options::default())) else {
        return;
    };
    let description = |uid: &str| slapd.attribute(&user_dn(uid), "description").expect("an answer");
    for (scheme, server) in [("ldap", slapd.url()), ("ldaps", slapd.tls_url())] {
        let tls = scheme == "ldaps";
        let proxy = Proxy::start(Options {
            protocol: Protocol::Ldap,
            server: server.rsplit('/').next().expect("host and port").to_owned(),
            server_tls: tls,
            tls,
        })
        .expect("a proxy");
        for (fault, confirmed, arrives) in [
            (Fault::LostBefore, false, false),
            (Fault::LostAfter, false, true),
            (Fault::Untrue, true, false),
            (Fault::Busy, false, false),
        ] {
            let text = format!("{scheme} {fault:?}");
            proxy.strike(&user_dn("DANA"), fault);
            let (success, said) = describe(&slapd, &proxy, scheme, "erik", &text);
            assert!(success, "{text}: another: {said}");
            let before = description("dana");
            let (success, said) = describe(&slapd, &proxy, scheme, "dana", &text);
            assert_eq!(success, confirmed, "{text}: {said}");
            assert_eq!(said.contains("(51)"), fault == Fault::Busy, "{text}: {said}");
            let expected = if arrives { Some(text.clone()) } else { before };
            assert_eq!(description("dana"), expected, "{text}");
            assert!(describe(&slapd, &proxy, scheme, "dana", "once").0, "{text}: once");
        }
        assert_eq!(proxy.struck(), 4);
        proxy.strike(&user_dn("dana"), Fault::Late(LATE));
        let began = Instant::now();
        assert!(!describe(&slapd, &proxy, scheme, "dana", "late").0);
        assert_eq!(description("dana").as_deref(), Some("once"));
        wait::until("the late request", Duration::from_secs(10), || {
            (description("dana")? == "late").then_some(())
        })
        .expect("it comes");
        assert!(began.elapsed() >= LATE);
    }
}
