//! The matrix as a table in `README.md`, which is compared with what the tests do.

use super::{Kind, PLAYERS, ROWS, Sender, Server, excuse};

#[test]
fn the_table_in_the_readme_is_what_the_tests_hear() {
    let table = table();

    assert!(README.contains(&table), "put this into tests/it/matrix/README.md:\n\n{table}");
}

/// A line for each row, and after them the reasons that its numbers stand for.
fn table() -> String {
    let columns = || SERVERS.into_iter().flat_map(|server| PLAYERS.map(|player| (server, player)));
    let heads = columns().map(|(server, player)| match server {
        Server::Icecast => format!(" I: {} |", player.program()),
        Server::Ours => format!(" {} |", player.program()),
    });
    let mut table = format!("| format | from |{}\n", heads.collect::<String>());
    table += &format!("|---|---|{}\n", "---|".repeat(columns().count()));
    let mut reasons = Vec::new();
    let mut last = "";
    for (kind, sender) in ROWS {
        let name = if kind.name == last { "" } else { kind.name };
        last = kind.name;
        table += &format!("| {name} | {} |", sender.name());
        for (server, player) in columns() {
            table += &match excuse(kind, server, player) {
                None => " + |".to_owned(),
                Some(reason) => format!(" {} |", number(reason, &mut reasons)),
            };
        }
        table += "\n";
    }
    table += "\n";
    for (at, reason) in reasons.iter().enumerate() {
        table += &format!("{}. {reason}\n", at + 1);
    }
    table
}

/// Which of the `reasons` it is, from 1; noted if it is new.
fn number(reason: &'static str, reasons: &mut Vec<&'static str>) -> usize {
    let known = reasons.iter().position(|other| *other == reason);
    known.map_or_else(
        || {
            reasons.push(reason);
            reasons.len()
        },
        |at| at + 1,
    )
}

#[test]
fn a_sender_that_has_a_format_has_a_row_for_it() {
    for (kind, _) in ROWS {
        let has = |sender: Sender| {
            ROWS.iter().any(|(other, by)| other.name == kind.name && *by == sender)
        };
        let is_sent = |kind: &Kind| (kind.liquidsoap.is_some(), kind.ours.is_some());

        let rows = (has(Sender::Liquidsoap), has(Sender::Ours));

        assert_eq!(rows, is_sent(kind), "{}", kind.name);
        assert!(has(Sender::Ffmpeg), "{}", kind.name);
    }
}

const SERVERS: [Server; 2] = [Server::Ours, Server::Icecast];
const README: &str = include_str!("README.md");
