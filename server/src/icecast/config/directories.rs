//! `<directory>`: where public stations are announced.

use crate::config::directories::{DirectoryConfig, TOUCH_INTERVAL_MIN};
use crate::config::upstream::HttpAddress;
use icecast_compat::config_xml::Block;
use icecast_compat::config_xml::advice::Advice;
use std::time::Duration;

/// Reads every block.
pub(super) fn read(top: &mut Block<'_, '_>) -> Vec<DirectoryConfig> {
    let mut directories: Vec<DirectoryConfig> = Vec::new();
    for directory in top.each("directory", directory).into_iter().flatten() {
        if !directories.iter().any(|other| other.url == directory.url) {
            directories.push(directory);
        }
    }
    directories
}

fn directory(block: &mut Block<'_, '_>) -> Option<DirectoryConfig> {
    let url = block.text("yp-url");
    let seconds = |said: i32| u64::try_from(said).ok().filter(|seconds| *seconds > 0);
    let timeout = block.number("yp-url-timeout").and_then(|said| seconds(said.value));
    let touch_interval = block.number("touch-interval").and_then(|said| seconds(said.value));
    let url = url.filter(|url| !url.value.trim().is_empty())?;
    let Some(address) = HttpAddress::parse(&url.value) else {
        let text = url.value.trim();
        let what = format!("<yp-url> {text:?} is no address such as http://example.org/yp");
        block.advise(Advice::mistake(url.line, what));
        return None;
    };
    let usual = DirectoryConfig::at(address);
    // The directory says how often it wants to hear of a station, and this counts where it does
    // not; Icecast's files have 30 there, which it takes for seconds.
    let touch_interval = touch_interval.map(Duration::from_secs);
    Some(DirectoryConfig {
        timeout: timeout.map_or(usual.timeout, Duration::from_secs),
        touch_interval: touch_interval
            .map_or(usual.touch_interval, |interval| interval.max(TOUCH_INTERVAL_MIN)),
        ..usual
    })
}
