//! Scripts that stations run, and the configurations that come of them.

mod functions;
mod heard;

use super::*;
use proptest::prelude::*;

#[test]
fn a_station_of_four_mounts_is_taken_over_whole() {
    for script in [include_str!("scripts/asteroid.liq"), include_str!("scripts/docker.liq")] {
        let imported = import(script);

        assert_eq!(imported.left, [""; 0], "{}", imported.toml);
        for expected in [
            "[playlists.stream-queue_m3u]\npath = \"/app/stream-queue.m3u\"\norder = \"normal\"\n\
             reload = \"watch\"\n",
            "[playlists.music]\npath = \"/app/music/\"\norder = \"shuffle\"\nreload = \"3600s\"\n",
            "[playlists.\"music.1\"]\npath = \"/app/music/\"\n",
            "[channels.radio]\nplay = [\"stream-queue_m3u\", \"music\"]\nemergency = \"tone\"\n\
             crossfade = { duration = \"3s\", fade_in = \"2s\", fade_out = \"2s\" }\n\
             sample_rate = 44100\n",
            "[channels.shuffle_radio]\nplay = [\"music.1\"]\nemergency = \"tone\"\n",
            "id = \"output.icecast\"\nchannel = \"radio\"\n",
            "id = \"output.icecast.1\"\nchannel = \"radio\"\n",
            "id = \"output.icecast.2\"\nchannel = \"radio\"\n",
            "id = \"output.icecast.3\"\nchannel = \"shuffle_radio\"\n",
            "name = \"Asteroid Radio (Low Quality)\"\n",
            "format = { codec = \"aac\", bitrate = 96 }\n",
            "format = { codec = \"mp3\", bitrate = 64, quality = 2 }\n",
            "url = \"http://localhost:8080/asteroid/\"\n",
        ] {
            assert!(imported.toml.contains(expected), "{expected}\nis not in\n{}", imported.toml);
        }
    }
}

#[test]
fn what_the_environment_says_is_still_asked_of_it() {
    let imported = import(include_str!("scripts/docker.liq"));

    let url = "http://source:${ICECAST_SOURCE_PASSWORD}@icecast:8000/asteroid.aac";
    assert!(imported.toml.contains(url), "{}", imported.toml);
    assert!(imported.toml.contains("telnet = \"0.0.0.0:1234\""), "{}", imported.toml);
    assert!(imported.toml.contains("${STATION_URL} of the environment is fixed to"));
}

#[test]
fn what_is_not_understood_is_named_with_its_line_and_left_as_a_comment() {
    let imported = import(
        "a = playlist(\"x.m3u\")\nlive = input.srt(port=8005)\n\
         r = fallback([live, a])\ntry\n  x\ncatch\noutput.icecast(%mp3, mount=\"m\", r)\n\
         output.file(%wav, \"/tmp/x.wav\", r)\n",
    );

    assert_eq!(imported.left[0], "line 2: input.srt has no counterpart");
    assert_eq!(imported.left.last().unwrap(), "line 8: output.file has no counterpart");
    assert!(imported.toml.contains("#   output.file(%wav, \"/tmp/x.wav\", r)\n"));
    assert!(imported.toml.contains("play = [\"x_m3u\"]\n"), "{}", imported.toml);
}

