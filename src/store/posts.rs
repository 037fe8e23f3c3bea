//! Posts: the claim, the steps, and what is left to do.

use std::collections::HashSet;

use sqlx::sqlite::SqliteRow;
use sqlx::{Executor, Row, Sqlite, SqliteConnection};
use time::OffsetDateTime;

use super::codec::{millis, time};
use super::pictures::unreferenced;
use super::{Result, Store, StoreError, following, parse};
use crate::domain::{
    Author, FaceId, MessageKey, NewPost, Origin, PictureId, Place, PostId, PostSource, PostState, Rater, Scope,
};

/// Outcome of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    New(PostId),
    /// Somebody claimed it before: nothing was written.
    Already(PostId),
}

impl Claim {
    pub fn post(self) -> PostId {
        match self {
            Self::New(id) | Self::Already(id) => id,
        }
    }
}

/// A post that waits for its next step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkItem {
    pub post: PostId,
    pub state: PostState,
    pub attempts: u32,
    pub origin: Origin,
    pub picture: Option<PictureId>,
    pub marked_restricted: bool,
    /// Whose taste decides.
    pub scope: Scope,
    /// A command asked for it: never picked.
    pub asked: bool,
    pub message: Option<MessageKey>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct PostRow {
    pub id: PostId,
    pub source: PostSource,
    pub external_id: String,
    pub title: Option<String>,
    pub author: Author,
    pub link: Option<String>,
    pub posted_at: OffsetDateTime,
    pub marked_restricted: bool,
    pub state: PostState,
    pub error: Option<String>,
    /// A name that does not change with the wording, when `state` is `Failed`.
    pub error_code: Option<String>,
    pub picture: Option<PictureId>,
    pub scope: Scope,
    pub place: Option<Place>,
}

/// Which posts a listing shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PostFilter {
    #[default]
    All,
    Picked,
    Skipped,
    Failed,
}

const COLUMNS: &str = "p.id, p.source, p.external_id, p.title, p.author_name, p.author_link, p.link, p.posted_at, \
                       p.marked_restricted, p.state, p.error, p.error_code, p.picture, p.scope, p.message, p.part, \
                       p.author_id, p.asked";

/// The original that each post not yet analysed needs: named by its origin before it is fetched, by its picture after.
const ORIGINALS: &str = "SELECT CASE state WHEN 'claimed' THEN json_extract(origin, '$.picture') ELSE picture END AS \
                         original FROM posts WHERE state NOT IN ('published', 'failed') AND \
                         state IN ('claimed', 'fetched')";

