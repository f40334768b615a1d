//! How a configuration is walked: values, merging, and what is said about the rest.

use super::advice::Severity::{self, Note, Warning};
use super::*;
use proptest::prelude::*;

/// The number of `<clients>` in `<limits>`, and all advice.
fn clients(limits: &str) -> (Option<i32>, Vec<(usize, Severity, String)>) {
    let text = format!("<icecast>\n{limits}\n</icecast>");
    let walk = |top: &mut Block<'_, '_>| top.block("limits", |limits| limits.number("clients"));
    let (said, advice) = read(text.as_bytes(), &plain, walk).unwrap();
    let advice = advice.into_iter().map(|advice| (advice.line, advice.severity, advice.what));
    (said.map(|said| said.value), advice.collect())
}

fn plain(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

fn said(limits: &str) -> Option<i32> {
    clients(limits).0
}

#[test]
fn entities_comments_and_character_data_are_read_through() {
    assert_eq!(said("<limits><!-- a --><clients>1<!-- b -->2</clients></limits>"), Some(12));
    assert_eq!(said("<limits><clients>&#49;</clients></limits>"), Some(1));
    assert_eq!(said("<limits><clients><![CDATA[7]]></clients></limits>"), Some(7));
    assert_eq!(said("<limits/>"), None);
    assert_eq!(said(""), None);
}

#[test]
fn blocks_merge_and_the_later_of_two_numbers_counts() {
    let (value, advice) =
        clients("<limits><clients>1</clients></limits>\n<limits>\n<clients>2</clients></limits>");

    assert_eq!(value, Some(2));
    let what = "<clients> stands again in line 4, which counts".to_owned();
    assert_eq!(advice, [(2, Warning, what)]);
}

#[test]
fn a_number_with_more_than_digits_is_read_as_icecast_reads_it_and_said_so() {
    let (value, advice) = clients("<limits>\n<clients>1k</clients></limits>");

    assert_eq!(value, Some(1));
    let what = "<clients>1k</clients> means 1 to Icecast; write a plain number".to_owned();
    assert_eq!(advice, [(3, Warning, what)]);
}

#[test]
fn a_number_of_bytes_is_told_how_it_would_be_right() {
    let text = b"<icecast><limits>\n<queue-size>1M</queue-size></limits></icecast>";
    let walk = |top: &mut Block<'_, '_>| {
        top.block("limits", |limits| limits.number_or_usual("queue-size").value)
    };

    let (value, advice) = read(text, &plain, walk).unwrap();

    let what = "<queue-size>1M</queue-size> means 1 byte to Icecast; write 1048576";
    assert_eq!((value, advice), (1, vec![Advice::warning(2, what)]));
}

#[test]
fn an_empty_number_keeps_the_default_where_icecast_crashes() {
    let (value, advice) = clients("<limits><clients></clients></limits>");

    assert_eq!(value, None);
    assert!(advice[0].2.starts_with("<clients> is empty, on which Icecast 2.4.4 crashes"));
}

#[test]
fn a_word_is_a_flag_and_said_to_be_none_to_icecast() {
    let flag = |text: &str| {
        let text = format!("<icecast><fileserve>{text}</fileserve></icecast>");
        let (said, advice) = read(text.as_bytes(), &plain, |top| top.flag("fileserve")).unwrap();
        (said.map(|said| said.value), advice.into_iter().next().map(|advice| advice.what))
    };

    assert_eq!(flag("1"), (Some(true), None));
    assert_eq!(flag(" 0 "), (Some(false), None));
    assert_eq!(flag("2"), (Some(true), None));
    let yes = "<fileserve>yes</fileserve> means 0 to Icecast and 1 here; write 1";
    assert_eq!(flag("yes"), (Some(true), Some(yes.to_owned())));
    let off = "<fileserve>off</fileserve> means 0; write 0";
    assert_eq!(flag("off"), (Some(false), Some(off.to_owned())));
    assert_eq!(flag("").0, None);
}

#[test]
fn nothing_that_was_written_is_passed_over_in_silence() {
    let (_, advice) = clients(
        "<limits><client-timeout>30</client-timeout>\n<workers>2</workers>\n<clints>3</clints>\n\
         <foo/>\n<header-timeout>15</header-timeout>\n<header-timeout>9</header-timeout></limits>\n\
         <relay><sever>a</sever></relay>\n<port>80</port>",
    );

    let expected = [
        (2, Note, "<client-timeout> has no effect in Icecast either"),
        (3, Warning, "<workers> is an element of Icecast-KH, not of 2.4; ignored"),
        (
            4,
            Warning,
            "<clints> is not an element of Icecast's here; did you mean <clients>? ignored",
        ),
        (5, Warning, "<foo> is not an element of Icecast's here; ignored"),
        (6, Note, "<header-timeout> says what counts without it"),
        (7, Warning, "<header-timeout> is understood and not acted on yet"),
        (8, Warning, "<relay> is understood and not acted on yet"),
        (8, Warning, "<sever> is not an element of Icecast's here; did you mean <server>? ignored"),
        (9, Warning, "<port> is obsolete; write a <listen-socket>"),
        (9, Warning, "<port> is understood and not acted on yet"),
    ];
    let expected = expected.map(|(line, severity, what)| (line, severity, what.to_owned()));
    assert_eq!(advice, expected);
}

#[test]
fn text_and_elements_where_none_belong_are_named() {
    let (value, advice) = clients("<limits>5 <clients>1<b>2</b></clients></limits>");

    let loose = "<limits> holds text outside of its elements; ignored".to_owned();
    let inner = "<b> is not an element of Icecast's here; ignored".to_owned();
    assert_eq!((value, advice), (Some(1), vec![(2, Warning, inner), (2, Warning, loose)]));
}

#[test]
fn what_a_caller_says_of_an_element_stands_in_its_advice() {
    let text = b"<icecast><server-id>x</server-id><location>y</location></icecast>";
    let walk = |top: &mut Block<'_, '_>| {
        top.later(&[("server-id", "we have our own name")]);
        top.needless(&[("location", "it moves")]);
    };

    let ((), advice) = read(text, &plain, walk).unwrap();

    let later = "<server-id> is understood and not acted on yet; we have our own name";
    let needless = "<location> is not needed here: it moves";
    assert_eq!(advice, [Advice::warning(1, later), Advice::note(1, needless)]);
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&bytes, &plain, |top| top.block("limits", |limits| limits.number("clients")));
    }

    #[test]
    fn no_text_in_an_element_makes_the_reader_panic(
        text in "[ -~äÄ\\n]{0,40}", name in "clients|queue-size|burst-on-connect|foo|mount",
    ) {
        let text = format!("<icecast><limits><{name}>{text}</{name}></limits></icecast>");
        let _ = read(text.as_bytes(), &plain, |top| top.block("limits", |limits| {
            limits.flag("burst-on-connect");
            limits.number("queue-size");
            limits.number("clients").map(|said| said.value)
        }));
    }
}
