//! How far a feed was read that its service pages newest first, with place names of its own, and that is handed out oldest
//! first. A pure machine: what the next request is and what of its answer is new follows from the cursor alone, so that a poll
//! repeated after a crash gives the same.
//!
//! Near the head one page is enough: it is compared with the keys of what was seen, so that what the service sorted in late is
//! found, too. Further behind, the walk goes down page by page and notes the way (`trail`) until a page touches what is
//! known; then up again, handing out page after page, each of which must reach down to the line where it ended before.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};

/// Keys that are remembered: two of the largest pages.
const SEEN: usize = 200;
/// Pages that are gone down. What is older by then is given up.
pub(super) const FURTHEST: usize = 100;
/// So much out of order may a feed be where only the time tells what is old.
const SLACK: Duration = Duration::hours(1);
/// Raised when its meaning changes: an older one begins anew at the head.
const VERSION: u8 = 1;

/// One line of a page: where it stands is what counts, whether it holds pictures or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Names the line for good: a repost is another line than its original.
    pub(super) key: String,
    /// By which the feed is sorted, as far as that can be seen.
    pub(super) at: Option<OffsetDateTime>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Walk {
    version: u8,
    /// The newest lines that were handed out, newest first: their short names and times (ms).
    seen: Vec<(String, Option<i64>)>,
    /// The newest time of all that was handed out, in ms.
    newest: i64,
    /// Pages on the way down, the lowest last; empty at the head.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    trail: Vec<Down>,
    /// All from this line down has been handed out: the last line that the page above the last one had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    edge: Option<String>,
}

/// A page on the way down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Down {
    place: String,
    /// The last line of the page that led here; empty where that had none.
    edge: String,
}

/// What one page meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stride {
    /// Which lines of the page are to be handed out, oldest first.
    pub(super) new: Vec<usize>,
    /// Another page is there already.
    pub(super) more: bool,
    /// Older lines were given up.
    pub(super) gave_up: bool,
}

impl Walk {
    /// `None` where following begins.
    pub(super) fn read(cursor: Option<&str>) -> Option<Self> {
        serde_json::from_str::<Self>(cursor?).ok()?.current()
    }

    /// The same for one that was kept with more beside it.
    pub(super) fn current(self) -> Option<Self> {
        (self.version == VERSION).then_some(self)
    }

    /// The cursor.
    pub(super) fn written(&self) -> String {
        serde_json::to_string(self).expect("numbers and text")
    }

    /// Begins at the newest page: all of it is handed out, and nothing older.
    pub(super) fn begin(lines: &[Line], now: OffsetDateTime) -> (Self, Stride) {
        let mut walk = Self {
            version: VERSION,
            seen: Vec::new(),
            newest: newest(lines).unwrap_or_else(|| millis(now)),
            trail: Vec::new(),
            edge: None,
        };
        let new = walk.fresh(lines);
        walk.remember(lines);
        (walk, Stride { new, more: false, gave_up: false })
    }

    /// The page to ask for; the head is `None`.
    pub(super) fn place(&self) -> Option<&str> {
        self.trail.last().map(|down| down.place.as_str())
    }

    /// The service no longer knows the way: down again from the head.
    pub(super) fn restart(&mut self) {
        self.trail.clear();
        self.edge = None;
    }

    /// Takes the page at [`Self::place`], whose lines are newest first; `next` is the place of the older page.
    pub(super) fn take(&mut self, lines: &[Line], next: Option<&str>) -> Stride {
        let known = lines.iter().rposition(|line| self.knows(line));
        let reach = self.seen.iter().filter_map(|(_, at)| *at).min();
        let old: Vec<bool> = lines.iter().map(|line| self.is_old(line)).collect();
        let mostly_old = old.iter().filter(|&&old| old).count() * 2 > lines.len();
        let too_far = self.trail.len() >= FURTHEST;
        let new = if let Some(last) = known {
            // Below the last known one is what was sorted in late, and what was below the page's end before.
            let within = |at: usize| lines[at].at.is_some_and(|at| reach.is_some_and(|reach| reach < millis(at)));
            self.fresh(lines).into_iter().filter(|&at| at < last || within(at)).collect()
        } else if mostly_old {
            self.fresh(lines).into_iter().filter(|&at| !old[at]).collect()
        } else if let Some(next) = next.filter(|_| !too_far && !self.meets_the_edge(lines)) {
            let edge = lines.last().map(|line| short(&line.key)).unwrap_or_default();
            self.trail.push(Down { place: next.to_owned(), edge });
            return Stride { new: Vec::new(), more: true, gave_up: false };
        } else {
            self.fresh(lines)
        };
        self.remember(lines);
        self.edge = self.trail.pop().map(|down| down.edge);
        let more = self.edge.is_some();
        Stride { new, more, gave_up: too_far && known.is_none() && !mostly_old && next.is_some() }
    }