#[test]
fn rotations_switches_requests_and_jingles_are_taken_over() {
    let imported = import(
        "music = playlist(id=\"music\", mode=\"randomize\", \"/m\")\n\
         ids = playlist(id=\"ids\", \"/ids\")\n\
         news = delay(1200., playlist(id=\"news\", \"/news\"))\n\
         night = playlist(id=\"night\", \"/night\")\n\
         top = single(\"/top.mp3\")\n\
         req = request.queue(id=\"req\")\n\
         day = rotate(weights=[1, 4], [ids, random(weights=[2, 1], [music, top])])\n\
         s = switch([(predicate.activates({0m}), news), ({22h-6h}, night), ({true}, day)])\n\
         radio = fallback(track_sensitive=false, [req, s, blank()])\n\
         output.icecast(%mp3, mount=\"m\", password=\"x\", radio)\n",
    );

    assert_eq!(imported.left, [""; 0], "{}", imported.toml);
    for expected in [
        "[playlists.news]\npath = \"/news\"\norder = \"shuffle\"\nreload = \"never\"\n\
         at = [\":00\"]\nevery = \"1200s\"\n",
        "[playlists.night]\npath = \"/night\"\norder = \"shuffle\"\nreload = \"never\"\n\
         when = [\"22:00-06:00\"]\n",
        "[playlists.top_mp3]\npath = \"/top.mp3\"\n",
        "[queues.req]\nstart = \"hard\"\ninterrupted = \"returns\"\n",
        "[rotations.rotation]\nplay = [\"music\", \"top_mp3\"]\nweights = [2, 1]\n\
         order = \"random\"\n",
        "[rotations.\"rotation.1\"]\nplay = [\"ids\", \"rotation\"]\nweights = [1, 4]\n\
         order = \"turns\"\n",
        "play = [\"req\", \"news\", \"night\", \"rotation.1\"]\n",
    ] {
        assert!(imported.toml.contains(expected), "{expected}\nis not in\n{}", imported.toml);
    }
    let file = std::path::Path::new("station.toml");
    crate::config::file::parse(file, &imported.toml).unwrap();
}

#[test]
fn loudness_replay_gain_and_silence_are_taken_over() {
    for (call, expected) in [
        ("normalize(target=-16., s)", "effect = \"loudness\"\ntarget_lufs = -16\n"),
        (
            "amplify(1., override=\"replay_gain\", replaygain(s))",
            "effect = \"replaygain\"\nmeasured = false\nprevent_clipping = false\n",
        ),
        (
            "skip_blank(max_blank=10., threshold=-50., s)",
            "effect = \"blank\"\nafter = 10\nthreshold_db = -50\nthen = \"skip\"\n",
        ),
        (
            "cue_cut(blank.strip(s))",
            "effect = \"blank\"\nafter = 20\nthreshold_db = -40\nthen = \"next\"\n",
        ),
    ] {
        let imported = import(&format!(
            "s = playlist(id=\"music\", \"/m\")\nradio = mksafe({call})\n\
             output.icecast(%mp3, mount=\"m\", password=\"x\", radio)\n",
        ));

        assert_eq!(imported.left, [""; 0], "{}", imported.toml);
        let expected = format!("\n[[channels.radio.sound]]\n{expected}");
        assert!(imported.toml.contains(&expected), "{expected}\nis not in\n{}", imported.toml);
        let file = std::path::Path::new("station.toml");
        crate::config::file::parse(file, &imported.toml).unwrap();
    }
}

