//! The process itself: its flags, exit codes, messages and signals.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::time::{Duration, Instant};

#[test]
fn a_good_configuration_passes_the_check_and_says_so() {
    let file = file("[passwords]\nsource = 'x'\n");

    let output = server(&["--check", "-c", path(&file)]);

    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stdout), format!("{}: no mistakes\n", path(&file)));
}

#[test]
fn every_mistake_of_a_configuration_is_a_line_and_the_exit_code_is_2() {
    let file = file("[limits]\nclients = 0\nqueue_sise = '1KiB'\n");

    for arguments in [&["--check", "-c", path(&file)][..], &["-c", path(&file)]] {
        let output = server(arguments);

        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert_eq!(message.lines().count(), 3, "{message}");
        assert!(message.contains(":1: passwords.source: missing"), "{message}");
        assert!(message.contains(":2: limits.clients: 0 lets nobody in"), "{message}");
        assert!(message.contains(":3: limits.queue_sise: unknown key; did you mean"), "{message}");
    }
}

#[test]
fn an_icecast_configuration_passes_the_check_with_a_word_on_what_is_not_done() {
    let body = "<icecast><authentication><source-password>x</source-password></authentication>\n\n\
                <icelogin>1</icelogin></icecast>";
    let file = xml(body);

    let output = server(&["--check", "-c", path(&file)]);

    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        text(&output.stdout),
        format!(
            "warning: {0}:3: <icelogin> is understood and not acted on yet; sources log in with \
             Basic credentials\n{0}: no mistakes\n",
            path(&file)
        )
    );
}

#[test]
fn an_icecast_configuration_with_mistakes_is_refused_with_every_line() {
    let file =
        xml("<icecast>\n<limits><clients>0</clients>\n<queue-size>1M</queue-size></limits>\n\
                    <listen-socket><port>0</port></listen-socket></icecast>");

    for arguments in [&["--check", "-c", path(&file)][..], &["-c", path(&file)]] {
        let output = server(arguments);

        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{message}");
        for line in [
            ":1: <source-password> is missing",
            ":2: <clients> of 0 lets nobody in",
            ":3: limits: burst-size 65536 exceeds queue-size 1;",
            ":4: <port> 0 is not between 1 and 65535",
            ":3: <queue-size>1M</queue-size> means 1 byte to Icecast; write 1048576",
        ] {
            assert!(message.contains(line), "{line} not in {message}");
        }
    }
}

#[test]
fn an_icecast_configuration_starts_the_server_and_its_warnings_are_logged() {
    let file =
        xml("<icecast><authentication><source-password>x</source-password></authentication>\
         <icelogin>1</icelogin></icecast>");
    let running = Running::start(&["-c", path(&file), "--listen", "127.0.0.1:0"]);
    running.terminate();

    let (code, _, logged) = running.ended();

    assert_eq!(code, Some(0));
    let warned = logged.lines().any(|line| line.contains("WARN") && line.contains("<icelogin>"));
    assert!(warned, "{logged}");
}

#[test]
fn a_file_that_cannot_be_read_is_named_in_one_line() {
    let output = server(&["-c", "/nowhere/carrier.toml"]);

    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(message.lines().count(), 1);
    assert!(message.starts_with("carrier-server: /nowhere/carrier.toml: cannot be read: "));
}

#[test]
fn a_port_in_use_is_named_in_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let file = file("[passwords]\nsource = 'x'\n");

    let output = server(&["-c", path(&file), "--listen", &address]);

    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        text(&output.stderr),
        format!(
            "carrier-server: {address}: another program listens on this port; stop it or choose \
             another port\n"
        )
    );
}

#[test]
fn a_server_out_of_file_descriptors_says_so_once_and_takes_clients_in_when_others_leave() {
    let file = file("[passwords]\nsource = 'x'\n");
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -n 40; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_carrier-server")]);
    shell.args(["-c", path(&file), "--listen", "127.0.0.1:0"]);
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = Running::begin(&mut shell);
    let crowd: Vec<_> = (0..60).map(|_| running.connect()).collect();

    let logged = running.logged_until("no client can be taken in");

    assert!(logged.contains("Too many open files"), "{logged}");
    // A client that waits meanwhile hears nothing, however often it is tried to take it in.
    let mut waiting = running.connect();
    waiting.write_all(b"GET /health HTTP/1.0\r\n\r\n").unwrap();
    waiting.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    assert!(waiting.read(&mut [0]).is_err());
    // Those that wait are taken in one after the other, as soon as there is room.
    drop(crowd);
    let mut client = running.connect();
    client.write_all(b"GET /health HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 200 "), "{answer}");
    running.terminate();
    let (code, _, logged) = running.ended();
    assert_eq!(code, Some(0));
    assert_eq!(logged.matches("no client can be taken in").count(), 1, "{logged}");
}