impl Store {
    /// Claims a post. The same `(source, external_id)` is claimed once, ever.
    pub async fn claim(&self, post: &NewPost) -> Result<Claim> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let claim = if let Some(id) = insert(&mut *tx, post).await? {
            Claim::New(id)
        } else {
            let id = sqlx::query_scalar("SELECT id FROM posts WHERE source = ? AND external_id = ?")
                .bind(post.source.as_str())
                .bind(&post.external_id)
                .fetch_one(&mut *tx)
                .await?;
            Claim::Already(PostId(id))
        };
        tx.commit().await?;
        Ok(claim)
    }

    /// Claims these posts, all or none, if no post was ever claimed here; answers whether it did.
    pub async fn claim_first(&self, posts: &[NewPost]) -> Result<bool> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        // AUTOINCREMENT remembers ids also of posts that were removed.
        let used: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'posts')")
            .fetch_one(&mut *tx)
            .await?;
        if used {
            return Ok(false);
        }
        for post in posts {
            insert(&mut *tx, post).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Posts whose next step is due at `now`, oldest first.
    pub async fn due(&self, now: OffsetDateTime, limit: u32) -> Result<Vec<WorkItem>> {
        sqlx::query(
            "SELECT id, state, attempts, origin, picture, marked_restricted, scope, asked, message FROM posts \
             WHERE state NOT IN ('published', 'failed') AND retry_at <= ? ORDER BY id LIMIT ?",
        )
        .bind(millis(now))
        .bind(limit)
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(work_item)
        .collect()
    }

    /// One post's next step, whether due or not.
    pub async fn work_item(&self, post: PostId) -> Result<Option<WorkItem>> {
        sqlx::query("SELECT id, state, attempts, origin, picture, marked_restricted, scope, asked, message FROM posts WHERE id = ?")
            .bind(post.0)
            .fetch_optional(&self.pool)
            .await?
            .as_ref()
            .map(work_item)
            .transpose()
    }

    /// When the next post becomes due that is not due at `now`.
    pub async fn next_due(&self, now: OffsetDateTime) -> Result<Option<OffsetDateTime>> {
        let at: Option<i64> = sqlx::query_scalar(
            "SELECT min(retry_at) FROM posts WHERE state NOT IN ('published', 'failed') AND retry_at > ?",
        )
        .bind(millis(now))
        .fetch_one(&self.pool)
        .await?;
        at.map(time).transpose()
    }

    /// Originals that a post still has to be analysed from.
    pub async fn waiting_originals(&self) -> Result<HashSet<PictureId>> {
        let ids: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "SELECT original FROM ({ORIGINALS}) WHERE original NOT NULL"
        )))
        .fetch_all(&self.pool)
        .await?;
        ids.iter().map(|id| parse(id)).collect()
    }

    /// Whether a post still has to be analysed from this original.
    pub async fn is_original_waited_for(&self, original: PictureId) -> Result<bool> {
        Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "SELECT EXISTS (SELECT 1 FROM ({ORIGINALS}) WHERE original = ?)"
        )))
        .bind(original.to_string())
        .fetch_one(&self.pool)
        .await?)
    }

    pub async fn pending_posts(&self) -> Result<u32> {
        Ok(sqlx::query_scalar("SELECT count(*) FROM posts WHERE state NOT IN ('published', 'failed')")
            .fetch_one(&self.pool)
            .await?)
    }

    /// Counts an attempt before it is made: what kills the process is counted too.
    pub async fn begin_attempt(&self, post: PostId) -> Result<()> {
        sqlx::query("UPDATE posts SET attempts = attempts + 1 WHERE id = ?").bind(post.0).execute(&self.pool).await?;
        Ok(())
    }

    /// A failed post gets another try from the start.
    pub async fn reclaim_post(&self, post: PostId) -> Result<()> {
        sqlx::query(
            "UPDATE posts SET state = 'claimed', attempts = 0, tries = 0, retry_at = 0, error = NULL, \
             error_code = NULL WHERE id = ? AND state = 'failed'",
        )
        .bind(post.0)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Counts a failed try of the post; answers how many there were.
    pub async fn count_retry(&self, post: PostId) -> Result<u32> {
        Ok(sqlx::query_scalar("UPDATE posts SET tries = tries + 1, attempts = 0 WHERE id = ? RETURNING tries")
            .bind(post.0)
            .fetch_optional(&self.pool)
            .await?
            .unwrap_or(0))
    }

    /// The step failed for now.
    pub async fn retry_post(&self, post: PostId, at: OffsetDateTime, error: &str) -> Result<()> {
        sqlx::query("UPDATE posts SET retry_at = ?, attempts = 0, error = ? WHERE id = ?")
            .bind(millis(at))
            .bind(error)
            .bind(post.0)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The step failed for good.
    pub async fn fail_post(&self, post: PostId, code: &str, error: &str) -> Result<()> {
        sqlx::query("UPDATE posts SET state = 'failed', error_code = ?, error = ? WHERE id = ?")
            .bind(code)
            .bind(error)
            .bind(post.0)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    pub async fn set_fetched(&self, post: PostId, picture: PictureId) -> Result<()> {
        sqlx::query(
            "UPDATE posts SET state = 'fetched', picture = ?, attempts = 0, retry_at = 0, error = NULL \
             WHERE id = ? AND state = 'claimed'",
        )
        .bind(picture.to_string())
        .bind(post.0)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The scope's newest post that shows a face.
    pub async fn post_showing(&self, scope: Scope, face: FaceId) -> Result<Option<PostId>> {
        let post: Option<i64> = sqlx::query_scalar(
            "SELECT max(p.id) FROM posts p JOIN faces f ON f.picture = p.picture WHERE f.id = ? AND \
             (p.scope = ? OR ? LIKE 'user:%')",
        )
        .bind(face.0)
        .bind(scope.to_string())
        .bind(scope.to_string())
        .fetch_one(&self.pool)
        .await?;
        Ok(post.map(PostId))
    }

    pub async fn post(&self, id: PostId) -> Result<Option<PostRow>> {
        sqlx::query(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM posts p WHERE p.id = ?")))
            .bind(id.0)
            .fetch_optional(&self.pool)
            .await?
            .as_ref()
            .map(post_row)
            .transpose()
    }

    /// Newest first, before `before`.
    pub async fn posts(&self, filter: PostFilter, before: Option<PostId>, limit: u32) -> Result<Vec<PostRow>> {
        let condition = match filter {
            PostFilter::All => "true",
            PostFilter::Picked => "EXISTS (SELECT 1 FROM picks k WHERE k.post = p.id AND k.published_at IS NOT NULL)",
            PostFilter::Skipped => "p.state = 'published' AND NOT EXISTS (SELECT 1 FROM picks k WHERE k.post = p.id)",
            PostFilter::Failed => "p.state = 'failed'",
        };
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM posts p WHERE p.id < ? AND {condition} ORDER BY p.id DESC LIMIT ?"
        )))
        .bind(before.map_or(i64::MAX, |b| b.0))
        .bind(limit)
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(post_row)
        .collect()
    }

    /// Removes a post with its verdict and pick, and the picture with its faces and ratings if no other post shows it.
    /// Returns the blobs nobody refers to any more.
    pub async fn remove_post(&self, id: PostId) -> Result<Option<Vec<PictureId>>> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let orphans = remove(&mut tx, id).await?;
        tx.commit().await?;
        Ok(orphans)
    }
}

