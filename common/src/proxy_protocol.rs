//! The PROXY protocol, versions 1 and 2: what a proxy that does not look into a connection says
//! before it, about whose connection it is.
//!
//! Version 1 is a line, `PROXY TCP4 192.0.2.1 198.51.100.1 4711 8000\r\n`; version 2 is a signature
//! of twelve bytes, four bytes of kind and length, and so many bytes of addresses and extras.
//!
//! Pure: bytes in, an address out.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

/// Whose connection it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A client's, at this address.
    Client(IpAddr),
    /// The proxy's own, such as a look whether the server is well, or one of which it cannot say
    /// whose it is.
    Proxy,
}

/// Why there is no PROXY header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyHeaderError {
    /// The connection begins with something else.
    #[error("no PROXY protocol header; turn it on in the proxy, or off here")]
    Missing,
    /// It begins like one, and is none.
    #[error("a malformed PROXY protocol header")]
    Malformed,
}

/// Reads the header at the start of `bytes`: whose connection it is, and how long the header is.
/// `None` if more bytes have to come first.
pub fn read(bytes: &[u8]) -> Result<Option<(Origin, usize)>, ProxyHeaderError> {
    let starts_as = |mark: &[u8]| {
        let length = mark.len().min(bytes.len());
        bytes[..length] == mark[..length]
    };
    if starts_as(SIGNATURE) {
        read_v2(bytes)
    } else if starts_as(WORD) {
        read_v1(bytes)
    } else {
        Err(ProxyHeaderError::Missing)
    }
}

fn read_v1(bytes: &[u8]) -> Result<Option<(Origin, usize)>, ProxyHeaderError> {
    let within = &bytes[..bytes.len().min(LINE_BYTES_MAX)];
    let Some(end) = within.windows(2).position(|pair| pair == b"\r\n") else {
        let too_long = within.len() == LINE_BYTES_MAX;
        return if too_long { Err(ProxyHeaderError::Malformed) } else { Ok(None) };
    };
    let line = std::str::from_utf8(&bytes[..end]).map_err(|_| ProxyHeaderError::Malformed)?;
    let mut words = line.split(' ').skip(1);
    let (family, source) = (words.next(), words.next());
    let origin = match family {
        Some("TCP4") => Origin::Client(IpAddr::V4(parsed(source)?)),
        Some("TCP6") => Origin::Client(IpAddr::V6(parsed(source)?).to_canonical()),
        Some("UNKNOWN") => return Ok(Some((Origin::Proxy, end + 2))),
        Some(_) | None => return Err(ProxyHeaderError::Malformed),
    };
    // The destination and two ports must stand there; what they are is no matter.
    if words.count() != 3 {
        return Err(ProxyHeaderError::Malformed);
    }
    Ok(Some((origin, end + 2)))
}

fn parsed<T: FromStr>(word: Option<&str>) -> Result<T, ProxyHeaderError> {
    word.and_then(|word| word.parse().ok()).ok_or(ProxyHeaderError::Malformed)
}

fn read_v2(bytes: &[u8]) -> Result<Option<(Origin, usize)>, ProxyHeaderError> {
    let Some((head, rest)) = bytes.split_at_checked(HEAD_BYTES) else { return Ok(None) };
    let (command, family) = (head[12], head[13]);
    let length = usize::from(u16::from_be_bytes([head[14], head[15]]));
    if !matches!(command, LOCAL | PROXY) || length > BODY_BYTES_MAX {
        return Err(ProxyHeaderError::Malformed);
    }
    let Some(body) = rest.get(..length) else { return Ok(None) };
    let origin = match (command, family) {
        (PROXY, TCP4) => {
            // Both addresses and both ports must be there.
            let source = body.first_chunk::<12>().and_then(|body| body.first_chunk::<4>());
            Origin::Client(Ipv4Addr::from(*source.ok_or(ProxyHeaderError::Malformed)?).into())
        }
        (PROXY, TCP6) => {
            let source = body.first_chunk::<36>().and_then(|body| body.first_chunk::<16>());
            let source = Ipv6Addr::from(*source.ok_or(ProxyHeaderError::Malformed)?);
            Origin::Client(IpAddr::V6(source).to_canonical())
        }
        _ => Origin::Proxy,
    };
    Ok(Some((origin, HEAD_BYTES + length)))
}