#[test]
fn sigterm_ends_the_stream_of_every_listener_and_then_the_server() {
    let file = file("[passwords]\nsource = 'x'\n[limits]\nflush_delay = 0\n");
    let running = Running::start(&["-c", path(&file), "--listen", "127.0.0.1:0"]);
    let mut source = running.connect();
    let head = "SOURCE /x HTTP/1.0\r\nAuthorization: Basic c291cmNlOng=\r\n\
        Content-Type: audio/x-odd\r\n\r\n";
    source.write_all(head.as_bytes()).unwrap();
    source.read_exact(&mut [0; 19]).unwrap();
    let mut listener = BufReader::new(running.connect());
    listener.get_mut().write_all(b"GET /x HTTP/1.0\r\n\r\n").unwrap();
    source.write_all(b"last words").unwrap();
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        listener.read_line(&mut line).unwrap();
    }
    let mut heard = [0; 10];
    listener.read_exact(&mut heard).unwrap();

    running.terminate();

    assert_eq!(heard, *b"last words");
    assert_eq!(listener.read(&mut heard).unwrap(), 0, "the end of the stream");
    assert_eq!(running.ended().0, Some(0));
}

#[test]
fn sighup_reads_the_configuration_again_and_one_with_mistakes_changes_nothing() {
    let file = file("[passwords]\nsource = 'x'\n");
    let mut running = Running::start(&["-c", path(&file), "--listen", "127.0.0.1:0"]);

    fs::write(&file, "[passwords]\nsource = 'x'\n[limits]\nclients = 0\n").unwrap();
    running.signal("HUP");
    let refused = running.logged_until("the configuration stays as it was");
    fs::write(&file, "[server]\nlisten = ['*:1']\npid_file = '/p'\n[passwords]\nsource = 'y'\n")
        .unwrap();
    running.signal("HUP");
    let changed = running.logged_until("configuration read again");

    assert!(refused.contains(":4: limits.clients: 0 lets nobody in"), "{refused}");
    assert!(changed.contains("pid_file changed; takes effect at the next start"), "{changed}");
    assert!(changed.contains("changes=what holds for all mounts"), "{changed}");
    assert!(!changed.contains("listen changed"), "the command line says where: {changed}");
    assert_eq!(running.answer_to_source("c291cmNlOng="), "HTTP/1.0 401 Authentication Required");
    assert_eq!(running.answer_to_source("c291cmNlOnk="), "HTTP/1.0 200 OK");
}

#[test]
fn the_pid_file_is_there_while_the_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    let pid_file = folder.path().join("server.pid");
    let text =
        format!("[server]\npid_file = '{}'\n[passwords]\nsource = 'x'\n", pid_file.display());
    let file = file(&text);

    let running = Running::start(&["-c", path(&file), "--listen", "127.0.0.1:0"]);
    let held = fs::read_to_string(&pid_file).unwrap();
    let id = running.child.id();
    running.terminate();
    let (code, ..) = running.ended();

    assert_eq!((held.trim(), code), (id.to_string().as_str(), Some(0)));
    assert!(!pid_file.exists());
}

#[test]
fn a_server_that_root_starts_becomes_whom_the_configuration_names() {
    let file = file("[server]\nrun_as_user = 'nobody'\n[passwords]\nsource = 'x'\n");
    let own = status_of("self");

    let running = Running::start(&["-c", path(&file), "--listen", "127.0.0.1:0"]);

    let became = status_of(&running.child.id().to_string());
    let is_root = own.0.split_whitespace().next() == Some("0");
    if is_root {
        // Real, effective, saved and of the file system; no group of root's is left.
        assert_eq!(became.0, ["65534"; 4].join("\t"));
        assert_eq!((became.1, became.2.trim()), (["65534"; 4].join("\t"), "65534"));
    } else {
        assert_eq!(became, own);
    }
}

#[test]
fn a_user_that_is_not_there_is_named_in_one_line_when_root_starts_the_server() {
    let file = file("[server]\nrun_as_user = 'no-such-user'\n[passwords]\nsource = 'x'\n");
    if !status_of("self").0.starts_with("0\t") {
        return; // only root looks the user up
    }

    let output = server(&["-c", path(&file), "--listen", "127.0.0.1:0"]);

    assert_eq!(output.status.code(), Some(2));
    let expected = "carrier-server: run as: there is no user \"no-such-user\" on this machine\n";
    assert_eq!(text(&output.stderr), expected);
}

