//! Followed timelines: the feeds that are read, who follows them, and the services that are let alone for a while.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use time::OffsetDateTime;

use super::accounts::{self, account_row};
use super::codec::{millis, time};
use super::{Result, Store, parse};
use crate::domain::{Account, AccountRules, Feed, FeedId, PostSource, Scope};

/// A feed and how far it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedRow {
    pub id: FeedId,
    pub source: PostSource,
    pub feed: Feed,
    /// The adapter's own words; `None` before the first poll that succeeded.
    pub cursor: Option<String>,
    pub next_poll: OffsetDateTime,
    pub polls: u32,
    /// Since the last poll that succeeded.
    pub failures: u32,
    /// When the newest post that was seen was posted.
    pub last_post: Option<OffsetDateTime>,
    pub error: Option<FeedError>,
}

/// How the last poll failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedError {
    /// A name that does not change with the wording.
    pub code: String,
    pub words: String,
}

/// What a scope follows.
#[derive(Debug, Clone, PartialEq)]
pub struct FollowRow {
    pub feed: FeedRow,
    /// Of an author's feed.
    pub account: Option<Account>,
    pub rules: AccountRules,
    /// The scope's posts and picks that came by it.
    pub posts: u32,
    pub picks: u32,
    /// As a rater is named.
    pub added_by: String,
}

/// A service that is let alone for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    pub source: PostSource,
    pub since: OffsetDateTime,
    pub until: OffsetDateTime,
    /// Failures in a row.
    pub failures: u32,
    /// `sign_in`, `budget`, `wait` or `service`.
    pub code: String,
    pub error: String,
}

/// What is to be followed.
#[derive(Debug, Clone)]
pub struct NewFollow<'a> {
    pub scope: Scope,
    pub source: PostSource,
    pub feed: &'a Feed,
    /// Of an author's feed.
    pub account: Option<&'a Account>,
    /// As a rater is named.
    pub added_by: &'a str,
}

/// How a failed poll is written down.
#[derive(Debug, Clone, Copy)]
pub struct FailedPoll<'a> {
    pub code: &'a str,
    pub error: &'a str,
    pub next_poll: OffsetDateTime,
}

impl Store {
    /// Follows a feed; it is polled at once where nobody followed it before. False when this scope did already.
    pub async fn follow(&self, new: &NewFollow<'_>, now: OffsetDateTime) -> Result<bool> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        if let Some(account) = new.account {
            accounts::keep(&mut tx, new.source, account).await?;
        }
        sqlx::query("INSERT INTO feeds (source, feed, next_poll) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
            .bind(new.source.as_str())
            .bind(new.feed.to_string())
            .bind(millis(now))
            .execute(&mut *tx)
            .await?;
        let added = sqlx::query(
            "INSERT INTO follows (scope, feed, added_by, added_at) \
             SELECT ?, id, ?, ? FROM feeds WHERE source = ? AND feed = ? ON CONFLICT DO NOTHING",
        )
        .bind(new.scope.to_string())
        .bind(new.added_by)
        .bind(millis(now))
        .bind(new.source.as_str())
        .bind(new.feed.to_string())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(added.rows_affected() == 1)
    }