#[test]
fn what_the_programme_goes_through_is_taken_over_in_its_order() {
    for (radio, expected) in [
        (
            "compress(attack=5., ratio=4., threshold=-18., gain=2., amplify(lin_of_dB(-3.), s))",
            "effect = \"gain\"\ngain_db = -3\n\n[[channels.radio.sound]]\neffect = \"compressor\"\n\
             threshold_db = -18\nratio = 4\nknee_db = 1\nattack = \"5ms\"\nrelease = \"400ms\"\n\
             makeup_db = 2\n",
        ),
        (
            "limit(filter.iir.eq.peak(id=\"eq\", frequency=1000., gain=-2., filter.iir.eq.high(\
             frequency=40., q=0.7, filter.iir.eq.low(frequency=15000., s))))",
            "effect = \"equalizer\"\nid = \"eq\"\nbands = [\n  { kind = \"low-pass\", frequency = \
             15000, q = 1 },\n  { kind = \"high-pass\", frequency = 40, q = 0.7 },\n  { kind = \
             \"peaking\", frequency = 1000, q = 1, gain_db = -2 },\n]\n\n\
             [[channels.radio.sound]]\neffect = \"compressor\"\nthreshold_db = -2\nratio = 20\n",
        ),
        (
            "nrj(s)",
            "effect = \"loudness\"\ntarget_lufs = -13\n\n[[channels.radio.sound]]\n\
             effect = \"compressor\"\nthreshold_db = -15\nratio = 3\n",
        ),
        (
            "compress.multiband(s, [{frequency=200., attack=100., release=200., ratio=5., \
             threshold=-20., gain=3.}, {frequency=22000., attack=50., release=100., ratio=2., \
             threshold=-10., gain=1.}])",
            "effect = \"multiband\"\ncrossovers = [200]\nbands = [\n  { \
             threshold_db = -20, ratio = 5, knee_db = 1, attack = \"100ms\", release = \"200ms\", \
             makeup_db = 3 },\n  { \
             threshold_db = -10, ratio = 2, knee_db = 1, attack = \"50ms\", release = \"100ms\", \
             makeup_db = 1 },\n]\n\n[[channels.radio.sound]]\neffect = \"compressor\"\n",
        ),
        (
            "swap(gate(threshold=-45., mean(s)))",
            "effect = \"stereo\"\nmono = true\n\n[[channels.radio.sound]]\neffect = \"gate\"\n\
             threshold_db = -45\nattack = \"10ms\"\nhold = \"1s\"\nrelease = \"2s\"\n\
             range_db = -30\n\n[[channels.radio.sound]]\neffect = \"stereo\"\nswap = true\n",
        ),
        (
            "echo(delay=0.25, feedback=-6., s)",
            "effect = \"delay\"\ntime = \"250ms\"\nfeedback = 0.501\nmix = 0.334\n\n\
             [[channels.radio.sound]]\neffect = \"gain\"\ngain_db = 3.529\n",
        ),
        (
            "amplify(1., override=\"replaygain_track_gain\", s)",
            "effect = \"replaygain\"\nmeasured = false\n",
        ),
        ("amplify(0., s)", "effect = \"gain\"\ngain_db = -60\n"),
    ] {
        let imported = programme(&format!("radio = fallback([{radio}, blank()])\n"));

        assert_eq!(imported.left, [""; 0], "{}", imported.toml);
        let expected = format!("\n[[channels.radio.sound]]\n{expected}");
        assert!(imported.toml.contains(&expected), "{expected}\nis not in\n{}", imported.toml);
    }
}

#[test]
fn a_signal_that_stands_in_has_its_wave_its_pitch_and_its_level() {
    for (signal, expected) in [
        ("amplify(0.1, sine())", "emergency = \"tone\"\n"),
        ("sine()", "emergency = \"tone\"\nemergency_level_db = 0\n"),
        (
            "amplify(0.5, square(amplitude=0.1, 1000.))",
            "emergency = \"square\"\nemergency_frequency = 1000\nemergency_level_db = -26.021\n",
        ),
        ("amplify(0., saw())", "emergency = \"saw\"\nemergency_level_db = -90\n"),
        ("amplify(0.1, noise())", "emergency = \"white-noise\"\n"),
        ("amplify(0.1, blank())", "emergency = \"silence\"\n"),
    ] {
        let imported = programme(&format!("radio = fallback([s, {signal}])\n"));

        assert_eq!(imported.left, [""; 0], "{}", imported.toml);
        assert!(imported.toml.contains(expected), "{expected}\nis not in\n{}", imported.toml);
    }
}

#[test]
fn what_a_script_turns_while_it_runs_is_turned_by_a_name_like_that() {
    let imported = programme(
        "vol = interactive.float(\"main volume\", 0.5)\nthr = ref(-20.)\n\
         g = interactive.float(\"bass\", 2.)\nspeech = amplify(vol, s)\n\
         radio = compress(threshold={!thr}, filter.iir.eq.peak(frequency=100., gain=g, \
         filter.iir.eq.high(frequency=30., speech)))\n",
    );

    assert_eq!(imported.left, [""; 0], "{}", imported.toml);
    for expected in [
        "effect = \"gain\"\nid = \"main_volume\"\ngain_db = -6.021\n",
        "effect = \"equalizer\"\nid = \"bass\"\n",
        "frequency = 100, q = 1, gain_db = 2 }",
        "effect = \"compressor\"\nid = \"thr\"\nthreshold_db = -20\n",
        "# Note: line 5: main volume is taken as it is at first; var.set main_volume.gain_db \
         changes it, in decibels.\n",
        "var.set bass.2.gain_db changes it, in decibels.\n",
        "var.set thr.threshold_db changes it, in decibels.\n",
    ] {
        assert!(imported.toml.contains(expected), "{expected}\nis not in\n{}", imported.toml);
    }
}

