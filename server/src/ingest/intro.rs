//! Reading a mount's intro: the file that every new listener hears before the stream.

use super::framer::Framer;
use crate::config::Config;
use crate::mount::Intro;
use crate::mount::name::MountName;
use common::chunk::Chunk;
use common::format::Format;
use std::path::Path;
use std::sync::Arc;
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;
use tracing::warn;

/// The intro that `config` names for the mount `name`; `None`, with a word in the log, if it
/// cannot be played.
pub(crate) async fn load(config: &Config, name: &MountName, format: Format) -> Option<Arc<Intro>> {
    let path = config.mount(name).intro.as_ref()?;
    // Icecast writes it with a leading slash, and means the webroot all the same.
    let relative = path.strip_prefix("/").unwrap_or(path);
    let path = config.files.webroot.as_deref().unwrap_or_else(|| Path::new("")).join(relative);
    match read(&path, format).await {
        Ok(intro) => Some(Arc::new(intro)),
        Err(error) => {
            warn!(mount = %name, intro = %path.display(), error, "the intro is left out");
            None
        }
    }
}

async fn read(path: &Path, format: Format) -> Result<Intro, String> {
    let file = File::open(path).await.map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    let read = file.take(INTRO_BYTES_MAX + 1).read_to_end(&mut bytes).await;
    read.map_err(|error| error.to_string())?;
    if bytes.len() as u64 > INTRO_BYTES_MAX {
        return Err(format!("longer than {INTRO_BYTES_MAX} bytes, which are kept in memory"));
    }
    let nothing = || "no frame of the mount's format is in it".to_owned();
    Intro::new(chunks(&bytes, format).ok_or_else(nothing)?).ok_or_else(nothing)
}

/// The whole frames or pages of a file; `None` if it is not of this format.
fn chunks(bytes: &[u8], format: Format) -> Option<Vec<Chunk>> {
    let mut framer = Framer::new(format);
    framer.push(bytes);
    let mut chunks = Vec::new();
    while let Some(chunk) = framer.next().ok()? {
        chunks.push(chunk);
    }
    Some(chunks)
}

/// The longest intro, in bytes: a quarter of an hour at 128 kbit/s.
const INTRO_BYTES_MAX: u64 = 16 << 20;
