//! An answer to one request.

use bytes::Bytes;
use common::http::head::ResponseHead;

/// A head and its body.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The head.
    pub head: ResponseHead,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// The status code.
    pub fn status(&self) -> u16 {
        self.head.status
    }

    /// The first header `name`; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.head.headers.first(name).unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is UTF-8")
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }
}