#[test]
fn an_imported_configuration_is_written_beside_and_its_passwords_are_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let xml = folder.path().join("icecast.xml");
    fs::write(
        &xml,
        "<icecast><authentication><source-password>geheim</source-password></authentication>\n\
         <icelogin>1</icelogin></icecast>",
    )
    .unwrap();

    let output = server(&["import", xml.to_str().unwrap()]);

    let toml = folder.path().join("icecast.toml");
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("icecast.xml:2: <icelogin>") && !said.contains("geheim"), "{said}");
    let written = fs::read_to_string(&toml).unwrap();
    assert!(written.contains("source = \"geheim\""), "{written}");
    let checked = server(&["--check", "-c", toml.to_str().unwrap()]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stderr));
}

#[test]
fn without_a_configuration_random_passwords_are_printed_once_and_not_logged() {
    let running = Running::start(&["--listen", "127.0.0.1:0"]);
    running.terminate();

    let (code, said, logged) = running.ended();

    let mut passwords = said.lines().filter(|line| line.starts_with("  source "));
    let password = passwords.next().unwrap().split_whitespace().last().unwrap();
    assert_eq!((code, password.len()), (Some(0), 16), "{said}");
    assert!(!logged.contains(password), "{logged}");
}

#[test]
fn a_log_that_nobody_reads_stops_nobody() {
    let running = Running::start_with("debug", &["--listen", "127.0.0.1:0"]);
    let mut client = BufReader::new(running.connect());

    // Each request is a line of the log; all together they are more than a pipe holds.
    let mut line = String::new();
    for _ in 0..2_000 {
        client.get_mut().write_all(b"HEAD / HTTP/1.1\r\n\r\n").unwrap();
        line.clear();
        while line != "\r\n" {
            line.clear();
            assert_ne!(client.read_line(&mut line).unwrap(), 0);
        }
    }
}

/// A server that runs, and is killed when it is forgotten.
#[test]
fn logs_are_written_where_the_configuration_says_and_begun_again_after_sighup() {
    let folder = tempfile::tempdir().unwrap();
    let log = |name: &str| folder.path().join(name);
    let file = with_logs(folder.path());
    let running = Running::start_with_log(&file, &log("error.log"));
    let ask = |path: &str| {
        let mut stream = running.connect();
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
    };
    let has_line = |path: &str| {
        let line = format!("\"GET {path} HTTP/1.0\" 404 ");
        move |text: &str| text.contains(&line).then_some(())
    };
    ask("/one");
    until_written(&log("access.log"), has_line("/one"));

    for name in ["access.log", "error.log"] {
        fs::rename(log(name), log(&format!("{name}.1"))).unwrap();
    }
    running.signal("HUP");
    until_written(&log("error.log"), |_| Some(()));
    until_written(&log("access.log"), |_| Some(()));
    ask("/two");

    until_written(&log("access.log"), has_line("/two"));
    let old = fs::read_to_string(log("access.log.1")).unwrap();
    assert!(old.contains("/one") && !old.contains("/two"), "{old}");
    running.terminate();
    let (code, _, stderr) = running.ended();
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let events = fs::read_to_string(log("error.log")).unwrap();
    assert!(events.contains("] INFO server/server stopping listeners=0"), "{events}");
}

#[test]
fn no_password_is_logged_however_much_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = with_logs(folder.path());
    let running = Running::start_with_log(&file, &folder.path().join("error.log"));

    for request in [
        "GET /live?pass=secret HTTP/1.1\r\nConnection: close\r\n\r\n",
        "GET http://dj:secret@h/live HTTP/1.0\r\nReferer: http://dj:secret@h/\r\n\r\n",
        "GET /admin/metadata?mount=/a&pass=secret HTTP/1.0\r\n\r\n",
        // source:secret
        "SOURCE /live HTTP/1.0\r\nAuthorization: Basic c291cmNlOnNlY3JldA==\r\n\r\n",
        "SOURCE /live ICE/1.0\r\nice-password: secret\r\nAuthorization: secret\r\n\r\n",
        "secret\r\n\r\n",
    ] {
        let mut stream = running.connect();
        stream.write_all(request.as_bytes()).unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
    }
    running.terminate();

    let (_, said, stderr) = running.ended();
    let logs = ["access.log", "error.log"].map(|name| folder.path().join(name));
    let [requests, events] = logs.map(|path| fs::read_to_string(path).unwrap());
    assert!(events.contains("DBUG server/connection request"), "{events}");
    assert!(events.contains("a source gave a wrong user or password"), "{events}");
    for text in [said, stderr, requests, events] {
        assert!(!text.contains("secret") && !text.contains("c291cmNl"), "{text}");
    }
}

#[test]
fn a_log_that_cannot_be_opened_is_one_line_and_the_exit_code_is_2() {
    let folder = tempfile::tempdir().unwrap();
    let file = with_logs(folder.path());
    for (name, log) in [("error.log", "error log"), ("access.log", "access log")] {
        let in_the_way = folder.path().join(name);
        fs::create_dir(&in_the_way).unwrap();

        let output = server(&["-c", path(&file), "--listen", "127.0.0.1:0"]);

        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
        let expected = format!("carrier-server: {log} {}: cannot be opened", in_the_way.display());
        assert!(message.starts_with(&expected), "{message}");
        fs::remove_dir(in_the_way).unwrap();
    }
}

