//! What people are asked to rate: how often, and what was asked already.

use sqlx::Row;
use time::OffsetDateTime;

use super::codec::millis;
use super::pictures::face_row;
use super::{FaceRow, Result, Store};
use crate::domain::{FaceId, PerceptualHash, PostId, Rater, Scope};

/// A face that somebody could be asked about.
#[derive(Debug, Clone, PartialEq)]
pub struct Askable {
    pub post: PostId,
    pub hash: PerceptualHash,
    pub face: FaceRow,
}

/// A face that is asked about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AskedFace {
    pub face: FaceId,
    /// Of a face drawn by lot; `None` for one that is asked about for what it teaches.
    pub propensity: Option<f64>,
}

impl Store {
    /// How often the person was asked since.
    pub async fn asked_since(&self, person: u64, since: OffsetDateTime) -> Result<u32> {
        Ok(sqlx::query_scalar("SELECT count(*) FROM asks WHERE person = ? AND at > ?")
            .bind(person.cast_signed())
            .bind(millis(since))
            .fetch_one(&self.pool)
            .await?)
    }

    /// Channels of Discord that posts of the scope came in.
    pub async fn source_channels(&self, scope: Scope) -> Result<Vec<u64>> {
        let ids: Vec<i64> = sqlx::query_scalar(
            "SELECT DISTINCT CAST(substr(message, 1, instr(message, '/') - 1) AS INTEGER) FROM posts WHERE scope = ? \
             AND message IS NOT NULL",
        )
        .bind(scope.to_string())
        .fetch_all(&self.pool)
        .await?;
        Ok(ids.into_iter().map(i64::cast_unsigned).collect())
    }

    /// The newest faces of the scope's posts that the person has neither rated nor been asked about; none of `hidden`
    /// channels, none that is restricted unless those may be shown.
    pub async fn askable(
        &self,
        scope: Scope,
        person: u64,
        restricted: bool,
        hidden: &[u64],
        limit: u32,
    ) -> Result<Vec<Askable>> {
        sqlx::query(
            "SELECT f.*, p.perceptual_hash, o.post FROM \
             (SELECT picture, max(id) AS post, max(marked_restricted) AS marked FROM posts WHERE scope = ?1 AND \
             state IN ('decided', 'published') AND picture IS NOT NULL AND (message IS NULL OR \
             CAST(substr(message, 1, instr(message, '/') - 1) AS INTEGER) NOT IN (SELECT value FROM json_each(?7))) \
             GROUP BY picture) o \
             JOIN pictures p ON p.id = o.picture JOIN faces f ON f.picture = p.id WHERE \
             (?4 OR (o.marked = 0 AND p.explicit_drawing + p.explicit_photo + p.suggestive <= ?5)) AND \
             NOT EXISTS (SELECT 1 FROM face_reports n WHERE n.face = f.id) AND \
             NOT EXISTS (SELECT 1 FROM asked_faces a WHERE a.face = f.id AND a.person = ?2) AND \
             NOT EXISTS (SELECT 1 FROM ratings r WHERE r.rater = ?3 AND r.picture = f.picture AND \
             (r.face = f.id OR r.face IS NULL)) ORDER BY f.id DESC LIMIT ?6",
        )
        .bind(scope.to_string())
        .bind(person.cast_signed())
        .bind(Rater::discord(person).0)
        .bind(restricted)
        .bind(crate::domain::Safety::GATE)
        .bind(limit)
        .bind(serde_json::json!(hidden).to_string())
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(|row| {
            Ok(Askable {
                post: PostId(row.try_get("post")?),
                hash: PerceptualHash(row.try_get::<i64, _>("perceptual_hash")?.cast_unsigned()),
                face: face_row(row)?,
            })
        })
        .collect()
    }

    /// Writes down what is asked now.
    pub async fn add_ask(&self, scope: Scope, person: u64, faces: &[AskedFace], at: OffsetDateTime) -> Result<()> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("INSERT INTO asks (person, at, scope) VALUES (?, ?, ?)")
            .bind(person.cast_signed())
            .bind(millis(at))
            .bind(scope.to_string())
            .execute(&mut *tx)
            .await?;
        for asked in faces {
            sqlx::query(
                "INSERT INTO asked_faces (person, face, at, shown, propensity) VALUES (?, ?, ?, ?, ?) \
                 ON CONFLICT DO NOTHING",
            )
            .bind(person.cast_signed())
            .bind(asked.face.0)
            .bind(millis(at))
            .bind(if asked.propensity.is_some() { "lot" } else { "asked" })
            .bind(asked.propensity)
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Writes beside a line on this face, given without the score in sight, that the bot had asked for it.
    pub(super) async fn note_asked(
        connection: &mut sqlx::SqliteConnection,
        line: i64,
        person: u64,
        face: FaceId,
    ) -> Result<()> {
        sqlx::query(
            "UPDATE ratings SET (shown, propensity) = (SELECT shown, propensity FROM asked_faces WHERE person = ?1 AND \
             face = ?2) WHERE id = ?3 AND score_visible = 0 AND EXISTS (SELECT 1 FROM asked_faces WHERE person = ?1 AND face = ?2)",
        )
        .bind(person.cast_signed())
        .bind(face.0)
        .bind(line)
        .execute(connection)
        .await?;
        Ok(())
    }
}
