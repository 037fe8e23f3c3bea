//! When each feed is read. Pure.
//!
//! Each round reads at most one feed of a service, the one that has waited longest: a service with many feeds takes no
//! turn from another. Accounts that post rarely are read rarely. What fails is tried again with growing pauses; a service
//! that fails as a whole is let alone as a whole.

use time::{Date, Duration, Month, OffsetDateTime, Time};

use super::{Page, TimelineError};
use crate::domain::{Feed, PostSource};
use crate::pipeline::{FeedRow, Pause};

/// Between two polls of an account that has just posted, and of one that has been silent for long.
const BUSY: Duration = Duration::minutes(5);
const QUIET: Duration = Duration::hours(6);
/// Of a home timeline or a list, which many post to.
const SHARED: Duration = Duration::minutes(2);
/// Of an account of which no picture was seen yet.
const UNKNOWN: Duration = Duration::hours(1);
/// A silence of a day makes a pause of an hour.
const SILENCES: i32 = 24;
/// After failures: of a feed, and of a service as a whole.
const FEED_BACK_OFF: (Duration, Duration) = (Duration::minutes(1), Duration::hours(1));
const SERVICE_BACK_OFF: (Duration, Duration) = (Duration::seconds(15), Duration::minutes(15));
/// Until an account that is not there is looked for again.
const GONE: Duration = Duration::DAY;
/// Until a service that does not know us is asked again: somebody may have signed in meanwhile.
const SIGN_IN: Duration = Duration::hours(1);

/// What is to be read now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Plan {
    /// At most one feed a service.
    pub(super) now: Vec<FeedRow>,
    /// When there is something to read after those; `None`: nothing is followed.
    pub(super) next: Option<OffsetDateTime>,
}

/// Chooses what to read, among services that are set up.
pub(super) fn plan(feeds: &[FeedRow], pauses: &[Pause], set_up: &[PostSource], now: OffsetDateTime) -> Plan {
    let until = |source| pauses.iter().find(|pause| pause.source == source).map(|pause| pause.until);
    let due = |feed: &FeedRow| until(feed.source).map_or(feed.next_poll, |until| until.max(feed.next_poll));
    let mut plan = Plan::default();
    for &source in set_up {
        let mut own: Vec<&FeedRow> = feeds.iter().filter(|feed| feed.source == source).collect();
        own.sort_by_key(|feed| (feed.next_poll, feed.id));
        let mut rest = own.as_slice();
        if let Some((first, others)) = own.split_first()
            && due(first) <= now
        {
            plan.now.push((*first).clone());
            rest = others;
        }
        if let Some(next) = rest.iter().map(|feed| due(feed)).min() {
            plan.next = Some(plan.next.map_or(next, |at| at.min(next)));
        }
    }
    plan
}

/// When a feed is read again after it gave a page.
pub(super) fn after_page(feed: &FeedRow, page: &Page, now: OffsetDateTime) -> OffsetDateTime {
    let asked = Duration::try_from(page.wait).unwrap_or(QUIET);
    if page.more {
        return now + asked;
    }
    let newest = page.posts.iter().map(|post| post.posted_at).max().max(feed.last_post);
    let usual = match (&feed.feed, newest) {
        (Feed::Home | Feed::List(_), _) => SHARED,
        (Feed::Author(_), None) => UNKNOWN,
        (Feed::Author(_), Some(newest)) => ((now - newest) / SILENCES).clamp(BUSY, QUIET),
    };
    now + asked.max(spread(usual, feed))
}

/// What follows from a poll that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// A name that does not change with the wording.
    pub(super) code: &'static str,
    /// Of this feed.
    pub(super) next_poll: OffsetDateTime,
    /// For the whole service.
    pub(super) pause: Option<Pause>,
}

/// `pause`: what stood before.
pub(super) fn after_failure(
    error: &TimelineError,
    feed: &FeedRow,
    pause: Option<&Pause>,
    now: OffsetDateTime,
) -> Failure {
    let backed_off = now + spread(back_off(FEED_BACK_OFF, feed.failures), feed);
    let next_poll = match error {
        TimelineError::NoSuchAccount(_) => now + GONE,
        TimelineError::SignIn(_) | TimelineError::Budget | TimelineError::Wait(_) => now,
        TimelineError::Unreached(_) | TimelineError::Service(_) | TimelineError::Answer(_) => backed_off,
    };
    Failure { code: code(error), next_poll, pause: pause_after(error, feed.source, pause, now) }
}

