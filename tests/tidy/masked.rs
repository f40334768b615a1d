//! A Rust file split by what its bytes are: code, comments, and the insides of strings.
//!
//! Rules look for words, and a word means one thing in code, another in a comment and nothing in
//! a string. Each view keeps every line break and every byte position of the original, with blanks
//! in place of what belongs elsewhere. This is no parser: it knows just enough of the language to
//! tell the three apart.

/// The views of one file, each as long in bytes as the file itself.
pub(crate) struct Masked {
    /// What is neither comment nor inside a string or character literal.
    pub(crate) code: String,
    /// What stands in comments, their slashes included.
    pub(crate) comments: String,
}

/// What a stretch of bytes is.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Code,
    Comment,
    Literal,
}

impl Masked {
    pub(crate) fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let (mut code, mut comments) = (Vec::new(), Vec::new());
        while code.len() < bytes.len() {
            let at = code.len();
            let (kind, length) = stretch(&bytes[at..], at.checked_sub(1).map(|at| bytes[at]));
            for &byte in &bytes[at..at + length] {
                let blank = if byte == b'\n' { b'\n' } else { b' ' };
                code.push(if kind == Kind::Code { byte } else { blank });
                comments.push(if kind == Kind::Comment { byte } else { blank });
            }
        }
        let text = |bytes| String::from_utf8(bytes).expect("whole characters are kept or blanked");
        Self { code: text(code), comments: text(comments) }
    }
}

/// What `bytes`, which are not empty, begin with, and how far that goes.
fn stretch(bytes: &[u8], before: Option<u8>) -> (Kind, usize) {
    let in_word = before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match bytes {
        [b'/', b'/', ..] => (Kind::Comment, until(bytes, 0, b"\n")),
        [b'/', b'*', ..] => (Kind::Comment, block_comment(bytes)),
        [b'"', ..] => (Kind::Literal, quoted(bytes, b'"')),
        [b'r', b'"' | b'#', ..] if !in_word => raw_string(bytes, 1),
        [b'b', b'r', b'"' | b'#', ..] if !in_word => raw_string(bytes, 2),
        [b'\'', b'\\', ..] => (Kind::Literal, quoted(bytes, b'\'')),
        [b'\'', ..] => character_or_lifetime(bytes),
        _ => (Kind::Code, 1),
    }
}

/// Where `end` begins in `bytes`, looked for from `from` on; their length if it does not.
fn until(bytes: &[u8], from: usize, end: &[u8]) -> usize {
    let found = bytes[from..].windows(end.len()).position(|window| window == end);
    found.map_or(bytes.len(), |at| from + at)
}

fn block_comment(bytes: &[u8]) -> usize {
    let (mut at, mut depth) = (2, 1);
    while at < bytes.len() && depth > 0 {
        match &bytes[at..] {
            [b'/', b'*', ..] => (at, depth) = (at + 2, depth + 1),
            [b'*', b'/', ..] => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
    }
    at
}

fn quoted(bytes: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// A raw string whose `r` or `br` is `prefix` bytes long; or a raw identifier such as `r#type`.
fn raw_string(bytes: &[u8], prefix: usize) -> (Kind, usize) {
    let hashes = bytes[prefix..].iter().take_while(|byte| **byte == b'#').count();
    let open = prefix + hashes;
    if bytes.get(open) != Some(&b'"') {
        return (Kind::Code, 1);
    }
    let end = [b"\"".as_slice(), &vec![b'#'; hashes]].concat();
    (Kind::Literal, (until(bytes, open + 1, &end) + end.len()).min(bytes.len()))
}

/// `'x'` is a literal of one character of up to four bytes; `'x` alone is a lifetime.
fn character_or_lifetime(bytes: &[u8]) -> (Kind, usize) {
    let end = bytes.iter().skip(2).take(4).position(|byte| *byte == b'\'');
    match end {
        Some(at) if at == 0 || !bytes[1].is_ascii() => (Kind::Literal, at + 3),
        _ => (Kind::Code, 1),
    }
}

#[test]
fn comments_and_strings_are_told_from_code() {
    let text =
        "let a = \"// no\"; // yes \"é\"\nlet b = r#\"\"x\"#; /* a /* b */ c */ 'x' 'é' &'a T";

    let masked = Masked::new(text);

    assert_eq!(
        masked.code.split_whitespace().collect::<Vec<_>>(),
        ["let", "a", "=", ";", "let", "b", "=", ";", "&'a", "T"],
    );
    assert_eq!(
        masked.comments.split_whitespace().collect::<Vec<_>>(),
        ["//", "yes", "\"é\"", "/*", "a", "/*", "b", "*/", "c", "*/"],
    );
}

#[test]
fn every_view_keeps_the_lines_and_the_length() {
    let text = "a\n/* b\nc */ \"d\\\ne\" '\\'' r#type\n";

    let masked = Masked::new(text);

    for view in [&masked.code, &masked.comments] {
        assert_eq!(view.len(), text.len());
        assert_eq!(view.lines().count(), text.lines().count());
    }
    assert!(masked.code.ends_with("r#type\n"));
}
