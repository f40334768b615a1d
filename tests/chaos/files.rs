//! The music of the station, and what becomes of its files and lists.
//!
//! What is broken is mended from what was recorded, so that there is something to break again.

use e2e::{Program, Random, recording};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// The music.
#[derive(Debug)]
pub(crate) struct Music {
    /// The folder of the station.
    folder: PathBuf,
    /// Every file as it was recorded, with its path.
    files: Vec<(PathBuf, Vec<u8>)>,
    list: String,
}

impl Music {
    /// Records some seconds of every format, and the emergency.
    pub(crate) async fn record(ffmpeg: &Program, folder: &Path) -> Self {
        for name in ["music", "state"] {
            fs::create_dir(folder.join(name)).expect("a new folder");
        }
        let mut files = Vec::new();
        let mut list = "#EXTM3U\n".to_owned();
        for (number, (extension, options)) in FORMATS.iter().enumerate() {
            let name = format!("music/{number}.{extension}");
            let title = format!("title=Track {number}");
            let options = [options, &["-metadata", "artist=Chaos", "-metadata", &title][..]];
            let seconds = SECONDS[number % SECONDS.len()];
            recording::record(ffmpeg, folder, &name, seconds, &options.concat()).await;
            files.push(folder.join(&name));
            list += &format!("#EXTINF:{seconds},Chaos - Track {number}\n{name}\n");
        }
        recording::record(ffmpeg, folder, EMERGENCY, 5, recording::MP3).await;
        files.push(folder.join(EMERGENCY));
        let bytes = |path: PathBuf| {
            let bytes = fs::read(&path).expect("it was recorded");
            (path, bytes)
        };
        let files = files.into_iter().map(bytes).collect();
        let music = Self { folder: folder.to_owned(), files, list };
        music.mend_list().expect("our own folder");
        music
    }

    /// The path of something in the folder.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The path of a track.
    pub(crate) fn any_track(&self, random: &mut Random) -> PathBuf {
        self.files[random.below(FORMATS.len())].0.clone()
    }

    /// Puts the file at `path` right.
    pub(crate) fn mend(&self, path: &Path) -> io::Result<()> {
        let Some((_, bytes)) = self.files.iter().find(|(known, _)| known == path) else {
            return Ok(());
        };
        clear(path)?;
        put(path, bytes)
    }

    /// Puts the list right.
    pub(crate) fn mend_list(&self) -> io::Result<()> {
        clear(&self.at(LIST))?;
        put(&self.at(LIST), self.list.as_bytes())
    }

    /// Puts everything right.
    pub(crate) fn mend_all(&self) -> io::Result<()> {
        for name in ["music", "state"] {
            fs::create_dir_all(self.at(name))?;
        }
        self.files.iter().try_for_each(|(path, _)| self.mend(path))?;
        self.mend_list()
    }
}

/// What can become of a file.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Harm {
    /// It ends in the middle.
    Cut,
    /// It is empty.
    Emptied,
    /// It is a device that never ends.
    Endless,
    /// It is a folder.
    Folder,
    /// It is a link to itself.
    Loop,
    /// It is another file of another format.
    Other,
    /// It is a pipe into which nobody writes.
    Pipe,
    /// Its head is noise.
    Rotten,
    /// Places within it are noise.
    Spotted,
    /// It is not there.
    Vanished,
    /// Its middle is zeros, which are no audio; where they would be silent audio, nothing.
    Zeroed,
}

/// What can become of the list.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ListHarm {
    /// It says to be a list and has no entries.
    Empty,
    /// It is being written, and the writer takes its time.
    Half,
    /// It has 20,000 entries, of which few exist.
    Huge,
    /// It is noise.
    Noise,
    /// It has the same entries in another order, written in place.
    Rewritten,
    /// It is a folder.
    Folder,
    /// It has no bytes.
    Truncated,
    /// It is not there.
    Vanished,
}