/// What version 1 begins with.
const WORD: &[u8] = b"PROXY ";
/// The longest line of version 1, with its end.
const LINE_BYTES_MAX: usize = 107;
/// What version 2 begins with.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, command, family and length.
const HEAD_BYTES: usize = 16;
/// The most that may follow; the extras of a real proxy are a few hundred bytes.
const BODY_BYTES_MAX: usize = 2_048;
/// The proxy's own connection.
const LOCAL: u8 = 0x20;
/// A client's connection.
const PROXY: u8 = 0x21;
const TCP4: u8 = 0x11;
const TCP6: u8 = 0x21;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    const MALFORMED: Result<Option<(Origin, usize)>, ProxyHeaderError> =
        Err(ProxyHeaderError::Malformed);

    fn client(ip: &str) -> Origin {
        Origin::Client(ip.parse().unwrap())
    }

    fn v2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[command, family], &length, body].concat()
    }

    #[test]
    fn a_line_of_version_1_names_the_client() {
        let line = b"PROXY TCP4 192.0.2.1 198.51.100.1 4711 8000\r\nGET /";
        assert_eq!(read(line), Ok(Some((client("192.0.2.1"), line.len() - 5))));

        let line = b"PROXY TCP6 2001:db8::1 2001:db8::2 4711 8000\r\n";
        assert_eq!(read(line), Ok(Some((client("2001:db8::1"), line.len()))));
        assert_eq!(read(b"PROXY UNKNOWN ffff\r\n"), Ok(Some((Origin::Proxy, 20))));
        assert_eq!(read(b"PROXY UNKNOWN\r\n"), Ok(Some((Origin::Proxy, 15))));
    }

    #[test]
    fn version_2_names_the_client() {
        let body = [[192, 0, 2, 1], [198, 51, 100, 1], [18, 103, 31, 64]].concat();
        assert_eq!(read(&v2(PROXY, TCP4, &body)), Ok(Some((client("192.0.2.1"), 28))));
        let with_extras = [body.as_slice(), &[3, 0, 4, 1, 2, 3, 4]].concat();
        assert_eq!(read(&v2(PROXY, TCP4, &with_extras)), Ok(Some((client("192.0.2.1"), 35))));

        let mut body = [0; 36];
        body[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
        body[15] = 1;
        assert_eq!(read(&v2(PROXY, TCP6, &body)), Ok(Some((client("2001:db8::1"), 52))));
        assert_eq!(read(&v2(LOCAL, 0, &[])), Ok(Some((Origin::Proxy, 16))));
        assert_eq!(read(&v2(PROXY, 0x31, &[0; 216])), Ok(Some((Origin::Proxy, 232))));
    }

    #[test]
    fn what_is_no_header_is_told_from_a_broken_one() {
        assert_eq!(read(b"GET / HTTP/1.0\r\n"), Err(ProxyHeaderError::Missing));
        assert_eq!(read(b"\r\n\r\nGET"), Err(ProxyHeaderError::Missing));
        for broken in [
            b"PROXY TCP4 localhost 198.51.100.1 4711 8000\r\n".as_slice(),
            b"PROXY TCP4 2001:db8::1 198.51.100.1 4711 8000\r\n",
            b"PROXY TCP4 192.0.2.1\r\n",
            b"PROXY TCP4\r\n",
            b"PROXY \r\n",
            b"PROXY TCP4 \xff 198.51.100.1 4711 8000\r\n",
        ] {
            assert_eq!(read(broken), MALFORMED, "{}", String::from_utf8_lossy(broken));
        }
        assert_eq!(read(&v2(PROXY, TCP4, &[0; 11])), MALFORMED);
        assert_eq!(read(&v2(0x11, TCP4, &[0; 12])), MALFORMED);
        assert_eq!(read(&v2(LOCAL, 0, &[0; BODY_BYTES_MAX + 1])[..16]), MALFORMED);
    }

    #[test]
    fn a_line_without_end_is_not_waited_for() {
        let line = [b"PROXY UNKNOWN ".as_slice(), &[b'x'; LINE_BYTES_MAX]].concat();

        assert_eq!(read(&line[..LINE_BYTES_MAX - 1]), Ok(None));
        assert_eq!(read(&line), MALFORMED);
    }

    proptest! {
        #[test]
        fn anything_may_come(bytes in vec(any::<u8>(), 0..300), marked in 0..3_u8) {
            let bytes = match marked {
                0 => bytes,
                1 => [WORD, &bytes].concat(),
                _ => [SIGNATURE, &bytes].concat(),
            };

            if let Ok(Some((_, length))) = read(&bytes) {
                prop_assert!(length <= bytes.len());
            }
        }

        #[test]
        fn a_header_may_come_in_pieces(ip in any::<[u8; 4]>(), second: bool, cut in 0..40_usize) {
            let whole = match second {
                true => v2(PROXY, TCP4, &[ip, [0; 4], [0; 4]].concat()),
                false => format!("PROXY TCP4 {} 0.0.0.0 1 2\r\n", Ipv4Addr::from(ip)).into_bytes(),
            };
            let cut = cut.min(whole.len() - 1);

            prop_assert_eq!(read(&whole[..cut]), Ok(None));
            prop_assert_eq!(read(&whole), Ok(Some((Origin::Client(ip.into()), whole.len()))));
        }
    }
}
