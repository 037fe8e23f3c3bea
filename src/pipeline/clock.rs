//! Time as a parameter.

use std::fmt::Debug;

use time::OffsetDateTime;

/// What the pipeline reads the time from.
pub trait Clock: Debug + Send + Sync + 'static {
    /// UTC, to the millisecond: what the database keeps.
    fn now(&self) -> OffsetDateTime;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the program asks the machine for the time")]
    fn now(&self) -> OffsetDateTime {
        let now = OffsetDateTime::now_utc();
        now.replace_millisecond(now.millisecond()).unwrap_or(now)
    }
}
