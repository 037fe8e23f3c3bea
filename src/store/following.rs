//! What follows when the source of a send changes or goes: what was sent changes, or is deleted.

use sqlx::SqliteConnection;

use super::posts::remove;
use super::{BlobId, Result, Store};
use crate::domain::{MessageKey, PostId, SendId};

impl Store {
    /// A change is about to be shown: another one that comes from here on is shown after it.
    pub async fn begin_change(&self, id: SendId) -> Result<bool> {
        let begun = sqlx::query("UPDATE sends SET changed = 2 WHERE id = ? AND state = 'sent' AND changed = 1")
            .bind(id.0)
            .execute(&self.pool)
            .await?;
        Ok(begun.rows_affected() == 1)
    }

    pub async fn end_change(&self, id: SendId) -> Result<()> {
        sqlx::query(
            "UPDATE sends SET changed = CASE WHEN changed = 2 THEN 0 ELSE changed END, tries = 0, retry_at = 0, \
             error = NULL WHERE id = ?",
        )
        .bind(id.0)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Takes up the changes that a stop cut off. Before the first send.
    pub async fn reopen_changes(&self) -> Result<()> {
        sqlx::query("UPDATE sends SET changed = 1 WHERE changed = 2").execute(&self.pool).await?;
        Ok(())
    }

    /// One of the bot's own messages is to be taken away.
    pub async fn withdraw_send(&self, id: SendId) -> Result<()> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        withdraw(&mut tx, &[id.0]).await?;
        tx.commit().await?;
        Ok(())
    }

    /// A picture from a timeline is picked no more; what was sent of it is to be deleted.
    pub async fn withdraw_post(&self, post: PostId) -> Result<()> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("UPDATE posts SET withdrawn = 1 WHERE id = ?").bind(post.0).execute(&mut *tx).await?;
        let sends: Vec<i64> = sqlx::query_scalar("SELECT id FROM sends WHERE source = '' AND post = ?")
            .bind(post.0)
            .fetch_all(&mut *tx)
            .await?;
        withdraw(&mut tx, &sends).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Nothing more is said of a message: its pictures are picked no more.
    pub async fn withdraw_posts(&self, source: MessageKey) -> Result<()> {
        sqlx::query("UPDATE posts SET withdrawn = 1 WHERE message = ?")
            .bind(source.to_string())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The source is gone: in one transaction its posts go, with pictures, faces and ratings that no other post needs,
    /// and what was sent about it is to be deleted. `None` when nothing here knew it; else the blobs nobody refers to
    /// any more.
    pub async fn source_deleted(&self, source: MessageKey) -> Result<Option<Vec<BlobId>>> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let posts: Vec<i64> = sqlx::query_scalar("SELECT id FROM posts WHERE message = ? ORDER BY id")
            .bind(source.to_string())
            .fetch_all(&mut *tx)
            .await?;
        let mut orphans = Vec::new();
        for &post in &posts {
            orphans.extend(remove(&mut tx, PostId(post)).await?.unwrap_or_default());
        }
        let sends: Vec<i64> = sqlx::query_scalar("SELECT id FROM sends WHERE source = ?")
            .bind(source.to_string())
            .fetch_all(&mut *tx)
            .await?;
        withdraw(&mut tx, &sends).await?;
        sqlx::query("DELETE FROM reactions WHERE message = ?")
            .bind(source.message.cast_signed())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok((!sends.is_empty() || !posts.is_empty()).then_some(orphans))
    }
}

/// The message's pictures are others now: its reply says so, or speaks for the first time, and each answer says so. In the
/// caller's transaction.
pub(super) async fn source_changed(connection: &mut SqliteConnection, source: MessageKey) -> Result<()> {
    sqlx::query(
        "UPDATE sends SET changed = CASE WHEN state IN ('sending', 'sent') THEN 1 ELSE changed END, \
         state = CASE WHEN kind = 'reply' AND state IN ('silent', 'failed') AND message IS NULL THEN 'waiting' \
         ELSE state END, \
         tries = 0, retry_at = 0 WHERE source = ? AND kind IN ('reply', 'answer') AND state NOT IN ('deleting', 'gone')",
    )
    .bind(source.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

/// One picture is gone: its pick is to be deleted; the digest that lists it, its message's reply and the answers change. In
/// the caller's transaction.
pub(super) async fn post_removed(
    connection: &mut SqliteConnection,
    source: Option<MessageKey>,
    post: PostId,
) -> Result<()> {
    let sends: Vec<i64> = sqlx::query_scalar("SELECT id FROM sends WHERE source = ? AND post = ?")
        .bind(source.map(|key| key.to_string()).unwrap_or_default())
        .bind(post.0)
        .fetch_all(&mut *connection)
        .await?;
    withdraw(connection, &sends).await?;
    match source {
        Some(source) => source_changed(connection, source).await,
        None => Ok(()),
    }
}

/// What was sent, or may have been, is to be deleted; what was not, is gone. Digests that list it change.
async fn withdraw(connection: &mut SqliteConnection, sends: &[i64]) -> Result<()> {
    for id in sends {
        sqlx::query(
            "UPDATE sends SET changed = 1 WHERE state IN ('sending', 'sent') AND id = \
             (SELECT digest FROM sends WHERE id = ? AND state IN ('sent', 'deleting'))",
        )
        .bind(id)
        .execute(&mut *connection)
        .await?;
        sqlx::query(
            "UPDATE sends SET state = CASE WHEN state = 'gone' OR (message IS NULL AND \
             state NOT IN ('sending', 'deleting')) THEN 'gone' ELSE 'deleting' END, changed = 0, tries = 0, \
             retry_at = 0 WHERE id = ?",
        )
        .bind(id)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