#[test]
fn what_is_done_to_one_source_alone_and_what_no_effect_can_be_are_named() {
    for (radio, left) in [
        (
            "radio = limit(fallback([s, amplify(0.5, playlist(\"/b\"))]))\n",
            "line 2: a gain of one source alone; what a channel has is for all that it plays",
        ),
        ("radio = amplify(f(), s)\n", "line 2: amplify: its number is not a number here; 1 is"),
        ("radio = compress(lookahead=5., s)\n", "line 2: compress: lookahead: it does not look"),
        ("radio = compress(odd=5., s)\n", "line 2: compress: odd has no counterpart"),
        (
            "radio = fallback([playlist(\"http://u:p@h/x.m3u\"), s])\n",
            "line 2: the list `http://u:p@h/x.m3u`: a password in an address is seen by",
        ),
        (
            "radio = playlist(loop=false, prefix=\"\", timeout=5., \"/b\")\n",
            "line 2: playlist: loop has no counterpart",
        ),
        (
            "radio = playlist(loop=true, prefix=\"replaygain:\", \"/b\")\n",
            "line 2: playlist: prefix has no counterpart",
        ),
        ("radio = flanger(s)\n", "line 2: flanger has no counterpart"),
        (
            "radio = compress.multiband(s, [f()])\n",
            "line 2: compress.multiband: a band that is not",
        ),
        (
            "radio = filter.iir.eq.lowshelf(frequency=100., s)\n",
            "line 2: filter.iir.eq.lowshelf: how much it raises is not said",
        ),
    ] {
        let imported = programme(radio);

        let [line] = &imported.left[..] else { panic!("{radio}: {:?}", imported.left) };
        assert!(line.starts_with(left), "{radio}: {line}");
    }
    let both = programme("radio = fallback([amplify(0.5, s), amplify(0.5, playlist(\"/b\"))])\n");
    assert_eq!(both.left, [""; 0], "all that is played is as much softer");
    let beyond = programme("radio = compress(ratio=1000., attack=5000., s)\n");
    assert!(beyond.toml.contains("compressor: ratio of 1000 is 100 here"), "{}", beyond.toml);
    assert!(beyond.toml.contains("ratio = 100\n"), "{}", beyond.toml);
}

#[test]
fn the_alphabet_of_tags_is_taken_over_where_it_is_one_of_old() {
    for (encodings, charset, left) in [
        ("[\"UTF-8\", \"ISO-8859-1\"]", None, None),
        ("[\"UTF-8\", \"windows-1251\"]", Some("windows-1251"), None),
        ("[\"UTF-8\", \"CP1257\", \"ISO-8859-1\"]", Some("windows-1257"), None),
        ("[\"klingon\"]", None, Some("line 2: tags in klingon: no alphabet of old")),
        ("[\"KOI8-R\", \"CP1251\"]", Some("koi8-r"), Some("line 2: tags in CP1251: one")),
    ] {
        let imported = programme(&format!("settings.tag.encodings.set({encodings})\nradio = s\n"));

        let said = imported.toml.lines().find_map(|line| line.strip_prefix("tag_charset = "));
        assert_eq!(said, charset.map(|it| format!("\"{it}\"")).as_deref(), "{encodings}");
        assert_eq!(imported.left.len(), usize::from(left.is_some()), "{:?}", imported.left);
        assert!(left.is_none_or(|left| imported.left[0].starts_with(left)), "{:?}", imported.left);
    }
}