/// Whether and how long a service is let alone after it, or the way to it, failed.
pub(super) fn pause_after(
    error: &TimelineError,
    source: PostSource,
    before: Option<&Pause>,
    now: OffsetDateTime,
) -> Option<Pause> {
    let failures = before.map_or(0, |pause| pause.failures);
    let until = match error {
        TimelineError::Wait(wait) => now + Duration::try_from(*wait).unwrap_or(QUIET),
        TimelineError::SignIn(_) => now + SIGN_IN,
        TimelineError::Budget => month_after(now),
        // Feeds lie on servers of their own: one that is down says nothing of the others.
        TimelineError::Unreached(_) | TimelineError::Service(_) if source != PostSource::Rss => {
            now + back_off(SERVICE_BACK_OFF, failures)
        }
        TimelineError::Unreached(_)
        | TimelineError::Service(_)
        | TimelineError::Answer(_)
        | TimelineError::NoSuchAccount(_) => return None,
    };
    let since = before.filter(|pause| pause.code == code(error)).map_or(now, |pause| pause.since);
    let code = code(error).to_owned();
    Some(Pause { source, since, until, failures: failures + 1, code, error: error.to_string() })
}

pub(super) fn code(error: &TimelineError) -> &'static str {
    match error {
        TimelineError::SignIn(_) => "sign_in",
        TimelineError::NoSuchAccount(_) => "no_such_account",
        TimelineError::Wait(_) => "wait",
        TimelineError::Budget => "budget",
        TimelineError::Unreached(_) | TimelineError::Service(_) => "service",
        TimelineError::Answer(_) => "answer",
    }
}

/// Doubles with each failure before this one.
fn back_off((first, most): (Duration, Duration), failures: u32) -> Duration {
    (first * 2i32.pow(failures.min(12))).min(most)
}

/// A tenth more or less, so that feeds that were followed together are not read together for ever. The same for the same
/// poll of the same feed.
fn spread(pause: Duration, feed: &FeedRow) -> Duration {
    let mut mixed = feed.id.0.cast_unsigned() ^ (u64::from(feed.polls) << 32);
    // SplitMix64's finalizer.
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let part = (mixed ^ (mixed >> 31)) % 2001;
    pause * (0.9 + part as f64 / 10_000.0)
}

