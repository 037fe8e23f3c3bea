//! A headless Chromium, driven through a chromedriver of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;

use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use crate::bot::{PATIENCE, lines};

/// Set where a missing browser must fail the test: on CI.
const REQUIRED: &str = "MEKIKI_REQUIRE_BROWSER";

/// The programs that the test needs.
pub(super) struct Installed {
    chromedriver: PathBuf,
    chromium: PathBuf,
}

impl Installed {
    /// Looks on the `PATH`; without a browser the test is left out, loudly, or fails where one is required.
    pub(super) fn find() -> Option<Self> {
        let chromium = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
        let found = on_path("chromedriver").zip(chromium.into_iter().find_map(on_path));
        if found.is_none() {
            let how = "chromedriver or chromium is not on the PATH (Debian: apt-get install chromium chromium-driver)";
            assert!(std::env::var_os(REQUIRED).is_none(), "{how}, and {REQUIRED} is set");
            eprintln!("\n*** LEFT OUT: the browser test did not run: {how} ***\n");
        }
        found.map(|(chromedriver, chromium)| Self { chromedriver, chromium })
    }
}

fn on_path(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// A running chromedriver; killed when dropped.
pub(super) struct Driver {
    child: Child,
    url: String,
    chromium: PathBuf,
    // Held so that the driver never writes into a closed pipe.
    _output: Receiver<String>,
}

impl Driver {
    /// Starts it on a free port that it finds by itself.
    pub(super) fn start(installed: &Installed) -> Self {
        let mut child = Command::new(&installed.chromedriver)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        let output = lines(child.stdout.take().expect("piped"));
        let port = loop {
            let line = output.recv_timeout(PATIENCE).expect("chromedriver says on which port it listens");
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                break port.trim_end_matches('.').to_owned();
            }
        };
        Self { child, url: format!("http://127.0.0.1:{port}"), chromium: installed.chromium.clone(), _output: output }
    }

    /// A window of 1280 × 960 with an empty profile in `profile`. The browser's own errands in the network are off.
    pub(super) async fn open(&self, profile: &Path) -> Client {
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-quic",
            "--lang=en",
            "--window-size=1280,960",
            &format!("--user-data-dir={}", profile.display()),
        ];
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "binary": self.chromium, "args": arguments },
        });
        let Value::Object(capabilities) = capabilities else { unreachable!("an object was written") };
        ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&self.url)
            .await
            .expect("the browser starts")
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