struct Running {
    child: Child,
    stderr: BufReader<ChildStderr>,
    logged: String,
    address: String,
}

impl Running {
    /// Starts a server and waits until it listens.
    fn start(arguments: &[&str]) -> Self {
        Self::start_with("info", arguments)
    }

    /// The same with so much in the log.
    fn start_with(logged: &str, arguments: &[&str]) -> Self {
        Self::begin(command(arguments).env("CARRIER_LOG", logged))
    }

    /// One that `command` starts.
    fn begin(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut logged = String::new();
        let address = loop {
            let start = logged.len();
            assert_ne!(stderr.read_line(&mut logged).unwrap(), 0, "{logged}");
            if let Some((_, address)) = logged[start..].split_once("listening address=") {
                break address.trim().to_owned();
            }
        };
        Self { child, stderr, logged, address }
    }

    /// One whose configuration, `file`, makes it log to `log`.
    fn start_with_log(file: &tempfile::NamedTempFile, log: &Path) -> Self {
        let mut child = command(&["-c", path(file), "--listen", "127.0.0.1:0"]).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let address = until_written(log, |text| {
            let (_, address) = text.split_once("] INFO server/server listening address=")?;
            Some(address.split_once('\n')?.0.to_owned())
        });
        Self { child, stderr, logged: String::new(), address }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    fn terminate(&self) {
        self.signal("TERM");
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// What is logged up to a line that holds `words`.
    fn logged_until(&mut self, words: &str) -> String {
        let start = self.logged.len();
        loop {
            let line = self.logged.len();
            assert_ne!(self.stderr.read_line(&mut self.logged).unwrap(), 0, "{}", self.logged);
            if self.logged[line..].contains(words) {
                return self.logged[start..].to_owned();
            }
        }
    }

    /// The first line of the answer to a source with these credentials, in Base64.
    fn answer_to_source(&self, credentials: &str) -> String {
        let head = format!(
            "SOURCE /x HTTP/1.0\r\nAuthorization: Basic {credentials}\r\n\
             Content-Type: audio/mpeg\r\n\r\n"
        );
        let mut source = self.connect();
        source.write_all(head.as_bytes()).unwrap();
        let mut line = String::new();
        BufReader::new(source).read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Waits for the end: the exit code, what was printed, and what was logged.
    fn ended(mut self) -> (Option<i32>, String, String) {
        let mut said = String::new();
        self.stderr.read_to_string(&mut self.logged).unwrap();
        self.child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), said, std::mem::take(&mut self.logged))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Users, groups and further groups of a process.
fn status_of(process: &str) -> (String, String, String) {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = |name: &str| {
        let mut lines = status.lines().filter_map(|line| line.strip_prefix(name));
        lines.next().unwrap().trim().to_owned()
    };
    (line("Uid:"), line("Gid:"), line("Groups:"))
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_carrier-server"));
    command.args(arguments).env_remove("CARRIER_LOG");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A configuration of Icecast's with all logs in `folder`.
fn with_logs(folder: &Path) -> tempfile::NamedTempFile {
    let logdir = folder.display();
    xml(&format!(
        "<icecast><authentication><source-password>x</source-password></authentication>\
         <paths><logdir>{logdir}</logdir></paths><logging><accesslog>access.log</accesslog>\
         <errorlog>error.log</errorlog><loglevel>4</loglevel></logging></icecast>"
    ))
}

/// What `find` finds in the file at `path`, as soon as it does.
fn until_written<T>(path: &Path, find: impl Fn(&str) -> Option<T>) -> T {
    let (_keep, nothing) = std::sync::mpsc::channel::<()>();
    let start = Instant::now();
    loop {
        let text = fs::read_to_string(path);
        if let Some(found) = text.as_ref().ok().and_then(|text| find(text)) {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "{}: {text:?}", path.display());
        // A look every so often; nothing is ever sent.
        let _ = nothing.recv_timeout(Duration::from_millis(10));
    }
}

/// Runs the server to its end.
fn server(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

fn file(content: &str) -> tempfile::NamedTempFile {
    named(".toml", content)
}

fn xml(content: &str) -> tempfile::NamedTempFile {
    named(".xml", content)
}

fn named(suffix: &str, content: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(suffix).tempfile().unwrap();
    file.write_all(content.as_bytes()).unwrap();
    file
}

fn path(file: &tempfile::NamedTempFile) -> &str {
    file.path().to_str().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// How long the server may take to say something.
const PATIENCE: Duration = Duration::from_secs(20);