/// The first moment of the next month, UTC.
fn month_after(now: OffsetDateTime) -> OffsetDateTime {
    let (year, month) = (now.year(), now.month());
    let (year, month) = if month == Month::December { (year + 1, Month::January) } else { (year, month.next()) };
    let first = Date::from_calendar_date(year, month, 1).expect("each month has a first day");
    first.with_time(Time::MIDNIGHT).assume_utc()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::domain::{Account, FeedId, TimelinePost};

    const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

    fn feed(id: i64, source: PostSource, minutes_late: i64) -> FeedRow {
        FeedRow {
            id: FeedId(id),
            source,
            feed: Feed::Author(id.to_string()),
            cursor: None,
            next_poll: NOW - Duration::minutes(minutes_late),
            polls: 0,
            failures: 0,
            last_post: None,
            error: None,
        }
    }

    fn page(posted: Option<OffsetDateTime>, wait: u64, more: bool) -> Page {
        let author = Account {
            id: "1".into(),
            handle: "ada".into(),
            name: None,
            link: "https://a.example".into(),
            bot: false,
            protected: false,
            unlisted: false,
        };
        let post = |posted_at| TimelinePost {
            id: "1".into(),
            author,
            by: None,
            link: "https://a.example/1".into(),
            posted_at,
            restricted: false,
            held: None,
            pictures: Vec::new(),
        };
        let wait = std::time::Duration::from_secs(wait);
        Page { posts: posted.map(post).into_iter().collect(), cursor: "c".into(), more, wait }
    }

    fn ids(plan: &Plan) -> Vec<i64> {
        plan.now.iter().map(|feed| feed.id.0).collect()
    }

    #[test]
    fn each_service_has_its_turn_and_what_waited_longest_comes_first() {
        use PostSource::{Bluesky, Mastodon, X};
        let feeds = [feed(1, X, 1), feed(2, X, 9), feed(3, X, 5), feed(4, Bluesky, 2), feed(5, Mastodon, -3)];
        let chosen = plan(&feeds, &[], &PostSource::TIMELINES, NOW);
        assert_eq!(ids(&chosen), [2, 4]);
        assert_eq!(chosen.next, Some(NOW - Duration::minutes(5)), "there is more to do at once");
        let chosen = plan(&feeds, &[], &[Bluesky, Mastodon], NOW);
        assert_eq!((ids(&chosen), chosen.next), (vec![4], Some(NOW + Duration::minutes(3))), "X is not set up");
        assert_eq!(plan(&[], &[], &PostSource::TIMELINES, NOW), Plan::default());
    }

    #[test]
    fn a_service_that_is_let_alone_is_not_read_and_comes_back() {
        let feeds = [feed(1, PostSource::X, 1), feed(2, PostSource::Rss, 1)];
        let until = NOW + Duration::minutes(7);
        let error = TimelineError::Wait(std::time::Duration::from_mins(7));
        let pause = pause_after(&error, PostSource::X, None, NOW).unwrap();
        assert_eq!((pause.until, pause.code.as_str(), pause.since), (until, "wait", NOW));
        let chosen = plan(&feeds, std::slice::from_ref(&pause), &PostSource::TIMELINES, NOW);
        assert_eq!((ids(&chosen), chosen.next), (vec![2], Some(until)));
        assert_eq!(ids(&plan(&feeds, &[pause], &PostSource::TIMELINES, until)), [1, 2]);
    }

    #[test]
    fn quiet_accounts_are_read_less_often_and_a_services_own_word_holds() {
        let feed = feed(7, PostSource::Bluesky, 0);
        let pause = |page: &Page| after_page(&feed, page, NOW) - NOW;
        let about = |is: Duration, wanted: Duration| is >= wanted * 0.9 && is <= wanted * 1.1;
        assert!(about(pause(&page(Some(NOW), 0, false)), BUSY));
        assert!(about(pause(&page(Some(NOW - Duration::days(2)), 0, false)), Duration::hours(2)));
        assert!(about(pause(&page(Some(NOW - Duration::days(90)), 0, false)), QUIET));
        assert!(about(pause(&page(None, 0, false)), UNKNOWN));
        assert_eq!(pause(&page(Some(NOW), 3600, false)), Duration::HOUR);
        assert_eq!(pause(&page(Some(NOW), 2, true)), Duration::seconds(2), "there is more");
        let home = FeedRow { feed: Feed::Home, ..feed.clone() };
        assert!(about(after_page(&home, &page(None, 0, false), NOW) - NOW, SHARED));
        let known = FeedRow { last_post: Some(NOW - Duration::days(1)), ..feed.clone() };
        assert!(about(after_page(&known, &page(None, 0, false), NOW) - NOW, Duration::HOUR));
    }

    #[test]
    fn feeds_that_began_together_drift_apart() {
        let pauses: std::collections::BTreeSet<_> =
            (0..100).map(|id| spread(Duration::HOUR, &feed(id, PostSource::X, 0))).collect();
        assert!(pauses.len() > 90, "{}", pauses.len());
        assert!(pauses.iter().all(|p| (Duration::minutes(54)..=Duration::minutes(66)).contains(p)));
    }

    #[test]
    fn failures_of_one_feed_and_of_a_whole_service_are_told_apart() {
        let service = || TimelineError::Service("HTTP 500".into());
        let failed = |source, failures, error: &TimelineError, pause: Option<&Pause>| {
            after_failure(error, &FeedRow { failures, ..feed(1, source, 0) }, pause, NOW)
        };
        let first = failed(PostSource::Mastodon, 0, &service(), None);
        let pause = first.pause.unwrap();
        assert_eq!(pause.until - NOW, Duration::seconds(15));
        let again = failed(PostSource::Mastodon, 1, &service(), Some(&pause)).pause.unwrap();
        assert_eq!((again.until - NOW, again.failures), (Duration::seconds(30), 2));
        let late = Pause { failures: 4000, ..pause };
        let last = failed(PostSource::Mastodon, 4000, &service(), Some(&late));
        assert_eq!(last.pause.unwrap().until - NOW, SERVICE_BACK_OFF.1);
        assert!(last.next_poll - NOW <= FEED_BACK_OFF.1 * 1.1);
        assert_eq!(failed(PostSource::Rss, 0, &service(), None).pause, None, "one server of many");
        let odd = failed(PostSource::Mastodon, 0, &TimelineError::Answer("x".into()), None);
        assert_eq!((odd.pause, odd.code), (None, "answer"));
        let gone = failed(PostSource::Mastodon, 0, &TimelineError::NoSuchAccount("x".into()), None);
        assert_eq!((gone.pause, gone.next_poll), (None, NOW + GONE));
    }

    #[test]
    fn a_spent_budget_waits_for_the_next_month_and_signing_in_for_an_hour() {
        let spent = pause_after(&TimelineError::Budget, PostSource::X, None, NOW).unwrap();
        assert_eq!(spent.until, datetime!(2026-12-01 00:00 UTC));
        let newly = pause_after(&TimelineError::Budget, PostSource::X, None, datetime!(2026-12-31 23:59 UTC)).unwrap();
        assert_eq!(newly.until, datetime!(2027-01-01 00:00 UTC));
        let out = pause_after(&TimelineError::SignIn("sign in".into()), PostSource::X, Some(&spent), NOW).unwrap();
        assert_eq!((out.until, out.since, out.code.as_str()), (NOW + SIGN_IN, NOW, "sign_in"));
    }
}
