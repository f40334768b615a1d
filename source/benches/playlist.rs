//! How long it takes to read a list of 20 000 entries, and how much memory it takes to hold it.
//!
//! The list is what a big station has: an `#EXTINF` and a path of about 90 bytes for each track.
//! Memory is what the process gained from before it was read, by the kernel's count.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a bench is run to see what it prints")]
#![expect(clippy::unwrap_used, reason = "a bench may stop at whatever it does not expect")]

use source::playlist::Contents;
use source::playlist::order::Order;
use source::playlist::rounds::Rounds;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let list = dir.path().join("big.m3u");
    let mut text = String::from("#EXTM3U\n");
    for at in 0..ENTRIES {
        let (artist, album) = (at % 1_500, at % 4_000);
        writeln!(text, "#EXTINF:{},Artist {artist} - A Title of Middling Length {at}", at % 600)
            .unwrap();
        writeln!(
            text,
            "/srv/radio/music/Artist {artist}/1999 - Some Album {album}/{:02} - A Title {at}.flac",
            at % 20
        )
        .unwrap();
    }
    std::fs::write(&list, &text).unwrap();
    drop(text);

    let before_kib = private_kib();
    let began = Instant::now();
    let contents = Arc::new(Contents::read(&list).unwrap());
    let read = began.elapsed();
    let mut rounds = Rounds::new(Order::shuffle(1));
    let began = Instant::now();
    rounds.take_over(contents);
    rounds.next_item().unwrap();
    let shuffled = began.elapsed();
    let held_kib = private_kib() - before_kib;

    println!("| entries | read | shuffled, first track | memory held |");
    println!("|---|---|---|---|");
    let (read_ms, shuffled_ms) = (read.as_secs_f64() * 1e3, shuffled.as_secs_f64() * 1e3);
    let held_mb = held_kib as f64 * 1_024.0 / 1e6;
    println!("| {ENTRIES} | {read_ms:.0} ms | {shuffled_ms:.0} ms | {held_mb:.1} MB |");
}

/// The memory that is this process's alone.
fn private_kib() -> u64 {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let lines = text.lines().filter(|line| line.starts_with("Private_"));
    lines.map(|line| line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()).sum()
}

const ENTRIES: usize = 20_000;
