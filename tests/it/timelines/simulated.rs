//! A made-up service on a simulated clock: accounts that post, boost and delete, and outages. What it has depends on the
//! time alone, so that whoever asks again after a kill hears the same.

use std::sync::{Arc, Mutex};
use std::time::Duration as Wait;

use mekiki::domain::{Account, Feed, PostSource, TimelinePicture, TimelinePost};
use mekiki::pipeline::Clock;
use mekiki::timelines::{Answer, Page, Timeline, TimelineError};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use time::{Duration, OffsetDateTime};

/// Lines of a page.
const PAGE: usize = 40;
/// Of a second poll within so short a time the service wants none.
const PACE: Duration = Duration::seconds(1);

#[derive(Debug)]
pub(super) struct SimClock(pub(super) Mutex<OffsetDateTime>);

impl SimClock {
    pub(super) fn set(&self, at: OffsetDateTime) {
        *self.0.lock().unwrap() = at;
    }
}

impl Clock for SimClock {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap()
    }
}

/// What the service is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) source: PostSource,
    pub(super) accounts: usize,
    pub(super) posts: usize,
    pub(super) from: OffsetDateTime,
    pub(super) days: i64,
    pub(super) seed: u64,
}

/// A post as it stands in the service.
#[derive(Debug, Clone)]
pub(super) struct Original {
    pub(super) post: TimelinePost,
    /// When its author takes it back.
    pub(super) deleted: Option<OffsetDateTime>,
}

/// A line of the timeline: a post, or somebody's boost of one.
#[derive(Debug, Clone)]
struct Line {
    at: OffsetDateTime,
    original: usize,
    /// Whose line it is.
    by: usize,
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) plan: Plan,
    pub(super) accounts: Vec<Account>,
    pub(super) originals: Vec<Original>,
    /// By time.
    lines: Vec<Line>,
    outages: Vec<(OffsetDateTime, OffsetDateTime)>,
    /// How often it was asked, and how often it had to refuse for the pace.
    pub(super) asked: Mutex<(u64, u64)>,
    last: Mutex<Option<OffsetDateTime>>,
}

impl World {
    pub(super) fn new(plan: Plan, picture: impl Fn(usize) -> String) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(plan.seed);
        let source = plan.source.as_str();
        let account = |n: usize| Account {
            id: format!("{source}-{n}"),
            handle: format!("artist{n}.{source}.example"),
            name: Some(format!("Artist {n}")),
            link: format!("https://{source}.example/artist{n}"),
            bot: false,
            protected: false,
            unlisted: n % 37 == 5,
        };
        let accounts: Vec<Account> = (0..plan.accounts).map(account).collect();
        let span = Duration::days(plan.days).whole_seconds();
        let any_time = |rng: &mut ChaCha8Rng| plan.from + Duration::seconds(rng.random_range(60..span - 3600));
        let (mut originals, mut lines) = (Vec::new(), Vec::new());
        for n in 0..plan.posts {
            let (by, at) = (rng.random_range(0..plan.accounts), any_time(&mut rng));
            let pictures = if rng.random_bool(0.2) { rng.random_range(2..=4) } else { 1 };
            let pictures = (0..pictures).map(|k| TimelinePicture {
                key: k.to_string(),
                url: picture(n * 4 + k),
                alt: rng.random_bool(0.5).then(|| format!("picture {k}")),
            });
            let post = TimelinePost {
                id: format!("{source}-post-{n}"),
                author: accounts[by].clone(),
                by: None,
                link: format!("https://{source}.example/artist{by}/{n}"),
                posted_at: at,
                restricted: n % 50 == 0,
                held: None,
                pictures: pictures.collect(),
            };
            let deleted = rng.random_bool(0.03).then(|| at + Duration::hours(rng.random_range(1..200)));
            lines.push(Line { at, original: n, by });
            while rng.random_bool(0.2) {
                let later = at + Duration::minutes(rng.random_range(5..6000));
                lines.push(Line { at: later, original: n, by: rng.random_range(0..plan.accounts) });
            }
            originals.push(Original { post, deleted });
        }
        lines.sort_by_key(|line| (line.at, line.original));
        let outages = (0..plan.days.max(3)).map(|n| {
            let from = any_time(&mut rng);
            // Mostly minutes, now and then hours, once two days.
            let minutes = match n {
                0 => 2 * 24 * 60,
                n if n % 5 == 0 => rng.random_range(60..600),
                _ => rng.random_range(2..40),
            };
            let minutes = if plan.days < 6 { minutes.min(180) } else { minutes };
            // It is over in time for all to be caught up with.
            let last = plan.from + Duration::days(plan.days) - Duration::HOUR;
            (from, (from + Duration::minutes(minutes)).min(last))
        });
        let outages = outages.collect();
        Self { plan, accounts, originals, lines, outages, asked: Mutex::default(), last: Mutex::default() }
    }

    fn is_down(&self, at: OffsetDateTime) -> bool {
        self.outages.iter().any(|(from, to)| (*from..*to).contains(&at))
    }

    fn is_there(&self, original: usize, at: OffsetDateTime) -> bool {
        self.originals[original].deleted.is_none_or(|gone| gone > at)
    }

    /// Lines of a feed that are there at this time, with their places, from a place on.
    fn lines_of(&self, feed: &Feed, from: usize, now: OffsetDateTime) -> Vec<(usize, &Line)> {
        let is_of = |line: &Line| match feed {
            Feed::Author(id) => self.accounts[line.by].id == *id,
            Feed::Home | Feed::List(_) => true,
        };
        let known = self.lines.partition_point(|line| line.at <= now);
        let after = self.lines[..known].iter().enumerate().skip(from);
        after.filter(|(_, line)| is_of(line) && self.is_there(line.original, now)).collect()
    }
}

