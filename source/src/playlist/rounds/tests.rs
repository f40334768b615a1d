//! A place in a playlist: rounds, changes, and going on after a restart.

use super::*;
use proptest::prelude::*;

#[test]
fn rounds_follow_each_other_for_ever() {
    let mut playlist = playing(Order::normal(), &["a", "b"]);

    assert_eq!(next(&mut playlist, 5), ["a", "b", "a", "b", "a"]);
    assert_eq!(playlist.upcoming(9).count(), 1);
    assert_eq!(next(&mut playing(Order::normal(), &[]), 2), [] as [&str; 0]);
}

#[test]
fn a_clone_is_a_place_to_return_to() {
    let mut playlist = playing(Order::shuffle(5), &["a", "b", "c", "d"]);
    next(&mut playlist, 3);
    let before = playlist.clone();
    let first = next(&mut playlist, 9);

    playlist = before;

    assert_eq!(next(&mut playlist, 9), first);
}

#[test]
fn a_shuffled_round_goes_on_after_a_restart_and_then_another_begins() {
    let names = ["a", "b", "c", "d", "e", "f", "g"];
    let mut before = playing(Order::shuffle(1), &names);
    let heard = next(&mut before, 5);
    let marks: Vec<u32> =
        heard.iter().map(|name| round_mark(track_key(&Item::file(name)))).collect();
    let mut after = playing(Order::shuffle(2), &names);

    after.resume_round(&marks);

    let rest = next(&mut after, 2);
    assert!(rest.iter().all(|name| !heard.contains(name)), "{heard:?}, then {rest:?}");
    let mut whole = next(&mut after, 7);
    whole.sort();
    assert_eq!(whole, names);
    let mut over = playing(Order::shuffle(3), &names[..5]);
    over.resume_round(&["a", "b", "c", "d", "e"].map(|it| round_mark(track_key(&Item::file(it)))));
    assert_eq!(over.upcoming(9).count(), 0, "nothing is left of the round");
    assert_eq!(next(&mut over, 1).len(), 1);
}

#[test]
fn another_configuration_goes_on_where_the_one_before_was_if_it_orders_alike() {
    for order in [Order::normal as fn() -> Order, || Order::shuffle(1)] {
        let mut before = playing(order(), &["a", "b", "c", "d"]);
        let mut heard = next(&mut before, 2);
        let mut after = playing(order(), &["a", "b", "c", "d", "e"]);

        assert!(after.go_on_from(&before));

        heard.extend(next(&mut after, 3));
        heard.sort();
        assert_eq!(heard, ["a", "b", "c", "d", "e"]);
    }
    let before = playing(Order::normal(), &["a"]);
    assert!(!playing(Order::shuffle(1), &["a"]).go_on_from(&before));
}

#[test]
fn an_edited_list_goes_on_where_it_is() {
    let mut playlist = playing(Order::normal(), &["a", "b", "c"]);
    next(&mut playlist, 1);

    let change = playlist.take_over(contents(&["x", "a", "b", "c", "d"]));

    assert_eq!(change, Change::Edited { next: 2 });
    assert_eq!(next(&mut playlist, 4), ["b", "c", "d", "x"]);
}

#[test]
fn an_edited_list_may_be_edited_again_before_the_next_item() {
    let mut playlist = playing(Order::normal(), &["a", "b", "c"]);
    next(&mut playlist, 2);

    playlist.take_over(contents(&["b", "c", "d"]));
    playlist.take_over(contents(&["b", "c", "d", "e"]));

    assert_eq!(next(&mut playlist, 2), ["c", "d"]);
}

#[test]
fn another_list_begins_at_its_first_entry() {
    for order in [Order::normal(), Order::shuffle(1), Order::random(1)] {
        let mut playlist = playing(order, &["a", "b", "c"]);
        next(&mut playlist, 2);

        let change = playlist.take_over(contents(&["x"]));

        assert_eq!(change, Change::Other);
        assert_eq!(next(&mut playlist, 1), ["x"]);
    }
}

