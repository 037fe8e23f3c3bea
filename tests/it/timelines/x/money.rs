//! The money: the count is X's bill where answers came, never below it where they did not, and never over the budget.

use mekiki::domain::{Level, Micros, Pace, level};
use mekiki::timelines::{Feed, Timeline, TimelineError};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use time::{Duration, OffsetDateTime};

use super::stage::{Stage, ids};
use super::world::{Fault, Post, Speech};

#[tokio::test]
async fn an_outage_costs_nothing_and_a_lost_answer_what_it_may_have_cost() {
    let Some(stage) = Stage::new(Speech::Tweet, "5").await else { return };
    let ada = stage.person("ada");
    let mut cursor = None;
    stage.world().picture(ada);
    stage.all(&Feed::Home, &mut cursor).await;
    let before = stage.spending().await.spent;
    for _ in 0..50 {
        stage.world().faults.extend([Fault::Unreached, Fault::Status(503)]);
        assert!(matches!(stage.poll(&Feed::Home, &mut cursor).await, Err(TimelineError::Unreached(_))));
        assert!(matches!(stage.poll(&Feed::Home, &mut cursor).await, Err(TimelineError::Service(_))));
    }
    assert_eq!(stage.spending().await.spent, before);
    stage.check().await;

    let new = stage.world().picture(ada);
    stage.world().faults.push_back(Fault::Lost);
    assert!(matches!(stage.poll(&Feed::Home, &mut cursor).await, Err(TimelineError::Service(_))));
    let lost = stage.spending().await.spent;
    assert!(lost >= stage.world().billed() && lost.less(before) <= Micros(500_000), "at most a page: {lost}");
    stage.world().faults.push_back(Fault::Garbled);
    assert!(matches!(stage.poll(&Feed::Home, &mut cursor).await, Err(TimelineError::Answer(_))));
    assert!(stage.spending().await.spent.less(lost) <= Micros(25_000), "after a loss little is risked");
    assert_eq!(ids(&stage.all(&Feed::Home, &mut cursor).await), [new], "the post is not lost");
    assert!(stage.spending().await.spent >= stage.world().billed());
    assert_eq!(stage.world().breaches, [""; 0]);
}

#[tokio::test]
async fn a_page_that_was_paid_is_not_paid_again_when_its_lookup_fails() {
    let Some(stage) = Stage::new(Speech::Tweet, "5").await else { return };
    let ada = stage.person("ada");
    let mut cursor = None;
    stage.all(&Feed::Home, &mut cursor).await;
    let new = stage.world().picture(ada);
    stage.world().faults.extend([Fault::Pass, Fault::Status(503)]);
    assert!(matches!(stage.poll(&Feed::Home, &mut cursor).await, Err(TimelineError::Service(_))));
    let pages = stage.world().requests("reverse_chronological");
    assert_eq!(ids(&stage.all(&Feed::Home, &mut cursor).await), [new]);
    assert_eq!(stage.world().requests("reverse_chronological"), pages, "the page was there, its author was not");
    stage.check().await;
}

#[tokio::test]
async fn a_kill_between_question_and_answer_leaves_the_count_above_the_bill() {
    let Some(mut stage) = Stage::new(Speech::Tweet, "5").await else { return };
    let ada = stage.person("ada");
    let mut cursor = None;
    stage.world().picture(ada);
    stage.all(&Feed::Home, &mut cursor).await;
    for _ in 0..3 {
        stage.world().picture(ada);
        // Stopped at its first await that does not end at once: somewhere on the way.
        let polled = stage.x.poll(&Feed::Home, cursor.as_deref());
        let _ = tokio::time::timeout(std::time::Duration::from_micros(1_500), polled).await;
        stage = stage.restarted().await;
        assert!(stage.spending().await.taken() >= stage.world().billed());
        assert_eq!(stage.spending().await.reserved, Micros(0));
    }
    assert_eq!(stage.all(&Feed::Home, &mut cursor).await.len(), 3);
}

#[tokio::test]
async fn at_the_budgets_end_nothing_more_is_asked_until_the_next_month() {
    for speech in [Speech::Tweet, Speech::Post] {
        let Some(stage) = Stage::new(speech, "1").await else { return };
        let ada = stage.person("ada");
        let budget: Micros = "1".parse().unwrap();
        let mut cursor = None;
        let mut seen = 0;
        loop {
            for _ in 0..7 {
                stage.go_on(Duration::seconds(1));
                stage.world().picture(ada);
            }
            match stage.poll(&Feed::Home, &mut cursor).await {
                Ok(page) => seen += page.posts.len(),
                Err(error) => {
                    assert!(matches!(error, TimelineError::Budget), "{error:?}");
                    break;
                }
            }
        }
        let spent = stage.spending().await.spent;
        assert!(spent <= budget && level(spent, budget) >= Level::Warning, "{speech:?}: {spent} for {seen} posts");
        let asked = stage.world().log.len();
        assert!(matches!(stage.poll(&Feed::Home, &mut cursor).await, Err(TimelineError::Budget)));
        assert_eq!(stage.world().log.len(), asked, "not asked");
        stage.check().await;
        stage.go_on(Duration::days(30));
        stage.world().picture(ada);
        stage.poll(&Feed::Home, &mut cursor).await.unwrap();
        stage.check().await;
    }
}

