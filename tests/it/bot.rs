//! The real program as a child process, on a port of its own and a data folder of the test's.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long anything may take on a busy machine before the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// A running `mekiki serve`; killed when dropped.
pub(crate) struct Bot {
    child: Child,
    /// `http://127.0.0.1:PORT`, as the program printed it.
    pub(crate) url: String,
    errors: Receiver<String>,
}

impl Bot {
    /// Starts the program and waits until its page answers. `settings` go into its environment.
    pub(crate) fn start(data: &Path, settings: &[(&str, &str)]) -> Self {
        Self::start_with(&[], data, settings)
    }

    /// The same with more on its command line.
    pub(crate) fn start_with(arguments: &[&str], data: &Path, settings: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mekiki"));
        command
            .arg("serve")
            .args(arguments)
            .env("MEKIKI_DATA_DIR", data)
            .env("MEKIKI_LISTEN", "127.0.0.1:0")
            .env("MEKIKI_SAMPLES", "false")
            .envs(settings.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let errors = lines(child.stderr.take().expect("piped"));
        let answers = lines(child.stdout.take().expect("piped"));
        let url = loop {
            match answers.recv_timeout(PATIENCE) {
                Ok(line) => {
                    if let Some(url) = line.split_whitespace().find(|word| word.starts_with("http://")) {
                        break url.trim_end_matches('/').to_owned();
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("the program printed no address; it said: {:?}", errors.try_iter().collect::<Vec<_>>())
                }
            }
        };
        Self { child, url, errors }
    }

    /// Waits for a line on standard error that holds `text`.
    pub(crate) fn wait_for(&self, text: &str) {
        let mut seen = Vec::new();
        loop {
            match self.errors.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(text) => return,
                Ok(line) => seen.push(line),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("'{text}' never came; the program said: {seen:?}")
                }
            }
        }
    }

    /// What it has said on standard error since it was last asked.
    pub(crate) fn said(&self) -> Vec<String> {
        self.errors.try_iter().collect()
    }

    /// Number of the process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// SIGTERM. How it ended, and after how long.
    pub(crate) fn stop(mut self) -> (ExitStatus, Duration) {
        let began = Instant::now();
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().expect("kill runs");
        assert!(sent.success());
        (self.child.wait().expect("gone"), began.elapsed())
    }

    /// kill -9.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        // Already gone after `kill`: then this does nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of a child's output, read by a thread of its own.
pub(crate) fn lines(stream: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                return;
            }
        }
    });
    receive
}
