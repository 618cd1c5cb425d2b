//! `http-file` with curl, and with clients that want what is not theirs.

mod common;

use std::{
    fs,
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use common::{LIMIT, Scratch, Server, is_missing, may_trace, run, run_well};
use examples::Random;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

const HTTP_FILE: &str = env!("CARGO_BIN_EXE_http-file");

/// A folder with files, and one beside it.
fn folder(name: &str) -> Scratch {
    let scratch = Scratch::new(name);
    let inside = scratch.path().join("folder");
    fs::create_dir_all(inside.join("sub")).unwrap();
    fs::write(inside.join("a.txt"), "0123456789").unwrap();
    fs::write(inside.join("empty"), "").unwrap();
    fs::write(inside.join("index.html"), "<p>the index").unwrap();
    fs::write(inside.join("sub/b c.bin"), "inside").unwrap();
    fs::write(inside.join("large.bin"), large()).unwrap();
    fs::write(scratch.path().join("secret"), "secret").unwrap();
    fs::create_dir(scratch.path().join("folder-too")).unwrap();
    fs::write(scratch.path().join("folder-too/secret"), "secret").unwrap();
    scratch
}

fn large() -> Vec<u8> {
    let mut bytes = vec![0; 5_000_000];
    Random::new(5).fill(&mut bytes);
    bytes
}

fn serve(scratch: &Scratch) -> Server {
    let folder = scratch.path().join("folder");
    Server::start(HTTP_FILE, &[folder.to_str().unwrap()])
}

fn curl(server: &Server, path: &str) -> Command {
    let mut curl = Command::new("curl");
    let seconds = LIMIT.as_secs().to_string();
    curl.args([
        "--silent",
        "--show-error",
        "--max-time",
        &seconds,
        "--noproxy",
        "*",
    ]);
    curl.args(["--path-as-is", &format!("http://{}{path}", server.addr())]);
    curl
}

/// The status and the body.
#[track_caller]
fn gets(server: &Server, path: &str, arguments: &[&str]) -> (String, Vec<u8>) {
    let mut curl = curl(server, path);
    curl.args(arguments)
        .args(["--write-out", "%{stderr}%{http_code}"]);
    let output = run(&mut curl, b"");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{path}: {said}");
    (said, output.stdout)
}

#[test]
fn curl_gets_files_whole_and_in_parts() {
    if is_missing("curl") {
        return;
    }
    let scratch = folder("curl");
    let server = serve(&scratch);
    let ok = |bytes: &[u8]| ("200".to_owned(), bytes.to_vec());
    assert_eq!(gets(&server, "/a.txt", &[]), ok(b"0123456789"));
    assert_eq!(gets(&server, "/a.txt?with=query", &[]), ok(b"0123456789"));
    assert_eq!(gets(&server, "/empty", &[]), ok(b""));
    assert_eq!(gets(&server, "/sub/b%20c.bin", &[]), ok(b"inside"));
    for index in ["/", "/index.html", "/."] {
        assert_eq!(gets(&server, index, &[]), ok(b"<p>the index"));
    }
    assert!(gets(&server, "/large.bin", &[]) == ok(&large()));

    let part = |bytes: &[u8]| ("206".to_owned(), bytes.to_vec());
    assert_eq!(gets(&server, "/a.txt", &["--range", "2-4"]), part(b"234"));
    assert_eq!(gets(&server, "/a.txt", &["--range", "7-"]), part(b"789"));
    assert_eq!(gets(&server, "/a.txt", &["--range", "-2"]), part(b"89"));
    assert_eq!(gets(&server, "/a.txt", &["--range", "8-99"]), part(b"89"));
    assert!(
        gets(&server, "/large.bin", &["--range", "1234567-4999998"])
            == part(&large()[1_234_567..4_999_999])
    );
    // Several ranges may be answered with the whole.
    assert_eq!(
        gets(&server, "/a.txt", &["--range", "0-1,3-4"]),
        ok(b"0123456789")
    );
    assert_eq!(
        gets(&server, "/a.txt", &["--range", "10-"]),
        ("416".to_owned(), b"416 Range Not Satisfiable\n".to_vec())
    );
    assert_eq!(
        gets(&server, "/empty", &["--range", "0-"]),
        ("416".to_owned(), b"416 Range Not Satisfiable\n".to_vec())
    );
    server.stop();
}

#[test]
fn a_head_says_everything_but_the_body() {
    if is_missing("curl") {
        return;
    }
    let scratch = folder("head");
    let server = serve(&scratch);
    let head = |arguments: &[&str]| {
        let mut curl = curl(&server, "/a.txt");
        String::from_utf8(run_well(curl.arg("--head").args(arguments), b"")).unwrap()
    };
    let whole = head(&[]);
    assert!(whole.starts_with("HTTP/1.1 200 OK\r\n"), "{whole}");
    for header in [
        "Content-Length: 10",
        "Accept-Ranges: bytes",
        "Content-Type: text/plain; charset=utf-8",
    ] {
        assert!(whole.contains(&format!("{header}\r\n")), "{whole}");
    }
    // A range is for GET alone: RFC 9110, section 14.2.
    assert_eq!(head(&["--range", "2-4"]), whole);
    let said = |range: &str| {
        let mut curl = curl(&server, "/a.txt");
        curl.args([
            "--range",
            range,
            "--dump-header",
            "-",
            "--output",
            "/dev/null",
        ]);
        String::from_utf8(run_well(&mut curl, b"")).unwrap()
    };
    let part = said("2-4");
    assert!(part.contains("Content-Range: bytes 2-4/10\r\n"), "{part}");
    assert!(part.contains("Content-Length: 3\r\n"), "{part}");
    let none = said("20-");
    assert!(none.contains("Content-Range: bytes */10\r\n"), "{none}");
    server.stop();
}

/// A download that was interrupted goes on, unless the file is another one by now.
#[test]
fn curl_goes_on_with_a_download_of_the_same_file() {
    if is_missing("curl") {
        return;
    }
    let scratch = folder("range");
    let server = serve(&scratch);
    let target = scratch.path().join("download");
    fs::write(&target, &large()[..1_000_000]).unwrap();
    let mut goes_on = curl(&server, "/large.bin");
    goes_on
        .args(["--continue-at", "-", "--output"])
        .arg(&target);
    run_well(&mut goes_on, b"");
    assert!(fs::read(&target).unwrap() == large());

    let head = run_well(curl(&server, "/a.txt").arg("--head"), b"");
    let head = String::from_utf8(head).unwrap();
    let tag = head.lines().find_map(|line| line.strip_prefix("ETag: "));
    let same = format!("If-Range: {}", tag.unwrap());
    let with = |header: &str| gets(&server, "/a.txt", &["--range", "2-4", "--header", header]);
    assert_eq!(with(&same), ("206".to_owned(), b"234".to_vec()));
    fs::write(scratch.path().join("folder/a.txt"), "another one").unwrap();
    assert_eq!(with(&same), ("200".to_owned(), b"another one".to_vec()));
    server.stop();
}

#[test]
fn curl_uses_one_connection_for_several_requests() {
    if is_missing("curl") {
        return;
    }
    let scratch = folder("keep");
    let server = serve(&scratch);
    let others = format!("http://{}/{{a.txt,nothing,empty,large.bin}}", server.addr());
    let mut curl = curl(&server, "/");
    curl.args(["--output", "/dev/null", &others, "--output", "/dev/null"]);
    curl.args([
        "--write-out",
        "%{http_code} %{num_connects} %{size_download}\n",
    ]);
    let said = String::from_utf8(run_well(&mut curl, b"")).unwrap();
    assert_eq!(
        said,
        "200 1 12\n200 0 10\n404 0 14\n200 0 0\n200 0 5000000\n"
    );
    server.stop();
}

/// A folder with links of all kinds.
fn folder_with_links(name: &str) -> Scratch {
    let scratch = folder(name);
    let inside = scratch.path().join("folder");
    let link = |name: &str, to: &Path| symlink(to, inside.join(name)).unwrap();
    link("out", Path::new("../secret"));
    link("absolute", &scratch.path().join("secret"));
    link("up", Path::new(".."));
    link("sub/out", Path::new("../../folder-too"));
    link("within", Path::new("sub/../a.txt"));
    link("loop", Path::new("loop"));
    scratch
}

#[track_caller]
fn nothing_leads_out(server: &Server) {
    for path in [
        "/../secret",
        "/sub/../../secret",
        "/%2e%2e/secret",
        "/..%2fsecret",
        "/%2e%2e%2fsecret",
        "/.%2e/secret",
        "/..%5csecret",
        "//secret",
        "/../folder-too/secret",
        "/out",
        "/absolute",
        "/up/secret",
        "/sub/out/secret",
        "/sub/out/",
        "/loop",
        "/a.txt/..",
        "/a.txt%00",
        "/sub",
        "/nothing",
        "/%",
    ] {
        let (status, body) = gets(server, path, &[]);
        let nothing = &b"404 Not Found\n"[..];
        assert_eq!((&*status, &body[..]), ("404", nothing), "{path}");
    }
    // A link that stays inside is as good as the file.
    let (status, body) = gets(server, "/within", &[]);
    assert_eq!((&*status, &body[..]), ("200", &b"0123456789"[..]));
}

#[test]
fn no_path_and_no_link_leads_out_of_the_folder() {
    if is_missing("curl") {
        return;
    }
    let scratch = folder_with_links("out");
    let server = serve(&scratch);
    nothing_leads_out(&server);
    // Not even out and in again.
    let (status, body) = gets(&server, "/up/folder/a.txt", &[]);
    assert_eq!((&*status, &body[..]), ("404", &b"404 Not Found\n"[..]));
    server.stop();
}

/// A kernel, or a sandbox, that does not know the call that sees to it.
#[test]
fn without_the_help_of_the_system_nothing_leads_out_either() {
    if is_missing("curl") || !may_trace() {
        return;
    }
    let scratch = folder_with_links("unaided");
    let trace = scratch.path().join("trace");
    let mut strace = Command::new("strace");
    // With -D the server itself is our child, and strace its grandchild.
    let inject = ["-e", "inject=openat2:error=ENOSYS", "-o"];
    strace.args(["-D", "-f", "-qq"]).args(inject).arg(&trace);
    strace
        .args(["--", HTTP_FILE])
        .arg(scratch.path().join("folder"));
    let server = Server::start_command(&mut strace);
    nothing_leads_out(&server);
    // That waits for strace too, which holds the same standard output.
    server.stop();
    let trace = fs::read_to_string(&trace).unwrap();
    assert!(trace.contains("(INJECTED)"), "{trace}");
}

/// What is no file is not waited for.
#[test]
fn pipes_and_devices_are_not_served() {
    if is_missing("mkfifo") || is_missing("curl") {
        return;
    }
    let scratch = folder("pipes");
    let pipe = scratch.path().join("folder/pipe");
    run_well(Command::new("mkfifo").arg(&pipe), b"");
    let server = serve(&scratch);
    assert_eq!(gets(&server, "/pipe", &[]).0, "404");
    server.stop();
}

/// The file is there, and can be had again when there are descriptors.
#[test]
fn without_a_descriptor_for_the_file_it_is_not_denied() {
    let scratch = folder("descriptors");
    let server = serve(&scratch);
    let mut client = server.connect();
    let mut asks = |status: &str| {
        let request = b"GET /a.txt HTTP/1.1\r\nHost: h\r\n\r\n";
        client.write_all(request).unwrap();
        let head = read_answer(&mut client);
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{head}");
    };
    asks("200 OK");
    let pid = Pid::from_raw(server.pid().cast_signed());
    let before = getrlimit(Resource::Nofile);
    // The answer may be here before the file is closed there.
    while open_files(&server).any(|(_, path)| path.ends_with("a.txt")) {
        thread::yield_now();
    }
    let mut open: Vec<u64> = open_files(&server).map(|(number, _)| number).collect();
    open.sort_unstable();
    let first_free = (0..).zip(&open).take_while(|(n, fd)| n == *fd).count() as u64;
    let none_left = Rlimit {
        current: Some(first_free),
        maximum: before.maximum,
    };
    prlimit(pid, Resource::Nofile, none_left).unwrap();
    asks("503 Service Unavailable");
    prlimit(pid, Resource::Nofile, before).unwrap();
    asks("200 OK");
    server.stop();
}

/// Reads an answer, with its body; returns the head.
#[track_caller]
fn read_answer(stream: &mut TcpStream) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "));
    let mut body = vec![0; length.unwrap().parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    head
}

/// The descriptors of a server, and what they are of.
fn open_files(server: &Server) -> impl Iterator<Item = (u64, PathBuf)> {
    let entries = fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap();
    entries.filter_map(|entry| {
        let entry = entry.unwrap();
        let number = entry.file_name().to_str().unwrap().parse().unwrap();
        // An error: it has been closed meanwhile.
        Some((number, fs::read_link(entry.path()).ok()?))
    })
}

/// They hold a connection, and maybe a file, and do not come to an end by themselves.
#[test]
fn clients_that_dawdle_are_ended() {
    let scratch = folder("dawdle");
    let endless = fs::File::create(scratch.path().join("folder/endless")).unwrap();
    // More than any socket takes.
    endless.set_len(1 << 30).unwrap();
    let folder = scratch.path().join("folder");
    let server = Server::start(HTTP_FILE, &["--limit", "1", folder.to_str().unwrap()]);

    // One says nothing, one half a request, one a byte now and then, one asks and takes nothing.
    let silent = server.connect();
    let mut half = server.connect();
    half.write_all(b"GET /a.txt HTTP/1.1\r\nHo").unwrap();
    let mut slow = server.connect();
    let mut deaf = server.connect();
    deaf.write_all(b"GET /endless HTTP/1.1\r\nHost: h\r\n\r\n")
        .unwrap();
    slow.write_all(b"GET /").unwrap();
    slow.set_read_timeout(Some(Duration::from_millis(20)))
        .unwrap();
    let mut said = 0;
    while slow.read(&mut [0]).is_err() {
        slow.write_all(b"a").unwrap();
        said += 1;
        assert!(said < 1_000, "it may go on for ever");
    }
    for mut client in [silent, half] {
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
    }
    // An error: it was reset, and the file with it.
    while deaf.write_all(b"a").is_ok() {
        said += 1;
        assert!(said < 1_000, "it may go on for ever");
        thread::sleep(Duration::from_millis(20));
    }
    server.stop();
}

fn ask(server: &Server, request: &str) -> String {
    let mut stream: TcpStream = server.connect();
    stream.write_all(request.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn what_is_no_request_gets_an_answer_and_is_the_last() {
    let scratch = folder("no_request");
    let server = serve(&scratch);
    let rest = "GET /a.txt HTTP/1.1\r\nHost: h\r\n\r\n";
    for (request, status) in [
        ("nonsense\r\n\r\n", "400 Bad Request"),
        ("GET / HTTP/1.1\r\n\r\n", "400 Bad Request"),
        (
            "GET ftp://h/a.txt HTTP/1.1\r\nHost: h\r\n\r\n",
            "404 Not Found",
        ),
        ("GET http://h/a.txt HTTP/1.1\r\nHost: h\r\n\r\n", "200 OK"),
        ("GET http://h/../secret HTTP/1.0\r\n\r\n", "404 Not Found"),
        ("GET * HTTP/1.0\r\n\r\n", "404 Not Found"),
        ("POST /a.txt HTTP/1.0\r\n\r\n", "405 Method Not Allowed"),
        (
            &format!(
                "GET / HTTP/1.1\r\nHost: h\r\nX: {}\r\n\r\n",
                "x".repeat(20_000)
            ),
            "431 Request Header Fields Too Large",
        ),
    ] {
        let answer = ask(&server, request);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}\r\n")),
            "{answer}"
        );
    }
    let answer = ask(&server, &format!("nonsense\r\n\r\n{rest}"));
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    // Requests that are sent without waiting are answered in their order.
    let answer = ask(&server, &rest.repeat(3));
    assert_eq!(answer.matches("0123456789").count(), 3, "{answer}");
    // A body is not read, so that it is the last.
    let post = format!("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc{rest}");
    let answer = ask(&server, &post);
    assert!(answer.contains("Connection: close\r\n"), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    server.stop();
}

/// No byte of the file comes by the program.
#[test]
fn on_linux_a_file_is_sent_without_being_read() {
    if is_missing("curl") || !may_trace() {
        return;
    }
    let scratch = folder("sendfile");
    let trace = scratch.path().join("trace");
    let mut strace = Command::new("strace");
    // With -D the server itself is our child, and strace its grandchild.
    strace.args([
        "-D",
        "-f",
        "-qq",
        "-e",
        "trace=sendfile,pread64,sendto",
        "-o",
    ]);
    strace
        .arg(&trace)
        .args(["--", HTTP_FILE])
        .arg(scratch.path().join("folder"));
    let server = Server::start_command(&mut strace);
    assert!(gets(&server, "/large.bin", &[]).1 == large());
    // That waits for strace too, which holds the same standard output.
    server.stop();
    let trace = fs::read_to_string(&trace).unwrap();
    assert!(trace.contains(" sendfile("), "{trace}");
    // The dynamic linker reads with it, too, but no more than the head of a library.
    let read = trace
        .lines()
        .filter(|line| line.contains(" pread64("))
        .count();
    assert!(read < 10, "{trace}");
    // The head of the answer.
    assert_eq!(trace.matches("MSG_NOSIGNAL").count(), 1, "{trace}");
}

#[test]
fn a_folder_that_is_none_is_an_error_with_its_name() {
    let scratch = folder("none");
    for wrong in ["missing", "secret"] {
        let path = scratch.path().join(wrong);
        let output = run(Command::new(HTTP_FILE).arg(&path), b"");
        assert!(!output.status.success());
        let log = String::from_utf8_lossy(&output.stderr);
        assert!(log.contains(wrong), "{log}");
    }
}