#[test]
fn a_list_elsewhere_is_taken_over_with_how_often_it_is_read() {
    for (arguments, reload, remark) in [
        ("", "never", ""),
        ("reload=300, ", "300s", ""),
        ("reload_mode=\"watch\", ", "watch", ""),
        (
            "reload_mode=\"rounds\", ",
            "watch",
            "a list elsewhere that was read after some rounds is",
        ),
    ] {
        let radio = format!("radio = playlist({arguments}\"https://h/day/list.m3u?a=b\")\n");

        let Imported { toml, left } = programme(&radio);

        let path = "path = \"https://h/day/list.m3u?a=b\"\n";
        let expected = format!("{path}order = \"shuffle\"\nreload = \"{reload}\"\n");
        assert!(toml.contains(&expected) && toml.contains(remark), "{toml}");
        assert_eq!(left, [""; 0]);
    }
}

#[test]
fn one_file_elsewhere_is_a_playlist_and_not_the_emergency() {
    let single = "single(\"https://h/on-air.mp3\")";

    let Imported { toml, left } = programme(&format!("radio = fallback([s, {single}])\n"));

    assert!(toml.contains("[playlists.on-air_mp3]\npath = \"https://h/on-air.mp3\"\n"), "{toml}");
    assert!(toml.contains("play = [\"music\", \"on-air_mp3\"]\nemergency = \"silence\"\n"));
    assert_eq!(left, [""; 0]);
}

/// A script of a list `s` on its first line, of `radio`, and of an output, as a configuration that
/// holds.
fn programme(radio: &str) -> Imported {
    let imported = import(&format!(
        "s = playlist(id=\"music\", \"/m\")\n{radio}\
         output.icecast(%mp3, mount=\"m\", password=\"x\", radio)\n",
    ));
    let file = std::path::Path::new("station.toml");
    crate::config::file::parse(file, &imported.toml).unwrap();
    imported
}

#[test]
fn two_effects_of_a_kind_and_who_is_told_of_silence_are_left() {
    let imported = import(
        "s = playlist(id=\"music\", \"/m\")\n\
         s = on_blank(f, normalize(replaygain(s)))\n\
         output.icecast(%mp3, mount=\"m\", password=\"x\", mksafe(s))\n",
    );

    assert_eq!(imported.left.len(), 2, "{:?}", imported.left);
    assert!(imported.left[0].contains("nobody is told of silence"), "{:?}", imported.left);
    assert!(imported.left[1].contains("a second effect of a kind"), "{:?}", imported.left);
}

#[test]
fn a_list_that_is_limited_in_one_place_is_not_in_another() {
    let imported = import(
        "music = playlist(id=\"music\", \"/m\")\nids = playlist(id=\"ids\", \"/ids\")\n\
         day = rotate([delay(600., ids), music])\n\
         s = switch([({6w}, music), ({7w}, day), ({true}, day)])\n\
         output.icecast(%mp3, mount=\"m\", password=\"x\", s)\n",
    );

    for expected in [
        "[playlists.music]\npath = \"/m\"\norder = \"shuffle\"\nreload = \"never\"\n\n",
        "[playlists.\"music.1\"]\npath = \"/m\"\norder = \"shuffle\"\nreload = \"never\"\n\
         when = [\"sat\"]\n",
        "[playlists.ids]\npath = \"/ids\"\norder = \"shuffle\"\nreload = \"never\"\n\
         every = \"600s\"\n",
        "[rotations.rotation]\nplay = [\"ids\", \"music\"]\nweights = [1, 1]\n\
         order = \"turns\"\n\n",
        "[rotations.\"rotation.1\"]\nplay = [\"ids\", \"music\"]\nweights = [1, 1]\n\
         order = \"turns\"\nwhen = [\"sun\"]\n",
        "play = [\"music.1\", \"rotation.1\", \"rotation\"]\n",
    ] {
        assert!(imported.toml.contains(expected), "{expected}\nis not in\n{}", imported.toml);
    }
}

