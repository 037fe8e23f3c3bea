//! Fitted tastes, a row a version.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use time::OffsetDateTime;

use super::codec::{millis, time};
use super::{Result, Store, parse};
use crate::domain::{Rater, Scope, TasteId};

/// What a fit came to.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedTaste {
    pub scope: Scope,
    pub fitted_at: OffsetDateTime,
    pub ratings: u32,
    /// The ledger's newest line when it was read for this fit.
    pub seen: i64,
    pub model: Vec<u8>,
    /// Spearman on the newest held-out ratings, and how many those were.
    pub held_out: Option<(f32, u32)>,
    /// Spearman of the version that stayed on the same held-out ratings, where that could be said.
    pub incumbent_spearman: Option<f32>,
    /// It took over.
    pub promoted: bool,
    /// The scope whose taste it stands upon, and how many ratings that had learnt from.
    pub upon: Option<(Scope, u32)>,
}

/// A version of a taste.
#[derive(Debug, Clone, PartialEq)]
pub struct TasteRow {
    pub id: TasteId,
    pub fit: FittedTaste,
    /// When it was put into use last; `None` if it never was, or was taken back.
    pub promoted_at: Option<OffsetDateTime>,
    /// Somebody chose it.
    pub by_hand: bool,
}

/// The version in use of scope `?1`.
const IN_USE: &str =
    "SELECT id FROM tastes WHERE scope = ?1 AND promoted_at IS NOT NULL ORDER BY promoted_at DESC, id DESC LIMIT 1";

impl Store {
    pub async fn add_taste(&self, taste: &FittedTaste) -> Result<TasteId> {
        let id = sqlx::query_scalar(
            "INSERT INTO tastes (scope, fitted_at, ratings, seen, model, held_out_spearman, held_out_ratings, promoted, \
             incumbent_spearman, promoted_at, upon, upon_ratings) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, \
             CASE WHEN ?8 THEN max(?2, coalesce((SELECT max(promoted_at) FROM tastes WHERE scope = ?1), 0)) END, ?10, ?11) \
             RETURNING id",
        )
        .bind(taste.scope.to_string())
        .bind(millis(taste.fitted_at))
        .bind(taste.ratings)
        .bind(taste.seen)
        .bind(&taste.model)
        .bind(taste.held_out.map(|h| h.0))
        .bind(taste.held_out.map(|h| h.1))
        .bind(taste.promoted)
        .bind(taste.incumbent_spearman)
        .bind(taste.upon.map(|(scope, _)| scope.to_string()))
        .bind(taste.upon.map_or(0, |(_, ratings)| ratings))
        .fetch_one(&self.pool)
        .await?;
        Ok(TasteId(id))
    }

    /// The version in use: the one that was put into use last.
    pub async fn current_taste(&self, scope: Scope) -> Result<Option<TasteRow>> {
        sqlx::query(sqlx::AssertSqlSafe(format!("SELECT * FROM tastes WHERE id = ({IN_USE})")))
            .bind(scope.to_string())
            .fetch_optional(&self.pool)
            .await?
            .as_ref()
            .map(taste_row)
            .transpose()
    }

    /// The newest version, in use or not.
    pub async fn newest_taste(&self, scope: Scope) -> Result<Option<TasteRow>> {
        Ok(self.tastes(scope, 1).await?.pop())
    }

    /// The newest versions, newest first.
    pub async fn tastes(&self, scope: Scope, limit: u32) -> Result<Vec<TasteRow>> {
        sqlx::query("SELECT * FROM tastes WHERE scope = ? ORDER BY id DESC LIMIT ?")
            .bind(scope.to_string())
            .bind(limit)
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(taste_row)
            .collect()
    }

    /// Puts a version of the scope into use by hand; false when there is none such.
    pub async fn promote_taste(&self, scope: Scope, id: TasteId, at: OffsetDateTime) -> Result<bool> {
        let promoted = sqlx::query(
            "UPDATE tastes SET promoted = 1, by_hand = 1, promoted_at = max(?, coalesce((SELECT max(promoted_at) + 1 \
             FROM tastes WHERE scope = ?), 0)) WHERE id = ? AND scope = ?",
        )
        .bind(millis(at))
        .bind(scope.to_string())
        .bind(id.0)
        .bind(scope.to_string())
        .execute(&self.pool)
        .await?;
        Ok(promoted.rows_affected() > 0)
    }