impl Harm {
    /// Does it to the file at `path`.
    ///
    /// Fails if that is no file just now; to write to a pipe would hold us up for ever.
    pub(crate) fn befall(self, path: &Path, music: &Music, random: &mut Random) -> io::Result<()> {
        if !fs::symlink_metadata(path)?.is_file() {
            return Err(io::ErrorKind::NotFound.into());
        }
        match self {
            Self::Cut => {
                let file = File::options().write(true).open(path)?;
                file.set_len(file.metadata()?.len() / 2)
            }
            Self::Emptied => File::options().write(true).open(path)?.set_len(0),
            Self::Endless => {
                fs::remove_file(path)?;
                symlink("/dev/zero", path)
            }
            Self::Folder => {
                fs::remove_file(path)?;
                fs::create_dir(path)
            }
            Self::Loop => {
                fs::remove_file(path)?;
                symlink(path, path)
            }
            Self::Other => {
                let (_, bytes) = &music.files[random.below(music.files.len())];
                put(path, bytes)
            }
            Self::Pipe => {
                fs::remove_file(path)?;
                std::process::Command::new("mkfifo").arg(path).status().map(|_| ())
            }
            Self::Rotten => overwrite(path, 0, &noise(8_192, random)),
            Self::Spotted => {
                let length = fs::metadata(path)?.len();
                for _ in 0..40 {
                    let at = random.number() % length.max(1);
                    overwrite(path, at, &noise(random.below(600), random))?;
                }
                Ok(())
            }
            Self::Vanished => fs::remove_file(path),
            Self::Zeroed => {
                if path.extension().is_some_and(|it| it == "wav") {
                    return Ok(()); // that would be silence that is meant
                }
                let length = fs::metadata(path)?.len();
                let zeros = vec![0; usize::try_from(length / 2).expect("a short file")];
                overwrite(path, length / 4, &zeros)
            }
        }
    }
}

impl ListHarm {
    /// Does it to the list; what takes time is only begun.
    pub(crate) fn befall(self, music: &Music, random: &mut Random) -> io::Result<()> {
        let path = music.at(LIST);
        match self {
            Self::Empty => fs::write(path, "#EXTM3U\n"),
            Self::Folder => {
                fs::remove_file(&path)?;
                fs::create_dir(path)
            }
            Self::Half => {
                let half = music.list.len() / 2 - random.below(20);
                fs::write(path, &music.list.as_bytes()[..half])
            }
            Self::Huge => {
                let few = music.list.lines().skip(1).collect::<Vec<_>>().join("\n");
                let mut text = "#EXTM3U\n".to_owned();
                for number in 0..20_000 {
                    let _ = writeln!(text, "#EXTINF:180,Nobody - {number}\n/none/{number}.mp3");
                    if number % 1_000 == 0 {
                        text += &format!("{few}\n");
                    }
                }
                fs::write(path, text)
            }
            Self::Noise => fs::write(path, noise(50_000, random)),
            Self::Rewritten => {
                let mut names: Vec<_> =
                    music.list.lines().filter(|line| !line.starts_with('#')).collect();
                names.rotate_left(random.below(FORMATS.len()));
                fs::write(path, names.join("\r\n"))
            }
            Self::Truncated => File::options().write(true).open(path)?.set_len(0),
            Self::Vanished => fs::remove_file(path),
        }
    }
}

/// Takes away whatever is at `path`.
pub(crate) fn clear(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(it) if it.is_dir() => fs::remove_dir_all(path),
        // A file is replaced.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Puts a file with `bytes` where something may be already.
pub(crate) fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::NotFound)?;
    let new = tempfile::NamedTempFile::new_in(folder)?;
    fs::write(new.path(), bytes)?;
    new.persist(path)?;
    Ok(())
}

/// Bytes that mean nothing.
pub(crate) fn noise(length: usize, random: &mut Random) -> Vec<u8> {
    (0..length).map(|_| random.number().to_be_bytes()[0]).collect()
}

/// Writes over what is in the file, without making it longer than it gets by that.
fn overwrite(path: &Path, at: u64, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::options().write(true).open(path)?;
    file.seek(SeekFrom::Start(at))?;
    file.write_all(bytes)
}

/// The list that the first channel plays.
pub(crate) const LIST: &str = "list.m3u";
/// What the second channel plays when there is nothing else.
pub(crate) const EMERGENCY: &str = "emergency.mp3";
/// How long the tracks are, in turn.
const SECONDS: [u32; 4] = [7, 12, 9, 3];
const FORMATS: [(&str, &[&str]); 9] = [
    ("mp3", recording::MP3),
    ("flac", &["-c:a", "flac"]),
    ("ogg", recording::VORBIS),
    ("mp3", &["-c:a", "libmp3lame", "-q:a", "4"]),
    ("opus", recording::OPUS),
    ("m4a", &["-c:a", "aac", "-b:a", "96k"]),
    ("wav", &["-c:a", "pcm_s16le", "-ar", "48000"]),
    ("aac", recording::AAC),
    ("mp3", &["-c:a", "libmp3lame", "-b:a", "64k", "-ar", "22050"]),
];
