//! The forms of URL authentication, byte for byte as Icecast 2.4.4 posts them.
//!
//! A backend that was written for Icecast gets the same fields in the same order, in the same
//! coding: every byte but ASCII letters and digits as `%xx`, in small letters. Which of them it
//! looks at nobody knows. A field's name is written as it is, so that it must be a word.

use std::fmt::Write as _;

/// Who listens, or wants to.
#[derive(Clone, Copy, Debug)]
pub struct Listener<'a> {
    /// The server's host name.
    pub server: &'a str,
    /// The server's port.
    pub port: u16,
    /// The listener's number.
    pub client: u64,
    /// What it asked for: path and query, as it wrote them.
    pub mount: &'a str,
    /// The user that it gave; empty if it gave none.
    pub user: &'a str,
    /// The password that it gave; likewise.
    pub password: &'a str,
    /// Its address.
    pub ip: &'a str,
    /// Its program; `-` if it did not say.
    pub agent: &'a str,
}

/// Who sends to a mount, or wants to, or gives a command for it.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The mount.
    pub mount: &'a str,
    /// Its address.
    pub ip: &'a str,
    /// The server's host name.
    pub server: &'a str,
    /// The server's port.
    pub port: u16,
    /// The user that it gave.
    pub user: &'a str,
    /// The password that it gave.
    pub password: &'a str,
    /// Whether it gives a command.
    pub is_command: bool,
}

/// The form that asks whether a listener may listen, with header lines of its request, each named
/// as the form is to name it.
pub fn listener_add<'a>(
    listener: &Listener<'_>,
    headers: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let mut form = Form::begin("listener_add");
    form.listener(listener);
    form.add("ip", listener.ip).add("agent", listener.agent);
    for (name, value) in headers {
        form.add(name, value);
    }
    form.0
}

/// The form that says that a listener has gone, after so many seconds.
pub fn listener_remove(listener: &Listener<'_>, duration_s: u64) -> String {
    let mut form = Form::begin("listener_remove");
    form.listener(listener);
    form.add("duration", &duration_s.to_string());
    form.add("ip", listener.ip).add("agent", listener.agent);
    form.0
}

/// The form that says that a mount has a source.
pub fn mount_add(mount: &str, server: &str, port: u16) -> String {
    of_mount("mount_add", mount, server, port)
}

/// The form that says that a mount has lost its source.
pub fn mount_remove(mount: &str, server: &str, port: u16) -> String {
    of_mount("mount_remove", mount, server, port)
}

/// The form that asks whether a source may send.
pub fn stream_auth(source: &Source<'_>) -> String {
    let mut form = Form::begin("stream_auth");
    form.add("mount", source.mount).add("ip", source.ip).add("server", source.server);
    form.add("port", &source.port.to_string());
    form.add("user", source.user).add("pass", source.password);
    if source.is_command {
        form.add("admin", "1");
    }
    form.0
}

fn of_mount(action: &str, mount: &str, server: &str, port: u16) -> String {
    let mut form = Form::begin(action);
    form.add("mount", mount).add("server", server).add("port", &port.to_string());
    form.0
}

struct Form(String);

impl Form {
    fn begin(action: &str) -> Self {
        Self(format!("action={action}"))
    }

    fn listener(&mut self, listener: &Listener<'_>) {
        let Listener { server, port, client, mount, user, password, .. } = listener;
        self.add("server", server).add("port", &port.to_string());
        self.add("client", &client.to_string()).add("mount", mount);
        self.add("user", user).add("pass", password);
    }

    fn add(&mut self, name: &str, value: &str) -> &mut Self {
        self.0.push('&');
        self.0.push_str(name);
        self.0.push('=');
        self.0.push_str(&encoded(value));
        self
    }
}

/// `text` with all but ASCII letters and digits as `%xx`.
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02x}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listener() -> Listener<'static> {
        Listener {
            server: "radio.test",
            port: 18_000,
            client: 19,
            mount: "/url.mp3?token=a%20b&x=1",
            user: "u@x",
            password: "p&w",
            ip: "127.0.0.1",
            agent: "Agent/1 (x)",
        }
    }

    #[test]
    fn a_listener_is_asked_about_and_told_of_as_icecast_was_recorded() {
        let headers = [("ClientHeader.x-token", "t k"), ("ClientHeader.cookie", "a=b; c=d")];

        assert_eq!(
            listener_add(&listener(), headers),
            "action=listener_add&server=radio%2etest&port=18000&client=19\
             &mount=%2furl%2emp3%3ftoken%3da%2520b%26x%3d1&user=u%40x&pass=p%26w\
             &ip=127%2e0%2e0%2e1&agent=Agent%2f1%20%28x%29\
             &ClientHeader.x-token=t%20k&ClientHeader.cookie=a%3db%3b%20c%3dd"
        );
        assert_eq!(
            listener_remove(&listener(), 2),
            "action=listener_remove&server=radio%2etest&port=18000&client=19\
             &mount=%2furl%2emp3%3ftoken%3da%2520b%26x%3d1&user=u%40x&pass=p%26w&duration=2\
             &ip=127%2e0%2e0%2e1&agent=Agent%2f1%20%28x%29"
        );
    }

    #[test]
    fn mounts_and_sources_are_told_of_as_icecast_was_recorded() {
        let source = Source {
            mount: "/sa.mp3",
            ip: "127.0.0.1",
            server: "radio.test",
            port: 18_000,
            user: "good",
            password: "pw",
            is_command: true,
        };

        assert_eq!(
            mount_add("/url.mp3", "radio.test", 18_000),
            "action=mount_add&mount=%2furl%2emp3&server=radio%2etest&port=18000"
        );
        assert_eq!(
            mount_remove("/url.mp3", "radio.test", 18_000),
            "action=mount_remove&mount=%2furl%2emp3&server=radio%2etest&port=18000"
        );
        let asked = "action=stream_auth&mount=%2fsa%2emp3&ip=127%2e0%2e0%2e1&server=radio%2etest\
                     &port=18000&user=good&pass=pw";
        assert_eq!(stream_auth(&source), format!("{asked}&admin=1"));
        assert_eq!(stream_auth(&Source { is_command: false, ..source }), asked);
    }
}
