//! The server's user stream: server-sent events, read as they come. It says when a poll is worth it and what was deleted; the
//! posts themselves come by polling, whose cursor a crash does not lose. While there is no stream, polling goes on by itself.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use time::OffsetDateTime;

use crate::pipeline::Clock;
use crate::timelines::{Answer, Event, Events, Pieces, TimelineError};

/// Of one event; a status is some kB.
const LARGEST: usize = 1 << 20;
const SHORTEST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// A server without streams is asked again after so long.
const WITHOUT: Duration = Duration::from_hours(1);

/// Whether the stream may be opened: a pause after each failure, longer each time until something is heard.
#[derive(Debug, Default)]
pub(super) struct Opening {
    failures: u32,
    until: Option<OffsetDateTime>,
}

impl Opening {
    /// How long to wait yet.
    pub(super) fn pause(&self, now: OffsetDateTime) -> Option<Duration> {
        let left = Duration::try_from(self.until? - now).ok()?;
        (!left.is_zero()).then_some(left)
    }

    /// It could not be opened, or ended. Answers the pause.
    pub(super) fn failed(&mut self, now: OffsetDateTime) -> Duration {
        let pause = SHORTEST_PAUSE.saturating_mul(1 << self.failures.min(10)).min(LONGEST_PAUSE);
        self.failures += 1;
        self.until = Some(now + pause);
        pause
    }

    /// The server has no stream.
    pub(super) fn is_not_offered(&mut self, now: OffsetDateTime) {
        self.until = Some(now + WITHOUT);
    }

    fn heard(&mut self) {
        *self = Self::default();
    }
}

/// An open stream.
pub(super) struct Stream {
    host: String,
    body: Box<dyn Pieces>,
    reader: Reader,
    ready: VecDeque<Event>,
    opening: Arc<Mutex<Opening>>,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream").field("host", &self.host).finish_non_exhaustive()
    }
}

impl Stream {
    pub(super) fn new(
        host: String,
        body: Box<dyn Pieces>,
        opening: Arc<Mutex<Opening>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        // What came before it was open is found by polling.
        Self { host, body, reader: Reader::default(), ready: VecDeque::from([Event::New]), opening, clock }
    }

    async fn next_event(&mut self) -> Result<Event, TimelineError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(event);
            }
            let read = match self.body.next().await {
                Ok(Some(piece)) => self.reader.take(&piece).ok_or("the stream says more at once than it may"),
                Ok(None) => Err("the stream has ended"),
                Err(error) => {
                    self.ended();
                    return Err(error);
                }
            };
            match read {
                Ok(said) => {
                    lock(&self.opening).heard();
                    self.ready.extend(said.iter().filter_map(|said| event(said, &self.host)));
                }
                Err(why) => {
                    self.ended();
                    return Err(TimelineError::Service(why.into()));
                }
            }
        }
    }

    fn ended(&self) {
        lock(&self.opening).failed(self.clock.now());
    }
}

impl Events for Stream {
    fn next(&mut self) -> Answer<'_, Event> {
        Box::pin(self.next_event())
    }
}

pub(super) fn lock(opening: &Mutex<Opening>) -> std::sync::MutexGuard<'_, Opening> {
    opening.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One event as the server sent it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Said {
    name: String,
    data: String,
}

/// What it is to us.
fn event(said: &Said, host: &str) -> Option<Event> {
    match said.name.as_str() {
        "update" => {
            let status: Value = serde_json::from_str(&said.data).ok()?;
            let has_media = |status: &Value| status["media_attachments"].as_array().is_some_and(|all| !all.is_empty());
            (has_media(&status) || has_media(&status["reblog"])).then_some(Event::New)
        }
        "delete" => {
            let id = said.data.trim().trim_matches('"');
            (!id.is_empty()).then(|| Event::Gone(format!("{host}/{id}")))
        }
        _ => None,
    }
}

/// Server-sent events out of bytes that come in pieces of any size.
#[derive(Debug, Default)]
struct Reader {
    line: Vec<u8>,
    after_return: bool,
    said: Said,
}

