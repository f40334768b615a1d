//! Ogg: packets of a codec in pages of a container (RFC 3533).
//!
//! A *page* is the unit that can be found again after damage; a *packet* is the codec's unit and
//! may span pages; a *logical stream* is one codec's packets, marked by a serial number, from a
//! page that begins it (BOS) to one that ends it (EOS). A live stream is a *chain* of such: a new
//! title usually begins a new logical stream with headers of its own.

pub mod comment;
pub mod page;
pub mod retitle;
pub mod stream;
