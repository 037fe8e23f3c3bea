//! Rate limits, as Discord announces them in the headers of every answer.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How a route stands after a request.
#[derive(Clone, Copy)]
pub(crate) struct Window {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    pub(crate) reset: Duration,
    /// This request was one too many.
    pub(crate) over: bool,
}

/// So many requests of one route in so long, for each channel, guild or webhook.
pub(crate) struct Limits {
    pub(crate) requests: u32,
    pub(crate) window: Duration,
    used: Mutex<HashMap<String, (Instant, u32)>>,
}

impl Limits {
    pub(crate) fn new(requests: u32, window: Duration) -> Self {
        Self { requests, window, used: Mutex::default() }
    }

    /// Counts one request.
    pub(crate) fn of(&self, method: &str, route: &str, path: &str) -> Window {
        let major = path.split('/').nth(1).unwrap_or_default();
        let mut used = self.used.lock().unwrap();
        let (begun, count) = used.entry(format!("{method} {route} {major}")).or_insert_with(|| (Instant::now(), 0));
        if begun.elapsed() >= self.window {
            (*begun, *count) = (Instant::now(), 0);
        }
        *count += 1;
        Window {
            limit: self.requests,
            remaining: self.requests.saturating_sub(*count),
            reset: self.window.saturating_sub(begun.elapsed()),
            over: *count > self.requests,
        }
    }
}
