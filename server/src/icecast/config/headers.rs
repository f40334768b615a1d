//! `<http-headers>`: header lines that a station adds, for all answers or for those of a mount.

use crate::config::files::HttpHeader;
use icecast_compat::config_xml::Block;
use icecast_compat::config_xml::advice::Advice;

/// The header lines in the `<http-headers>` of `block`; those that cannot be sent are noted.
pub(super) fn read(block: &mut Block<'_, '_>) -> Vec<HttpHeader> {
    let headers = block.block("http-headers", |block| block.each("header", header));
    headers.into_iter().flatten().collect()
}

fn header(block: &mut Block<'_, '_>) -> Option<HttpHeader> {
    let line = block.line();
    let status = block.attribute("status");
    let name = block.attribute("name").unwrap_or_default();
    let value = block.attribute("value").unwrap_or_default();
    if name.eq_ignore_ascii_case("access-control-allow-origin") && value == "*" {
        block.advise(Advice::note(line, "every answer allows every origin already"));
        return None;
    }
    let status = match status.as_deref().map(str::trim) {
        None | Some("") => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| format!("its status is {text:?}")),
    };
    match status.and_then(|status| HttpHeader::new(&name, &value, status)) {
        Ok(header) => Some(header),
        Err(why) => {
            let what = format!("<header> {name:?} cannot be sent: {why}; ignored");
            block.advise(Advice::warning(line, what));
            None
        }
    }
}
