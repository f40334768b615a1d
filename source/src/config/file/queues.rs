//! Reads `[queues.NAME]`: where people ask for what they want to hear.

use super::rules;
use super::values::{Names, called};
use crate::alphabet::TagCharset;
use crate::config::entries::QueueConfig;
use common::config::Section;
use jiff::tz::TimeZone;
use std::path::Path;

/// Every queue of the file.
pub(super) fn read(
    top: &mut Section<'_>,
    folder: &Path,
    zone: &TimeZone,
    tag_charset: Option<TagCharset>,
    names: &mut Names,
) -> Vec<QueueConfig> {
    top.named("queues", |name, section| {
        let owner = called("queue", name);
        if let Err(what) = names.claim(name, &owner) {
            section.wrong_here(what);
        }
        let own: Option<String> = section.value("folder");
        QueueConfig {
            name: name.to_owned(),
            aliases: names.aliases(section, &owner),
            folder: own.map_or_else(|| folder.to_owned(), |own| folder.join(own)),
            tag_charset: super::tag_charset(section).or(tag_charset),
            rules: rules::read(section, zone, true),
        }
    })
}
