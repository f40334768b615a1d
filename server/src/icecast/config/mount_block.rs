//! What one `<mount>` block says of its mount, element by element.
//!
//! A block becomes a list of settings, so that what it leaves unset stays as it was. Nothing here
//! knows which mounts the block is about.

use super::login::{self, Login};
use super::{headers, password, size};
use crate::config::files::in_webroot;
use crate::config::limits::MountLimits;
use crate::config::mounts::{MountConfig, SourceConflict};
use crate::mount::name::MountName;
use encoding_rs::Encoding;
use icecast_compat::config_xml::advice::Advice;
use icecast_compat::config_xml::{Block, Said};
use std::time::Duration;

/// What a block says.
pub(super) struct MountBlock {
    /// The line in which it begins.
    pub(super) line: usize,
    /// The line of its burst or queue, if it says one.
    pub(super) sizes_line: Option<usize>,
    settings: Vec<Setting>,
}

/// Something that a block changes.
type Setting = Box<dyn FnOnce(&mut MountConfig)>;

/// An element that holds a text, and where the text goes.
type TextSetting = (&'static str, fn(&mut MountConfig, String));

impl MountBlock {
    /// Reads the elements of `block`.
    pub(super) fn read(block: &mut Block<'_, '_>) -> Self {
        let mut reader = Reader { sizes_line: None, settings: Vec::new(), block };
        reader.source();
        reader.limits();
        reader.fallback();
        reader.files_and_programs();
        reader.public();
        reader.overrides();
        reader.listeners();
        let Reader { sizes_line, settings, .. } = reader;
        Self { line: block.line(), sizes_line, settings }
    }

    /// Puts what the block says into `config`.
    pub(super) fn apply(self, config: &mut MountConfig) {
        self.settings.into_iter().for_each(|set| set(config));
    }
}

struct Reader<'r, 't, 'a> {
    block: &'r mut Block<'t, 'a>,
    sizes_line: Option<usize>,
    settings: Vec<Setting>,
}