#[tokio::test]
async fn a_request_never_straddles_two_months() {
    let Some(stage) = Stage::new(Speech::Tweet, "5").await else { return };
    let end = time::macros::datetime!(2026-12-01 0:00 UTC);
    stage.go_on(end - Duration::seconds(40) - stage.now());
    let refused = stage.x.find("ada").await.unwrap_err();
    assert!(matches!(refused, TimelineError::Wait(wait) if wait.as_secs() == 40), "{refused:?}");
}

/// A month of a busy home timeline, with faults.
struct Month {
    stage: Stage,
    dice: ChaCha8Rng,
    cursor: Option<String>,
    delivered: Vec<u64>,
    posted: Vec<u64>,
    next_poll: OffsetDateTime,
    slowest: std::time::Duration,
}

impl Month {
    async fn new(speech: Speech, budget: &str, seed: u64) -> Option<Self> {
        let stage = Stage::new(speech, budget).await?;
        for n in 0..40 {
            stage.person(&format!("artist_{n}"));
        }
        stage.world().shuffled = true;
        let next_poll = stage.now();
        let dice = ChaCha8Rng::seed_from_u64(seed);
        Some(Self {
            stage,
            dice,
            cursor: None,
            delivered: Vec::new(),
            posted: Vec::new(),
            next_poll,
            slowest: std::time::Duration::ZERO,
        })
    }

    /// Some posts, perhaps a fault, and a poll when its time has come.
    async fn hour(&mut self, faults: &[Fault]) {
        self.stage.go_on(Duration::hours(1));
        let now = self.stage.now();
        for _ in 0..self.dice.random_range(0..7) {
            let author = 101 + self.dice.random_range(0..40);
            let pictures = self.dice.random_range(0..3);
            let id = self.stage.world().post(Post { author, pictures, ..Post::default() });
            if pictures > 0 {
                self.posted.push(id);
            }
        }
        if now < self.next_poll {
            return;
        }
        if !faults.is_empty() && self.dice.random_range(0..10) == 0 {
            let fault = faults[self.dice.random_range(0..faults.len())];
            self.stage.world().faults.push_back(fault);
        }
        let wait = match self.stage.poll(&Feed::Home, &mut self.cursor).await {
            Ok(page) => {
                self.delivered.extend(ids(&page.posts));
                self.slowest = self.slowest.max(page.wait);
                page.wait
            }
            Err(TimelineError::Wait(wait)) => wait,
            Err(
                TimelineError::Unreached(_)
                | TimelineError::Service(_)
                | TimelineError::Budget
                | TimelineError::Answer(_),
            ) => Pace::FREE.pause,
            Err(error) => panic!("{error:?}"),
        };
        self.next_poll = now + wait;
        let taken = self.stage.spending().await.taken();
        let billed = self.stage.world().billed();
        assert!(taken >= billed && taken <= self.stage.x.outlook().await.unwrap().budget, "{taken} for {billed}");
    }
}

#[tokio::test]
async fn a_month_is_read_whole_and_its_bill_is_the_count_to_the_millionth() {
    for (speech, days) in [(Speech::Tweet, 30), (Speech::Post, 10)] {
        let Some(mut month) = Month::new(speech, "200", 7).await else { return };
        let harmless = [Fault::Status(503), Fault::Unreached, Fault::Revoked, Fault::Unlimited];
        while month.stage.now().month() == time::Month::November && month.stage.now().day() <= days {
            month.hour(&harmless).await;
            month.stage.check().await;
        }
        month.delivered.sort_unstable();
        // The last of them are read in December.
        let (read, open) = month.posted.split_at(month.delivered.len());
        assert_eq!(month.delivered, read, "each once, none left out");
        assert!(read.len() > 300 && open.len() < 12, "{} read, {} open", read.len(), open.len());
    }
}

#[tokio::test]
async fn a_month_that_is_too_dear_is_read_slowly_and_never_goes_over_its_budget() {
    let Some(mut month) = Month::new(Speech::Tweet, "6", 8).await else { return };
    let faults = [Fault::Lost, Fault::Garbled, Fault::Status(500), Fault::Unreached];
    let mut days = Vec::new();
    while month.stage.now().month() == time::Month::November {
        month.hour(&faults).await;
        let day = month.stage.now().day();
        if days.last().is_none_or(|(last, _)| *last != day) {
            days.push((day, month.delivered.len()));
        }
    }
    let before_end = days.iter().rev().nth(3).unwrap().1;
    assert!(month.slowest > std::time::Duration::from_hours(1), "it slowed down: {:?}", month.slowest);
    assert!(month.delivered.len() > before_end, "and made the month: {days:?}");
    let mut once = month.delivered.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), month.delivered.len(), "none twice");
    assert_eq!(month.stage.world().breaches, [""; 0]);
}
