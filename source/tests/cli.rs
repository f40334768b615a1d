//! The program `carrier-source` itself: flags, exit codes, signals, and what it says in one line.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test may stop at whatever it does not expect")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

#[test]
fn help_and_version_are_given() {
    let help = run(&["--help"]);
    let version = run(&["--version"]);

    assert_eq!((help.status.code(), version.status.code()), (Some(0), Some(0)));
    assert!(text(&help.stdout).contains("carrier-source"));
    assert!(text(&version.stdout).starts_with("carrier-source "));
}

#[test]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn the_program_has_one_arena_unless_its_environment_says_how_many() {
    for (given, expected) in [(None, "MALLOC_ARENA_MAX=1"), (Some("3"), "MALLOC_ARENA_MAX=3")] {
        let dir = tempfile::tempdir().unwrap();
        let mut command = binary();
        command.args(["play", dir.path().to_str().unwrap(), "--to", "http://x@127.0.0.1:1/a.mp3"]);
        command.env_remove("MALLOC_ARENA_MAX").envs(given.map(|given| ("MALLOC_ARENA_MAX", given)));
        let mut running = Program::of(&mut command);
        // By the time it says anything it has started again, if it does.
        running.says("off air");

        let environment = std::fs::read(format!("/proc/{}/environ", running.child.id())).unwrap();

        let mut variables = environment.split(|byte| *byte == 0);
        assert!(variables.any(|variable| variable == expected.as_bytes()), "{expected}");
    }
}

#[test]
fn mistakes_on_the_command_line_end_with_code_2_and_one_line() {
    let to = "http://source:x@127.0.0.1:1/live.mp3";
    for (arguments, expected) in [
        (&["play", "/nowhere/at/all", "--to", to][..], "no such file or folder"),
        (&["play", "/dev", "--to", "http://127.0.0.1/live.mp3"], "--to: no password"),
        (&["play", "/dev", "--to", to, "--bitrate", "127"], "--bitrate: 127 is none of 32"),
        (&["-c", "/nowhere/station.toml"], "/nowhere/station.toml: No such file"),
    ] {
        let output = run(arguments);

        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(expected), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn an_unknown_flag_is_answered_with_a_suggestion() {
    let output = run(&["play", "/dev", "--shufle"]);

    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--shuffle"), "{}", text(&output.stderr));
}

#[test]
fn a_script_is_turned_into_a_configuration_and_what_is_left_over_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("station.liq");
    let script = "a = playlist(\"x.m3u\")\noutput.icecast(%mp3, mount=\"m\", a)\noutput.file(a)\n";
    std::fs::write(&file, script).unwrap();

    let output = run(&["import", file.to_str().unwrap()]);

    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("[playlists.x_m3u]\n"), "{}", text(&output.stdout));
    assert_eq!(text(&output.stderr), "not taken over: line 3: output.file has no counterpart\n");
}

#[test]
fn check_reports_every_mistake_of_a_file_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("station.toml");
    std::fs::write(&file, "[playlists.a]\npath = []\n[[outputs]]\nurl = 'x'\nbitrat = 128\n")
        .unwrap();

    let output = run(&["check", file.to_str().unwrap()]);

    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    for line in [
        "station.toml:2: playlists.a.path",
        "station.toml:4: outputs[1].url",
        ":5: outputs[1].bitrat",
    ] {
        assert!(said.contains(line), "{line} is not in {said}");
    }
}

#[test]
fn check_of_a_right_file_ends_with_code_0() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("station.toml");
    let to = "http://source:x@localhost:8000/live.mp3";
    std::fs::write(&file, format!("playlists.a.path = 'a'\n[[outputs]]\nurl = '{to}'\n")).unwrap();

    let output = run(&["check", file.to_str().unwrap()]);

    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("no mistakes"));
}

#[test]
fn a_refused_password_is_one_line_that_names_mount_server_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let mut program =
        Program::play(&tone(dir.path()), &format!("http://source:wrong@{address}/a.mp3"));

    let (mut socket, _) = server.accept().unwrap();
    let head = read_head(&mut socket);
    socket.write_all(b"HTTP/1.0 401 Authentication Required\r\n\r\n").unwrap();
    drop(socket);

    let line = program.says("off air");
    assert!(head.starts_with("SOURCE /a.mp3 HTTP/1.0\r\n"), "{head}");
    for expected in ["/a.mp3", &address.to_string(), "password of user `source`", "source-password"]
    {
        assert!(line.contains(expected), "{expected} is not in {line}");
    }
    assert!(!line.contains("wrong"), "the password is shown: {line}");
}

#[test]
fn signals_end_the_programme_cleanly_and_the_server_sees_the_end() {
    for signal in ["-INT", "-TERM"] {
        let dir = tempfile::tempdir().unwrap();
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        let to = format!("http://source:hackme@{address}/live.mp3");
        let mut program = Program::play(&tone(dir.path()), &to);
        let (mut socket, _) = server.accept().unwrap();
        read_head(&mut socket);
        socket.write_all(b"HTTP/1.0 200 OK\r\n\r\n").unwrap();
        let mut audio = [0; 4_000];
        socket.read_exact(&mut audio).unwrap();

        let pid = program.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());

        let mut rest = Vec::new();
        socket.read_to_end(&mut rest).unwrap();
        let status = program.child.wait().unwrap();
        assert_eq!((status.code(), status.signal()), (Some(0), None), "{signal}");
        assert_eq!(&audio[..2], [0xFF, 0xFB], "audio begins with a frame");
    }
}