    /// Whether the page reaches down to what was handed out last; it may have moved since.
    fn meets_the_edge(&self, lines: &[Line]) -> bool {
        self.edge.as_ref().is_some_and(|edge| lines.is_empty() || lines.iter().any(|line| short(&line.key) == *edge))
    }

    /// Unknown lines, oldest first, each once.
    fn fresh(&self, lines: &[Line]) -> Vec<usize> {
        let mut met: HashSet<&str> = HashSet::new();
        let mut new: Vec<usize> =
            (0..lines.len()).filter(|&at| !self.knows(&lines[at]) && met.insert(&lines[at].key)).collect();
        new.reverse();
        new
    }

    fn knows(&self, line: &Line) -> bool {
        let short = short(&line.key);
        self.seen.iter().any(|(key, _)| *key == short)
    }

    fn is_old(&self, line: &Line) -> bool {
        line.at.is_some_and(|at| millis(at + SLACK) < self.newest)
    }

    fn remember(&mut self, lines: &[Line]) {
        self.newest = self.newest.max(newest(lines).unwrap_or(i64::MIN));
        let mut met = HashSet::new();
        let before = std::mem::take(&mut self.seen);
        let all = lines.iter().map(|line| (short(&line.key), line.at.map(millis))).chain(before);
        self.seen = all.filter(|(key, _)| met.insert(key.clone())).take(SEEN).collect();
    }
}

fn newest(lines: &[Line]) -> Option<i64> {
    lines.iter().filter_map(|line| line.at).map(millis).max()
}

fn millis(at: OffsetDateTime) -> i64 {
    (at.unix_timestamp_nanos() / 1_000_000) as i64
}

