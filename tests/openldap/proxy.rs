//! A TCP proxy that loses the answer to one request: what a network does at the worst moment.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// Passes requests on to `server` and answers back, but cuts the connection once the n-th request (from 1) has been
/// answered by the server, without passing that answer on. Gives the address to connect to. The client waits for each
/// answer before its next request, so one read is one request.
pub fn losing_answer(server: &str, request: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let server = server.to_owned();
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let upstream = TcpStream::connect(&server).expect("the server is up");
            relay(client, upstream, request);
        }
    });
    address
}

fn relay(mut client: TcpStream, mut upstream: TcpStream, lost: usize) {
    let losing = Arc::new(AtomicBool::new(false));
    let answers = (upstream.try_clone(), client.try_clone(), losing.clone());
    let (Ok(from), Ok(to), flag) = answers else { return };
    thread::spawn(move || pass_answers(from, to, &flag));
    let mut buffer = [0; 64 * 1024];
    for request in 1.. {
        let Ok(n @ 1..) = client.read(&mut buffer) else { break };
        losing.store(request == lost, Ordering::SeqCst);
        if upstream.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    // Either side may have gone first.
    let _ = upstream.shutdown(Shutdown::Both);
}

fn pass_answers(mut upstream: TcpStream, mut client: TcpStream, losing: &AtomicBool) {
    let mut buffer = [0; 64 * 1024];
    while let Ok(n @ 1..) = upstream.read(&mut buffer) {
        if losing.load(Ordering::SeqCst) || client.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
}
