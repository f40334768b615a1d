//! A browser without a window, as a player: Chromium, whose `<audio>` hears streams and whose
//! analyser tells whether a tone comes out.

use crate::fake_web::FakeWeb;
use crate::peer::{Peer, Program};
use crate::wait::until;
use std::fs;
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::timeout;

/// A browser that hears some streams at once.
#[derive(Debug)]
pub struct Browser {
    #[expect(dead_code, reason = "held while it plays")]
    peer: Peer,
    /// Takes what the page says.
    web: FakeWeb,
    /// Holds the page and the browser's profile.
    #[expect(dead_code, reason = "held until the browser has ended")]
    folder: TempDir,
}

impl Browser {
    /// Starts `chromium` on a page that plays all of `urls` and waits for a tone of `tone_hz`.
    pub async fn hear(chromium: &Program, urls: &[String], tone_hz: f64) -> Self {
        let web = FakeWeb::start(|_| {
            Some("204 No Content\r\nAccess-Control-Allow-Origin: *\r\n".to_owned())
        });
        let web = web.await;
        let folder = tempfile::tempdir().expect("a folder for a browser");
        let page = folder.path().join("page.html");
        let text = PAGE.replace("{report}", &web.url("/")).replace("{urls}", &urls.join(" "));
        let text = text.replace("{tone}", &tone_hz.to_string());
        fs::write(&page, text).expect("our own folder");
        let profile = format!("--user-data-dir={}", folder.path().join("profile").display());
        let page = format!("file://{}", page.display());
        let peer = chromium.run(ARGUMENTS.into_iter().chain([profile.as_str(), &page]));
        Self { peer, web, folder }
    }

    /// Waits until the tone is the loudest in `url`, of which a second has been played by then; at
    /// most for `limit`.
    ///
    /// # Errors
    ///
    /// What the browser says of a stream that it cannot play.
    pub async fn until_heard(&self, url: &str, limit: Duration) -> Result<(), String> {
        let said = async || {
            let asked = self.web.asked();
            asked.iter().find_map(|asked| asked.body.strip_prefix(url).map(str::to_owned))
        };
        let said = timeout(limit, until("the page speaks of a stream", said)).await;
        let said = said.map_err(|_| format!("not heard within {limit:?}"))?;
        if said.trim() == HEARD { Ok(()) } else { Err(said) }
    }
}

const ARGUMENTS: [&str; 7] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
    // The page is a file, and what it plays is on this machine.
    "--disable-features=LocalNetworkAccessChecks",
];
const HEARD: &str = "heard";
/// Plays every stream, and says of each, once: its address, and that the tone is there, or what is
/// wrong.
const PAGE: &str = r"<!doctype html><meta charset=utf-8><script>
const context = new AudioContext()
const hear = (url) => {
  const audio = new Audio()
  audio.crossOrigin = 'anonymous'
  audio.src = url
  const analyser = context.createAnalyser()
  analyser.fftSize = 8192
  context.createMediaElementSource(audio).connect(analyser).connect(context.destination)
  const say = (text) => {
    clearInterval(looking)
    audio.onerror = null
    fetch('{report}', {method: 'POST', body: url + ' ' + text})
  }
  const decibels = new Float32Array(analyser.frequencyBinCount)
  const looking = setInterval(() => {
    analyser.getFloatFrequencyData(decibels)
    const loudest = decibels.indexOf(Math.max(...decibels))
    const pitch = loudest * context.sampleRate / analyser.fftSize
    if (audio.currentTime > 1 && decibels[loudest] > -80 && Math.abs(pitch - {tone}) < 10) {
      say('heard')
      audio.pause()
    }
  }, 50)
  audio.onerror = () => say(audio.error.message)
  audio.play().catch((error) => say(error))
}
for (const url of '{urls}'.split(' ')) hear(url)
</script>";
