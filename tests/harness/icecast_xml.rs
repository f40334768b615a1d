//! One `icecast.xml` for both servers: theirs and ours.
//!
//! A test says what is special; the rest is the same for everybody. Files that the servers are to
//! find, and the logs that they write, are in a folder of its own, which the text can name.

use crate::station::{ADMIN_PASSWORD, SOURCE_PASSWORD};
use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// A configuration in the making, and the folder of its files.
#[derive(Clone, Debug)]
pub struct IcecastXml {
    folder: Arc<TempDir>,
    own: String,
}

impl Default for IcecastXml {
    fn default() -> Self {
        Self::new()
    }
}

impl IcecastXml {
    /// The configuration of a [`Station`](crate::Station).
    pub fn new() -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a folder for a server's files"));
        let xml = Self { folder, own: String::new() };
        // Icecast runs as somebody else, who is to read these files and to write its logs.
        for folder in [xml.folder.path(), &xml.folder.path().join("web")] {
            fs::create_dir_all(folder).expect("our own folder");
            fs::set_permissions(folder, Permissions::from_mode(0o777)).expect("our own folder");
        }
        xml
    }

    /// Adds `elements` of the top level, such as a `<mount>`. They come last, so that of elements
    /// that merge theirs count; `{folder}` in them is the folder of the files.
    #[must_use]
    pub fn and(mut self, elements: &str) -> Self {
        self.own.push_str(elements);
        self
    }

    /// Puts the file `name` into the folder; those in `web/` are served.
    #[must_use]
    pub fn file(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().expect("it is in the folder")).expect("our own folder");
        fs::write(&path, bytes).expect("our own folder");
        fs::set_permissions(path, Permissions::from_mode(0o666)).expect("our own file");
        self
    }

    /// Copies the pages that Icecast brings along to the other files.
    pub(crate) fn copy_icecasts_pages(&self) {
        for entry in fs::read_dir(SHARE.to_owned() + "/web").into_iter().flatten().flatten() {
            let to = self.folder.path().join("web").join(entry.file_name());
            if !to.exists() {
                fs::copy(entry.path(), to).expect("our own folder");
            }
        }
    }

    /// The folder of the files and logs.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes the text for a server at `address`; where it is.
    pub fn write(&self, address: SocketAddr) -> PathBuf {
        let path = self.folder.path().join("icecast.xml");
        fs::write(&path, self.text(address)).expect("our own folder");
        path
    }

    fn text(&self, address: SocketAddr) -> String {
        let (ip, port, folder) = (address.ip(), address.port(), self.folder.path().display());
        let own = self.own.replace("{folder}", &folder.to_string());
        format!(
            "<icecast><location>Earth</location><admin>icemaster@localhost</admin>\
             <hostname>localhost</hostname>\
             <limits><clients>100</clients><sources>10</sources><queue-size>524288</queue-size>\
             <header-timeout>15</header-timeout><source-timeout>10</source-timeout>\
             <burst-size>65536</burst-size></limits>\
             <authentication><source-password>{SOURCE_PASSWORD}</source-password>\
             <relay-password>{RELAY_PASSWORD}</relay-password>\
             <admin-user>admin</admin-user><admin-password>{ADMIN_PASSWORD}</admin-password>\
             </authentication>\
             <listen-socket><port>{port}</port><bind-address>{ip}</bind-address></listen-socket>\
             <http-headers><header name=\"Access-Control-Allow-Origin\" value=\"*\" />\
             </http-headers>\
             <paths><basedir>{SHARE}</basedir><logdir>{folder}</logdir>\
             <webroot>{folder}/web</webroot><adminroot>{SHARE}/admin</adminroot></paths>\
             <logging><accesslog>access.log</accesslog><errorlog>error.log</errorlog>\
             <playlistlog>playlist.log</playlistlog><loglevel>3</loglevel></logging>\
             <security><chroot>0</chroot><changeowner><user>nobody</user><group>nogroup</group>\
             </changeowner></security>{own}</icecast>"
        )
    }
}

/// The password of a server that relays, where the configuration is an `icecast.xml`.
pub const RELAY_PASSWORD: &str = "for-relays";
/// Where the packaged Icecast has its pages.
const SHARE: &str = "/usr/share/icecast2";