/// As [`Store::remove_post`], in the caller's transaction; what Discord was told about the post follows.
pub(super) async fn remove(connection: &mut SqliteConnection, id: PostId) -> Result<Option<Vec<PictureId>>> {
    let Some(row) = sqlx::query("DELETE FROM posts WHERE id = ? RETURNING picture, message")
        .bind(id.0)
        .fetch_optional(&mut *connection)
        .await?
    else {
        return Ok(None);
    };
    let message = row.try_get::<Option<&str>, _>("message")?.map(parse).transpose()?;
    following::post_removed(connection, message, id).await?;
    let Some(picture) = row.try_get::<Option<String>, _>("picture")? else { return Ok(Some(Vec::new())) };
    let others: u32 = sqlx::query_scalar("SELECT count(*) FROM posts WHERE picture = ?")
        .bind(&picture)
        .fetch_one(&mut *connection)
        .await?;
    if others > 0 {
        return Ok(Some(Vec::new()));
    }
    let blobs: Vec<String> = sqlx::query_scalar(
        "SELECT preview FROM pictures WHERE id = ?1 UNION SELECT crop FROM faces WHERE picture = ?1",
    )
    .bind(&picture)
    .fetch_all(&mut *connection)
    .await?;
    sqlx::query("DELETE FROM pictures WHERE id = ?").bind(&picture).execute(&mut *connection).await?;
    Ok(Some(unreferenced(connection, blobs).await?))
}

/// `None` when it was claimed before.
pub(super) async fn insert(executor: impl Executor<'_, Database = Sqlite>, post: &NewPost) -> Result<Option<PostId>> {
    let origin = serde_json::to_string(&post.origin).map_err(|e| StoreError::Unreadable(e.to_string()))?;
    let id: Option<i64> = sqlx::query_scalar(
        "INSERT INTO posts (source, external_id, origin, title, author_name, author_link, link, posted_at, \
         marked_restricted, scope, message, part, author_id, asked, state) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'claimed') \
         ON CONFLICT (source, external_id) DO NOTHING RETURNING id",
    )
    .bind(post.source.as_str())
    .bind(&post.external_id)
    .bind(origin)
    .bind(&post.title)
    .bind(&post.author.name)
    .bind(&post.author.link)
    .bind(&post.link)
    .bind(millis(post.posted_at))
    .bind(post.marked_restricted)
    .bind(post.scope.to_string())
    .bind(post.place.as_ref().map(|p| p.message.to_string()))
    .bind(post.place.as_ref().map_or(0, |p| p.part))
    .bind(post.place.as_ref().map(|p| p.author.0.as_str()))
    .bind(post.place.as_ref().is_some_and(|p| p.asked))
    .fetch_optional(executor)
    .await?;
    Ok(id.map(PostId))
}

fn work_item(row: &SqliteRow) -> Result<WorkItem> {
    let origin: String = row.try_get("origin")?;
    Ok(WorkItem {
        post: PostId(row.try_get("id")?),
        state: parse(row.try_get("state")?)?,
        attempts: row.try_get("attempts")?,
        origin: serde_json::from_str(&origin).map_err(|e| StoreError::Unreadable(e.to_string()))?,
        picture: row.try_get::<Option<&str>, _>("picture")?.map(parse).transpose()?,
        marked_restricted: row.try_get("marked_restricted")?,
        scope: parse(row.try_get("scope")?)?,
        asked: row.try_get("asked")?,
        message: row.try_get::<Option<&str>, _>("message")?.map(parse).transpose()?,
    })
}

fn post_row(row: &SqliteRow) -> Result<PostRow> {
    Ok(PostRow {
        id: PostId(row.try_get("id")?),
        source: parse(row.try_get("source")?)?,
        external_id: row.try_get("external_id")?,
        title: row.try_get("title")?,
        author: Author { name: row.try_get("author_name")?, link: row.try_get("author_link")? },
        link: row.try_get("link")?,
        posted_at: time(row.try_get("posted_at")?)?,
        marked_restricted: row.try_get("marked_restricted")?,
        state: parse(row.try_get("state")?)?,
        error: row.try_get("error")?,
        error_code: row.try_get("error_code")?,
        picture: row.try_get::<Option<&str>, _>("picture")?.map(parse).transpose()?,
        scope: parse(row.try_get("scope")?)?,
        place: place(row)?,
    })
}

fn place(row: &SqliteRow) -> Result<Option<Place>> {
    let Some(message) = row.try_get::<Option<&str>, _>("message")? else { return Ok(None) };
    Ok(Some(Place {
        message: parse(message)?,
        part: row.try_get("part")?,
        author: Rater(row.try_get::<Option<String>, _>("author_id")?.unwrap_or_default()),
        asked: row.try_get("asked")?,
    }))
}