#[test]
fn the_same_list_rewritten_changes_nothing() {
    let mut playlist = playing(Order::normal(), &["a", "b", "c"]);
    next(&mut playlist, 1);

    assert_eq!(playlist.take_over(contents(&["a", "b", "c"])), Change::Same);
    assert_eq!(next(&mut playlist, 1), ["b"]);
}

#[test]
fn a_list_that_is_emptied_has_nothing_to_play_and_one_that_returns_begins_anew() {
    let mut playlist = playing(Order::normal(), &["a", "b", "c"]);
    next(&mut playlist, 2);

    playlist.take_over(contents(&[]));
    assert!(playlist.is_empty());
    assert_eq!(next(&mut playlist, 1), [] as [&str; 0]);

    playlist.take_over(contents(&["a", "b", "c"]));
    assert_eq!(next(&mut playlist, 1), ["a"]);
}

#[test]
fn a_shuffled_round_keeps_what_is_left_and_takes_in_what_has_come() {
    let names: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut playlist = playing(Order::shuffle(1), &names);
    let played = next(&mut playlist, 8);
    let left: Vec<String> = playlist.upcoming(99).map(name).collect();
    let (gone, kept) = left.split_first().unwrap();
    let mut edited: Vec<&str> = names.iter().copied().filter(|name| name != gone).collect();
    edited.push("new");

    playlist.take_over(contents(&edited));

    let mut rest = next(&mut playlist, 12);
    assert!(rest.contains(&"new".to_owned()), "{rest:?}");
    rest.retain(|name| name != "new");
    assert_eq!(rest, kept);
    assert!(rest.iter().all(|name| !played.contains(name)));
}

#[test]
fn a_list_in_order_goes_on_behind_what_was_played_before_a_restart() {
    for (list, played, expected) in [
        (&["a", "b", "c"][..], &["a", "b"][..], "c"),
        (&["a", "b", "c"], &["c"], "a"),
        (&["a", "j", "b", "j", "c"], &["b", "j"], "c"),
        (&["a", "b"], &["gone"], "a"),
        (&["a", "b"], &[], "a"),
    ] {
        let mut playlist = playing(Order::normal(), list);

        playlist.resume(played.iter().map(|name| track_key(&Item::file(*name))));

        assert_eq!(next(&mut playlist, 1), [expected], "{list:?} after {played:?}");
    }
}

#[test]
fn a_shuffle_does_not_soon_repeat_what_was_played_before_a_restart() {
    let names: Vec<String> = (0..40).map(|n| n.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut playlist = playing(Order::shuffle(1), &names);

    playlist.resume(names[..20].iter().map(|name| track_key(&Item::file(*name))));

    let first = &next(&mut playlist, 1)[0];
    assert!(!names[..20].contains(&first.as_str()), "{first}");
}

proptest! {
    #[test]
    fn whatever_happens_to_a_list_what_it_gives_stands_in_it(
        seed in any::<u64>(),
        lists in proptest::collection::vec(proptest::collection::vec(0_u8..9, 0..9), 1..6),
        steps in proptest::collection::vec(0_usize..5, 6),
    ) {
        for order in [Order::normal(), Order::shuffle(seed), Order::random(seed)] {
            let mut playlist = Rounds::new(order);
            for (list, &step) in lists.iter().zip(&steps) {
                let names: Vec<String> = list.iter().map(u8::to_string).collect();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                playlist.take_over(contents(&names));
                let given = next(&mut playlist, step);
                prop_assert_eq!(given.len(), if names.is_empty() { 0 } else { step });
                prop_assert!(given.iter().all(|name| names.contains(&name.as_str())));
            }
        }
    }
}

fn playing(order: Order, names: &[&str]) -> Rounds {
    let mut playlist = Rounds::new(order);
    playlist.take_over(contents(names));
    playlist
}

fn contents(names: &[&str]) -> Arc<Contents> {
    Arc::new(Contents::of(names.iter().map(Item::file).collect()))
}

fn next(playlist: &mut Rounds, count: usize) -> Vec<String> {
    let items = std::iter::from_fn(|| playlist.next_item()).take(count);
    items.map(|item| name(&item)).collect()
}

fn name(item: &Item) -> String {
    item.path.display().to_string()
}
