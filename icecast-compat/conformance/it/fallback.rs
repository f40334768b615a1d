//! Where listeners go when their source leaves, and what else they hear.

use crate::Area;
use crate::script::{
    Admin, Group, Hear, Step, ask, ends, hear, leave, listen, on_air, on_air_as, play, until_gone,
    until_listeners,
};
use conformance::stream::SOURCE_FRAMES;
use e2e::frames;
use std::ops::Range;

pub(crate) const AREA: Area = Area { name: "fallback", groups, pending: PENDING };

const PENDING: &[(&str, &str)] = &[];

fn groups() -> Vec<Group> {
    vec![between_mounts(), files()]
}

/// The frames of the second source, which are told from those of the first.
fn second(numbers: Range<u64>) -> Range<u64> {
    SOURCE_FRAMES + numbers.start..SOURCE_FRAMES + numbers.end
}

/// A source whose frames are the second's.
fn second_on_air(mount: &'static str) -> Step {
    on_air_as(mount, "audio/mpeg", &frames::run(second(0..10)))
}

fn mount(name: &str, fallback: &str, more: &str) -> String {
    format!(
        "<mount><mount-name>{name}</mount-name><fallback-mount>{fallback}</fallback-mount>{more}\
         </mount>"
    )
}

#[expect(clippy::too_many_lines, reason = "a table is as long as it has cases")]
fn between_mounts() -> Group {
    let over = "<fallback-override>1</fallback-override>";
    let full = "<max-listeners>1</max-listeners><fallback-when-full>1</fallback-when-full>";
    let xml = mount("/main", "/spare", "")
        + &mount("/over", "/spare", over)
        + &mount("/full", "/spare", full)
        + &mount("/full0", "/spare", "<max-listeners>1</max-listeners>")
        + &mount("/far", "/main", "")
        + &mount("/round", "/round2", "")
        + &mount("/round2", "/round", "")
        + &mount("/self", "/self", "")
        + &mount("/lost", "/nowhere", "");
    Group::with(&xml)
        .case(
            "loss",
            [
                on_air("/main"),
                second_on_air("/spare"),
                listen("l", "GET /main"),
                play("/main", 10..40),
                hear("l", Hear::Sources(35)),
                leave("/main"),
                until_listeners("/spare", 1),
                play("/spare", second(10..40)),
                hear("l", Hear::Sources(SOURCE_FRAMES + 30)),
                ask("GET /admin/listclients?mount=/spare").by(Admin).only("<Listeners>"),
            ],
        )
        .case(
            "loss-and-return",
            [
                on_air("/main"),
                second_on_air("/spare"),
                listen("l", "GET /main"),
                play("/main", 10..40),
                hear("l", Hear::Sources(35)),
                leave("/main"),
                until_listeners("/spare", 1),
                on_air("/main"),
                play("/spare", second(10..40)),
                hear("l", Hear::Sources(SOURCE_FRAMES + 30)),
                ask("GET /admin/listclients?mount=/main").by(Admin).only("<Listeners>"),
            ],
        )
        .case(
            "override",
            [
                on_air("/over"),
                second_on_air("/spare"),
                listen("l", "GET /over"),
                play("/over", 10..40),
                hear("l", Hear::Sources(35)),
                leave("/over"),
                until_listeners("/spare", 1),
                play("/spare", second(10..40)),
                hear("l", Hear::Sources(SOURCE_FRAMES + 30)),
                on_air("/over"),
                until_listeners("/over", 1),
                play("/over", 50..90),
                hear("l", Hear::Sources(85)),
            ],
        )
        .case(
            "override-takes-all",
            [
                second_on_air("/spare"),
                listen("l", "GET /spare"),
                until_listeners("/spare", 1),
                on_air("/over"),
                until_listeners("/over", 1),
                ask("GET /admin/listclients?mount=/over").by(Admin).only("<Listeners>"),
            ],
        )
        .case(
            "absent-main",
            [
                second_on_air("/spare").line("ice-name: The spare"),
                listen("l", "GET /main"),
                ask("GET /admin/listclients?mount=/spare").by(Admin).only("<Listeners>"),
            ],
        )
        .case("absent-both", [listen("l", "GET /main")])
        .case(
            "chain",
            [
                second_on_air("/spare"),
                listen("l", "GET /far"),
                play("/spare", second(10..40)),
                hear("l", Hear::Sources(SOURCE_FRAMES + 30)),
            ],
        )
        .case("loop", [listen("l", "GET /round")])
        .case("loop-of-one", [listen("l", "GET /self")])
        .case("nowhere", [listen("l", "GET /lost")])
        .case(
            "loss-without-fallback",
            [
                on_air("/lost"),
                listen("l", "GET /lost"),
                until_listeners("/lost", 1),
                leave("/lost"),
                ends("l"),
            ],
        )
        .case(
            "loss-to-another-type",
            [
                on_air("/main"),
                on_air_as("/spare", "application/ogg", crate::halves(crate::VORBIS).0),
                listen("l", "GET /main"),
                until_listeners("/main", 1),
                leave("/main"),
                ends("l"),
            ],
        )
        .case(
            "loss-to-another-codec",
            [
                on_air("/main"),
                on_air_as("/spare", "audio/aac", crate::AAC),
                listen("l", "GET /main"),
                until_listeners("/main", 1),
                leave("/main"),
                until_listeners("/spare", 1),
            ],
        )
        .case(
            "full",
            [
                on_air("/full").line("ice-name: The full"),
                second_on_air("/spare").line("ice-name: The spare"),
                listen("one", "GET /full"),
                until_listeners("/full", 1),
                listen("two", "GET /full"),
                until_listeners("/spare", 1),
            ],
        )
        .case(
            "full-without-saying-so",
            [
                on_air("/full0"),
                second_on_air("/spare"),
                listen("one", "GET /full0"),
                until_listeners("/full0", 1),
                listen("two", "GET /full0"),
            ],
        )
        .case(
            "moveclients",
            [
                on_air("/a"),
                second_on_air("/b"),
                listen("l", "GET /a"),
                play("/a", 10..40),
                hear("l", Hear::Sources(35)),
                ask("GET /admin/moveclients?mount=/a&destination=/b").by(Admin),
                until_listeners("/b", 1),
                play("/b", second(10..40)),
                hear("l", Hear::Sources(SOURCE_FRAMES + 30)),
            ],
        )
        .case(
            "set-by-admin",
            [
                on_air("/a"),
                second_on_air("/b"),
                ask("GET /admin/fallbacks?mount=/a&fallback=/b").by(Admin),
                ask("GET /admin/listmounts").by(Admin),
                listen("l", "GET /a"),
                until_listeners("/a", 1),
                leave("/a"),
                until_listeners("/b", 1),
            ],
        )
        .case(
            "listed",
            [on_air("/main"), second_on_air("/spare"), ask("GET /admin/listmounts").by(Admin)],
        )
        .case(
            "spare-leaves-too",
            [
                on_air("/main"),
                second_on_air("/spare"),
                listen("l", "GET /main"),
                until_listeners("/main", 1),
                leave("/main"),
                until_listeners("/spare", 1),
                leave("/spare"),
                until_gone("/spare"),
                ends("l"),
            ],
        )
}

fn files() -> Group {
    let xml = mount("/main", "/jingle.mp3", "")
        + "<mount><mount-name>/intro</mount-name><intro>/hello.mp3</intro></mount>\
           <mount><mount-name>/nointro</mount-name><intro>/absent.mp3</intro></mount>";
    Group::with(&xml)
        .file("web/jingle.mp3", frames::run(second(0..100)))
        .file("web/hello.mp3", frames::run(second(0..5)))
        .case("file", [listen("l", "GET /main"), hear("l", Hear::Sources(SOURCE_FRAMES + 50))])
        .case(
            "file-after-loss",
            [
                on_air("/main"),
                listen("l", "GET /main"),
                play("/main", 10..40),
                hear("l", Hear::Sources(35)),
                leave("/main"),
                hear("l", Hear::Sources(SOURCE_FRAMES + 50)),
            ],
        )
        .case(
            "intro",
            [
                on_air("/intro"),
                listen("l", "GET /intro"),
                play("/intro", 10..40),
                hear("l", Hear::Sources(30)),
            ],
        )
        .case(
            "intro-absent",
            [
                on_air("/nointro"),
                listen("l", "GET /nointro"),
                play("/nointro", 10..40),
                hear("l", Hear::Sources(30)),
            ],
        )
}
