//! Snowflakes and the fake's clock.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::macros::format_description;

/// 2015-01-01, in milliseconds since 1970.
const DISCORD_EPOCH: u64 = 1_420_070_400_000;

/// Gives ids that grow and tell their time, as Discord's do.
pub(crate) struct Ids {
    started: Instant,
    /// Milliseconds since 1970 at the start.
    at: u64,
    last: u64,
}

impl Ids {
    #[expect(clippy::disallowed_methods, reason = "the program under test compares Discord's times with its own clock")]
    pub(crate) fn new() -> Self {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        Self { started: Instant::now(), at: at.as_millis() as u64, last: 0 }
    }

    /// Milliseconds since 1970.
    pub(crate) fn now(&self) -> u64 {
        self.at + self.started.elapsed().as_millis() as u64
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.last = ((self.now() - DISCORD_EPOCH) << 22).max(self.last + 1);
        self.last
    }
}

/// When an id was given, as Discord writes times.
pub(crate) fn timestamp(id: u64) -> String {
    written((id >> 22) + DISCORD_EPOCH)
}

/// Milliseconds since 1970 as Discord writes times.
pub(crate) fn written(ms: u64) -> String {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).expect("a time of this century");
    at.format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]+00:00"))
        .expect("every time can be written")
}

/// Seconds since 1970.
#[expect(clippy::disallowed_methods, reason = "Discord's answers tell the time of day")]
pub(crate) fn unix_time() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64()
}
