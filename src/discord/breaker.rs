//! Requests to Discord that are refused are not made again: 10,000 of them in ten minutes block the whole address.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use serenity::http::HttpError;
use time::{Duration, OffsetDateTime};

use crate::pipeline::Clock;

/// Refused answers (401, 403, 429) that may come in [`WINDOW`]. Below 100 with room for the requests that are on their
/// way, and for those of commands that come past this.
const MOST: usize = 80;
const WINDOW: Duration = Duration::minutes(10);
/// How long a channel that refused something is not asked for it again, unless permissions change before.
const PATIENCE: Duration = Duration::minutes(10);
/// Discord's own word for a token that is no bot's. Other 401 are of an interaction that has ended.
const BAD_TOKEN: isize = 0;

/// What is wanted of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    Read,
    /// Send, edit, delete, publish.
    Write,
}

/// Why a request was not even made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("Discord does not accept DISCORD_TOKEN; make a new one in the developer portal and start again")]
    Token,
    #[error("Discord refused {MOST} requests within ten minutes; waiting until they are forgotten")]
    TooMany,
    #[error("this channel refused it a short while ago; the bot lacks a permission there")]
    Forbidden,
}

#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Discord(Box<serenity::Error>),
}

impl From<serenity::Error> for CallError {
    fn from(error: serenity::Error) -> Self {
        Self::Discord(Box::new(error))
    }
}

impl CallError {
    /// HTTP status and Discord's own code, of an answer that was refused.
    pub fn answer(&self) -> Option<(u16, isize)> {
        match self {
            Self::Refused(_) => None,
            Self::Discord(error) => answer(error),
        }
    }

    /// 404: the message or channel is not there.
    pub fn is_gone(&self) -> bool {
        matches!(self.answer(), Some((404, _)))
    }

    /// 401 or 403, now or as remembered: asking again does not help until somebody changes something.
    pub fn is_forbidden(&self) -> bool {
        matches!(self, Self::Refused(Refusal::Token | Refusal::Forbidden))
            || matches!(self.answer(), Some((401 | 403, _)))
    }

    /// Whether trying again later can help: no answer, 429, 5xx, or nothing was even tried.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Refused(why) => *why == Refusal::TooMany,
            Self::Discord(error) => answer(error).is_none_or(|(status, _)| status == 429 || status >= 500),
        }
    }
}

fn answer(error: &serenity::Error) -> Option<(u16, isize)> {
    match error {
        serenity::Error::Http(HttpError::UnsuccessfulRequest(response)) => {
            Some((response.status_code.as_u16(), response.error.code))
        }
        _ => None,
    }
}

/// Stands before every request that this bot makes of its own accord.
#[derive(Debug)]
pub struct Breaker {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    refused: VecDeque<OffsetDateTime>,
    bad_token: bool,
    forbidden: HashMap<(u64, Act), OffsetDateTime>,
}

impl Breaker {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// Makes the request unless it would be refused anyway. `channel`: where, and what is wanted there.
    pub async fn call<T>(
        &self,
        channel: Option<(u64, Act)>,
        request: impl Future<Output = serenity::Result<T>>,
    ) -> Result<T, CallError> {
        self.allows(channel)?;
        request.await.map_err(|error| {
            self.note(channel, &error);
            error.into()
        })
    }

    /// Whether a request may be made now.
    pub fn allows(&self, channel: Option<(u64, Act)>) -> Result<(), Refusal> {
        let now = self.clock.now();
        let mut state = self.state();
        if state.bad_token {
            return Err(Refusal::Token);
        }
        if channel.is_some_and(|c| state.forbidden.get(&c).is_some_and(|&at| now - at < PATIENCE)) {
            return Err(Refusal::Forbidden);
        }
        if state.refused_lately(now) >= MOST {
            return Err(Refusal::TooMany);
        }
        Ok(())
    }

    /// Learns from an error of a request that was made past [`Breaker::call`].
    pub fn note(&self, channel: Option<(u64, Act)>, error: &serenity::Error) {
        if let Some((status, code)) = answer(error) {
            self.note_answer(channel, status, code);
        }
    }

