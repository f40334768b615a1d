//! Functions of a script: what they come to where they are called.

use super::heard::has_liquidsoap;
use super::import;
use std::process::Command;

#[test]
fn a_function_is_what_it_does_where_it_is_called() {
    for (script, plainly) in SAME {
        let (ours, plainly) = (import(&whole(script)), import(&whole(plainly)));

        assert_eq!(ours.left, [""; 0], "{script}");
        assert_eq!(said(&ours.toml), said(&plainly.toml), "{script}");
    }
}

#[test]
fn liquidsoap_takes_the_functions_that_we_take() {
    if !has_liquidsoap() {
        eprintln!("not run: whether Liquidsoap takes our functions, because it is not installed");
        assert!(std::env::var_os("CARRIER_PEERS").is_none(), "CI must have Liquidsoap");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("script.liq");
    // One after the other in one script, since a start takes seconds.
    let script: String = SAME.iter().map(|(script, _)| whole(script)).collect();
    std::fs::write(&path, &script).unwrap();

    let mut liquidsoap = Command::new("timeout");
    let output = liquidsoap.args(["120", "liquidsoap", "--check"]).arg(&path).output().unwrap();

    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn what_a_function_is_not_given_or_cannot_be_is_named_with_its_line() {
    for (script, left) in [
        ("def f(s) = s end\nradio = f(s, s)", "line 3: f: it is given 1 more than it takes"),
        ("def f(~gain, s) = amplify(gain, s) end\nradio = f(s)", "line 3: f: gain is not given"),
        ("def f(s) = s end\nradio = f(by=2., s)", "line 3: f: it takes nothing called by"),
        ("def f({a, b}, s) = s end\nradio = f(x, s)", "line 3: f: what it takes is not understood"),
        ("def f(s) = f(s) end\nradio = f(s)", "line 2: f has no counterpart"),
        ("def f(s) =\n  flanger(s)\nend\nradio = f(s)", "line 3: flanger has no counterpart"),
        (
            "def f(s) = if random.bool() then s else s end end\nradio = f(s)",
            "line 3: f: what it makes is not understood",
        ),
    ] {
        let imported = import(&whole(script));

        assert_eq!(imported.left, [left], "{script}");
        assert!(
            imported.toml.contains("play = [\"music\"]\n"),
            "the source is played all the same"
        );
    }
}

#[test]
fn functions_that_call_each_other_without_end_are_read_to_an_end() {
    let mut script = "def f0(s) = fallback([s, s]) end\n".to_owned();
    for number in 1..60 {
        let before = number - 1;
        script += &format!("def f{number}(s) = f{before}(f{before}(s)) end\n");
    }
    let doubled = import(&whole(&format!("{script}radio = f59(s)")));
    assert!(!doubled.left.is_empty());

    let deep = (1..200).map(|it| format!("def f{it}(s) = f{}(s) end\n", it - 1));
    let deep: String = ["def f0(s) = s end\n".to_owned()].into_iter().chain(deep).collect();
    let deep = import(&whole(&format!("{deep}radio = f199(s)")));
    assert!(deep.left.iter().any(|left| left.contains("nested too deep")), "{:?}", deep.left);
}

/// What `toml` says, without its notes, which name lines.
fn said(toml: &str) -> Vec<&str> {
    toml.lines().filter(|line| !line.starts_with("# Note: ")).collect()
}

/// A script of a station that plays `radio`.
fn whole(script: &str) -> String {
    format!(
        "s = playlist(id=\"music\", \"/tmp\")\n{script}\n\
         output.icecast(%mp3, mount=\"m\", password=\"x\", mksafe(radio))\n"
    )
}

/// Scripts with functions, and without.
const SAME: [(&str, &str); 14] = [
    ("def f(s) = amplify(2., s) end\nradio = f(s)", "radio = amplify(2., s)"),
    ("def f(s)\n  amplify(2., s)\nend\nradio = f(s)", "radio = amplify(2., s)"),
    ("f = fun (x) -> amplify(2., x)\nradio = f(s)", "radio = amplify(2., s)"),
    (
        "def f(~gain=2., (x:source)) =\n  x = limit(x)\n  print(\"a\")\n  amplify(gain, x)\nend\n\
         radio = f(f(gain=3., s))",
        "radio = amplify(2., limit(amplify(3., limit(s))))",
    ),
    // Names mean what they meant where the function was defined.
    (
        "a = playlist(id=\"a\", \"/tmp\")\ndef f(s) = rotate([s, fallback([a])]) end\n\
         a = playlist(id=\"b\", \"/tmp\")\nradio = f(fallback([a]))",
        "a = playlist(id=\"a\", \"/tmp\")\nb = playlist(id=\"b\", \"/tmp\")\n\
         radio = rotate([fallback([b]), fallback([a])])",
    ),
    // And its own definitions are nobody else's.
    (
        "g = 0.5\ndef f(s) =\n  g = 2.\n  amplify(g, s)\nend\nradio = amplify(g, f(s))",
        "radio = amplify(0.5, amplify(2., s))",
    ),
    (
        "def twice(f, s) = f(f(s)) end\nradio = twice(fun (x) -> amplify(2., x), s)",
        "radio = amplify(2., amplify(2., s))",
    ),
    (
        "def outer(s) =\n  def inner(g) = amplify(g, s) end\n  inner(3.)\nend\nradio = outer(s)",
        "radio = amplify(3., s)",
    ),
    (
        "def f(~loud=false, s) = if loud then amplify(2., s) else s end end\n\
         radio = f(loud=true, f(s))",
        "radio = amplify(2., s)",
    ),
    (
        "def jingles(~every=600., dir) = delay(every, playlist(id=\"jingles\", dir)) end\n\
         radio = fallback([jingles(\"/tmp\"), s])",
        "radio = fallback([delay(600., playlist(id=\"jingles\", \"/tmp\")), s])",
    ),
    // What sends is a function too, and may be given its format.
    (
        "radio = s\ndef out(~mount, format, s) =\n\
         \x20 output.icecast(format, mount=mount, password=\"x\", mksafe(s))\nend\n\
         out(mount=\"a\", %mp3(bitrate=192), radio)\nout(mount=\"b\", %vorbis, radio)",
        "radio = s\noutput.icecast(%mp3(bitrate=192), mount=\"a\", password=\"x\", mksafe(radio))\n\
         output.icecast(%vorbis, mount=\"b\", password=\"x\", mksafe(radio))",
    ),
    (
        "radio = s\ndef out(s) = output.icecast(%mp3, mount=\"a\", password=\"x\", mksafe(s)) end\n\
         o = out(radio)",
        "radio = s\noutput.icecast(%mp3, mount=\"a\", password=\"x\", mksafe(radio))",
    ),
    (
        "radio = s\nignore(output.icecast(%mp3, mount=\"a\", password=\"x\", mksafe(radio)))",
        "radio = s\noutput.icecast(%mp3, mount=\"a\", password=\"x\", mksafe(radio))",
    ),
    (
        "radio = begin\n  quiet = amplify(0.5, s)\n  limit(quiet)\nend",
        "radio = limit(amplify(0.5, s))",
    ),
];
