//! The example configurations are the manual: every key in them is known, and every key that is
//! known stands in them.

use crate::files::root;
use std::path::Path;

#[test]
fn the_servers_example_is_read_without_a_mistake_and_holds_every_key() {
    let text = read("examples/server.toml");
    let said = |text: &str| server::Config::read("server.toml", text).map_err(|m| m.to_string());

    assert_eq!(said(&text).map(drop), Ok(()));
    for section in [
        "",
        "[server]",
        "[[shoutcast]]",
        "[tls]",
        "[passwords]",
        "[limits]",
        "[files]",
        "[[files.alias]]",
        "[[http_header]]",
        "[logs]",
        "[[relay]]",
        "[master]",
        "[[directory]]",
        "[access]",
        "[mount_defaults]",
        "[mounts.'/x']",
        "[mounts.'/x'.listeners]",
        "[mounts.'/x'.url_auth]",
    ] {
        let stranger = format!("{section}\nzzzzzzzzzzzz = 1\n");
        assert_keys_stand_in(&text, &said(&stranger).unwrap_err());
    }
}

#[test]
fn the_origin_and_its_edges_are_read_without_a_mistake_once_the_environment_has_its_say() {
    for file in ["origin", "edge"] {
        let mut text = read(&format!("examples/edges/{file}.toml"));
        for (name, value) in [
            ("HOSTNAME_ORIGIN", "radio.example"),
            ("HOSTNAME_EDGE", "radio.example"),
            ("ORIGIN", "origin:8000"),
            ("SOURCE_PASSWORD", "s"),
            ("ADMIN_PASSWORD", "a"),
            ("RELAY_PASSWORD", "r"),
        ] {
            text = text.replace(&format!("${{{name}}}"), value);
        }
        let said = server::Config::read(file, &text).map_err(|mistakes| mistakes.to_string());
        assert_eq!(said.map(drop), Ok(()), "{file}");
    }
}

#[test]
fn the_sources_example_is_read_without_a_mistake_and_holds_every_key() {
    let text = read("examples/station.toml");
    let said = |text: &str| {
        let parsed = source::config::file::parse(Path::new("station.toml"), text);
        parsed.map_err(|mistakes| mistakes.to_string())
    };

    assert_eq!(said(&text).map(drop), Ok(()));
    for section in [
        "[station]",
        "[playlists.x]",
        "[channels.x]",
        "[channels.x.crossfade]",
        "[[outputs]]",
        "[[outputs]]\n[outputs.format]",
        "[control]",
    ] {
        let stranger = format!("{section}\nzzzzzzzzzzzz = 1\n");
        assert_keys_stand_in(&text, &said(&stranger).unwrap_err());
    }
    for effect in source::config::file::TRACK_EFFECTS.into_iter().chain(source::sound::NAMES) {
        assert!(text.contains(&format!("effect = \"{effect}\"")), "{effect}");
        let section = format!("[[channels.x.sound]]\neffect = \"{effect}\"");
        let stranger = format!("{section}\nzzzzzzzzzzzz = 1\n");
        assert_keys_stand_in(&text, &said(&stranger).unwrap_err());
    }
}

#[test]
fn the_sources_example_is_let_in_by_the_servers_example() {
    let config = server::Config::read("server.toml", &read("examples/server.toml"));
    let config = config.unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let text = read("examples/station.toml");
    let station = source::config::file::parse(Path::new("station.toml"), &text);
    let station = station.unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let output = &station.outputs[0];

    let mount = server::MountName::new(&output.address.mount).expect("the mount of the example");
    let password = config.mount(&mount).password.as_ref().expect("a password for sources");
    assert!(password.matches(output.address.credentials.password.reveal()), "{mount} refuses it");
}

/// The keys of a section are what a message about an unknown one lists.
fn assert_keys_stand_in(text: &str, mistakes: &str) {
    let (_, known) =
        mistakes.rsplit_once("known here: ").expect("a stranger is met with all that is known");
    let known = known.lines().next().expect("a text has a first line");
    for key in known.split(", ") {
        let heads = |line: &str| {
            let name = line.trim_matches(['[', ']']);
            line.starts_with('[') && name.split(['.', '"']).any(|step| step == key)
        };
        // What excludes another key that is said stands in a comment.
        let says = |line: &str| line.trim_start_matches("# ").starts_with(&format!("{key} = "));
        let stands = text.lines().any(|line| says(line) || heads(line));
        assert!(stands, "`{key}` is known and stands in no line of the example");
    }
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).expect("the example is there")
}
