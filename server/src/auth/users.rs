//! The files of users, in the hands of one task.
//!
//! The task reads a file when it is first asked about and again when the file has changed, and
//! hands out what it read; it also is who rewrites it. Passwords are held against slow hashes
//! beside it, a few at a time, since each costs memory and a processor for a while.

use super::htpasswd::{UserError, Users, with_line, without_user};
use crate::kept_file::{self, Stamp};
use crate::tasks::Tasks;
use common::auth::Credentials;
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;
use tracing::{info, warn};

/// A handle on the files. Clones are cheap.
#[derive(Clone, Debug)]
pub(crate) struct UserFiles {
    requests: mpsc::Sender<Request>,
    hashing: Arc<Semaphore>,
    tasks: Tasks,
}

/// What is to become of a file.
#[derive(Debug)]
pub(crate) enum Change {
    /// A new user comes in.
    Add(Credentials),
    /// A user goes out.
    Remove(String),
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Changed {
    /// The new user is in.
    Added,
    /// There is a user of that name already; nothing was done.
    AlreadyThere,
    /// No user of that name is in, if there ever was one.
    Removed,
}

/// Why a file could not be changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeError {
    /// The disk did not do it.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The server is about to stop, or the disk hangs.
    #[error("the files of users do not answer")]
    NoAnswer,
    /// Such a user cannot be.
    #[error(transparent)]
    User(#[from] UserError),
}

type ChangeReply = oneshot::Sender<Result<(Changed, Arc<Users>), ChangeError>>;

#[derive(Debug)]
enum Request {
    Change { file: PathBuf, change: Change, reply: ChangeReply },
    Read { file: PathBuf, reply: oneshot::Sender<Arc<Users>> },
}

impl UserFiles {
    /// Starts the task.
    pub(crate) fn start(tasks: &Tasks) -> Self {
        let (requests, mut asked) = mpsc::channel(REQUESTS_WAITING_MAX);
        let inside = tasks.clone();
        tasks.spawn(async move {
            let mut owner = Owner { read: HashMap::new(), tasks: inside.clone() };
            loop {
                tokio::select! {
                    request = asked.recv() => match request {
                        Some(request) => owner.answer(request).await,
                        None => return,
                    },
                    () = inside.stopping() => return,
                }
            }
        });
        Self { requests, hashing: Arc::new(Semaphore::new(HASHES_MAX)), tasks: tasks.clone() }
    }

    /// Whether the file knows these credentials. One that cannot be read knows nobody.
    pub(crate) async fn knows(&self, file: PathBuf, given: &Credentials) -> bool {
        let Some(users) = self.users(file).await else { return false };
        let Some((hash, is_there)) = users.hash(&given.user) else { return false };
        if !hash.is_slow() {
            return hash.is_of(given.password.reveal()) & is_there;
        }
        let Ok(_turn) = self.hashing.acquire().await else { return false };
        let (hash, password) = (hash.clone(), given.password.clone());
        self.tasks.work(move || hash.is_of(password.reveal())).await.unwrap_or(false) & is_there
    }

    /// The users in the file; `None` if there is no answer in time.
    pub(crate) async fn users(&self, file: PathBuf) -> Option<Arc<Users>> {
        let (reply, answer) = oneshot::channel();
        let asked = async {
            self.requests.send(Request::Read { file, reply }).await.ok()?;
            answer.await.ok()
        };
        timeout(ANSWER_TIMEOUT, asked).await.ok().flatten()
    }

    /// Changes the file; what became of it, and the users that are in it now.
    pub(crate) async fn change(
        &self,
        file: PathBuf,
        change: Change,
    ) -> Result<(Changed, Arc<Users>), ChangeError> {
        let (reply, answer) = oneshot::channel();
        let asked = async {
            let sent = self.requests.send(Request::Change { file, change, reply }).await;
            sent.map_err(|_| ChangeError::NoAnswer)?;
            answer.await.map_err(|_| ChangeError::NoAnswer)?
        };
        timeout(ANSWER_TIMEOUT, asked).await.unwrap_or(Err(ChangeError::NoAnswer))
    }
}

struct Owner {
    /// What was read of each file, and how the file looked then.
    read: HashMap<PathBuf, (Option<Stamp>, Arc<Users>)>,
    tasks: Tasks,
}

impl Owner {
    /// Who asked and went away needs no answer.
    async fn answer(&mut self, request: Request) {
        match request {
            Request::Change { file, change, reply } => {
                let _ = reply.send(self.change(file, change).await);
            }
            Request::Read { file, reply } => {
                let _ = reply.send(self.users(file).await);
            }
        }
    }