    /// Takes the version in use back: the one in use before it is again, by hand. Answers it; `None` when there is none.
    pub async fn roll_taste_back(&self, scope: Scope) -> Result<Option<TasteId>> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let in_use: Vec<i64> = sqlx::query_scalar(
            "SELECT id FROM tastes WHERE scope = ? AND promoted_at IS NOT NULL ORDER BY promoted_at DESC, id DESC LIMIT 2",
        )
        .bind(scope.to_string())
        .fetch_all(&mut *tx)
        .await?;
        let &[now, before] = &in_use[..] else { return Ok(None) };
        sqlx::query("UPDATE tastes SET promoted = 0, by_hand = 0, promoted_at = NULL WHERE id = ?")
            .bind(now)
            .execute(&mut *tx)
            .await?;
        sqlx::query("UPDATE tastes SET by_hand = 1 WHERE id = ?").bind(before).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(Some(TasteId(before)))
    }

    /// The guild in which each person, or one, has said most: theirs where their own ratings are silent.
    pub async fn home_guilds(&self, person: Option<u64>) -> Result<Vec<(u64, Scope)>> {
        let rows = sqlx::query(
            "SELECT rater, scope FROM (SELECT rater, scope, row_number() OVER (PARTITION BY rater ORDER BY count(*) DESC, \
             scope) AS nth FROM ratings WHERE scope LIKE 'guild:%' AND (?1 IS NULL OR rater = ?1) GROUP BY rater, scope) \
             WHERE nth = 1",
        )
        .bind(person.map(|id| Rater::discord(id).0))
        .fetch_all(&self.pool)
        .await?;
        let mut homes = Vec::new();
        for row in rows {
            if let Some(id) = Rater(row.try_get("rater")?).discord_id() {
                homes.push((id, parse(row.try_get("scope")?)?));
            }
        }
        Ok(homes)
    }

    /// Forgets all versions: no rating stands any more.
    pub async fn clear_tastes(&self, scope: Scope) -> Result<()> {
        sqlx::query("DELETE FROM tastes WHERE scope = ?").bind(scope.to_string()).execute(&self.pool).await?;
        Ok(())
    }

    /// Drops old versions but the newest `keep` and the one in use.
    pub async fn prune_tastes(&self, scope: Scope, keep: u32) -> Result<u64> {
        let pruned = sqlx::query(sqlx::AssertSqlSafe(format!(
            "DELETE FROM tastes WHERE scope = ?1 AND id NOT IN \
             (SELECT id FROM tastes WHERE scope = ?1 ORDER BY id DESC LIMIT ?2) AND id IS NOT ({IN_USE})"
        )))
        .bind(scope.to_string())
        .bind(keep)
        .execute(&self.pool)
        .await?;
        Ok(pruned.rows_affected())
    }
}

fn taste_row(row: &SqliteRow) -> Result<TasteRow> {
    let spearman: Option<f32> = row.try_get("held_out_spearman")?;
    let ratings: Option<u32> = row.try_get("held_out_ratings")?;
    let upon: Option<Scope> = row.try_get::<Option<&str>, _>("upon")?.map(parse).transpose()?;
    let fit = FittedTaste {
        scope: parse(row.try_get("scope")?)?,
        fitted_at: time(row.try_get("fitted_at")?)?,
        ratings: row.try_get("ratings")?,
        seen: row.try_get("seen")?,
        model: row.try_get("model")?,
        held_out: spearman.zip(ratings),
        incumbent_spearman: row.try_get("incumbent_spearman")?,
        promoted: row.try_get("promoted")?,
        upon: upon.map(|scope| Ok::<_, super::StoreError>((scope, row.try_get("upon_ratings")?))).transpose()?,
    };
    Ok(TasteRow {
        id: TasteId(row.try_get("id")?),
        fit,
        promoted_at: row.try_get::<Option<i64>, _>("promoted_at")?.map(time).transpose()?,
        by_hand: row.try_get("by_hand")?,
    })
}
