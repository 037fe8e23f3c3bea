//! What is on the loopback X: people, posts, who follows whom, and what was billed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use mekiki::domain::{Micros, Prices, Reads};
use mekiki::pipeline::Clock;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

/// A clock that only the test moves.
#[derive(Debug, Clone)]
pub(crate) struct HandClock(Arc<Mutex<OffsetDateTime>>);

impl HandClock {
    pub(crate) fn at(now: OffsetDateTime) -> Self {
        Self(Arc::new(Mutex::new(now)))
    }

    pub(crate) fn go_on(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for HandClock {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap()
    }
}

/// How the loopback X speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speech {
    /// 2.166 both ways.
    Tweet,
    /// Takes 2.166 and answers 2.167, as while X changes over.
    Mixed,
    /// 2.167 both ways: `tweet.fields` is refused.
    Post,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Member {
    pub(crate) handle: String,
    pub(crate) protected: bool,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Post {
    pub(crate) author: u64,
    pub(crate) pictures: usize,
    pub(crate) sensitive: bool,
    pub(crate) reposts: Option<u64>,
    pub(crate) quotes: Option<u64>,
    pub(crate) reply: bool,
    pub(crate) clip: bool,
}

/// What goes wrong with the next request to the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// None: the one behind it is of the next request.
    Pass,
    Status(u16),
    /// 429 without a word how long.
    Unlimited,
    /// X's own cap of the month.
    Capped,
    /// Served and billed, and lost on the way back.
    Lost,
    /// The connection did not come about.
    Unreached,
    /// Served and billed, and not JSON.
    Garbled,
    /// The access token is thrown away.
    Revoked,
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) clock: HandClock,
    pub(crate) speech: Speech,
    /// Pages come in no order.
    pub(crate) shuffled: bool,
    /// Who the bot signs in as.
    pub(crate) me: u64,
    pub(crate) people: BTreeMap<u64, Member>,
    pub(crate) posts: BTreeMap<u64, Post>,
    pub(crate) followed: Vec<u64>,
    pub(crate) lists: BTreeMap<u64, Vec<u64>>,
    pub(crate) faults: VecDeque<Fault>,
    pub(crate) prices: Prices,
    /// Requests a window of 15 minutes, of each path.
    pub(crate) limit: u64,
    pub(crate) asked: BTreeMap<(String, i64), u64>,
    /// What was served, by month.
    pub(crate) bills: BTreeMap<String, Micros>,
    pub(crate) served: Reads,
    /// Paths that were answered, in order.
    pub(crate) log: Vec<String>,
    pub(crate) breaches: Vec<String>,
    pub(crate) tokens: Tokens,
    next: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Tokens {
    /// Access tokens with the time they end.
    pub(crate) access: BTreeMap<String, OffsetDateTime>,
    /// The one refresh token that is taken.
    pub(crate) refresh: Option<String>,
    /// Codes given out, with the challenge each came with.
    pub(crate) codes: BTreeMap<String, String>,
    pub(crate) made: u64,
}

pub(crate) const START: OffsetDateTime = datetime!(2026-11-02 12:00 UTC);

impl World {
    pub(crate) fn new(speech: Speech) -> Self {
        let me = Member { handle: "me_myself".into(), protected: false };
        Self {
            clock: HandClock::at(START),
            speech,
            shuffled: false,
            me: 1,
            people: BTreeMap::from([(1, me)]),
            posts: BTreeMap::new(),
            followed: Vec::new(),
            lists: BTreeMap::new(),
            faults: VecDeque::new(),
            prices: Prices::default(),
            limit: 180,
            asked: BTreeMap::new(),
            bills: BTreeMap::new(),
            served: Reads::default(),
            log: Vec::new(),
            breaches: Vec::new(),
            tokens: Tokens::default(),
            next: 0,
        }
    }

    /// A new person, whom the bot's account follows.
    pub(crate) fn person(&mut self, handle: &str) -> u64 {
        let id = 100 + self.people.len() as u64;
        self.people.insert(id, Member { handle: handle.to_owned(), protected: false });
        self.followed.push(id);
        id
    }

    /// Posted now.
    pub(crate) fn post(&mut self, post: Post) -> u64 {
        let millis = (self.clock.now().unix_timestamp_nanos() / 1_000_000) as u64 - 1_288_834_974_657;
        self.next += 1;
        let id = (millis << 22) + self.next % (1 << 22);
        self.posts.insert(id, post);
        id
    }

    pub(crate) fn picture(&mut self, author: u64) -> u64 {
        self.post(Post { author, pictures: 1, ..Post::default() })
    }

    pub(crate) fn bill(&mut self, reads: Reads) {
        let now = self.clock.now();
        let month = format!("{}-{:02}", now.year(), u8::from(now.month()));
        let bill = self.bills.entry(month).or_default();
        *bill = *bill + self.prices.of(reads);
        self.served = Reads {
            posts: self.served.posts + reads.posts,
            users: self.served.users + reads.users,
            media: self.served.media + reads.media,
        };
    }

    /// Of the month that the clock shows.
    pub(crate) fn billed(&self) -> Micros {
        let now = self.clock.now();
        self.bills.get(&format!("{}-{:02}", now.year(), u8::from(now.month()))).copied().unwrap_or_default()
    }

    /// Requests whose path contains this.
    pub(crate) fn requests(&self, part: &str) -> usize {
        self.log.iter().filter(|path| path.contains(part)).count()
    }
}
