//! Verdicts and picks, as they are shown and restored; [`super::desk`] makes them.

use sqlx::Row;
use time::OffsetDateTime;

use super::codec::{millis, time};
use super::{Result, Store, StoreError, parse};
use crate::domain::{PictureId, PostId, Scope, Verdict};

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PickRow {
    pub post: PostId,
    pub picture: PictureId,
    pub score: f32,
    pub picked_at: OffsetDateTime,
}

impl Store {
    /// Publishes what was decided: the pick, if there is one, becomes visible in the feed.
    pub async fn publish_post(&self, post: PostId, now: OffsetDateTime) -> Result<()> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("UPDATE picks SET published_at = ? WHERE post = ? AND published_at IS NULL")
            .bind(millis(now))
            .bind(post.0)
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "UPDATE posts SET state = 'published', attempts = 0, retry_at = 0, error = NULL \
             WHERE id = ? AND state = 'decided'",
        )
        .bind(post.0)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Writes a pick that was published elsewhere, from an export.
    pub async fn restore_pick(
        &self,
        scope: Scope,
        post: PostId,
        picture: PictureId,
        score: f32,
        at: OffsetDateTime,
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO picks (scope, post, picture, score, picked_at, published_at) VALUES (?, ?, ?, ?, ?, ?) \
             ON CONFLICT (scope, post) DO NOTHING",
        )
        .bind(scope.to_string())
        .bind(post.0)
        .bind(picture.to_string())
        .bind(score)
        .bind(millis(at))
        .bind(millis(at))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Writes a verdict that was published elsewhere, from an export; the post has been through all steps.
    pub async fn restore_verdict(
        &self,
        scope: Scope,
        post: PostId,
        verdict: Verdict,
        at: OffsetDateTime,
    ) -> Result<()> {
        let json = serde_json::to_string(&verdict).map_err(|e| StoreError::Unreadable(e.to_string()))?;
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query(
            "INSERT INTO verdicts (post, scope, verdict, taste, decided_at) VALUES (?, ?, ?, NULL, ?) \
             ON CONFLICT (post, scope) DO NOTHING",
        )
        .bind(post.0)
        .bind(scope.to_string())
        .bind(json)
        .bind(millis(at))
        .execute(&mut *tx)
        .await?;
        sqlx::query("UPDATE posts SET state = 'published' WHERE id = ? AND state = 'analysed'")
            .bind(post.0)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// The desk's standing answer, and when it was given.
    pub async fn verdict(&self, scope: Scope, post: PostId) -> Result<Option<(Verdict, OffsetDateTime)>> {
        let row = sqlx::query("SELECT verdict, decided_at FROM verdicts WHERE post = ? AND scope = ?")
            .bind(post.0)
            .bind(scope.to_string())
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let verdict =
            serde_json::from_str(row.try_get("verdict")?).map_err(|e| StoreError::Unreadable(e.to_string()))?;
        Ok(Some((verdict, time(row.try_get("decided_at")?)?)))
    }

    /// A post's published pick.
    pub async fn pick(&self, scope: Scope, post: PostId) -> Result<Option<PickRow>> {
        let row = sqlx::query("SELECT * FROM picks WHERE scope = ? AND post = ? AND published_at IS NOT NULL")
            .bind(scope.to_string())
            .bind(post.0)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(pick_row).transpose()
    }

    /// Published picks, newest first by (`picked_at`, post); those after the pick of `before` in that order.
    pub async fn picks(&self, scope: Scope, before: Option<PostId>, limit: u32) -> Result<Vec<PickRow>> {
        sqlx::query(
            "SELECT * FROM picks WHERE scope = ?1 AND published_at IS NOT NULL AND \
             (?2 IS NULL OR (picked_at, post) < (SELECT picked_at, post FROM picks WHERE scope = ?1 AND post = ?2)) \
             ORDER BY picked_at DESC, post DESC LIMIT ?3",
        )
        .bind(scope.to_string())
        .bind(before.map(|b| b.0))
        .bind(limit)
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(pick_row)
        .collect()
    }
}

fn pick_row(row: &sqlx::sqlite::SqliteRow) -> Result<PickRow> {
    Ok(PickRow {
        post: PostId(row.try_get("post")?),
        picture: parse(row.try_get("picture")?)?,
        score: row.try_get("score")?,
        picked_at: time(row.try_get("picked_at")?)?,
    })
}