#[test]
fn live_inputs_are_taken_over_with_the_names_of_their_commands() {
    let imported = import(
        "music = playlist(id=\"music\", \"/m\")\n\
         live = input.harbor(id=\"dj\", \"live\", port=8010, password=\"p\", buffer=3., \
         timeout=20.)\n\
         far = input.http(id=\"far\", buffer=100., \"http://h:8000/x.mp3\")\n\
         other = input.harbor(\"b\", auth=f)\n\
         radio = fallback(track_sensitive=false, [buffer(live), fallback([far, other, music])])\n\
         output.icecast(%mp3, mount=\"m\", password=\"x\", radio)\n",
    );

    assert_eq!(imported.left, ["line 4: input.harbor: auth has no counterpart"]);
    for expected in [
        "[inputs.dj]\nlisten = \"0.0.0.0:8010\"\nmount = \"/live\"\nuser = \"source\"\n\
         password = \"p\"\nbuffer = \"3s\"\nsilence_max = \"20s\"\n\n",
        "[inputs.far]\nurl = \"http://h:8000/x.mp3\"\nbuffer = \"60s\"\nstart = \"soft\"\n",
        "[inputs.\"input.harbor\"]\nlisten = \"0.0.0.0:8005\"\nmount = \"/b\"\n",
        "play = [\"dj\", \"far\", \"input.harbor\", \"music\"]\n",
        "is \"hackme\", as in the script; change it",
    ] {
        assert!(imported.toml.contains(expected), "{expected}\nis not in\n{}", imported.toml);
    }
    let file = std::path::Path::new("station.toml");
    crate::config::file::parse(file, &imported.toml).unwrap();
}

#[test]
fn a_predicate_that_is_not_understood_is_named() {
    let imported = import(
        "a = playlist(\"a.m3u\")\nb = playlist(\"b.m3u\")\n\
         s = switch([({is_night()}, b), ({true}, a)])\noutput.icecast(%mp3, mount=\"m\", s)\n",
    );

    let why = "line 3: when a branch of this switch plays is not understood";
    assert_eq!(imported.left, [why], "{}", imported.toml);
}

#[test]
fn of_a_script_with_everything_the_playlist_and_the_output_are_taken_over() {
    let imported = import(include_str!("scripts/full.liq"));

    for expected in [
        "[playlists.stream-queue_m3u]\n",
        "id = \"output.icecast.1\"\nchannel = \"radio\"\n",
        "id = \"vorbis\"\n",
        "telnet = \"127.0.0.1:19235\"",
        "emergency = \"silence\"\n",
        "[inputs.live]\nlisten = \"0.0.0.0:19280\"\nmount = \"/live.mp3\"\n",
    ] {
        assert!(imported.toml.contains(expected), "{expected}\nis not in\n{}", imported.toml);
    }
    let left = imported.left.join("\n");
    for expected in ["icy=true", "output.file", "interactive.bool", "server.register"] {
        assert!(left.contains(expected), "{expected} is not in\n{left}");
    }
}

#[test]
fn names_may_be_written_by_hand_and_are_quoted_where_they_must_be() {
    let imported = import(
        "output.icecast(%mp3(bitrate=192, internal_quality=0), encoding=\"latin1\", id=\"my out\", \
         password=\"p@ss/w\", host=\"h\", port=1, protocol=\"https\", mount=\"/m.mp3\", \
         mksafe(playlist(id=\"a \\\"b\\\"\", reload=60, \"x.pls\")))",
    );

    for expected in [
        "[playlists.'a_\"b\"']\n",
        "reload = \"60s\"\n",
        "id = \"my_out\"\nchannel = \"channel-1\"\nurl = \"https://source:p%40ss%2Fw@h:1/m.mp3\"\n",
        "charset = \"latin1\"\nformat = { codec = \"mp3\", bitrate = 192, quality = 0 }",
    ] {
        assert!(imported.toml.contains(expected), "{expected}\nis not in\n{}", imported.toml);
    }
}