#[test]
fn ctl_asks_and_tells_a_running_station_by_http_and_by_its_socket() {
    let dir = tempfile::tempdir().unwrap();
    tone(dir.path());
    let file = dir.path().join("station.toml");
    let to = "http://source:x@127.0.0.1:1/live.mp3";
    let control = "control = { http = '127.0.0.1:0', socket = 'control.sock' }";
    let station = format!("{control}\nplaylists.m.path = 'tone.wav'\n[[outputs]]\nurl = '{to}'\n");
    std::fs::write(&file, station).unwrap();
    let mut program = Program::start(&["-c", file.to_str().unwrap()]);
    let said = program.says("control by HTTP");
    let http = format!("http://{}", said.rsplit_once("address=").unwrap().1);
    let socket = dir.path().join("control.sock").display().to_string();
    program.says("playing");

    let status = run(&["ctl", "--to", &http, "status"]);
    let shown = text(&status.stdout);
    assert_eq!(status.status.code(), Some(0), "{}", text(&status.stderr));
    assert!(shown.contains("\nmain: tone\n") && shown.contains("OFF AIR: "), "{shown}");
    for place in [&http, &socket] {
        let skip = run(&["ctl", "--to", place, "skip", "m"]);
        assert_eq!(text(&skip.stdout), "OK\n", "{}", text(&skip.stderr));
    }
    for (place, arguments, code, expected) in [
        (&*http, &["skip", "x"][..], 1, "x.skip: unknown command"),
        (&*socket, &["status"], 1, "needs `http` in [control]"),
        ("http://127.0.0.1:1", &["status"], 1, "does the station run"),
        ("ftp://host:1", &["status"], 2, "--to: `ftp` cannot be spoken"),
    ] {
        let output = run(&[&["ctl", "--to", place][..], arguments].concat());
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(expected) && said.lines().count() == 1, "{said}");
    }
}

#[test]
fn a_changed_file_is_applied_when_asked_for_and_one_with_mistakes_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    tone(dir.path());
    let file = dir.path().join("station.toml");
    let station = "control = { http = '127.0.0.1:0', socket = 'control.sock' }\n\
                   playlists.m.path = 'tone.wav'\n[[outputs]]\n\
                   url = 'http://source:x@127.0.0.1:1/live.mp3'\n";
    std::fs::write(&file, station).unwrap();
    let mut program = Program::start(&["-c", file.to_str().unwrap()]);
    program.says("playing");
    let socket = dir.path().join("control.sock").display().to_string();
    let pid = program.child.id().to_string();
    let hang_up = || assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());

    let second = "[[outputs]]\nurl = 'http://source:x@127.0.0.1:1/b.mp3'\n";
    std::fs::write(&file, format!("{station}{second}")).unwrap();
    hang_up();
    program.says("output b.mp3: added");

    std::fs::write(&file, format!("{station}[[outputs]]\nurl = 'x'\nbitrat = 1\n")).unwrap();
    let wrong = run(&["ctl", "--to", &socket, "reload"]);
    let said = text(&wrong.stderr);
    assert_eq!((wrong.status.code(), said.lines().count()), (Some(1), 2), "{said}");
    assert!(
        said.contains(":6: outputs[2].url") && said.contains(":7: outputs[2].bitrat"),
        "{said}"
    );
    program.says("the configuration stays as it was");

    std::fs::write(&file, station.replace("control.sock", "other.sock")).unwrap();
    let right = run(&["ctl", "--to", &socket, "reload"]);
    assert_eq!(text(&right.stdout), "[control]: needs a restart\noutput b.mp3: removed\n");
}

/// The program while it plays; killed at the end of its test.
struct Program {
    child: Child,
    lines: Receiver<String>,
}

impl Program {
    fn play(file: &Path, to: &str) -> Self {
        Self::start(&["play", file.to_str().unwrap(), "--to", to])
    }

    fn start(arguments: &[&str]) -> Self {
        Self::of(binary().args(arguments))
    }

    fn of(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in said.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { child, lines }
    }

    /// The next line with `words` in it.
    fn says(&mut self, words: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(LIMIT).expect("the program says so in time");
            if line.contains(words) {
                return line;
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill()); // it may have ended by itself
        drop(self.child.wait());
    }
}

fn run(arguments: &[&str]) -> Output {
    let child =
        binary().args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let pid = child.id().to_string();
    let (sender, output) = channel();
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    output.recv_timeout(LIMIT).map_or_else(
        |_| {
            drop(Command::new("kill").args(["-KILL", &pid]).status());
            panic!("{arguments:?} does not end");
        },
        Result::unwrap,
    )
}

fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_carrier-source"));
    command.env_remove("CARRIER_TO").env_remove("CARRIER_LOG").stdin(Stdio::null());
    command
}

fn read_head(socket: &mut std::net::TcpStream) -> String {
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

/// A second of a square wave.
fn tone(dir: &Path) -> PathBuf {
    let path = dir.join("tone.wav");
    let data_bytes = 88_200_u32;
    let mut file = Vec::new();
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + data_bytes).to_le_bytes());
    file.extend_from_slice(
        b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x44\xAC\0\0\x88\x58\x01\0\x02\0\x10\0data",
    );
    file.extend_from_slice(&data_bytes.to_le_bytes());
    file.extend((0..data_bytes / 2).flat_map(|at| [0, if at / 50 % 2 == 0 { 16 } else { 240 }]));
    std::fs::write(&path, file).unwrap();
    path
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Nothing here takes longer.
const LIMIT: Duration = Duration::from_secs(20);
