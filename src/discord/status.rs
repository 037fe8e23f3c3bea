//! How the connection stands: for `/setup`, for the health page, for whoever needs the bot's own id.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// Set by the gateway, read by all.
#[derive(Debug, Default)]
pub struct Status {
    me: OnceLock<u64>,
    without_content: AtomicBool,
    connected: AtomicBool,
}

impl Status {
    /// The bot's own user id, once connected.
    pub fn me(&self) -> Option<u64> {
        self.me.get().copied()
    }

    /// Whether Discord hands out what messages say and show. Without it nothing is seen in watched channels; commands,
    /// mentions and direct messages work.
    pub fn reads_messages(&self) -> bool {
        !self.without_content.load(Ordering::Relaxed)
    }

    /// Whether some shard is connected.
    pub fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }

    /// What is wrong, for an operator; in English, as logs are.
    pub fn note(&self) -> Option<&'static str> {
        if !self.reads_messages() {
            Some(super::client::NO_CONTENT)
        } else if !self.is_connected() {
            Some("Discord is not connected; the log says why")
        } else {
            None
        }
    }

    pub(super) fn set_me(&self, id: u64) {
        // A token is of one bot.
        let _ = self.me.set(id);
    }

    pub(super) fn set_without_content(&self) {
        self.without_content.store(true, Ordering::Relaxed);
    }

    pub(super) fn set_connected(&self, connected: bool) {
        self.connected.store(connected, Ordering::Relaxed);
    }
}