#[test]
fn every_format_that_there_is_here_is_taken_over_as_it_is_meant() {
    for (theirs, ours) in [
        ("%mp3", "mp3\", bitrate = 128, quality = 2"),
        (
            "%mp3(mono, samplerate=22050, bitrate=48, internal_quality=5)",
            "mp3\", bitrate = 48, quality = 5, sample_rate = 22050, channels = 1",
        ),
        ("%mp3(stereo=true, bitrate=320)", "mp3\", bitrate = 320, quality = 2"),
        ("%mp3(stereo=false, bitrate=64)", "mp3\", bitrate = 64, quality = 2, channels = 1"),
        (
            "%mp3.vbr(quality=7, stereo_mode=\"stereo\")",
            "mp3\", vbr = 7, quality = 2, stereo = \"separate\"",
        ),
        ("%mp3.abr(bitrate=160)", "mp3\", mode = \"abr\", bitrate = 160, quality = 2"),
        ("%shine(bitrate=96)", "mp3\", bitrate = 96"),
        ("%vorbis", "vorbis\", quality = 3"),
        ("%vorbis(quality=0.62, channels=1)", "vorbis\", quality = 6, channels = 1"),
        ("%ogg(%vorbis.cbr(bitrate=96))", "vorbis\", bitrate = 96"),
        ("%vorbis.abr(samplerate=48000)", "vorbis\", bitrate = 128, sample_rate = 48000"),
        ("%opus", "opus\""),
        ("%opus(vbr=\"constrained\", bitrate=64, mono)", "opus\", bitrate = 64, channels = 1"),
        ("%opus(bitrate=\"auto\", samplerate=48000)", "opus\""),
        ("%flac(compression=5)", "flac\", container = \"native\""),
        ("%ogg(%flac(bits_per_sample=24))", "flac\", bits = 24"),
        ("%fdkaac", "aac\", profile = \"he-v2\", bitrate = 64"),
        ("%fdkaac(channels=1, bitrate=32)", "aac\", profile = \"he\", bitrate = 32, channels = 1"),
        ("%fdkaac(bitrate=96, afterburner=false)", "aac\", bitrate = 96"),
        ("%fdkaac(aot=\"mpeg4_he_aac\", bitrate=64)", "aac\", profile = \"he\", bitrate = 64"),
        ("%fdkaac(aot=\"mpeg2_aac_lc\", bitrate=128)", "aac\", bitrate = 128"),
        ("%aac(bitrate=96)", "aac\", bitrate = 96"),
        (
            "%ffmpeg(format=\"mp3\", %audio(codec=\"libmp3lame\", b=\"192k\", ar=48000))",
            "mp3\", bitrate = 192, sample_rate = 48000",
        ),
        ("%ffmpeg(format=\"mp3\", %audio(codec=\"libmp3lame\", q=2))", "mp3\", vbr = 2"),
        ("%ffmpeg(format=\"adts\", %audio(codec=\"aac\", b=96000))", "aac\", bitrate = 96"),
        (
            "%ffmpeg(format=\"adts\", %audio(codec=\"libfdk_aac\", b=\"48k\", profile=\"aac_he\"))",
            "aac\", profile = \"he\", bitrate = 48",
        ),
        ("%ffmpeg(format=\"ogg\", %audio(codec=\"libopus\", b=\"96k\"))", "opus\", bitrate = 96"),
        ("%ffmpeg(format=\"ogg\", %audio(codec=\"libvorbis\", q=5))", "vorbis\", quality = 5"),
        (
            "%ffmpeg(format=\"flac\", %audio(codec=\"flac\", ac=1))",
            "flac\", container = \"native\", channels = 1",
        ),
        ("%ffmpeg(format=\"ogg\", %audio(codec=\"flac\"))", "flac\""),
    ] {
        let imported = sent_as(theirs);

        assert_eq!(imported.left, [""; 0], "{theirs}");
        let expected = format!("format = {{ codec = \"{ours} }}\n");
        assert!(imported.toml.contains(&expected), "{theirs}: {expected}{}", imported.toml);
        let file = std::path::Path::new("station.toml");
        crate::config::file::parse(file, &imported.toml).unwrap();
    }
}

