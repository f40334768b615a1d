//! `[[directory]]`: where public stations are announced.

use crate::config::directories::{DirectoryConfig, TOUCH_INTERVAL_MIN};
use crate::config::upstream::HttpAddress;
use common::config::Section;

/// Reads every one.
pub(super) fn read(top: &mut Section<'_>) -> Vec<DirectoryConfig> {
    let mut directories: Vec<DirectoryConfig> = Vec::new();
    for directory in top.list("directory", directory).into_iter().flatten() {
        if directories.iter().any(|other| other.url == directory.url) {
            top.wrong("directory", format!("{} stands here twice", directory.url));
        } else {
            directories.push(directory);
        }
    }
    directories
}

fn directory(section: &mut Section<'_>) -> Option<DirectoryConfig> {
    let text: String = section.required("url").unwrap_or_default();
    let url = HttpAddress::parse(&text);
    if url.is_none() && !text.is_empty() {
        section.wrong("url", format!("`{text}` is no address such as https://example.org/yp"));
    }
    let timeout = section.value("timeout");
    let touch_interval = section.value("touch_interval");
    let settle = section.value("settle");
    if touch_interval.is_some_and(|interval| interval < TOUCH_INTERVAL_MIN) {
        let what = format!("{TOUCH_INTERVAL_MIN:?} is the least, lest the directory take offence");
        section.wrong("touch_interval", what);
    }
    let usual = DirectoryConfig::at(url?);
    Some(DirectoryConfig {
        timeout: timeout.unwrap_or(usual.timeout),
        touch_interval: touch_interval.unwrap_or(usual.touch_interval),
        settle: settle.unwrap_or(usual.settle),
        ..usual
    })
}
