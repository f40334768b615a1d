//! Liquidsoap's time predicates, as hours and set times of ours.
//!
//! `{6h-12h}`, `{11h15-13h}`, `{(6w or 7w) and 0h-12h}`, `{00m-10m}`: ends are exclusive, a span
//! that ends before it begins goes on into the next day or week, and a single value lasts one of
//! its smallest unit. Seconds are left out. Pure.

/// When something is to be played.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct When {
    /// Hours, as `when` takes them.
    pub(super) hours: Vec<String>,
    /// Set times, as `at` takes them.
    pub(super) at: Vec<String>,
}

/// Some days, and a span of each of them or of each of their hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Term {
    /// From Monday.
    days: Option<[bool; 7]>,
    span: Option<Span>,
}

/// From one minute to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Span {
    Day(u16, u16),
    Hour(u16, u16),
}

/// One end of a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Moment {
    day: Option<u16>,
    hour: Option<u16>,
    minute: Option<u16>,
}

impl When {
    /// What the words of a predicate mean, if they are understood.
    pub(super) fn read(words: &str) -> Option<Self> {
        let spaced = words.replace('(', " ( ").replace(')', " ) ").replace(" - ", "-");
        let words: Vec<&str> = spaced.split_whitespace().collect();
        let mut at = 0;
        let terms = any(&words, &mut at, 0)?;
        if at < words.len() || terms.is_empty() {
            return None;
        }
        let mut when = Self::default();
        for term in terms {
            when.put(term);
        }
        Some(when)
    }

    /// The same, but played once whenever it begins.
    pub(super) fn once(mut self) -> Self {
        for hours in std::mem::take(&mut self.hours) {
            let begins = hours.rsplit_once('-').map_or(&*hours, |(begin, _)| begin);
            let midnight = if begins.contains(':') { "" } else { " 00:00" };
            self.at.push(format!("{begins}{midnight}"));
        }
        self
    }

    fn put(&mut self, Term { days, span }: Term) {
        let days = days.map(|days| {
            let names = days.iter().zip(DAYS).filter(|(is_meant, _)| **is_meant);
            names.map(|(_, name)| name).collect::<Vec<_>>().join(",")
        });
        let with_days = |time: String| match &days {
            Some(days) => format!("{days} {time}"),
            None => time,
        };
        let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        match span {
            // Nobody waits for one minute with a whole list: it is a time.
            Some(Span::Day(from, to)) if to == from + 1 => self.at.push(with_days(clock(from))),
            Some(Span::Hour(from, to)) if to == from + 1 => {
                self.at.push(with_days(format!(":{from:02}")));
            }
            Some(Span::Day(from, to)) => {
                self.hours.push(with_days(format!("{}-{}", clock(from), clock(to))));
            }
            Some(Span::Hour(from, to)) => self.hours.extend((0..24).map(|hour| {
                let end = if to > from { hour * 60 + to } else { hour * 60 + 60 + to };
                with_days(format!("{}-{}", clock(hour * 60 + from), clock(end % DAY_MINUTES)))
            })),
            None => self.hours.extend(days),
        }
    }
}

/// Terms between `or`.
fn any(words: &[&str], at: &mut usize, depth: usize) -> Option<Vec<Term>> {
    let mut terms = all(words, at, depth)?;
    while words.get(*at) == Some(&"or") {
        *at += 1;
        terms.extend(all(words, at, depth)?);
    }
    Some(terms)
}

/// Terms between `and`.
fn all(words: &[&str], at: &mut usize, depth: usize) -> Option<Vec<Term>> {
    let mut terms = single(words, at, depth)?;
    while words.get(*at) == Some(&"and") {
        *at += 1;
        let others = single(words, at, depth)?;
        let both = terms.iter().flat_map(|one| others.iter().map(|other| one.and(*other)));
        terms = both.collect::<Option<_>>()?;
        if terms.len() > TERMS_MAX {
            return None;
        }
    }
    Some(terms)
}

fn single(words: &[&str], at: &mut usize, depth: usize) -> Option<Vec<Term>> {
    let word = *words.get(*at)?;
    *at += 1;
    if word != "(" {
        return Some(vec![term(word)?]);
    }
    if depth > DEPTH_MAX {
        return None;
    }
    let terms = any(words, at, depth + 1)?;
    let is_closed = words.get(*at) == Some(&")");
    *at += 1;
    is_closed.then_some(terms)
}

