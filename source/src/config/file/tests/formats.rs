//! Tests of what outputs are encoded as.

use super::*;

#[test]
fn a_lower_rate_has_bit_rates_of_its_own() {
    let text = |bitrate: &str| {
        format!(
            "playlists.m.path = 'm'\nchannels.c.sample_rate = 22050\n[[outputs]]\n\
             url = 'http://x@one/a.mp3'\n{bitrate}"
        )
    };

    assert_eq!(parsed(&text("")).unwrap().outputs[0].format, mp3(22_050, 128, 3));
    let low = parsed(&text("format.bitrate = 8")).unwrap();
    assert_eq!(low.outputs[0].format, mp3(22_050, 8, 3));
    assert!(parsed(&text("format.bitrate = 192")).unwrap_err().contains("192 is none of 8, 16,"));
}

#[cfg(feature = "aac")]
#[test]
fn aac_has_profiles_and_each_has_bit_rates_of_its_own() {
    for (format, profile, bitrate_kbps) in [
        ("codec = 'aac'", Profile::Lc, 96),
        ("codec = 'aac', bitrate = 320", Profile::Lc, 320),
        ("codec = 'aac', profile = 'he'", Profile::He, 48),
        ("codec = 'aac', profile = 'he-v2', bitrate = 24", Profile::HeV2, 24),
    ] {
        let expected =
            Format::Aac(Aac { rate_hz: 44_100, channels: Channels::Stereo, bitrate_kbps, profile });
        assert_eq!(with_format(44_100, format).unwrap().outputs[0].format, expected, "{format}");
    }
    for (rate_hz, format, expected) in [
        (44_100, "codec = 'aac', bitrate = 321", "format.bitrate: 321 is not from 24 to 320"),
        (22_050, "codec = 'aac', profile = 'he'", "sample_rate: 22050 is none of 32000,"),
        (44_100, "codec = 'aac', profile = 'hev2'", "did you mean \"he-v2\"?"),
        (44_100, "codec = 'aac', quality = 3", "format.quality: unknown key"),
    ] {
        let mistakes = with_format(rate_hz, format).unwrap_err();
        assert!(mistakes.contains(expected), "{mistakes}");
    }
}

#[test]
fn opus_has_titles_in_the_stream_or_aside() {
    for (format, bitrate_kbps, titles) in [
        ("codec = 'opus'", 96, Titles::InStream),
        ("codec = 'opus', bitrate = 64, titles = 'admin'", 64, Titles::Aside),
    ] {
        let expected = Format::Opus(Opus { channels: Channels::Stereo, bitrate_kbps, titles });
        assert_eq!(with_format(44_100, format).unwrap().outputs[0].format, expected, "{format}");
    }
    let mistakes = with_format(44_100, "codec = 'opus', bitrate = 8").unwrap_err();
    assert!(mistakes.contains("format.bitrate: 8 is not from 16 to 510"), "{mistakes}");
}

#[test]
fn mp3_has_a_variable_bit_rate_one_channel_or_two_apart_and_rates_of_its_own() {
    let usual = Mp3::constant(44_100, 128, 3);
    for (format, expected) in [
        ("codec = 'mp3'", usual),
        ("codec = 'mp3', vbr = 2", Mp3 { bits: Bits::Variable(2), ..usual }),
        ("codec = 'mp3', stereo = 'separate'", Mp3 { sides: Sides::Separate, ..usual }),
        (
            "codec = 'mp3', channels = 1",
            Mp3 { sides: Sides::Mono, bits: Bits::Constant(64), ..usual },
        ),
        (
            "codec = 'mp3', sample_rate = 11025, bitrate = 16",
            Mp3 { rate_hz: 11_025, bits: Bits::Constant(16), ..usual },
        ),
    ] {
        let format_read = with_format(44_100, format).unwrap().outputs[0].format;
        assert_eq!(format_read, Format::Mp3(expected), "{format}");
    }
    for (format, expected) in [
        ("codec = 'mp3', vbr = 10", "format.vbr: 10 is none of 0, 1,"),
        ("codec = 'mp3', vbr = 2, bitrate = 128", "format.bitrate: unknown key"),
        ("codec = 'mp3', channels = 1, stereo = 'joint'", "format.stereo: unknown key"),
        ("codec = 'mp3', sample_rate = 8000, bitrate = 96", "format.bitrate: 96 is none of 8, 16,"),
    ] {
        let mistakes = with_format(44_100, format).unwrap_err();
        assert!(mistakes.contains(expected), "{mistakes}");
    }
}

#[test]
fn vorbis_has_a_quality_or_a_bit_rate() {
    let usual = Vorbis {
        rate_hz: 44_100,
        channels: Channels::Stereo,
        aim: Aim::Quality(4),
        titles: Titles::InStream,
    };
    for (format, expected) in [
        ("codec = 'vorbis'", usual),
        ("codec = 'vorbis', quality = 10", Vorbis { aim: Aim::Quality(10), ..usual }),
        (
            "codec = 'vorbis', bitrate = 160, titles = 'admin'",
            Vorbis { aim: Aim::Bitrate(160), titles: Titles::Aside, ..usual },
        ),
        (
            "codec = 'vorbis', channels = 1, sample_rate = 22050",
            Vorbis { rate_hz: 22_050, channels: Channels::Mono, ..usual },
        ),
    ] {
        let format_read = with_format(44_100, format).unwrap().outputs[0].format;
        assert_eq!(format_read, Format::Vorbis(expected), "{format}");
    }
    for (format, expected) in [
        ("codec = 'vorbis', quality = 11", "format.quality: 11 is not from 0 to 10"),
        ("codec = 'vorbis', bitrate = 501", "format.bitrate: 501 is not from 32 to 500"),
        ("codec = 'vorbis', bitrate = 96, quality = 3", "format.quality: unknown key"),
    ] {
        let mistakes = with_format(44_100, format).unwrap_err();
        assert!(mistakes.contains(expected), "{mistakes}");
    }
}

