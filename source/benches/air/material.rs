//! What is played: files made by ffmpeg, and scripts of Liquidsoap's that play them.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// Fills `folder` with a library of half-minute tracks (FLAC at 48 kHz, MP3 and Vorbis at 44.1 kHz:
/// noise with tones in it) and a list of them.
pub(crate) fn library(folder: &Path) {
    let music = folder.join("music");
    std::fs::create_dir(&music).unwrap();
    let sound = "anoisesrc=colour=pink:amplitude=0.3:duration=30[a];sine=220:duration=30[b];\
                 sine=3520:duration=30[c];[a][b][c]amix=inputs=3";
    let formats = [
        ("a.flac", "48000", "flac"),
        ("b.mp3", "44100", "libmp3lame"),
        ("c.ogg", "44100", "libvorbis"),
    ];
    for (name, rate, codec) in formats {
        let title = format!("title=Track {name}");
        let path = music.join(name);
        let tags = ["-metadata", "artist=Bench", "-metadata", &title];
        ffmpeg(
            Command::new("ffmpeg")
                .args(["-filter_complex", sound, "-ar", rate, "-ac", "2"])
                .args(["-c:a", codec])
                .args(tags)
                .arg(path),
        );
    }
    let names = formats.map(|(name, ..)| music.join(name).display().to_string());
    list(folder, &names);
}

/// Puts two minutes of a low tone and then of a high one into `folder`, and a list of both, the
/// first being `first`.
pub(crate) fn tones(folder: &Path, first: Tone) {
    let order = match first {
        Tone::High => [Tone::High, Tone::Low],
        Tone::Low => [Tone::Low, Tone::High],
    };
    let names = order.map(|tone| {
        let path = folder.join(format!("{tone:?}.wav"));
        let sound = format!("sine=frequency={}:duration=120,volume=6", tone.hz());
        ffmpeg(
            Command::new("ffmpeg")
                .args(["-filter_complex", &sound, "-ar", "44100", "-ac", "2"])
                .arg(&path),
        );
        path.display().to_string()
    });
    list(folder, &names);
}

/// What the tracks of [`tones`] sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    High,
    Low,
}

impl Tone {
    pub(crate) fn hz(self) -> u32 {
        match self {
            Self::High => 3_000,
            Self::Low => 300,
        }
    }
}

/// Decodes `recording` to samples at 44.1 kHz, one channel.
pub(crate) fn decoded(folder: &Path, recording: &[u8]) -> Vec<f32> {
    let (from, to) = (folder.join("recording.mp3"), folder.join("recording.raw"));
    std::fs::write(&from, recording).unwrap();
    ffmpeg(
        Command::new("ffmpeg")
            .arg("-i")
            .arg(from)
            .args(["-f", "f32le", "-ac", "1"])
            .args(["-ar", "44100"])
            .arg(&to),
    );
    let bytes = std::fs::read(to).unwrap();
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
}

fn ffmpeg(command: &mut Command) {
    assert!(command.args(["-v", "error", "-y"]).status().unwrap().success(), "{command:?}");
}

fn list(folder: &Path, names: &[String]) {
    std::fs::write(folder.join("stream-queue.m3u"), names.join("\n")).unwrap();
}

/// The script of Asteroid Radio, which `import` is tested with, for the list and library in
/// `folder`; its mounts, on the server at `port`, begin with `prefix`.
pub(crate) fn asteroid(folder: &Path, port: u16, telnet: u16, prefix: &str) -> String {
    include_str!("../../src/import/scripts/asteroid.liq")
        .replace("/app/files/run/liq.log", &format!("{}/liq.log", folder.display()))
        .replace("/app/", &format!("{}/", folder.display()))
        .replace("port=19000", &format!("port={port}"))
        .replace("port.set(19234)", &format!("port.set({telnet})"))
        .replace("mount=\"", &format!("mount=\"{prefix}"))
        .replace("#!/usr/bin/liquidsoap", "settings.init.allow_root.set(true)")
}

/// The same without its AAC, which Liquidsoap has of ffmpeg and we of Fraunhofer.
pub(crate) fn without_aac(script: &str) -> String {
    let (before, rest) = script.split_once("output.icecast(%ffmpeg").unwrap();
    let (_, after) = rest.split_once("output.icecast(").unwrap();
    format!("{before}output.icecast({after}")
}

/// A station of one list and one output, with the crossfade of Asteroid's or none.
pub(crate) fn simple(folder: &Path, port: u16, telnet: u16, crossfades: bool) -> String {
    let mut script = String::from("settings.init.allow_root.set(true)\n");
    writeln!(script, "settings.server.telnet.set(true)").unwrap();
    writeln!(script, "settings.server.telnet.port.set({telnet})").unwrap();
    writeln!(script, "settings.server.telnet.bind_addr.set(\"127.0.0.1\")").unwrap();
    let list = folder.join("stream-queue.m3u");
    let crossfade = "radio = crossfade(duration=3.0, fade_in=2.0, fade_out=2.0, radio)\n";
    writeln!(
        script,
        "radio = playlist(id=\"list\", mode=\"normal\", \"{}\")\n\
         {}radio = buffer(buffer=5.0, max=10.0, radio)\n\
         emergency = amplify(0.1, sine(440.0))\n\
         radio = fallback(track_sensitive=false, [radio, emergency])\n\
         output.icecast(%mp3(bitrate=128), host=\"127.0.0.1\", port={port}, password=\"hackme\", \
         mount=\"live.mp3\", radio)",
        list.display(),
        if crossfades { crossfade } else { "" }
    )
    .unwrap();
    script
}