/// `6h-12h`, `6w`, `00m`.
fn term(word: &str) -> Option<Term> {
    let (from, to) = match word.split_once('-') {
        Some((from, to)) => (moment(from)?, Some(moment(to)?)),
        None => (moment(word)?, None),
    };
    if let Some(day) = from.day {
        if from.hour.is_some() || from.minute.is_some() {
            return None;
        }
        let end = to.map_or(Some(day + 1), |to| to.day)?;
        let mut days = [false; 7];
        let mut day = day % 7;
        loop {
            days[usize::from((day + 6) % 7)] = true;
            day = (day + 1) % 7;
            if day == end % 7 {
                return Some(Term { days: Some(days), span: None });
            }
        }
    }
    let minute_of = |moment: Moment| moment.hour.unwrap_or(0) * 60 + moment.minute.unwrap_or(0);
    let begin = minute_of(from);
    let is_of_day = from.hour.is_some();
    let end = match to {
        Some(to) if to.day.is_some() || to.hour.is_some() != is_of_day => return None,
        Some(to) => minute_of(to),
        None if from.minute.is_none() => begin + 60,
        None => begin + 1,
    };
    let span = if is_of_day { Span::Day(begin, end) } else { Span::Hour(begin, end) };
    (begin != end && begin < DAY_MINUTES && end <= DAY_MINUTES)
        .then_some(Term { days: None, span: Some(span) })
}

/// `6h`, `11h30`, `2w`, `05m`, `6h00m00s`.
fn moment(text: &str) -> Option<Moment> {
    let mut moment = Moment::default();
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number: u16 = rest[..digits].parse().ok()?;
        let unit = rest[digits..].chars().next();
        rest = rest[digits..].get(1..).unwrap_or_default();
        match unit {
            Some('w') if number <= 7 => moment.day = Some(number),
            Some('h') if number <= 24 => moment.hour = Some(number),
            // `11h30`: minutes follow hours without a word.
            Some('m') if number < 60 => moment.minute = Some(number),
            None if number < 60 && moment.hour.is_some() => moment.minute = Some(number),
            Some('s') => {}
            Some(_) | None => return None,
        }
    }
    (moment != Moment::default()).then_some(moment)
}

impl Term {
    /// When both are.
    fn and(self, other: Self) -> Option<Self> {
        let days = match (self.days, other.days) {
            (Some(one), Some(two)) => {
                let both = std::array::from_fn(|day| one[day] && two[day]);
                both.contains(&true).then_some(Some(both))?
            }
            (one, two) => one.or(two),
        };
        match (self.span, other.span) {
            (Some(_), Some(_)) => None,
            (one, two) => Some(Self { days, span: one.or(two) }),
        }
    }
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const DAY_MINUTES: u16 = 24 * 60;
/// Terms of a predicate.
const TERMS_MAX: usize = 64;
/// Parentheses in parentheses.
const DEPTH_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playlist::at::At;
    use crate::playlist::hours::Hours;
    use proptest::prelude::*;

    #[test]
    fn predicates_become_hours() {
        let cases: [(&str, &[&str]); 10] = [
            ("6h-12h", &["06:00-12:00"]),
            ("11h15-13h", &["11:15-13:00"]),
            ("22h-6h", &["22:00-06:00"]),
            ("12h", &["12:00-13:00"]),
            ("2w", &["tue"]),
            ("0w", &["sun"]),
            ("6w-7w", &["sat"]),
            ("6w-1w", &["sat,sun"]),
            ("( 6w or 7w ) and 0h-12h", &["sat 00:00-12:00", "sun 00:00-12:00"]),
            ("1w-6w and 6h30m-9h", &["mon,tue,wed,thu,fri 06:30-09:00"]),
        ];
        for (words, hours) in cases {
            let when = When::read(words).expect(words);
            assert_eq!(when.hours, hours, "{words}");
            assert!(when.at.is_empty(), "{words}");
            assert!(when.hours.iter().all(|it| it.parse::<Hours>().is_ok()), "{words}");
        }
    }

    #[test]
    fn single_minutes_become_set_times_and_so_does_what_is_played_once() {
        for (words, at) in [("00m", ":00"), ("12h30", "12:30"), ("1w and 8h00m", "mon 08:00")] {
            assert_eq!(When::read(words).unwrap().at, [at], "{words}");
        }
        let once = When::read("1w and 6h-12h").unwrap().once();
        assert_eq!((once.hours.len(), &*once.at[0]), (0, "mon 06:00"));
        assert!(once.at[0].parse::<At>().is_ok());
    }

    #[test]
    fn a_part_of_every_hour_is_named_for_each() {
        let hours = When::read("50m-10m").unwrap().hours;

        assert_eq!((hours.len(), &*hours[0], &*hours[23]), (24, "00:50-01:10", "23:50-00:10"));
    }

    #[test]
    fn what_is_not_understood_is_not_guessed() {
        for words in
            ["", "x", "6h-3w", "not 6h", "6h-12h and 7h-8h", "25h", "6h-6h", "( 6h", "1w12h"]
        {
            assert_eq!(When::read(words), None, "{words}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_understood_is_what_the_configuration_understands(
            words in "[0-9whm() -]{0,20}|(([0-9]{1,2}[whm](-[0-9]{1,2}[whm])?) (and|or) ){0,4}3h",
        ) {
            let when = When::read(&words).unwrap_or_default();
            prop_assert!(when.hours.iter().all(|it| it.parse::<Hours>().is_ok()), "{when:?}");
            let once = When { at: when.at, ..When::default() };
            prop_assert!(once.at.iter().all(|it| it.parse::<At>().is_ok()), "{once:?}");
        }
    }
}
