//! What an adapter remembers while it runs; nothing that a restart must not lose.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use time::{Duration, OffsetDateTime};

use super::ask::Dialect;
use super::cursor::Cursor;
use super::read::Known;
use super::wire::{Post, Whole};
use crate::timelines::Feed;

#[derive(Debug, Default)]
pub(super) struct State(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    asks_by_post: bool,
    /// The last answer did not come.
    lost: bool,
    /// Refusals in a row that did not say how long.
    refusals: u32,
    /// When each feed was read last.
    feeds: HashMap<Feed, OffsetDateTime>,
    /// Pages that were paid for and not handed over.
    unfinished: HashMap<Feed, (Cursor, Whole)>,
    /// Referenced posts, so that one which many repost is paid once; with what they show, and since when.
    originals: HashMap<String, (OffsetDateTime, Original)>,
}

#[derive(Debug, Clone)]
struct Original {
    post: Post,
    media: Vec<super::wire::Media>,
}

/// Longer than a day nothing of X is remembered: it may have been deleted.
const REMEMBERED: Duration = Duration::days(1);
const ORIGINALS: usize = 4_000;

impl State {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn dialect(&self) -> Dialect {
        if self.lock().asks_by_post { Dialect::Post } else { Dialect::Tweet }
    }

    pub(super) fn speak(&self, dialect: Dialect) {
        tracing::info!(?dialect, "X wants other names of its fields");
        self.lock().asks_by_post = dialect == Dialect::Post;
    }

    pub(super) fn lost(&self) -> bool {
        self.lock().lost
    }

    pub(super) fn set_lost(&self, lost: bool) {
        self.lock().lost = lost;
    }

    /// One more; answers how many there were before.
    pub(super) fn refused(&self) -> u32 {
        let mut inner = self.lock();
        let before = inner.refusals;
        inner.refusals += 1;
        before
    }

    pub(super) fn answered(&self) {
        self.lock().refusals = 0;
    }

    /// How many feeds are being read, this one included.
    pub(super) fn feeds(&self, feed: &Feed, now: OffsetDateTime) -> u64 {
        let mut inner = self.lock();
        inner.feeds.insert(feed.clone(), now);
        // The slowest pace is a day.
        inner.feeds.retain(|_, at| now - *at < Duration::days(2));
        inner.feeds.len() as u64
    }

    pub(super) fn unfinished(&self, feed: &Feed, cursor: &Cursor) -> Option<Whole> {
        let inner = self.lock();
        inner.unfinished.get(feed).filter(|(of, _)| of == cursor).map(|(_, whole)| whole.clone())
    }

    pub(super) fn set_unfinished(&self, feed: &Feed, cursor: &Cursor, whole: &Whole) {
        self.lock().unfinished.insert(feed.clone(), (cursor.clone(), whole.clone()));
    }

    pub(super) fn finished(&self, feed: &Feed) {
        self.lock().unfinished.remove(feed);
    }

    pub(super) fn remember(&self, whole: &Whole, now: OffsetDateTime) {
        let mut inner = self.lock();
        inner.originals.retain(|_, (at, _)| now - *at < REMEMBERED);
        for post in &whole.posts {
            let media = whole.media.iter().filter(|media| post.media_keys().contains(&media.key)).cloned();
            let original = Original { post: post.clone(), media: media.collect() };
            inner.originals.insert(post.id.clone(), (now, original));
        }
        if inner.originals.len() > ORIGINALS {
            inner.originals.clear();
        }
    }

    /// Puts what is remembered of these posts to what is known.
    pub(super) fn recall(&self, known: &mut Known, ids: &[String], now: OffsetDateTime) {
        let inner = self.lock();
        let remembered = ids.iter().filter_map(|id| inner.originals.get(id)).filter(|(at, _)| now - *at < REMEMBERED);
        for (_, original) in remembered {
            known.posts.insert(original.post.id.clone(), original.post.clone());
            known.media.extend(original.media.iter().map(|media| (media.key.clone(), media.clone())));
        }
    }
}