    fn note_answer(&self, channel: Option<(u64, Act)>, status: u16, code: isize) {
        if !matches!(status, 401 | 403 | 429) {
            return;
        }
        metrics::counter!("mekiki_discord_refused_total").increment(1);
        let now = self.clock.now();
        let mut state = self.state();
        state.refused.push_back(now);
        if state.refused_lately(now) == MOST {
            tracing::error!(
                "Discord refused {MOST} requests within ten minutes: no more are made until they are forgotten"
            );
        }
        match (status, channel) {
            (401, _) if code == BAD_TOKEN && !state.bad_token => {
                tracing::error!("{}", Refusal::Token);
                state.bad_token = true;
            }
            (403, Some(channel)) => {
                state.forbidden.retain(|_, at| now - *at < PATIENCE);
                state.forbidden.insert(channel, now);
            }
            _ => {}
        }
    }

    /// Permissions may have changed: what was forbidden is tried again. `None`: everywhere.
    pub fn forgive(&self, channel: Option<u64>) {
        self.state().forbidden.retain(|(id, _), _| channel.is_some_and(|c| c != *id));
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn refused_lately(&mut self, now: OffsetDateTime) -> usize {
        while self.refused.front().is_some_and(|&at| now - at >= WINDOW) {
            self.refused.pop_front();
        }
        self.refused.len()
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[derive(Debug)]
    struct FakeClock(Mutex<OffsetDateTime>);

    impl Clock for FakeClock {
        fn now(&self) -> OffsetDateTime {
            *self.0.lock().unwrap()
        }
    }

    fn breaker() -> (Arc<FakeClock>, Breaker) {
        let clock = Arc::new(FakeClock(Mutex::new(datetime!(2026-11-24 12:00 UTC))));
        (Arc::clone(&clock), Breaker::new(clock))
    }

    const READ: Option<(u64, Act)> = Some((20, Act::Read));
    const WRITE: Option<(u64, Act)> = Some((20, Act::Write));

    #[test]
    fn refused_answers_stay_under_a_hundred_in_ten_minutes() {
        let (clock, breaker) = breaker();
        let mut made = Vec::new();
        // An hour of a request a second, all of them refused.
        for _ in 0..3600 {
            *clock.0.lock().unwrap() += Duration::SECOND;
            if breaker.allows(None).is_ok() {
                made.push(clock.now());
                breaker.note_answer(None, 429, 0);
            }
        }
        let most = made.iter().map(|&at| made.iter().filter(|&&b| b >= at && b - at < WINDOW).count()).max();
        assert_eq!(most, Some(MOST));
        assert_eq!(made.len(), 6 * MOST, "and it goes on after each ten minutes");
    }

    #[test]
    fn a_channel_that_forbids_is_left_alone_for_what_it_forbids() {
        let (clock, breaker) = breaker();
        breaker.note_answer(WRITE, 403, 50_013);
        assert_eq!(breaker.allows(WRITE), Err(Refusal::Forbidden));
        assert_eq!(breaker.allows(READ), Ok(()));
        breaker.forgive(Some(21));
        assert_eq!(breaker.allows(WRITE), Err(Refusal::Forbidden), "that was another channel");
        breaker.forgive(Some(20));
        assert_eq!(breaker.allows(WRITE), Ok(()));
        breaker.note_answer(WRITE, 403, 50_013);
        *clock.0.lock().unwrap() += PATIENCE;
        assert_eq!(breaker.allows(WRITE), Ok(()));
    }

    #[test]
    fn a_bad_token_ends_everything_and_an_ended_interaction_nothing() {
        let (_, breaker) = breaker();
        breaker.note_answer(None, 401, 50_027);
        assert_eq!(breaker.allows(None), Ok(()));
        breaker.note_answer(None, 401, 0);
        assert_eq!(breaker.allows(None), Err(Refusal::Token));
    }

    #[test]
    fn what_is_not_there_is_no_refusal() {
        let (_, breaker) = breaker();
        for _ in 0..200 {
            breaker.note_answer(READ, 404, 10_008);
            breaker.note_answer(READ, 500, 0);
        }
        assert_eq!(breaker.allows(READ), Ok(()));
    }

    #[tokio::test]
    async fn what_is_forbidden_is_not_even_sent() {
        let (_, breaker) = breaker();
        breaker.note_answer(WRITE, 403, 50_001);
        let sent = std::sync::atomic::AtomicBool::new(false);
        let request = async {
            sent.store(true, std::sync::atomic::Ordering::Relaxed);
            Ok(())
        };
        let error = breaker.call(WRITE, request).await.unwrap_err();
        assert!(error.is_forbidden() && !error.is_retryable() && !error.is_gone());
        assert!(!sent.into_inner());
    }
}
