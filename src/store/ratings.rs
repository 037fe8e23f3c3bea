//! The rating ledger: rows are added, never changed; the newest of a rater on a target stands.

use std::collections::HashMap;

use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use time::OffsetDateTime;

use super::codec::{millis, time};
use super::pictures::features;
use super::{Result, Store, StoreError, parse};
use crate::domain::{
    FaceId, Features, Judgement, PerceptualHash, PictureId, Rater, Rating, RatingSource, Scope, Target,
};

/// The standing rows of the ledger: the newest of each rater on each target, unless taken back.
const STANDING: &str = "SELECT * FROM (SELECT r.*, row_number() OVER (PARTITION BY scope, rater, picture, \
                        coalesce(face, 0) ORDER BY at DESC, id DESC) AS age FROM ratings r WHERE scope = ?1) \
                        WHERE age = 1 AND judgement IS NOT NULL";

/// A standing rating with what a taste learns from.
#[derive(Debug, Clone)]
pub struct RatedFace {
    pub picture: PictureId,
    pub hash: PerceptualHash,
    pub features: Features,
    pub judgement: Judgement,
    pub source: RatingSource,
    pub at: OffsetDateTime,
}

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
        let added = sqlx::query(
            "INSERT INTO ratings (scope, rater, picture, face, judgement, source, at, score_visible) \
             SELECT ?, ?, id, ?, ?, ?, ?, ? FROM pictures WHERE id = ?",
        )
        .bind(rating.scope.to_string())
        .bind(&rating.rater.0)
        .bind(face)
        .bind(rating.judgement.map(|j| j.to_string()))
        .bind(rating.source.as_str())
        .bind(millis(rating.at))
        .bind(rating.score_visible)
        .bind(picture)
        .execute(&self.pool)
        .await?;
        Ok(added.rows_affected() == 1)
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
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "{} AND rater = ?2 AND picture = ?3 AND face IS NOT NULL",
            STANDING.replace("WHERE scope = ?1", "WHERE scope = ?1 AND rater = ?2 AND picture = ?3")
        )))
        .bind(scope.to_string())
        .bind(&rater.0)
        .bind(picture.to_string())
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(|row| Ok((FaceId(row.try_get("face")?), parse(row.try_get("judgement")?)?)))
        .collect()
    }

    /// Standing ratings of the scope with features, oldest first. A rating of a whole picture speaks of its surest
    /// face; of a picture without faces it teaches nothing.
    pub async fn rated_faces(&self, scope: Scope) -> Result<Vec<RatedFace>> {
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT s.judgement, s.source, s.at, s.picture, p.perceptual_hash, f.embedding, f.colour FROM ({STANDING}) s \
             JOIN pictures p ON p.id = s.picture JOIN faces f ON f.id = coalesce(s.face, \
             (SELECT id FROM faces WHERE picture = s.picture ORDER BY confidence DESC, id LIMIT 1)) ORDER BY s.at, s.id"
        )))
        .bind(scope.to_string())
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(rated_face)
        .collect()
    }

    /// How many standing ratings a taste can learn from: those of these sources, of pictures that have a face.
    pub async fn learnable_ratings(&self, scope: Scope, sources: &[RatingSource]) -> Result<u32> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT s.source, count(*) AS n FROM ({STANDING}) s WHERE s.face NOT NULL OR \
             EXISTS (SELECT 1 FROM faces f WHERE f.picture = s.picture) GROUP BY s.source"
        )))
        .bind(scope.to_string())
        .fetch_all(&self.pool)
        .await?;
        let mut ratings = 0;
        for row in rows {
            if sources.contains(&parse(row.try_get("source")?)?) {
                ratings += row.try_get::<u32, _>("n")?;
            }
        }
        Ok(ratings)
    }

    pub async fn rating_counts(&self, scope: Scope) -> Result<RatingCounts> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT judgement, count(*) AS n FROM ({STANDING}) GROUP BY judgement"
        )))
        .bind(scope.to_string())
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

    /// Number of the scope's newest line; 0 when there is none. Lines are numbered as they are written.
    pub async fn newest_line(&self, scope: Scope) -> Result<i64> {
        Ok(sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM ratings WHERE scope = ?")
            .bind(scope.to_string())
            .fetch_one(&self.pool)
            .await?)
    }
}

fn rated_face(row: &SqliteRow) -> Result<RatedFace> {
    Ok(RatedFace {
        picture: parse(row.try_get("picture")?)?,
        hash: PerceptualHash(row.try_get::<i64, _>("perceptual_hash")?.cast_unsigned()),
        features: features(row)?,
        judgement: parse(row.try_get("judgement")?)?,
        source: parse(row.try_get("source")?)?,
        at: time(row.try_get("at")?)?,
    })
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
