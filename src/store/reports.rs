//! "Not a face": what people say is none is shown and scored no more, and is a label for the detector.

use serde::Serialize;
use sqlx::Row;
use time::OffsetDateTime;

use super::codec::{millis, time};
use super::{Result, Store, parse};
use crate::domain::{Confidence, FaceId, PictureBox, PictureId, Rater, Size};

/// A box that the detector took for a face and people did not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FaceReport {
    pub face: FaceId,
    pub picture: PictureId,
    pub size: Size,
    pub bounds: PictureBox,
    pub confidence: Confidence,
    /// Which models looked at the picture.
    pub models: String,
    pub people: u32,
    #[serde(with = "time::serde::rfc3339")]
    pub first_at: OffsetDateTime,
}

/// What people made of one detector's boxes, by its confidence in them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JudgedBoxes {
    /// Reported as no face.
    pub reported: Vec<Confidence>,
    /// Rated as a face, and reported by nobody.
    pub rated: Vec<Confidence>,
}

impl Store {
    /// The boxes of `detector` (`face-v2`) that people reported or rated, in every scope. Boxes that people drew have no confidence and are left out.
    pub async fn judged_boxes(&self, detector: &str) -> Result<JudgedBoxes> {
        const BOXES: &str = "SELECT CAST(f.confidence AS REAL) FROM faces f JOIN pictures p ON p.id = f.picture \
             WHERE f.confidence > 0 AND substr(p.models, 1, length(?1) + 1) = ?1 || '+' AND ";
        const REPORTED: &str = "EXISTS (SELECT 1 FROM face_reports WHERE face = f.id)";
        const RATED: &str = "EXISTS (SELECT 1 FROM ratings WHERE face = f.id AND judgement IS NOT NULL)";
        let read = async |which: String| -> Result<Vec<Confidence>> {
            let sure: Vec<f32> =
                sqlx::query_scalar(sqlx::AssertSqlSafe(which)).bind(detector).fetch_all(&self.pool).await?;
            Ok(sure.into_iter().map(Confidence).collect())
        };
        Ok(JudgedBoxes {
            reported: read(format!("{BOXES}{REPORTED}")).await?,
            rated: read(format!("{BOXES}{RATED} AND NOT {REPORTED}")).await?,
        })
    }

    /// Keeps a report; what was sent of the picture is to be changed. `None` when there is no such face, else whether the
    /// report is new.
    pub async fn report_face(&self, face: FaceId, rater: &Rater, at: OffsetDateTime) -> Result<Option<bool>> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let picture: Option<String> =
            sqlx::query_scalar("SELECT picture FROM faces WHERE id = ?").bind(face.0).fetch_optional(&mut *tx).await?;
        let Some(picture) = picture else { return Ok(None) };
        let added = sqlx::query("INSERT INTO face_reports (face, person, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
            .bind(face.0)
            .bind(&rater.0)
            .bind(millis(at))
            .execute(&mut *tx)
            .await?
            .rows_affected();
        sqlx::query(
            "UPDATE sends SET changed = 1 WHERE state = 'sent' AND kind IN ('reply', 'answer', 'pick') AND \
             EXISTS (SELECT 1 FROM posts p WHERE p.picture = ? AND coalesce(p.message, '') = sends.source AND \
             (sends.post = p.id OR (sends.post = 0 AND p.message IS NOT NULL)))",
        )
        .bind(picture)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Some(added == 1))
    }

    /// Who says that this is no face.
    pub async fn reporters(&self, face: FaceId) -> Result<Vec<Rater>> {
        let people: Vec<String> = sqlx::query_scalar("SELECT person FROM face_reports WHERE face = ? ORDER BY person")
            .bind(face.0)
            .fetch_all(&self.pool)
            .await?;
        Ok(people.into_iter().map(Rater).collect())
    }

    /// All reported boxes, oldest first: training material for the detector.
    pub async fn face_reports(&self) -> Result<Vec<FaceReport>> {
        sqlx::query(
            "SELECT f.id, f.picture, f.x1, f.y1, f.x2, f.y2, f.confidence, p.width, p.height, p.models, \
             count(*) AS people, min(n.at) AS first_at FROM face_reports n JOIN faces f ON f.id = n.face \
             JOIN pictures p ON p.id = f.picture GROUP BY f.id ORDER BY first_at, f.id",
        )
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(|row| {
            Ok(FaceReport {
                face: FaceId(row.try_get("id")?),
                picture: parse(row.try_get("picture")?)?,
                size: Size::new(row.try_get("width")?, row.try_get("height")?),
                bounds: PictureBox::new(row.try_get("x1")?, row.try_get("y1")?, row.try_get("x2")?, row.try_get("y2")?),
                confidence: Confidence(row.try_get("confidence")?),
                models: row.try_get("models")?,
                people: row.try_get("people")?,
                first_at: time(row.try_get("first_at")?)?,
            })
        })
        .collect()
    }
}
