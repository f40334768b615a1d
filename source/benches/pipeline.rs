//! CPU and memory of carrier-source against Liquidsoap, for the same station in the same run.
//!
//! Both play the same list of generated files (FLAC at 48 kHz, MP3 and Vorbis at 44.1 kHz) as MP3
//! at 128 kbit/s with the same LAME quality into one Icecast, side by side for as many seconds
//! as `CARRIER_BENCH_S` says, 60 by default. What is read are the kernel's own counters. Needs
//! `ffmpeg`, `icecast2` and `liquidsoap`; results are kept in `README.md` beside this file.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a bench is run to see what it prints")]
#![expect(clippy::unwrap_used, reason = "a bench may stop at whatever it does not expect")]

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

fn main() {
    for needed in ["ffmpeg", "icecast2", "liquidsoap"] {
        let found = Command::new("which").arg(needed).stdout(Stdio::null()).status();
        if !found.is_ok_and(|status| status.success()) {
            println!("not run: {needed} is not installed");
            return;
        }
    }
    let seconds = std::env::var("CARRIER_BENCH_S").ok().and_then(|text| text.parse().ok());
    let seconds = seconds.unwrap_or(60);
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o777)).unwrap();
    let list = material(dir.path());
    let port = free_port();
    let _icecast = icecast(dir.path(), port);

    let programs = [
        ("carrier-source", carrier(&list, port)),
        ("Liquidsoap", liquidsoap(dir.path(), &list, port)),
    ];
    pass(WARM_UP);
    let before = [0, 1].map(|at| Usage::of(&programs[at].1.0));
    pass(Duration::from_secs(seconds));
    let after = [0, 1].map(|at| Usage::of(&programs[at].1.0));

    println!("| {seconds} s on air | CPU of one core | memory (RSS) | of it private |");
    println!("|---|---|---|---|");
    for (at, (name, _)) in programs.iter().enumerate() {
        let ticks = after[at].ticks - before[at].ticks;
        let percent = 100.0 * ticks as f64 / ticks_per_second() as f64 / seconds as f64;
        let (rss, private) = (after[at].rss_kib as f64 / 1e3, after[at].private_kib as f64 / 1e3);
        println!("| {name} | {percent:.2} % | {rss:.1} MB | {private:.1} MB |");
    }
}

/// A program that is killed when it is no longer wanted.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill()); // it may have ended
        drop(self.0.wait());
    }
}

struct Usage {
    ticks: u64,
    rss_kib: u64,
    private_kib: u64,
}

impl Usage {
    fn of(child: &Child) -> Self {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        let ticks = [11, 12].iter().map(|&at: &usize| fields[at].parse::<u64>().unwrap()).sum();
        let maps = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", child.id())).unwrap();
        let kib = |name: &str| -> u64 {
            maps.lines()
                .filter(|line| line.starts_with(name))
                .map(|line| line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap())
                .sum()
        };
        Self { ticks, rss_kib: kib("Rss:"), private_kib: kib("Private_") }
    }
}

fn carrier(list: &Path, port: u16) -> Running {
    let to = format!("http://source:hackme@127.0.0.1:{port}/carrier.mp3");
    quiet(Command::new(env!("CARGO_BIN_EXE_carrier-source")).args([
        "play",
        list.to_str().unwrap(),
        "--to",
        &to,
    ]))
}

fn liquidsoap(dir: &Path, list: &Path, port: u16) -> Running {
    let script = dir.join("station.liq");
    let text = format!(
        "settings.init.allow_root.set(true)\n\
         s = mksafe(playlist(mode=\"normal\", \"{}\"))\n\
         output.icecast(%mp3(bitrate=128, internal_quality=3), host=\"127.0.0.1\", port={port}, \
         password=\"hackme\", mount=\"/liquidsoap.mp3\", s)\n",
        list.display()
    );
    std::fs::write(&script, text).unwrap();
    quiet(Command::new("liquidsoap").arg(script))
}

fn icecast(dir: &Path, port: u16) -> Running {
    let config = dir.join("icecast.xml");
    let text = format!(
        "<icecast><limits><sources>4</sources></limits>\
         <authentication><source-password>hackme</source-password>\
         <admin-user>admin</admin-user><admin-password>hackme</admin-password></authentication>\
         <hostname>localhost</hostname>\
         <listen-socket><port>{port}</port><bind-address>127.0.0.1</bind-address></listen-socket>\
         <paths><logdir>{dir}</logdir><webroot>/usr/share/icecast2/web</webroot>\
         <adminroot>/usr/share/icecast2/admin</adminroot></paths>\
         <logging><accesslog>a</accesslog><errorlog>e</errorlog></logging></icecast>",
        dir = dir.display()
    );
    std::fs::write(&config, text).unwrap();
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    let mut command = if is_root {
        let mut command = Command::new("setpriv"); // Icecast does not run as root
        command.args(["--reuid=nobody", "--clear-groups", "icecast2"]);
        command
    } else {
        Command::new("icecast2")
    };
    let running = quiet(command.arg("-c").arg(config));
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        pass(Duration::from_millis(20));
    }
    running
}

/// A list of three files of half a minute: noise with tones in it.
fn material(dir: &Path) -> PathBuf {
    let sound = "anoisesrc=colour=pink:amplitude=0.3:duration=30[a];sine=220:duration=30[b];\
                 sine=3520:duration=30[c];[a][b][c]amix=inputs=3";
    let formats = [
        ("a.flac", "48000", "flac"),
        ("b.mp3", "44100", "libmp3lame"),
        ("c.ogg", "44100", "libvorbis"),
    ];
    for (name, rate, codec) in formats {
        let made = Command::new("ffmpeg")
            .args(["-v", "error", "-y", "-filter_complex", sound, "-ar", rate, "-ac", "2"])
            .args(["-c:a", codec])
            .arg(dir.join(name))
            .status();
        assert!(made.unwrap().success(), "{name}");
    }
    let list = dir.join("list.m3u");
    let names = formats.map(|(name, ..)| dir.join(name).display().to_string());
    std::fs::write(&list, names.join("\n")).unwrap();
    list
}

fn quiet(command: &mut Command) -> Running {
    let silent = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Running(silent.spawn().unwrap())
}

/// Lets time pass; what is measured runs in real time.
fn pass(time: Duration) {
    let (_keep, never) = channel::<()>();
    assert!(never.recv_timeout(time).is_err(), "nobody sends");
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn ticks_per_second() -> u64 {
    let output = Command::new("getconf").arg("CLK_TCK").output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
}

/// Both have loaded and decoded ahead after this.
const WARM_UP: Duration = Duration::from_secs(15);