/// One connection to the service; after a kill, another one.
#[derive(Debug)]
pub(super) struct Simulated {
    pub(super) world: Arc<World>,
    pub(super) clock: Arc<SimClock>,
}

impl Simulated {
    fn ask(&self) -> Result<OffsetDateTime, TimelineError> {
        let now = self.clock.now();
        let mut asked = self.world.asked.lock().unwrap();
        asked.0 += 1;
        if self.world.is_down(now) {
            return Err(TimelineError::Service("HTTP 503".into()));
        }
        let mut last = self.world.last.lock().unwrap();
        if last.is_some_and(|last| now - last < PACE) {
            asked.1 += 1;
            return Err(TimelineError::Wait(Wait::from_secs(5)));
        }
        *last = Some(now);
        Ok(now)
    }
}

impl Timeline for Simulated {
    fn source(&self) -> PostSource {
        self.world.plan.source
    }

    fn find<'a>(&'a self, name: &'a str) -> Answer<'a, Account> {
        let found = self.world.accounts.iter().find(|account| account.handle == name).cloned();
        Box::pin(async move { found.ok_or_else(|| TimelineError::NoSuchAccount("nobody".into())) })
    }

    fn poll<'a>(&'a self, feed: &'a Feed, cursor: Option<&'a str>) -> Answer<'a, Page> {
        Box::pin(async move {
            let now = self.ask()?;
            tokio::task::yield_now().await;
            let from = cursor.map_or(0, |cursor| cursor.parse().expect("its own words"));
            let mut lines = self.world.lines_of(feed, from, now);
            if cursor.is_none() {
                let newest = lines.len().saturating_sub(PAGE);
                lines.drain(..newest);
            }
            let more = lines.len() > PAGE;
            lines.truncate(PAGE);
            let known = self.world.lines.partition_point(|line| line.at <= now);
            let next = if more { lines.last().map_or(from, |(place, _)| place + 1) } else { known };
            let posts = lines.iter().map(|(_, line)| {
                let post = self.world.originals[line.original].post.clone();
                let by = (post.author != self.world.accounts[line.by]).then(|| self.world.accounts[line.by].clone());
                TimelinePost { by, ..post }
            });
            let page = Page { posts: posts.collect(), cursor: next.to_string(), more, wait: Wait::from_mins(1) };
            tokio::task::yield_now().await;
            Ok(if page.more { Page { wait: Wait::from_secs(2), ..page } } else { page })
        })
    }

    fn gone<'a>(&'a self, posts: &'a [String]) -> Answer<'a, Vec<String>> {
        Box::pin(async move {
            let now = self.clock.now();
            if self.world.is_down(now) {
                return Err(TimelineError::Service("HTTP 503".into()));
            }
            tokio::task::yield_now().await;
            let number = |id: &String| id.rsplit('-').next().and_then(|n| n.parse().ok()).expect("its own id");
            Ok(posts.iter().filter(|id| !self.world.is_there(number(id), now)).cloned().collect())
        })
    }

    fn follows(&self) -> Answer<'_, Vec<Account>> {
        let all = self.world.accounts.clone();
        Box::pin(async move { Ok(all) })
    }
}
