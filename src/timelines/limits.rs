//! What a service says of its limits: nothing is asked while they are used up.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use http::header::RETRY_AFTER;
use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};

use super::TimelineError;

/// So many requests polling leaves to what people ask for.
const RESERVE: u64 = 10;
/// After a refusal without a word of how long.
const PAUSE: Duration = Duration::from_mins(1);
/// No service is left alone for longer, whatever it says.
const LONGEST: Duration = Duration::from_hours(24);

/// Of one kind of requests.
#[derive(Debug, Default)]
pub(super) struct Limits(Mutex<Option<Said>>);

#[derive(Debug, Clone, Copy)]
struct Said {
    limit: Option<u64>,
    remaining: u64,
    reset: OffsetDateTime,
}

impl Limits {
    /// Whether anything may be asked now; else how long to wait.
    pub(super) fn allow(&self, now: OffsetDateTime) -> Result<(), TimelineError> {
        self.leave(0, now)
    }

    /// The same for what can wait: people's own requests come first.
    pub(super) fn allow_polling(&self, now: OffsetDateTime) -> Result<(), TimelineError> {
        self.leave(RESERVE, now)
    }

    fn leave(&self, reserve: u64, now: OffsetDateTime) -> Result<(), TimelineError> {
        let said = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(said) = said.filter(|said| said.reset > now) else { return Ok(()) };
        let reserve = reserve.min(said.limit.unwrap_or(u64::MAX) / 10);
        if said.remaining > reserve { Ok(()) } else { Err(TimelineError::Wait(until(said.reset, now))) }
    }

    /// Takes in what an answer says. The error is a refusal for too many requests.
    pub(super) fn hear<B>(&self, answer: &http::Response<B>, now: OffsetDateTime) -> Result<(), TimelineError> {
        let headers = answer.headers();
        let number = |name: &str| text(headers, name)?.parse::<u64>().ok();
        let either =
            |name: &str| number(&format!("ratelimit-{name}")).or_else(|| number(&format!("x-ratelimit-{name}")));
        let reset = ["ratelimit-reset", "x-ratelimit-reset"].iter().find_map(|name| moment(text(headers, name)?, now));
        let refused = answer.status() == http::StatusCode::TOO_MANY_REQUESTS;
        let reset = match (refused, text(headers, RETRY_AFTER.as_str()).and_then(|text| moment(text, now)), reset) {
            (true, Some(after), _) => Some(after),
            (true, None, None) => Some(now + PAUSE),
            (_, _, reset) => reset,
        };
        let remaining = if refused { Some(0) } else { either("remaining") };
        if let (Some(remaining), Some(reset)) = (remaining, reset) {
            let reset = now + until(reset, now);
            let said = Said { limit: either("limit"), remaining, reset };
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(said);
            if refused {
                return Err(TimelineError::Wait(until(reset, now)));
            }
        }
        Ok(())
    }
}

fn until(reset: OffsetDateTime, now: OffsetDateTime) -> Duration {
    let wait = Duration::try_from(reset - now).unwrap_or_default();
    wait.clamp(Duration::from_secs(1), LONGEST)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Seconds since 1970, seconds from now, or a date: services differ.
fn moment(text: &str, now: OffsetDateTime) -> Option<OffsetDateTime> {
    if let Ok(seconds) = text.parse::<i64>() {
        return match seconds {
            0..1_000_000_000 => now.checked_add(time::Duration::seconds(seconds)),
            _ => OffsetDateTime::from_unix_timestamp(seconds).ok(),
        };
    }
    OffsetDateTime::parse(text, &Rfc3339).or_else(|_| OffsetDateTime::parse(text, &Rfc2822)).ok()
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

    fn answer(status: u16, headers: &[(&str, &str)]) -> http::Response<()> {
        let mut answer = http::Response::builder().status(StatusCode::from_u16(status).unwrap());
        for (name, value) in headers {
            answer = answer.header(*name, *value);
        }
        answer.body(()).unwrap()
    }

    fn wait(result: Result<(), TimelineError>) -> Option<u64> {
        match result {
            Ok(()) => None,
            Err(TimelineError::Wait(wait)) => Some(wait.as_secs()),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn the_last_requests_of_a_window_are_left_to_people() {
        let limits = Limits::default();
        let reset = (NOW + time::Duration::minutes(3)).unix_timestamp().to_string();
        let said = |left: &str| {
            answer(200, &[("RateLimit-Limit", "3000"), ("RateLimit-Remaining", left), ("RateLimit-Reset", &reset)])
        };
        limits.hear(&said("11"), NOW).unwrap();
        assert_eq!((wait(limits.allow(NOW)), wait(limits.allow_polling(NOW))), (None, None));
        limits.hear(&said("10"), NOW).unwrap();
        assert_eq!((wait(limits.allow(NOW)), wait(limits.allow_polling(NOW))), (None, Some(180)));
        limits.hear(&said("0"), NOW).unwrap();
        assert_eq!((wait(limits.allow(NOW)), wait(limits.allow_polling(NOW))), (Some(180), Some(180)));
        let later = NOW + time::Duration::minutes(3);
        assert_eq!((wait(limits.allow(later)), wait(limits.allow_polling(later))), (None, None));
    }

    #[test]
    fn each_way_to_say_when() {
        for (header, said, seconds) in [
            ("Retry-After", "17", 17),
            ("Retry-After", "Tue, 24 Nov 2026 12:01:00 GMT", 60),
            ("X-RateLimit-Reset", "2026-11-24T12:05:00.123456Z", 300),
            ("X-RateLimit-Reset", "2026-11-24T13:05:00+01:00", 300),
            ("RateLimit-Reset", "1795521720", 120),
            ("RateLimit-Reset", "1", 1),
            ("RateLimit-Reset", "99999999999", 24 * 3600),
            ("RateLimit-Reset", "0", 1),
            ("RateLimit-Reset", "soon", 60),
        ] {
            let limits = Limits::default();
            assert_eq!(wait(limits.hear(&answer(429, &[(header, said)]), NOW)), Some(seconds), "{header}: {said}");
            assert_eq!(wait(limits.allow(NOW)), Some(seconds), "{header}: {said}");
        }
    }

    #[test]
    fn a_service_without_limits_is_asked_at_will() {
        let limits = Limits::default();
        limits.hear(&answer(200, &[]), NOW).unwrap();
        limits.hear(&answer(500, &[("RateLimit-Remaining", "none")]), NOW).unwrap();
        assert_eq!((wait(limits.allow(NOW)), wait(limits.allow_polling(NOW))), (None, None));
    }
}