#[test]
fn what_a_format_cannot_be_told_here_is_named_with_its_line() {
    for (theirs, left) in [
        ("%mp3(bitrate=128, id3v2=true, frames=3)", "frames of %mp3"),
        ("%fdkaac(vbr=4, aot=\"mpeg4_aac_lc\")", "vbr of %fdkaac"),
        ("%fdkaac(afterburner=true)", "afterburner of %fdkaac"),
        ("%fdkaac(aot=\"mpeg4_aac_eld\")", "mpeg4_aac_eld, which is no profile of AAC here;"),
        ("%opus(dtx=true)", "dtx of %opus"),
        ("%opus(application=\"voip\")", "application of %opus"),
        ("%flac(bits_per_sample=32)", "FLAC of 32 bits; it is 16 or 24 here"),
        ("%mp3(channels=6)", "6 channels; two are sent"),
        ("%speex", "the format of this output is not understood"),
        ("%ffmpeg(format=\"mpegts\", %audio(codec=\"aac\"))", "the format of this output is not"),
        ("%mp3.abr(max_bitrate=192)", "max_bitrate of %mp3.abr"),
        ("%ffmpeg(format=\"mp3\", %audio.copy)", "the format of this output is not understood"),
    ] {
        let imported = sent_as(theirs);

        let [line] = &imported.left[..] else { panic!("{theirs}: {:?}", imported.left) };
        assert!(line.starts_with(&format!("line 2: {left}")), "{theirs}: {line}");
    }
    for (theirs, note) in [
        ("%mp3(bitrate=100)", "line 2: there is no 100 kbit/s; 96 is taken"),
        ("%fdkaac(bitrate=96)", "HE-AAC v2 unless an aot is said, which has no 96 kbit/s: AAC-LC"),
        ("%vorbis.cbr", "line 2: the bit rate of Vorbis varies here"),
    ] {
        let toml = sent_as(theirs).toml;
        assert!(toml.contains(note), "{theirs}: {toml}");
    }
}

/// A script of one list and one output, whose format is on the second line.
fn sent_as(format: &str) -> Imported {
    import(&format!(
        "a = playlist(\"a.m3u\")\n\
         output.icecast({format}, mount=\"m\", password=\"x\", mksafe(a))\n"
    ))
}

proptest! {
    #[test]
    fn any_text_becomes_toml(text in any::<String>()) {
        let imported = import(&text);
        prop_assert!(imported.toml.parse::<toml::Table>().is_ok(), "{}", imported.toml);
    }

    #[test]
    fn any_pieces_of_a_script_become_toml(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..12),
        cut in any::<proptest::sample::Index>(),
    ) {
        let script = pieces.join("");
        let cut = (0..=cut.index(script.len() + 1)).rev().find(|&at| script.is_char_boundary(at));
        for script in [&script[..], &script[..cut.unwrap()]] {
            let imported = import(script);
            prop_assert!(imported.toml.parse::<toml::Table>().is_ok(), "{}", imported.toml);
        }
    }
}

const PIECES: &[&str] = &[
    "a = playlist(\"x.m3u\")\n",
    "a = fallback([a, sine()])\n",
    "a = crossfade(duration=3., a)\n",
    "a = compress(ratio=1e300, threshold=-9., fallback([a, a, amplify(0. - 1. / 0., a)]))\n",
    "a = fallback([a, amplify(0. / 0., square(amplitude=9., 0. / 0.))])\n",
    "a = filter(freq=0., q=1e99, mode=\"low\", filter.iir.butterworth.low(order=20, a))\n",
    "a = fallback([input.harbor(\"l\", password=\"\u{7f}\"), a])\n",
    "a = rotate([input.http(\"http://h/x\"), a])\n",
    "b = a\n",
    "output.icecast(%mp3, mount=\"\u{7f}m\", b)\n",
    "output.icecast(%ffmpeg(format=\"adts\", %audio(codec=\"aac\", b=\"96k\")), a)\n",
    "output.icecast(%fdkaac(mono, bitrate=1e9, aot=\"\u{7f}\"), mount=\"m\", a)\n",
    "output.icecast(%ogg(%flac(samplerate=-1.)), mount=\"m\", a)\n",
    "set(\"server.telnet\", true)\n",
    "def f(x) =\n x\nend\n",
    "x = y ?? \"a\nb\"\n",
    "single(\"/tmp/\\\\x\") ",
    "a.on_track(f)\n",
    "r = a\r\n\tq = \"\u{0}\"\n",
];
