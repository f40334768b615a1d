//! Listeners that must say who they are, and who manages them.

use crate::Area;
use crate::script::{
    Admin, Group, Nobody, Other, Relay, Source, ask, listen, on_air, until_listeners,
};

pub(crate) const AREA: Area = Area { name: "auth", groups, pending: PENDING };

const PENDING: &[(&str, &str)] = &[];

/// `alice:secret` and `bob:pass`, as Icecast keeps them: MD5, without salt.
const USERS: &str =
    "alice:5ebe2294ecd0e0f08eab7690d2a6ee69\nbob:1a1dc91c907325c69271ddf0c944bc72\n";

fn groups() -> Vec<Group> {
    vec![listening(), managing(), pages()]
}

fn mount(name: &str, file: &str, more: &str) -> String {
    format!(
        "<mount><mount-name>{name}</mount-name><authentication type=\"htpasswd\">\
         <option name=\"filename\" value=\"{{folder}}/{file}\"/>{more}</authentication></mount>"
    )
}

fn listening() -> Group {
    let once = "<option name=\"allow_duplicate_users\" value=\"0\"/>";
    let xml = mount("/closed.mp3", "users", "")
        + &mount("/once.mp3", "users", once)
        + &mount("/absent.mp3", "users", "");
    let closed = |user, password| listen("l", "GET /closed.mp3").by(Other(user, password));
    Group::with(&xml)
        .file("users", USERS)
        .standing([on_air("/closed.mp3"), on_air("/once.mp3"), on_air("/open.mp3")])
        .case("right", [closed("alice", "secret")])
        .case("nobody", [listen("l", "GET /closed.mp3")])
        .case("wrong-password", [closed("alice", "wrong")])
        .case("unknown-user", [closed("carol", "secret")])
        .case("empty-password", [closed("alice", "")])
        .case("admin-is-no-listener", [listen("l", "GET /closed.mp3").by(Admin)])
        .case("in-query", [listen("l", "GET /closed.mp3?user=alice&pass=secret")])
        .case("absent-nobody", [ask("GET /absent.mp3")])
        .case("absent-right", [ask("GET /absent.mp3").by(Other("alice", "secret"))])
        .case("open-with-credentials", [listen("l", "GET /open.mp3").by(Other("x", "y"))])
        .case("playlist-of-closed", [ask("GET /closed.mp3.m3u")])
        .case(
            "source-of-closed",
            [ask("GET /admin/metadata?mount=/closed.mp3&mode=updinfo&song=S").by(Source)],
        )
        .case(
            "twice",
            [
                listen("one", "GET /once.mp3").by(Other("alice", "secret")),
                until_listeners("/once.mp3", 1),
                listen("two", "GET /once.mp3").by(Other("alice", "secret")),
                listen("three", "GET /once.mp3").by(Other("bob", "pass")),
                ask("GET /admin/listclients?mount=/once.mp3").by(Admin).only("<username>"),
            ],
        )
        .case(
            "stats-name-it",
            [
                ask("GET /admin/stats?mount=/closed.mp3").by(Admin).only("<authenticator>"),
                ask("GET /admin/listmounts").by(Admin).only("<authenticator>"),
            ],
        )
}

fn managing() -> Group {
    let manage = |query: &str| ask(&format!("GET /admin/manageauth?mount=/closed.mp3{query}"));
    Group::with(&(mount("/closed.mp3", "users", "") + &mount("/new.mp3", "new-users", "")))
        .file("users", USERS)
        .standing([on_air("/closed.mp3"), on_air("/new.mp3"), on_air("/open.mp3")])
        .case("manage-list", [manage("").by(Admin)])
        .case(
            "manage-list-xsl",
            [ask("GET /admin/manageauth.xsl?mount=/closed.mp3").by(Admin).head()],
        )
        .case("manage-nobody", [manage("").by(Nobody)])
        .case("manage-source", [manage("").by(Source)])
        .case(
            "manage-add",
            [
                manage("&action=add&username=carol&password=pw").by(Admin).only("<message>"),
                listen("l", "GET /closed.mp3").by(Other("carol", "pw")),
                manage("&action=delete&username=carol").by(Admin).only("<message>"),
            ],
        )
        .case(
            "manage-add-twice",
            [manage("&action=add&username=bob&password=pw").by(Admin).only("<message>")],
        )
        .case("manage-add-no-password", [manage("&action=add&username=dora").by(Admin)])
        .case("manage-add-no-user", [manage("&action=add&password=pw").by(Admin)])
        .case(
            "manage-delete-unknown",
            [manage("&action=delete&username=zed").by(Admin).only("<message>")],
        )
        .case("manage-unknown-action", [manage("&action=frob").by(Admin).only("<message>")])
        .case("manage-without-users", [ask("GET /admin/manageauth?mount=/open.mp3").by(Admin)])
        .case(
            "manage-new-file",
            [
                ask("GET /admin/manageauth?mount=/new.mp3&action=add&username=eve&password=pw")
                    .by(Admin),
                listen("l", "GET /new.mp3").by(Other("eve", "pw")),
            ],
        )
        .case("relay-list", [ask("GET /admin/streamlist.txt").by(Relay)])
        .case("relay-elsewhere", [ask("GET /admin/listmounts").by(Relay)])
}

/// Icecast asks for a name and a password on a page too, if a mount section is named like it.
fn pages() -> Group {
    Group::with(&mount("/status.xsl", "users", ""))
        .file("users", USERS)
        .case("page-nobody", [ask("GET /status.xsl")])
        .case("page-right", [ask("GET /status.xsl").by(Other("alice", "secret")).status()])
}