#[test]
fn the_mode_of_mp3_is_a_constant_a_variable_or_an_average_bit_rate() {
    let bits = |format: &str| {
        let Format::Mp3(mp3) = with_format(44_100, format).unwrap().outputs[0].format else {
            panic!("{format}")
        };
        mp3.bits
    };
    assert_eq!(bits("mode = 'cbr', bitrate = 96"), Bits::Constant(96));
    assert_eq!(bits("mode = 'abr', bitrate = 96"), Bits::Average(96));
    assert_eq!(bits("mode = 'abr', channels = 1"), Bits::Average(64));
    assert_eq!(bits("mode = 'vbr'"), Bits::Variable(4));
    assert_eq!(bits("mode = 'vbr', vbr = 2"), Bits::Variable(2));
    for (format, expected) in [
        ("mode = 'abr', bitrate = 100", "format.bitrate: 100 is none of 32, 40,"),
        ("mode = 'abr', vbr = 2", "format.vbr: unknown key"),
        ("mode = 'cbr', vbr = 2", "format.vbr: unknown key"),
        ("mode = 'vbr', bitrate = 128", "format.bitrate: unknown key"),
    ] {
        let mistakes = with_format(44_100, format).unwrap_err();
        assert!(mistakes.contains(expected), "{mistakes}");
    }
}

#[test]
fn flac_has_a_container_a_depth_and_a_rate_and_channels_of_its_own() {
    let usual = Flac {
        rate_hz: 44_100,
        channels: Channels::Stereo,
        depth: Depth::Bits16,
        container: Container::Ogg(Titles::InStream),
    };
    let aside = Container::Ogg(Titles::Aside);
    for (format, expected) in [
        ("codec = 'flac'", usual),
        ("codec = 'flac', bits = 24", Flac { depth: Depth::Bits24, ..usual }),
        ("codec = 'flac', titles = 'admin'", Flac { container: aside, ..usual }),
        ("codec = 'flac', container = 'native'", Flac { container: Container::Native, ..usual }),
        ("codec = 'flac', channels = 1", Flac { channels: Channels::Mono, ..usual }),
        ("codec = 'flac', sample_rate = 8000", Flac { rate_hz: 8_000, ..usual }),
    ] {
        let format_read = with_format(44_100, format).unwrap().outputs[0].format;
        assert_eq!(format_read, Format::Flac(expected), "{format}");
    }
    for (format, expected) in [
        ("codec = 'flac', bits = 20", "format.bits: 20 is none of 16, 24"),
        ("codec = 'flac', channels = 6", "format.channels: 6 is none of 1, 2"),
        ("codec = 'flac', sample_rate = 96000", "format.sample_rate: 96000 is none of 8000,"),
        ("codec = 'flac', container = 'native', titles = 'stream'", "format.titles: unknown key"),
    ] {
        let mistakes = with_format(44_100, format).unwrap_err();
        assert!(mistakes.contains(expected), "{mistakes}");
    }
}

#[test]
fn files_pass_only_where_they_can() {
    let passes = |channel: &str, format: &str| {
        let text = format!(
            "playlists.m.path = 'm'\n[channels.c]\n{channel}\n[[outputs]]\n\
             url = 'http://x@one/a'\nformat = {{ {format} }}"
        );
        parsed(&text).map(|config| config.outputs[0].passthrough)
    };
    let formats =
        ["codec = 'flac'", "codec = 'mp3', bitrate = 128", "codec = 'opus'", "codec = 'vorbis'"];
    for format in formats.into_iter().chain(cfg!(feature = "aac").then_some("codec = 'aac'")) {
        assert_eq!(passes("", format), Ok(false));
        assert_eq!(passes("", &format!("{format}, passthrough = true")), Ok(true));
    }
    for (channel, format, expected) in [
        ("", "codec = 'mp3', mode = 'vbr'", "MP3 whose bit rate varies is always encoded"),
        ("", "codec = 'mp3', mode = 'abr'", "files pass with mode = \"cbr\""),
        ("", "codec = 'flac', container = 'native'", "FLAC without Ogg is always encoded"),
        ("", "codec = 'opus', titles = 'admin'", "it wants titles = \"stream\""),
        ("crossfade.duration = '2s'", "codec = 'opus'", "crossfaded; channel c does so"),
        ("crossfade.mode = 'smart'", "codec = 'opus'", "crossfaded; channel c does so"),
        ("sound = [{ effect = 'limiter' }]", "codec = 'opus'", "through effects"),
        ("replay_gain = true", "codec = 'opus'", "as loud as others; channel c does so"),
    ] {
        let mistakes = passes(channel, &format!("{format}, passthrough = true")).unwrap_err();
        assert!(mistakes.contains("outputs[1].format.passthrough: "), "{mistakes}");
        assert!(mistakes.contains(expected), "{mistakes}");
    }
}

#[cfg(not(feature = "aac"))]
#[test]
fn a_program_without_aac_says_so() {
    let mistakes = with_format(44_100, "codec = 'aac'").unwrap_err();

    assert!(mistakes.contains("format.codec: this program was built without AAC"), "{mistakes}");
}

/// A station of `rate_hz` with an output of `format`.
fn with_format(rate_hz: u32, format: &str) -> Result<Config, String> {
    parsed(&format!(
        "playlists.m.path = 'm'\nchannels.c.sample_rate = {rate_hz}\n[[outputs]]\n\
         url = 'http://x@one/a'\nformat = {{ {format} }}"
    ))
}
