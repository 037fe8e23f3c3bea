//! The rating ledger: rows are added, never changed; the newest of a rater on a target stands.

use std::collections::HashMap;

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::codec::{millis, time};
use super::teaching::{JUDGED_FROM, standing};
use super::{Result, Store, StoreError, parse};
use crate::domain::{FaceId, Judgement, PictureId, Rater, Rating, Scope, Target};

/// Standing ratings by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RatingCounts {
    pub ups: u32,
    pub downs: u32,
    pub stars: [u32; 5],
}

impl RatingCounts {
    pub fn total(&self) -> u32 {
        self.ups + self.downs + self.stars.iter().sum::<u32>()
    }
}

impl Store {
    /// Adds a line to the ledger. Returns false when the face or picture does not exist.
    pub async fn add_rating(&self, rating: &Rating) -> Result<bool> {
        let (picture, face) = match rating.target {
            Target::Picture(id) => (Some(id.to_string()), None),
            Target::Face(id) => {
                let picture: Option<String> = sqlx::query_scalar("SELECT picture FROM faces WHERE id = ?")
                    .bind(id.0)
                    .fetch_optional(&self.pool)
                    .await?;
                (picture, Some(id.0))
            }
        };
        let Some(picture) = picture else { return Ok(false) };
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let line: Option<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "INSERT INTO ratings (scope, rater, picture, face, judgement, source, at, score_visible) \
             SELECT ?, ?, id, ?, ?, {JUDGED_FROM}, ?, ? FROM pictures WHERE id = ? RETURNING id",
        )))
        .bind(rating.scope.to_string())
        .bind(&rating.rater.0)
        .bind(face)
        .bind(rating.judgement.map(|j| j.to_string()))
        .bind(rating.source.as_str())
        .bind(millis(rating.at))
        .bind(rating.score_visible)
        .bind(&picture)
        .fetch_optional(&mut *tx)
        .await?;
        if let (Some(line), Target::Face(face)) = (line, rating.target) {
            Self::note_asked(&mut tx, line, &rating.rater, face).await?;
        }
        if let Some(line) = line {
            Self::note_explored(&mut tx, line, rating.scope, &picture).await?;
        }
        tx.commit().await?;
        Ok(line.is_some())
    }

    /// Adds those lines that the ledger does not hold, in one transaction: an import may be repeated. Returns how many
    /// were added; those of faces and pictures that do not exist are not.
    pub async fn add_missing_ratings(&self, ratings: &[Rating]) -> Result<u64> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let mut added = 0;
        for rating in ratings {
            let (picture, face) = match rating.target {
                Target::Picture(id) => (Some(id.to_string()), None),
                Target::Face(id) => (None, Some(id.0)),
            };
            added += sqlx::query(
                "INSERT INTO ratings (scope, rater, picture, face, judgement, source, at, score_visible) \
                 SELECT ?1, ?2, t.picture, ?4, ?5, ?6, ?7, ?8 FROM \
                 (SELECT id AS picture FROM pictures WHERE id = ?3 UNION SELECT picture FROM faces WHERE id = ?4) t \
                 WHERE NOT EXISTS (SELECT 1 FROM ratings r WHERE r.scope = ?1 AND r.rater = ?2 AND \
                 r.picture = t.picture AND r.face IS ?4 AND r.at = ?7 AND r.judgement IS ?5)",
            )
            .bind(rating.scope.to_string())
            .bind(&rating.rater.0)
            .bind(picture)
            .bind(face)
            .bind(rating.judgement.map(|j| j.to_string()))
            .bind(rating.source.as_str())
            .bind(millis(rating.at))
            .bind(rating.score_visible)
            .execute(&mut *tx)
            .await?
            .rows_affected();
        }
        tx.commit().await?;
        Ok(added)
    }

    /// One rater's standing judgements of a picture's faces.
    pub async fn own_ratings(
        &self,
        scope: Scope,
        rater: &Rater,
        picture: PictureId,
    ) -> Result<HashMap<FaceId, Judgement>> {
        sqlx::query(
            "SELECT face, judgement FROM (SELECT face, judgement, \
             row_number() OVER (PARTITION BY face ORDER BY at DESC, id DESC) AS age FROM ratings \
             WHERE scope = ? AND rater = ? AND picture = ? AND face IS NOT NULL) WHERE age = 1 AND judgement IS NOT NULL",
        )
        .bind(scope.to_string())
        .bind(&rater.0)
        .bind(picture.to_string())
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(|row| Ok((FaceId(row.try_get("face")?), parse(row.try_get("judgement")?)?)))
        .collect()
    }

    /// One rater's standing judgement of a picture as a whole.
    pub async fn own_rating(&self, scope: Scope, rater: &Rater, picture: PictureId) -> Result<Option<Judgement>> {
        let newest: Option<Option<String>> = sqlx::query_scalar(
            "SELECT judgement FROM ratings WHERE scope = ? AND rater = ? AND picture = ? AND face IS NULL \
             ORDER BY at DESC, id DESC LIMIT 1",
        )
        .bind(scope.to_string())
        .bind(&rater.0)
        .bind(picture.to_string())
        .fetch_optional(&self.pool)
        .await?;
        newest.flatten().map(|j| parse(&j)).transpose()
    }

    /// Standing ratings by kind, whether they may be learnt from or not.
    pub async fn rating_counts(&self, scope: Scope) -> Result<RatingCounts> {
        let (standing, whose) = standing(scope);
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT judgement, count(*) AS n FROM ({standing}) GROUP BY judgement"
        )))
        .bind(whose)
        .fetch_all(&self.pool)
        .await?;
        let mut counts = RatingCounts::default();
        for row in rows {
            let n: u32 = row.try_get("n")?;
            match parse::<Judgement>(row.try_get("judgement")?)? {
                Judgement::Up => counts.ups = n,
                Judgement::Down => counts.downs = n,
                Judgement::Stars(s) => counts.stars[usize::from(s.get()) - 1] = n,
            }
        }
        Ok(counts)
    }

    /// The whole ledger, oldest first.
    pub async fn ledger(&self) -> Result<Vec<Rating>> {
        sqlx::query("SELECT * FROM ratings ORDER BY id").fetch_all(&self.pool).await?.iter().map(rating).collect()
    }
}

fn rating(row: &SqliteRow) -> Result<Rating> {
    let target = match row.try_get::<Option<i64>, _>("face")? {
        Some(face) => Target::Face(FaceId(face)),
        None => Target::Picture(parse(row.try_get("picture")?)?),
    };
    Ok(Rating {
        scope: parse(row.try_get("scope")?)?,
        rater: Rater(row.try_get("rater")?),
        target,
        judgement: row
            .try_get::<Option<&str>, _>("judgement")?
            .map(|j| j.parse().map_err(|_| StoreError::Unreadable(format!("judgement '{j}'"))))
            .transpose()?,
        source: parse(row.try_get("source")?)?,
        at: time(row.try_get("at")?)?,
        score_visible: row.try_get("score_visible")?,
    })
}