    async fn users(&mut self, file: PathBuf) -> Arc<Users> {
        let stamp = Stamp::of(&file).await;
        if let Some((known, users)) = self.read.get(&file)
            && *known == stamp
        {
            return Arc::clone(users);
        }
        let users = match kept_file::read(&file, FILE_BYTES_MAX).await {
            Ok(text) => Users::read(&text),
            Err(error) => {
                warn!(file = %file.display(), %error, "users cannot be read; nobody may listen");
                Users::default()
            }
        };
        if stamp.is_none() {
            warn!(file = %file.display(), "the file of users is not there; nobody may listen");
        } else if users.odd_lines > 0 {
            let lines = users.odd_lines;
            warn!(file = %file.display(), lines, "lines that are no user and hash; passed over");
        }
        let users = Arc::new(users);
        // There are as many files as the configuration names, and few it named before.
        if self.read.len() >= FILES_MAX {
            self.read.clear();
        }
        self.read.insert(file, (stamp, Arc::clone(&users)));
        users
    }

    async fn change(
        &mut self,
        file: PathBuf,
        change: Change,
    ) -> Result<(Changed, Arc<Users>), ChangeError> {
        let users = self.users(file.clone()).await;
        let text = kept_file::read(&file, FILE_BYTES_MAX).await?;
        let (changed, user, text) = match change {
            Change::Add(Credentials { user, .. }) if users.has(&user) => {
                return Ok((Changed::AlreadyThere, users));
            }
            Change::Remove(user) if !users.has(&user) => return Ok((Changed::Removed, users)),
            Change::Add(Credentials { user, password }) => {
                let name = user.clone();
                let line = move || users.line_for(&name, password.reveal());
                let line = self.tasks.work(line).await.ok_or(ChangeError::NoAnswer)??;
                (Changed::Added, user, with_line(&text, &line))
            }
            Change::Remove(user) => {
                let text = without_user(&text, &user);
                (Changed::Removed, user, text)
            }
        };
        let path = file.clone();
        let replaced = self.tasks.work(move || kept_file::replace(&path, &text)).await;
        replaced.ok_or(ChangeError::NoAnswer)??;
        info!(file = %file.display(), user, ?changed, "users");
        Ok((changed, self.users(file).await))
    }
}

/// Requests that may wait; a login beyond waits to ask.
const REQUESTS_WAITING_MAX: usize = 256;
/// How long a login waits for the files; a disk may hang.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Slow hashes that are computed at a time: with Argon2's usual cost 19 MiB and a few hundredths
/// of a second each.
const HASHES_MAX: usize = 2;
/// The longest file of users: some hundred thousand of them.
const FILE_BYTES_MAX: u64 = 16 << 20;
/// Files that are remembered.
const FILES_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use common::auth::Password;

    fn given(user: &str, password: &str) -> Credentials {
        Credentials { user: user.to_owned(), password: Password::new(password) }
    }

    #[tokio::test]
    async fn a_user_who_was_added_is_known_until_removed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("users");
        std::fs::write(&file, "alice:5ebe2294ecd0e0f08eab7690d2a6ee69\n").unwrap();
        let files = UserFiles::start(&Tasks::default());
        let change = async |change| files.change(file.clone(), change).await.unwrap().0;

        assert_eq!(change(Change::Add(given("bob", "pw"))).await, Changed::Added);
        assert_eq!(change(Change::Add(given("bob", "x"))).await, Changed::AlreadyThere);
        assert!(files.knows(file.clone(), &given("bob", "pw")).await);
        assert!(!files.knows(file.clone(), &given("bob", "x")).await);

        assert_eq!(change(Change::Remove("bob".to_owned())).await, Changed::Removed);
        assert!(!files.knows(file.clone(), &given("bob", "pw")).await);
        assert!(files.knows(file.clone(), &given("alice", "secret")).await);
    }

    #[tokio::test]
    async fn a_file_that_others_change_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("users");
        let files = UserFiles::start(&Tasks::default());
        assert!(!files.knows(file.clone(), &given("alice", "secret")).await, "no file, no user");

        let slow = bcrypt::hash("slow", 4).unwrap();
        let text = format!("alice:5ebe2294ecd0e0f08eab7690d2a6ee69\ncarol:{slow}\n");
        std::fs::write(&file, text).unwrap();

        assert!(files.knows(file.clone(), &given("alice", "secret")).await);
        assert!(files.knows(file.clone(), &given("carol", "slow")).await);
        assert!(!files.knows(file.clone(), &given("nobody", "slow")).await);
    }
}