impl Reader {
    /// Whole events; `None` if one is too large.
    fn take(&mut self, piece: &[u8]) -> Option<Vec<Said>> {
        let mut whole = Vec::new();
        for &byte in piece {
            let after_return = std::mem::replace(&mut self.after_return, byte == b'\r');
            match byte {
                b'\n' if after_return => {}
                b'\n' | b'\r' => whole.extend(self.line_ends()),
                byte => self.line.push(byte),
            }
            if self.line.len() + self.said.data.len() > LARGEST {
                return None;
            }
        }
        Some(whole)
    }

    /// An empty line ends an event.
    fn line_ends(&mut self) -> Option<Said> {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        let line = line.strip_prefix('\u{feff}').unwrap_or(&line);
        if line.is_empty() {
            let said = std::mem::take(&mut self.said);
            return (!said.data.is_empty()).then_some(said);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.said.name),
            "data" => {
                if !self.said.data.is_empty() {
                    self.said.data.push('\n');
                }
                self.said.data.push_str(value);
            }
            // Comments keep the connection open; `id` and `retry` are not used here.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    fn said(name: &str, data: &str) -> Said {
        Said { name: name.into(), data: data.into() }
    }

    #[test]
    fn events_are_read() {
        let text = ":)\n:thump\nevent: update\ndata: {\"id\":\"1\"}\n\r\nevent:delete\r\ndata:17\r\n\r\ndata: a\ndata: b\nid: 3\n\n\nevent: x\n\n";
        let all = [said("update", "{\"id\":\"1\"}"), said("delete", "17"), said("", "a\nb")];
        assert_eq!(Reader::default().take(text.as_bytes()).unwrap(), all);
    }

    #[test]
    fn what_never_ends_is_cut_off() {
        let mut reader = Reader::default();
        let piece = vec![b'x'; 1 << 16];
        assert_eq!((0..100).take_while(|_| reader.take(&piece).is_some()).count(), 16);
        let mut reader = Reader::default();
        assert!((0..100).any(|_| reader.take(&[b"data: ", &piece[..], b"\n"].concat()).is_none()));
    }

    #[test]
    fn what_events_are_to_us() {
        let of = |name: &str, data: &str| event(&said(name, data), "own.example");
        assert_eq!(of("update", r#"{"media_attachments":[{}]}"#), Some(Event::New));
        assert_eq!(of("update", r#"{"media_attachments":[],"reblog":{"media_attachments":[{}]}}"#), Some(Event::New));
        assert_eq!(of("update", r#"{"media_attachments":[],"reblog":null}"#), None);
        assert_eq!(of("update", "{"), None);
        assert_eq!(of("delete", "115"), Some(Event::Gone("own.example/115".into())));
        assert_eq!(of("delete", ""), None);
        for other in ["status.update", "notification", "filters_changed", "later.addition", ""] {
            assert_eq!(of(other, "{}"), None, "{other}");
        }
    }

    #[test]
    fn pauses_grow_until_something_is_heard() {
        let now = datetime!(2026-11-24 12:00 UTC);
        let mut opening = Opening::default();
        assert_eq!(opening.pause(now), None);
        let pauses: Vec<u64> = (0..12).map(|_| opening.failed(now).as_secs()).collect();
        assert_eq!(pauses, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300]);
        assert_eq!(opening.pause(now), Some(LONGEST_PAUSE));
        assert_eq!(opening.pause(now + LONGEST_PAUSE), None);
        opening.heard();
        assert_eq!(opening.failed(now), SHORTEST_PAUSE);
    }

    proptest! {
        #[test]
        fn pieces_may_be_cut_anywhere(bytes in prop::collection::vec(any::<u8>(), 0..300), cuts in prop::collection::vec(0..300usize, 0..6)) {
            let text = [b"event: update\r\ndata: {}\r\n\r\n", &bytes[..], b"\n\nevent: delete\ndata: 5\n\n"].concat();
            let whole = Reader::default().take(&text).unwrap();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let mut reader = Reader::default();
            let pieces: Vec<Said> = cuts.windows(2).flat_map(|cut| reader.take(&text[cut[0]..cut[1]]).unwrap()).collect();
            prop_assert_eq!(whole, pieces);
        }
    }
}
