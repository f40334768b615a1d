//! Where a file is: from the path of a request to an open file in the webroot, and not beyond.

use super::wanted::Edition;
use common::http::percent;
use jiff::Timestamp;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use tokio::fs::{self, File};

/// The place below the webroot that the percent-encoded `path` of a request names.
///
/// None for what is never served: hidden files, folders, steps of dots, the administrator's
/// commands, and Icecast's page templates. These lie in the webroot that a distribution's Icecast
/// brings; its pages are ours to make.
pub(super) fn below_webroot(path: &str) -> Option<PathBuf> {
    let path = percent::decode(path);
    let path = path.strip_prefix(b"/")?;
    let is_step =
        |step: &[u8]| !step.is_empty() && step[0] != b'.' && !step.iter().any(u8::is_ascii_control);
    if path.len() > PATH_BYTES_MAX || !path.split(|&byte| byte == b'/').all(is_step) {
        return None;
    }
    let path = Path::new(OsStr::from_bytes(path));
    let is_template = path.extension().is_some_and(|extension| {
        extension.eq_ignore_ascii_case("xsl") || extension.eq_ignore_ascii_case("xslt")
    });
    (!is_template && !path.starts_with("admin")).then(|| path.to_owned())
}

/// Opens the file at `path` below `webroot`.
///
/// A link may lead out of the webroot only if who made the link owns the file: Debian links
/// `style.css` to a file in `/etc/icecast2`, both root's. Somebody who may put files into the
/// webroot can so show others of his own, and none that only the server may read.
pub(super) async fn open(webroot: &Path, path: &Path) -> io::Result<(File, Edition)> {
    let root = fs::canonicalize(webroot).await?;
    let place = fs::canonicalize(root.join(path)).await?;
    let about = fs::metadata(&place).await?;
    // Before it is opened: to open a pipe would wait for somebody who writes into it.
    if !about.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    if !place.starts_with(&root) && !are_owners_links(&root, path, about.uid()).await? {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let file = File::open(&place).await?;
    let about = file.metadata().await?;
    let (seconds, nanoseconds) = (about.mtime(), about.mtime_nsec());
    let modified = Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH);
    let tag = format!("\"{:x}-{seconds:x}-{nanoseconds:x}\"", about.len());
    Ok((file, Edition { tag, modified, length_bytes: about.len() }))
}

/// Whether every link on the way along `path` from `root` belongs to the user `owner`.
async fn are_owners_links(root: &Path, path: &Path, owner: u32) -> io::Result<bool> {
    let mut place = root.to_owned();
    for step in path {
        place.push(step);
        let about = fs::symlink_metadata(&place).await?;
        if about.is_symlink() && about.uid() != owner {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The longest path, in bytes: what Linux takes.
const PATH_BYTES_MAX: usize = 4_095;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::os::unix::fs::{lchown, symlink};
    use std::path::Component;

    #[test]
    fn a_path_names_its_file_decoded() {
        let below = |path| below_webroot(path).map(|path| path.to_str().unwrap().to_owned());

        assert_eq!(below("/a/b%20c.mp3").as_deref(), Some("a/b c.mp3"));
        assert_eq!(below("/%C3%84").as_deref(), Some("Ä"));
        assert_eq!(below("/a\\b").as_deref(), Some("a\\b"), "no more than an odd name here");
    }

    #[test]
    fn what_is_never_served_has_no_place() {
        for path in [
            "",
            "/",
            "a",
            "*",
            "//a",
            "/a//b",
            "/a/",
            "/.",
            "/..",
            "/../a",
            "/a/../b",
            "/%2e%2e/a",
            "/a/%2E%2E/%2e%2e/b",
            "/%2e%2e%2fa",
            "/%2fetc/passwd",
            "/.htpasswd",
            "/a/.git/config",
            "/a%00.mp3",
            "/a%0d%0ab",
            "/status.xsl",
            "/a/X.XSL",
            "/xml2json.xslt",
            "/admin/a.css",
            "/%61dmin/a.css",
        ] {
            assert_eq!(below_webroot(path), None, "{path}");
        }
        assert_eq!(below_webroot(&format!("/{}", "a/".repeat(2_048) + "a")), None);
    }

    /// A webroot with `a.txt` beside a file that is not in it.
    async fn opened(path: &str, prepare: impl FnOnce(&Path)) -> io::Result<u64> {
        let folder = tempfile::tempdir()?;
        let root = folder.path().join("web");
        std::fs::create_dir_all(root.join("folder"))?;
        std::fs::write(root.join("a.txt"), "inside")?;
        std::fs::write(folder.path().join("outside.txt"), "outside it")?;
        prepare(&root);
        Ok(open(&root, Path::new(path)).await?.1.length_bytes)
    }

    #[tokio::test]
    async fn files_are_opened_and_nothing_else() {
        assert_eq!(opened("a.txt", |_| ()).await.unwrap(), 6);
        assert!(opened("folder", |_| ()).await.is_err());
        assert!(opened("absent", |_| ()).await.is_err());
        assert!(opened("a.txt/b", |_| ()).await.is_err());
    }

    #[tokio::test]
    async fn a_link_leads_out_only_to_what_its_maker_owns() {
        let link = |root: &Path| symlink("../outside.txt", root.join("link")).unwrap();

        assert_eq!(opened("link", link).await.unwrap(), 10);
        let inside = |root: &Path| symlink("a.txt", root.join("link")).unwrap();
        assert_eq!(opened("link", inside).await.unwrap(), 6);
        // Root can make links of others; anybody else can link to what is root's.
        let of_another = |root: &Path| {
            link(root);
            if lchown(root.join("link"), Some(65_534), None).is_err() {
                std::fs::remove_file(root.join("link")).unwrap();
                symlink("/etc/passwd", root.join("link")).unwrap();
            }
        };
        let error = opened("link", of_another).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        let folder = |root: &Path| {
            symlink("..", root.join("up")).unwrap();
            let _ = lchown(root.join("up"), Some(65_534), None);
        };
        if opened("a.txt", folder).await.is_ok() && lchown_works() {
            assert!(opened("up/outside.txt", folder).await.is_err());
        }
    }

    fn lchown_works() -> bool {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        symlink("x", &link).unwrap();
        lchown(link, Some(65_534), None).is_ok()
    }

    proptest! {
        #[test]
        fn whatever_is_asked_for_lies_below_the_webroot(
            path in "(/|\\.|%2e|%2f|%|[a-c]|\\PC){0,12}",
        ) {
            if let Some(place) = below_webroot(&path) {
                let is_step = |step| matches!(step, Component::Normal(_));
                prop_assert!(place.components().all(is_step), "{place:?}");
            }
        }
    }
}
