//! The way with faults, when nothing goes wrong on it, and when a test says that something does.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use auditlog_tests::{Engine, Fault, Proxy};

/// Sends a request and returns all that comes back before the connection is closed.
fn ask(way: &Proxy, request: &str) -> String {
    let mut stream = TcpStream::connect(way.url().replace("http://", "")).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    _ = stream.read_to_string(&mut answer);
    answer
}

/// A server that answers each request with the same bytes.
fn server(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 1 << 12];
            _ = stream.read(&mut request);
            _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

#[test]
fn what_passes_unharmed_arrives_as_it_was_however_it_is_framed() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\nhello to the end",
        "HTTP/1.1 204 No Content\r\nX-Some: thing\r\n\r\n",
    ] {
        let way = Proxy::to(&server(answer));
        assert_eq!(ask(&way, "GET /it HTTP/1.1\r\nHost: x\r\n\r\n"), answer);
        let chunked = "PUT /it HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n";
        assert_eq!(ask(&way, chunked), answer);
        let two = "GET /one HTTP/1.1\r\n\r\nPOST /two HTTP/1.1\r\nX-Amz-Target: Service.Call\r\nContent-Length: 1\r\n\r\nx";
        assert_eq!(ask(&way, two), answer.repeat(2));
        assert_eq!(way.requests("GET", "/it") + way.requests("PUT", "/it"), 2);
        assert_eq!(way.requests("POST", "Service.Call"), 1);
        assert_eq!(way.faults(), 0);
    }
    let early = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let way = Proxy::to(&server(early));
    let expects = "PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx";
    // Answered on the way, and not by the server, to which it is not passed on.
    assert_eq!(ask(&way, expects), early);
}

#[test]
fn faults_come_where_they_were_asked_for_and_in_order() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntext";
    let way = Proxy::to(&server(answer));
    let get = |path: &str| ask(&way, &format!("GET {path} HTTP/1.1\r\n\r\n"));
    way.once("GET", "/a", Fault::CutAnswer);
    way.times(2, "", "/a", Fault::LoseAnswer);
    way.from_now_on("PUT", "/a", Fault::HangUp);
    assert_eq!(get("/b"), answer);
    let half = answer.strip_suffix("xt").unwrap();
    assert_eq!(
        [get("/a"), get("/a"), get("/a"), get("/a")],
        [half, "", "", answer]
    );
    assert_eq!(
        ask(&way, "PUT /a HTTP/1.1\r\nContent-Length: 0\r\n\r\n"),
        ""
    );
    assert_eq!(way.faults(), 4);
    way.heal();
    assert_eq!(
        ask(&way, "PUT /a HTTP/1.1\r\nContent-Length: 0\r\n\r\n"),
        answer
    );
}

#[test]
fn a_store_behind_it_is_the_same_store() {
    let endpoint = Engine::Ministack.start();
    let way = Proxy::to(endpoint.url());
    let direct = crate::seal::bench::wait(endpoint.s3().list_buckets().send()).unwrap();
    let through = endpoint
        .s3()
        .config()
        .to_builder()
        .endpoint_url(way.url())
        .build();
    let through = aws_sdk_s3::Client::from_conf(through);
    let buckets = crate::seal::bench::wait(through.list_buckets().send()).unwrap();
    assert_eq!(buckets.buckets(), direct.buckets());
    assert_eq!(way.requests("GET", "/"), 1);
}
