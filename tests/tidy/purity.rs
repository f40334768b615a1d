//! Purity: modules that are functions of bytes, events and a given time.
//!
//! What they may not name stands in a list, and the paths in their code are held against it.

use crate::files::{self, File, assert_none};
use crate::masked::Masked;
use crate::paths::paths;

/// Functions of bytes, events and a given time: they open nothing, wait for nothing, ask no clock.
const PURE: &[&str] = &[
    "server/src/files/wanted.rs",
    "server/src/ingest/framer/clusters.rs",
    "server/src/ingest/framer/flac.rs",
    "server/src/ingest/framer/frames.rs",
    "server/src/ingest/framer/mod.rs",
    "server/src/ingest/framer/pages.rs",
    "server/src/ingest/rejoin.rs",
    "server/src/ingest/session.rs",
    "server/src/listener/probe.rs",
    "server/src/mount/fallback.rs",
    "server/src/mount/feed.rs",
    "server/src/mount/name.rs",
    "server/src/route.rs",
    "server/src/status/snapshot.rs",
    "source/src/cues.rs",
    "source/src/fetch/address.rs",
    "source/src/input/disarm.rs",
    "source/src/input/door.rs",
    "source/src/input/reservoir.rs",
    "source/src/input/title.rs",
    "source/src/import/lexer.rs",
    "source/src/import/meaning.rs",
    "source/src/import/meaning/effects.rs",
    "source/src/import/meaning/formats.rs",
    "source/src/import/meaning/functions.rs",
    "source/src/import/meaning/inputs.rs",
    "source/src/import/meaning/outputs.rs",
    "source/src/import/meaning/predicate.rs",
    "source/src/import/meaning/programme.rs",
    "source/src/import/mod.rs",
    "source/src/import/tree.rs",
    "source/src/config/changes.rs",
    "source/src/control/answer.rs",
    "source/src/control/ask.rs",
    "source/src/control/http/refusal.rs",
    "source/src/control/news.rs",
    "source/src/control/telnet/lines.rs",
    "source/src/ctl/show.rs",
    "source/src/measure/book.rs",
    "source/src/measure/extent.rs",
    "source/src/measure/gauge.rs",
    "source/src/mix/crossfade.rs",
    "source/src/mix/deck.rs",
    "source/src/mix/ramp.rs",
    "source/src/mix/smart.rs",
    "source/src/mix/timeline.rs",
    "source/src/pcm/level.rs",
    "source/src/playlist/annotate.rs",
    "source/src/playlist/artist.rs",
    "source/src/playlist/at.rs",
    "source/src/playlist/change.rs",
    "source/src/playlist/extinf.rs",
    "source/src/playlist/format/cue.rs",
    "source/src/playlist/format/m3u.rs",
    "source/src/playlist/format/mod.rs",
    "source/src/playlist/format/pls.rs",
    "source/src/playlist/format/xspf.rs",
    "source/src/playlist/hours.rs",
    "source/src/playlist/item.rs",
    "source/src/playlist/order.rs",
    "source/src/playlist/requests.rs",
    "source/src/playlist/rotation.rs",
    "source/src/playlist/rounds.rs",
    "source/src/playlist/rules.rs",
    "source/src/playlist/settle.rs",
    "source/src/programme/blank.rs",
    "source/src/push/link.rs",
    "source/src/sound/biquad.rs",
    "source/src/sound/compressor.rs",
    "source/src/sound/delay.rs",
    "source/src/sound/dial.rs",
    "source/src/sound/equalizer.rs",
    "source/src/sound/gain.rs",
    "source/src/sound/gate.rs",
    "source/src/sound/glide.rs",
    "source/src/sound/limiter.rs",
    "source/src/sound/mod.rs",
    "source/src/sound/multiband.rs",
    "source/src/sound/powers.rs",
    "source/src/sound/processor.rs",
    "source/src/sound/stereo.rs",
    "source/src/sound/true_peak.rs",
    "source/src/treatment/levelling.rs",
    "source/src/treatment/mod.rs",
    "source/src/treatment/trim.rs",
];
/// What a pure module does not name.
const EFFECTS: [&str; 9] = [
    "Instant::now",
    "SystemTime::now",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::Instant::now",
    "std::time::SystemTime::now",
    "tokio",
];

fn impure(files: &[File]) -> Vec<String> {
    let what = "not in a pure module; let the caller do it and tell the outcome, or the time";
    let mut offences = Vec::new();
    for file in files.iter().filter(|file| PURE.contains(&file.path.as_str())) {
        let named = paths(&Masked::new(file.without_tests()).code).into_iter();
        let named = named.filter(|path| EFFECTS.iter().any(|effect| path.is_in(effect)));
        offences.extend(
            named.map(|path| file.offence(path.line, format!("`{}`: {what}", path.text()))),
        );
    }
    offences
}

#[test]
fn the_pure_modules_have_no_effects() {
    assert_none(&impure(&files::rust()));
}

#[test]
fn an_effect_in_a_pure_module_is_seen() {
    let bad = ["use tokio::time::Instant;", "let now = Instant::now();", "use std::{fs, io};"];
    for text in bad {
        assert_eq!(impure(&[File::new("server/src/route.rs", text)]).len(), 1, "{text}");
    }
    assert_none(&impure(&[File::new("source/src/push/link.rs", "use std::time::Instant;")]));
}
