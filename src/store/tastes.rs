//! Fitted tastes, a row a version.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use time::OffsetDateTime;

use super::codec::{millis, time};
use super::{Result, Store, parse};
use crate::domain::{Scope, TasteId};

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
    /// Spearman of the version that stayed on the same held-out ratings; `None` when this one was promoted.
    pub incumbent_spearman: Option<f32>,
}

/// A version of a taste.
#[derive(Debug, Clone, PartialEq)]
pub struct TasteRow {
    pub id: TasteId,
    pub fit: FittedTaste,
}

impl Store {
    pub async fn add_taste(&self, taste: &FittedTaste) -> Result<TasteId> {
        let id = sqlx::query_scalar(
            "INSERT INTO tastes (scope, fitted_at, ratings, seen, model, held_out_spearman, held_out_ratings, promoted, \
             incumbent_spearman) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        )
        .bind(taste.scope.to_string())
        .bind(millis(taste.fitted_at))
        .bind(taste.ratings)
        .bind(taste.seen)
        .bind(&taste.model)
        .bind(taste.held_out.map(|h| h.0))
        .bind(taste.held_out.map(|h| h.1))
        .bind(taste.incumbent_spearman.is_none())
        .bind(taste.incumbent_spearman)
        .fetch_one(&self.pool)
        .await?;
        Ok(TasteId(id))
    }

    /// The version in use: the newest promoted one.
    pub async fn current_taste(&self, scope: Scope) -> Result<Option<TasteRow>> {
        sqlx::query("SELECT * FROM tastes WHERE scope = ? AND promoted = 1 ORDER BY id DESC LIMIT 1")
            .bind(scope.to_string())
            .fetch_optional(&self.pool)
            .await?
            .as_ref()
            .map(taste_row)
            .transpose()
    }

    /// The newest version, promoted or not.
    pub async fn newest_taste(&self, scope: Scope) -> Result<Option<TasteRow>> {
        sqlx::query("SELECT * FROM tastes WHERE scope = ? ORDER BY id DESC LIMIT 1")
            .bind(scope.to_string())
            .fetch_optional(&self.pool)
            .await?
            .as_ref()
            .map(taste_row)
            .transpose()
    }

    /// Forgets all versions: no rating stands any more.
    pub async fn clear_tastes(&self, scope: Scope) -> Result<()> {
        sqlx::query("DELETE FROM tastes WHERE scope = ?").bind(scope.to_string()).execute(&self.pool).await?;
        Ok(())
    }

    /// Drops the models of old versions but the newest `keep` and the one in use.
    pub async fn prune_tastes(&self, scope: Scope, keep: u32) -> Result<u64> {
        let pruned = sqlx::query(
            "DELETE FROM tastes WHERE scope = ?1 AND id NOT IN \
             (SELECT id FROM tastes WHERE scope = ?1 ORDER BY id DESC LIMIT ?2) AND id IS NOT \
             (SELECT max(id) FROM tastes WHERE scope = ?1 AND promoted = 1)",
        )
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
    let fit = FittedTaste {
        scope: parse(row.try_get("scope")?)?,
        fitted_at: time(row.try_get("fitted_at")?)?,
        ratings: row.try_get("ratings")?,
        seen: row.try_get("seen")?,
        model: row.try_get("model")?,
        held_out: spearman.zip(ratings),
        incumbent_spearman: row.try_get("incumbent_spearman")?,
    };
    Ok(TasteRow { id: TasteId(row.try_get("id")?), fit })
}