    /// False when the scope did not follow it. A feed that nobody follows any more is forgotten with its cursor.
    pub async fn unfollow(&self, scope: Scope, source: PostSource, feed: &Feed) -> Result<bool> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let removed = sqlx::query(
            "DELETE FROM follows WHERE scope = ? AND feed = (SELECT id FROM feeds WHERE source = ? AND feed = ?)",
        )
        .bind(scope.to_string())
        .bind(source.as_str())
        .bind(feed.to_string())
        .execute(&mut *tx)
        .await?;
        drop_unfollowed(&mut tx).await?;
        tx.commit().await?;
        Ok(removed.rows_affected() == 1)
    }

    /// Every feed that somebody follows, whose guild the bot was not removed from.
    pub async fn feeds(&self) -> Result<Vec<FeedRow>> {
        sqlx::query(
            "SELECT * FROM feeds f WHERE EXISTS (SELECT 1 FROM follows o WHERE o.feed = f.id AND \
             NOT EXISTS (SELECT 1 FROM guilds g WHERE g.left_at IS NOT NULL AND o.scope = 'guild:' || g.id)) ORDER BY id",
        )
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(feed_row)
        .collect()
    }

    /// What a scope follows, by source and name.
    pub async fn follows(&self, scope: Scope) -> Result<Vec<FollowRow>> {
        sqlx::query(
            "SELECT f.*, o.added_by, a.id AS account_id, a.handle, a.name, a.link, a.bot, a.protected, a.unlisted, \
             r.muted, r.share, r.whole, (SELECT count(*) FROM posts p WHERE p.scope = o.scope AND p.source = f.source \
             AND (p.feed = f.id OR p.account = a.id)) AS posts, (SELECT count(*) FROM picks k JOIN posts p ON \
             p.id = k.post WHERE k.scope = o.scope AND k.published_at IS NOT NULL AND p.source = f.source AND \
             (p.feed = f.id OR p.account = a.id)) AS picks FROM follows o JOIN feeds f ON f.id = o.feed \
             LEFT JOIN accounts a ON a.source = f.source AND f.feed = 'author:' || a.id \
             LEFT JOIN account_rules r ON r.scope = o.scope AND r.source = f.source AND r.account = a.id \
             WHERE o.scope = ? ORDER BY f.source, coalesce(lower(a.handle), ''), f.feed",
        )
        .bind(scope.to_string())
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(follow_row)
        .collect()
    }

    /// Reads a feed again at this time, whatever its pace.
    pub async fn poll_again(&self, feed: FeedId, at: OffsetDateTime) -> Result<()> {
        sqlx::query("UPDATE feeds SET next_poll = ? WHERE id = ?")
            .bind(millis(at))
            .bind(feed.0)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// A poll failed.
    pub async fn poll_failed(&self, feed: FeedId, failed: FailedPoll<'_>, now: OffsetDateTime) -> Result<()> {
        sqlx::query(
            "UPDATE feeds SET polled_at = ?, polls = polls + 1, failures = failures + 1, next_poll = ?, error_code = ?, \
             error = ? WHERE id = ?",
        )
        .bind(millis(now))
        .bind(millis(failed.next_poll))
        .bind(failed.code)
        .bind(failed.error)
        .bind(feed.0)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    pub async fn pauses(&self) -> Result<Vec<Pause>> {
        sqlx::query("SELECT * FROM pauses ORDER BY source").fetch_all(&self.pool).await?.iter().map(pause_row).collect()
    }

    /// Lets a service alone; `since` stays that of the first failure.
    pub async fn pause(&self, pause: &Pause) -> Result<()> {
        sqlx::query(
            "INSERT INTO pauses (source, since, until, failures, code, error) VALUES (?, ?, ?, ?, ?, ?) \
             ON CONFLICT (source) DO UPDATE SET until = excluded.until, failures = excluded.failures, \
             code = excluded.code, error = excluded.error",
        )
        .bind(pause.source.as_str())
        .bind(millis(pause.since))
        .bind(millis(pause.until))
        .bind(pause.failures)
        .bind(&pause.code)
        .bind(&pause.error)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// A service answers again.
    pub async fn end_pause(&self, source: PostSource) -> Result<()> {
        sqlx::query("DELETE FROM pauses WHERE source = ?").bind(source.as_str()).execute(&self.pool).await?;
        Ok(())
    }

    /// Settings may have changed: what was only stopped for them is tried again.
    pub async fn end_stops(&self) -> Result<()> {
        sqlx::query("DELETE FROM pauses WHERE code IN ('sign_in', 'budget')").execute(&self.pool).await?;
        Ok(())
    }
}

/// In the caller's transaction.
pub(super) async fn drop_unfollowed(connection: &mut SqliteConnection) -> Result<()> {
    sqlx::query("DELETE FROM feeds WHERE NOT EXISTS (SELECT 1 FROM follows o WHERE o.feed = feeds.id)")
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) fn feed_row(row: &SqliteRow) -> Result<FeedRow> {
    let code: Option<String> = row.try_get("error_code")?;
    let words: Option<String> = row.try_get("error")?;
    Ok(FeedRow {
        id: FeedId(row.try_get("id")?),
        source: parse(row.try_get("source")?)?,
        feed: parse(row.try_get("feed")?)?,
        cursor: row.try_get("cursor")?,
        next_poll: time(row.try_get("next_poll")?)?,
        polls: row.try_get("polls")?,
        failures: row.try_get("failures")?,
        last_post: row.try_get::<Option<i64>, _>("last_post")?.map(time).transpose()?,
        error: code.zip(words).map(|(code, words)| FeedError { code, words }),
    })
}

fn follow_row(row: &SqliteRow) -> Result<FollowRow> {
    let id: Option<String> = row.try_get("account_id")?;
    Ok(FollowRow {
        feed: feed_row(row)?,
        account: id.map(|id| account_row(id, row)).transpose()?,
        rules: accounts::rules_row(row)?,
        posts: row.try_get("posts")?,
        picks: row.try_get("picks")?,
        added_by: row.try_get("added_by")?,
    })
}

fn pause_row(row: &SqliteRow) -> Result<Pause> {
    Ok(Pause {
        source: parse(row.try_get("source")?)?,
        since: time(row.try_get("since")?)?,
        until: time(row.try_get("until")?)?,
        failures: row.try_get("failures")?,
        code: row.try_get("code")?,
        error: row.try_get("error")?,
    })
}