/// 48 bits are enough among some hundred.
fn short(key: &str) -> String {
    URL_SAFE_NO_PAD.encode(&Sha256::digest(key)[..6])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);
    const PAGE: usize = 10;

    /// A feed as a service keeps it: sorted by time, paged by "older than".
    #[derive(Debug, Default, Clone)]
    struct Service {
        lines: BTreeMap<i64, String>,
        /// Its places are called otherwise each time.
        moody: bool,
        asked: usize,
        /// What pages have held.
        shown: HashSet<String>,
        late: HashSet<String>,
    }

    impl Service {
        fn post(&mut self, at: i64) -> String {
            let key = format!("line {at}");
            self.lines.insert(at, key.clone());
            key
        }

        fn page(&mut self, place: Option<&str>) -> (Vec<Line>, Option<String>) {
            self.asked += 1;
            let older_than: i64 =
                place.map_or(i64::MAX, |place| place.split(' ').next().unwrap().parse().expect("a place"));
            let mut found = self.lines.range(..older_than).rev();
            let page: Vec<(i64, &String)> = found.by_ref().take(PAGE).map(|(at, key)| (*at, key)).collect();
            self.shown.extend(page.iter().map(|(_, key)| (*key).clone()));
            let mood = if self.moody { format!(" {}", self.asked) } else { String::new() };
            let next = found.next().and(page.last()).map(|(at, _)| format!("{at}{mood}"));
            let line =
                |(at, key): &(i64, &String)| Line { key: (*key).clone(), at: Some(NOW + Duration::minutes(*at)) };
            (page.iter().map(line).collect(), next)
        }
    }

    /// One poll from a stored cursor.
    fn poll(service: &mut Service, cursor: Option<&str>) -> (Vec<String>, String, bool) {
        let Some(mut walk) = Walk::read(cursor) else {
            let (lines, _) = service.page(None);
            let (walk, stride) = Walk::begin(&lines, NOW);
            return (stride.new.iter().map(|&at| lines[at].key.clone()).collect(), walk.written(), stride.more);
        };
        let (lines, next) = service.page(walk.place());
        let stride = walk.take(&lines, next.as_deref());
        (stride.new.iter().map(|&at| lines[at].key.clone()).collect(), walk.written(), stride.more)
    }

    /// Polls until there is no more.
    fn drain(service: &mut Service, cursor: &mut Option<String>) -> Vec<String> {
        let mut all = Vec::new();
        for _ in 0..1000 {
            let (new, next, more) = poll(service, cursor.as_deref());
            all.extend(new);
            *cursor = Some(next);
            if !more {
                return all;
            }
        }
        panic!("it never ends: {cursor:?}");
    }

    #[test]
    fn following_begins_with_the_newest_page() {
        let mut service = Service::default();
        let keys: Vec<String> = (0..25).map(|at| service.post(at)).collect();
        let mut cursor = None;
        assert_eq!(drain(&mut service, &mut cursor), keys[15..], "oldest first");
        assert!(drain(&mut service, &mut cursor).is_empty());
    }

    #[test]
    fn an_empty_feed_is_followed_from_its_first_post() {
        let mut service = Service::default();
        let mut cursor = None;
        assert!(drain(&mut service, &mut cursor).is_empty());
        let keys: Vec<String> = (0..25).map(|at| service.post(at)).collect();
        assert_eq!(drain(&mut service, &mut cursor), keys);
    }

    #[test]
    fn after_an_outage_everything_comes_once_and_oldest_first() {
        for moody in [false, true] {
            let mut service = Service { moody, ..Service::default() };
            service.post(0);
            let mut cursor = None;
            drain(&mut service, &mut cursor);
            let keys: Vec<String> = (1..=237).map(|at| service.post(at)).collect();
            assert_eq!(drain(&mut service, &mut cursor), keys);
            assert!(service.asked < 110, "{}", service.asked);
        }
    }

    #[test]
    fn what_is_too_far_behind_is_given_up() {
        let mut service = Service::default();
        service.post(0);
        let mut cursor = None;
        drain(&mut service, &mut cursor);
        let keys: Vec<String> = (1..=1500).map(|at| service.post(at)).collect();
        let got = drain(&mut service, &mut cursor);
        assert_eq!(got, keys[1500 - (FURTHEST + 1) * PAGE..]);
        assert!(drain(&mut service, &mut cursor).is_empty());
    }

    /// The home timeline after the account was unfollowed that wrote everything that is remembered.
    #[test]
    fn when_all_that_was_seen_has_gone_the_time_tells_what_is_old() {
        let mut service = Service::default();
        for at in 0..500 {
            service.post(at);
        }
        let mut cursor = None;
        drain(&mut service, &mut cursor);
        service.lines.retain(|at, _| *at < 400);
        let new = service.post(600);
        assert_eq!(drain(&mut service, &mut cursor), [new]);
        assert!(service.asked < 6, "{}", service.asked);
    }

    #[test]
    fn an_unreadable_cursor_begins_anew() {
        for cursor in ["", "{}", "null", r#"{"version":0,"seen":[],"newest":0}"#] {
            assert_eq!(Walk::read(Some(cursor)), None);
        }
    }

    #[test]
    fn a_cursor_stays_small() {
        let mut service = Service::default();
        let mut cursor = None;
        drain(&mut service, &mut cursor);
        for at in 1..=900 {
            service.post(at);
        }
        let mut longest = 0;
        for _ in 0..200 {
            let (_, next, _) = poll(&mut service, cursor.as_deref());
            longest = longest.max(next.len());
            cursor = Some(next);
        }
        assert!(longest < 8000, "{longest}");
    }

    #[derive(Debug, Clone)]
    enum Happens {
        /// New ones at the head.
        Posts(usize),
        /// One is sorted in below so many, above the oldest of all.
        Late(usize),
        Deletes(usize),
        Polls(usize),
        /// The answer was lost, or the process killed: polled and forgotten.
        Lost,
        Drains,
    }

    fn happens() -> impl Strategy<Value = Happens> {
        prop_oneof![
            (1..60usize).prop_map(Happens::Posts),
            (0..5usize).prop_map(Happens::Late),
            (0..30usize).prop_map(Happens::Deletes),
            (1..6usize).prop_map(Happens::Polls),
            Just(Happens::Lost),
            Just(Happens::Drains),
        ]
    }

    proptest! {
        /// Whatever happens at whichever moment, what is still there at the end was handed out exactly once.
        #[test]
        fn nothing_is_lost_and_nothing_comes_twice(
            moody: bool,
            story in prop::collection::vec(happens(), 1..40),
        ) {
            let mut service = Service { moody, ..Service::default() };
            let mut cursor = None;
            let mut got: Vec<String> = drain(&mut service, &mut cursor);
            let mut next_at = 0;
            for event in story {
                match event {
                    Happens::Posts(many) => for _ in 0..many {
                        next_at += 10;
                        service.post(next_at);
                    },
                    Happens::Late(back) => {
                        let at = service.lines.keys().rev().nth(back).map(|at| at - 5);
                        if let Some(at) = at.filter(|at| *at > 10 && !service.lines.contains_key(at)) {
                            let key = service.post(at);
                            service.late.insert(key);
                        }
                    }
                    Happens::Deletes(back) => {
                        let at = service.lines.keys().rev().nth(back).copied();
                        at.map(|at| service.lines.remove(&at));
                    }
                    Happens::Polls(many) => for _ in 0..many {
                        let (new, next, _) = poll(&mut service, cursor.as_deref());
                        got.extend(new);
                        cursor = Some(next);
                    },
                    Happens::Lost => {
                        let once = poll(&mut service.clone(), cursor.as_deref());
                        prop_assert_eq!(once, poll(&mut service.clone(), cursor.as_deref()));
                    }
                    Happens::Drains => got.extend(drain(&mut service, &mut cursor)),
                }
            }
            got.extend(drain(&mut service, &mut cursor));
            let once: HashSet<&String> = got.iter().collect();
            prop_assert_eq!(once.len(), got.len(), "twice");
            // What is sorted in late is found if a page shows it: nobody looks further down for it.
            let can_be_missed = |key: &String| service.late.contains(key) && !service.shown.contains(key);
            let lost: Vec<&String> =
                service.lines.values().filter(|key| !once.contains(key) && !can_be_missed(key)).collect();
            prop_assert!(lost.is_empty(), "{:?}", lost);
        }
    }
}