impl Reader<'_, '_, '_> {
    fn source(&mut self) {
        if let Some(user) = self.block.text("username") {
            self.set(|config| config.user = user.value);
        }
        if let Some(password) = password(self.block, "password") {
            self.set(|config| config.password = Some(password));
        }
        let Some(said) = self.text("on-source-conflict") else { return };
        match said.value.as_str() {
            "refuse" => self.set(|config| config.on_source_conflict = SourceConflict::Refuse),
            "takeover" => self.set(|config| config.on_source_conflict = SourceConflict::Takeover),
            odd => {
                let what = format!("<on-source-conflict> {odd:?}; write takeover or refuse");
                self.block.advise(Advice::mistake(said.line, what));
            }
        }
    }

    fn limits(&mut self) {
        if let Some(burst) = self.bytes("burst-size") {
            self.set(move |config| {
                config.limits.burst_bytes = burst;
                config.limits.flush_delay = MountLimits::flush_delay_beside(burst);
            });
        }
        if let Some(queue) = self.bytes("queue-size") {
            self.set(move |config| config.limits.queue_bytes = queue);
        }
        // -1 is no limit, and 0 lets nobody in.
        if let Some(said) = self.block.number("max-listeners") {
            if said.value < -1 {
                let what = "<max-listeners> is -1 for no limit, 0 for nobody, or a number of \
                            listeners";
                self.block.advise(Advice::mistake(said.line, what));
            }
            let most = usize::try_from(said.value).ok();
            self.set(move |config| config.limits.listeners_max = most);
        }
        if let Some(most) = self.seconds("max-listener-duration") {
            let most = Some(most).filter(|most| !most.is_zero());
            self.set(move |config| config.limits.listener_duration_max = most);
        }
        // To Icecast, 0 leaves the one of <limits>.
        if let Some(timeout) = self.seconds("source-timeout").filter(|time| !time.is_zero()) {
            self.set(move |config| config.limits.source_timeout = timeout);
        }
        if let Some(grace) = self.seconds("source-grace") {
            self.set(move |config| config.limits.source_grace = grace);
        }
        // A negative one leaves it to the source.
        let interval = self.block.number("mp3-metadata-interval");
        if let Some(bytes) = interval.and_then(|said| u32::try_from(said.value).ok()) {
            self.set(move |config| config.metadata_interval_bytes = Some(bytes));
        }
    }

    fn fallback(&mut self) {
        self.flag("fallback-override", |config, on| config.fallback_override = on);
        self.flag("fallback-when-full", |config, on| config.fallback_when_full = on);
        let Some(said) = self.text("fallback-mount") else { return };
        match MountName::new(&said.value) {
            Ok(name) => self.set(|config| config.fallback = Some(name)),
            Err(error) => {
                let what = format!("<fallback-mount> {:?} is never found: {error}", said.value);
                self.block.advise(Advice::warning(said.line, what));
            }
        }
    }

    fn files_and_programs(&mut self) {
        if let Some(said) = self.text("intro") {
            match in_webroot(&said.value) {
                Some(file) => self.set(|config| config.intro = Some(file)),
                None => {
                    let what = format!("<intro> {:?} names no file in the webroot", said.value);
                    self.block.advise(Advice::warning(said.line, what));
                }
            }
        }
        self.texts(&[
            ("dump-file", |config, text| config.dump_file = Some(text)),
            ("on-connect", |config, text| config.on_connect = Some(text.into())),
            ("on-disconnect", |config, text| config.on_disconnect = Some(text.into())),
        ]);
    }

    fn public(&mut self) {
        self.flag("hidden", |config, on| config.hidden = on);
        self.flag("no-mount", |config, on| config.direct = !on);
        if let Some(password) = password(self.block, "cluster-password") {
            self.set(|config| config.cluster_password = Some(password));
        }
        let (public, never) = (self.block.number("public"), self.block.flag("no-yp"));
        let public = match public {
            Some(said) => u32::try_from(said.value).ok().map(|public| public != 0),
            None => never.filter(|never| never.value).map(|_| false),
        };
        if let Some(public) = public {
            self.set(move |config| config.public = Some(public));
        }
    }

    fn overrides(&mut self) {
        self.texts(&[
            ("stream-name", |config, text| config.says.name = Some(text)),
            ("stream-description", |config, text| config.says.description = Some(text)),
            ("stream-url", |config, text| config.says.url = Some(text)),
            ("genre", |config, text| config.says.genre = Some(text)),
            ("bitrate", |config, text| config.says.bitrate = Some(text)),
            ("type", |config, text| config.says.content_type = Some(text)),
            ("subtype", |config, text| config.says.subtype = Some(text)),
        ]);
        if let Some(said) = self.text("charset") {
            match Encoding::for_label(said.value.as_bytes()) {
                Some(charset) => self.set(move |config| config.charset = Some(charset)),
                None => {
                    let what = format!("<charset> {:?} is not known; ignored", said.value);
                    self.block.advise(Advice::warning(said.line, what));
                }
            }
        }
    }

    fn listeners(&mut self) {
        match self.block.block("authentication", login::read) {
            Login::Backend(auth) => self.set(|config| config.url_auth = Some(auth)),
            Login::Known(auth) => self.set(|config| config.listeners = Some(auth)),
            // Rather closed to all than open to everybody.
            Login::Unknown => self.set(|config| config.direct = false),
            Login::Unneeded => {}
        }
        let own = headers::read(self.block);
        if !own.is_empty() {
            // A mount's own come first, and those of the default block follow.
            self.set(|config| drop(config.http_headers.splice(0..0, own)));
        }
    }

    fn set(&mut self, setting: impl FnOnce(&mut MountConfig) + 'static) {
        self.settings.push(Box::new(setting));
    }

    /// The text in `name` without the blanks around it, if there is any.
    fn text(&mut self, name: &'static str) -> Option<Said<String>> {
        let said = self.block.text(name)?.map(|text| text.trim().to_owned());
        Some(said).filter(|said| !said.value.is_empty())
    }

    fn texts(&mut self, settings: &[TextSetting]) {
        for (name, set) in settings.iter().copied() {
            if let Some(said) = self.text(name) {
                self.set(move |config| set(config, said.value));
            }
        }
    }

    fn flag(&mut self, name: &'static str, set: fn(&mut MountConfig, bool)) {
        if let Some(said) = self.block.flag(name) {
            self.set(move |config| set(config, said.value));
        }
    }

    fn bytes(&mut self, name: &'static str) -> Option<usize> {
        let said = self.block.number(name)?;
        self.sizes_line.get_or_insert(said.line);
        Some(size(self.block, name, said).value)
    }

    fn seconds(&mut self, name: &'static str) -> Option<Duration> {
        let said = self.block.number(name)?;
        let seconds = u64::try_from(said.value);
        if seconds.is_err() {
            let what = format!("<{name}> of {} seconds; 0 is the least", said.value);
            self.block.advise(Advice::mistake(said.line, what));
        }
        seconds.ok().map(Duration::from_secs)
    }
}
