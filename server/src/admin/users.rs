//! `manageauth`: the users who may listen to a mount, listed and changed.

use super::Command;
use crate::answer::Answer;
use crate::auth::users::{Change, ChangeError};
use crate::config::mounts::ListenerAuth;
use crate::icecast::answers;
use crate::mount::name::MountName;
use crate::parts::Parts;
use crate::refusal::Refusal;
use common::auth::{Credentials, Password};
use tracing::error;

/// Carries out the command for the mount `name`, which need not be on air; `None` if its listeners
/// do not have to say who they are.
pub(crate) async fn managed(
    command: &Command,
    name: &MountName,
    parts: &Parts,
) -> Result<Option<Answer>, Refusal> {
    let config = parts.config();
    let Some(ListenerAuth::Htpasswd { file, .. }) = &config.mount(name).listeners else {
        return Ok(None);
    };
    let user = || command.parameter("username").ok_or_else(missing);
    let change = match command.parameter("action").as_deref() {
        Some("add") => {
            let password = command.parameter("password").ok_or_else(missing)?;
            Some(Change::Add(Credentials { user: user()?, password: Password::new(&password) }))
        }
        Some("delete") => Some(Change::Remove(user()?)),
        // Whatever else is said lists them, as in Icecast.
        Some(_) | None => None,
    };
    let Some(change) = change else {
        let users = parts.users.users(file.clone()).await.ok_or(Refusal::NotKept)?;
        return Ok(Some(answers::users(name, &users, None)));
    };
    match parts.users.change(file.clone(), change).await {
        Ok((changed, users)) => Ok(Some(answers::users(name, &users, Some(changed)))),
        Err(ChangeError::User(error)) => Err(Refusal::ParameterUnfit(error.to_string())),
        Err(error @ (ChangeError::Io(_) | ChangeError::NoAnswer)) => {
            error!(file = %file.display(), %error, "the users could not be changed");
            Err(Refusal::NotKept)
        }
    }
}

/// In Icecast's words for this command; its others have a capital.
fn missing() -> Refusal {
    Refusal::ParameterUnfit("missing parameter".to_owned())
}
