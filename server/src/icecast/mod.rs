//! The seam: the only place that knows Icecast's shapes, its status codes and its texts.

pub(crate) mod answers;
pub(crate) mod auth_url;
pub(crate) mod config;
mod pages;
pub(crate) mod yp;
