//! Tests of variables, which are the parameters of effects.

use super::*;

#[test]
fn variables_are_listed_told_and_set() {
    let station = Station::new();

    assert_eq!(
        station.said("var.list"),
        "stereo.mono : bool\nstereo.swap : bool\nstereo.width : float\n\
         volume.gain_db : float\nvolume.pan : float"
    );
    assert_eq!(station.said("var.get volume.gain_db"), "0.000");
    assert_eq!(station.said("var.set volume.gain_db = -3.5"), "Variable volume.gain_db set.");
    assert_eq!(station.said("var.get main.volume.gain_db"), "-3.500");
    let Ok(Command::Sound(chain)) = station.commands.try_recv() else { panic!("nobody is told") };
    assert_eq!(chain.parameters()[0].value, -3.5);
    assert_eq!(station.said("var.set stereo_mono true"), "Variable stereo_mono set.");
    assert_eq!(station.said("var.get stereo.mono"), "true");
}

#[test]
fn a_variable_is_set_with_or_without_blanks_and_equals_signs() {
    for line in ["var.set volume.pan=0.5", "var.set volume.pan = 0.5", "var.set volume.pan 0.5"] {
        let station = Station::new();
        assert_eq!(station.said(line), "Variable volume.pan set.", "{line}");
        assert_eq!(station.said("var.get volume.pan"), "0.500");
    }
}

#[test]
fn a_variable_that_cannot_be_set_stays_and_it_is_said_why() {
    let station = Station::new();

    assert_eq!(
        station.said("var.set volume.gain_db = 40"),
        "ERROR: volume.gain_db: 40 is not from -60 to 24 dB."
    );
    assert_eq!(
        station.said("var.set volume.gain_db = loud"),
        "ERROR: volume.gain_db: `loud` is not a number of decibels such as -3.5."
    );
    assert_eq!(station.said("var.set volume = 1"), "Syntax error or variable not found.");
    assert_eq!(station.said("var.set"), "Syntax error or variable not found.");
    assert_eq!(station.said("var.get"), "Variable not found.");
    for _ in 0..2 {
        assert_eq!(station.said("var.set volume.pan = 1"), "Variable volume.pan set.");
    }
    let refused = station.said("var.set volume.gain_db = 1");
    assert!(refused.starts_with("ERROR: volume.gain_db: too many wishes"), "{refused}");
    assert_eq!(station.said("var.get volume.gain_db"), "0.000", "what nobody is told is not set");
}
