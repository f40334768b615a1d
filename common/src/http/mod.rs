//! As much of HTTP as streaming needs: heads, chunked bodies, Basic credentials, percent coding.
//!
//! Streaming clients are older and odder than browsers, so this is not a general HTTP library: a
//! source may say `ICE/1.0`, a relay may answer `ICY 200 OK`, and DarkIce ends its lines with a
//! bare LF.

pub mod basic;
pub mod chunked;
pub mod forwarded;
pub mod head;
pub mod percent;
