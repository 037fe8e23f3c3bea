//! What a refusal of X means.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use time::OffsetDateTime;

use super::wire::Problem;
use crate::timelines::TimelineError;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The access token is not taken any more: a fresh one may be.
    Token,
    /// It does not know `tweet.fields`: it may know `post.fields`.
    Names,
    /// 429 that does not say how long: longer each time.
    TooOften,
    Error(TimelineError),
}

/// X's clock may be a little behind ours.
const AFTER_RESET: Duration = Duration::from_secs(1);
/// Windows are 15 minutes long; what says more is not believed at once.
const LONGEST: Duration = Duration::from_hours(1);

pub(super) fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8], now: OffsetDateTime) -> Refusal {
    let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
    let said = problem.said();
    let sign_in = |words: String| Refusal::Error(TimelineError::SignIn(words));
    match (status.as_u16(), problem.kind()) {
        (401, _) => Refusal::Token,
        // Waiting a quarter of an hour does not help.
        (429, "usage-capped") => Refusal::Error(TimelineError::Budget),
        (429, _) => match until_reset(headers, now) {
            Some(wait) => Refusal::Error(TimelineError::Wait(wait.max(AFTER_RESET))),
            None => Refusal::TooOften,
        },
        (402, _) | (_, "credits") => sign_in(format!(
            "X has no credits for this app left ({said}). Buy some in its developer console, or wait for the next month"
        )),
        (403, "client-forbidden") => sign_in(format!(
            "X does not let this app read ({said}). Put the app into a project with access in its developer console"
        )),
        (403, "unsupported-authentication") => {
            sign_in(format!("X wants a person's sign-in for this ({said}). Run `mekiki auth x`"))
        }
        (400, _) if problem.names("tweet.fields") => Refusal::Names,
        (404, _) | (_, "resource-not-found") => {
            Refusal::Error(TimelineError::NoSuchAccount(format!("X knows no such account, list or post ({said})")))
        }
        (403, _) => Refusal::Error(TimelineError::NoSuchAccount(format!("X does not show this to us ({said})"))),
        (code @ 500.., _) => Refusal::Error(TimelineError::Service(format!("X failed (HTTP {code})"))),
        (code, _) => Refusal::Error(TimelineError::Answer(format!("HTTP {code}: {said}"))),
    }
}

/// How long this window's last request is away, when it was used up with this answer.
pub(super) fn used_up(headers: &HeaderMap, now: OffsetDateTime) -> Duration {
    let remaining = headers.get("x-rate-limit-remaining").and_then(|value| value.to_str().ok());
    if remaining == Some("0") { until_reset(headers, now).unwrap_or_default() } else { Duration::ZERO }
}

fn until_reset(headers: &HeaderMap, now: OffsetDateTime) -> Option<Duration> {
    let reset: i64 = headers.get("x-rate-limit-reset")?.to_str().ok()?.parse().ok()?;
    let seconds = reset.checked_sub(now.unix_timestamp())?.max(0).unsigned_abs();
    Some((Duration::from_secs(seconds) + AFTER_RESET).min(LONGEST))
}

/// After so many refusals in a row that did not say how long.
pub(super) fn back_off(refusals: u32) -> Duration {
    (Duration::from_mins(1) * 2_u32.saturating_pow(refusals.min(5))).min(Duration::from_mins(15))
}
