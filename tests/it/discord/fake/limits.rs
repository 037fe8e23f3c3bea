//! Rate limits, as Discord announces them in the headers of every answer.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// So many requests of one route in so long.
pub(crate) struct Limits {
    pub(crate) requests: u32,
    pub(crate) window: Duration,
    used: Mutex<HashMap<String, (Instant, u32)>>,
}

impl Limits {
    pub(crate) fn new(requests: u32, window: Duration) -> Self {
        Self { requests, window, used: Mutex::default() }
    }

    /// Counts one request. How many a window has, how many are left, and when it ends.
    pub(crate) fn of(&self, method: &str, route: &str) -> (u32, u32, Duration) {
        let mut used = self.used.lock().unwrap();
        let (begun, count) = used.entry(format!("{method} {route}")).or_insert_with(|| (Instant::now(), 0));
        if begun.elapsed() >= self.window {
            (*begun, *count) = (Instant::now(), 0);
        }
        *count += 1;
        (self.requests, self.requests.saturating_sub(*count), self.window.saturating_sub(begun.elapsed()))
    }
}
