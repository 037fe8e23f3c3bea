//! Face boxes by hand: each save is a row, the newest of a picture stands.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use time::OffsetDateTime;

use super::BlobId;
use super::codec::{bytes, millis, time};
use super::pictures::{CroppedFace, FaceRow, face_row};
use super::{Result, Store, StoreError, parse};
use crate::domain::{BoxLabels, FaceId, PictureId, Rater};

/// A picture's standing labels.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledPicture {
    pub picture: PictureId,
    pub labels: BoxLabels,
    pub by: Rater,
    pub at: OffsetDateTime,
}

/// Pictures with and without labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LabelCounts {
    pub labelled: u32,
    pub waiting: u32,
}

const STANDING: &str =
    "SELECT l.* FROM box_labels l WHERE l.id = (SELECT max(id) FROM box_labels WHERE picture = l.picture)";

impl Store {
    /// Adds a save. False when there is no such picture.
    pub async fn add_box_labels(&self, labelled: &LabelledPicture) -> Result<bool> {
        let labels = serde_json::to_string(&labelled.labels).map_err(|e| StoreError::Unreadable(e.to_string()))?;
        let added = sqlx::query(
            "INSERT INTO box_labels (picture, labels, by, at) SELECT id, ?, ?, ? FROM pictures WHERE id = ?",
        )
        .bind(labels)
        .bind(&labelled.by.0)
        .bind(millis(labelled.at))
        .bind(labelled.picture.to_string())
        .execute(&self.pool)
        .await?;
        Ok(added.rows_affected() == 1)
    }

    pub async fn box_labels(&self, picture: PictureId) -> Result<Option<LabelledPicture>> {
        sqlx::query(sqlx::AssertSqlSafe(format!("{STANDING} AND l.picture = ?")))
            .bind(picture.to_string())
            .fetch_optional(&self.pool)
            .await?
            .as_ref()
            .map(labelled)
            .transpose()
    }

    /// All pictures with labels, in the order they were first saved.
    pub async fn labelled_pictures(&self) -> Result<Vec<LabelledPicture>> {
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "{STANDING} ORDER BY (SELECT min(id) FROM box_labels WHERE picture = l.picture)"
        )))
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(labelled)
        .collect()
    }

    /// Pictures that a post shows and nobody has labelled, those worth it most first: somebody said that a face in it is
    /// none, then by its least sure face, then those without a face, newest first.
    pub async fn unlabelled_pictures(&self, limit: u32) -> Result<Vec<PictureId>> {
        let ids: Vec<String> = sqlx::query_scalar(
            "SELECT p.id FROM pictures p WHERE NOT EXISTS (SELECT 1 FROM box_labels WHERE picture = p.id) \
             AND EXISTS (SELECT 1 FROM posts WHERE picture = p.id) ORDER BY \
             EXISTS (SELECT 1 FROM face_reports r JOIN faces f ON f.id = r.face WHERE f.picture = p.id) DESC, \
             (SELECT min(confidence) FROM faces WHERE picture = p.id) ASC NULLS LAST, p.analysed_at DESC, p.id LIMIT ?",
        )
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        ids.iter().map(|id| parse(id)).collect()
    }

    pub async fn label_counts(&self) -> Result<LabelCounts> {
        let row = sqlx::query(
            "SELECT (SELECT count(DISTINCT picture) FROM box_labels) AS labelled, (SELECT count(*) FROM pictures p \
             WHERE NOT EXISTS (SELECT 1 FROM box_labels WHERE picture = p.id) \
             AND EXISTS (SELECT 1 FROM posts WHERE picture = p.id)) AS waiting",
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(LabelCounts { labelled: row.try_get("labelled")?, waiting: row.try_get("waiting")? })
    }

    /// The face that this file is the crop of; of several with the same pixels the first.
    pub async fn face_with_crop(&self, crop: BlobId) -> Result<Option<FaceRow>> {
        sqlx::query("SELECT * FROM faces WHERE crop = ? ORDER BY id LIMIT 1")
            .bind(crop.to_string())
            .fetch_optional(&self.pool)
            .await?
            .as_ref()
            .map(face_row)
            .transpose()
    }

    /// Adds a face that the detector did not find to a picture; `None` when the picture is not there.
    pub async fn add_face(&self, picture: PictureId, face: &CroppedFace) -> Result<Option<FaceId>> {
        let CroppedFace { face, crop } = face;
        let id: Option<i64> = sqlx::query_scalar(
            "INSERT INTO faces (picture, x1, y1, x2, y2, confidence, embedding, colour, crop) \
             SELECT id, ?, ?, ?, ?, ?, ?, ?, ? FROM pictures WHERE id = ? RETURNING id",
        )
        .bind(face.bounds.x1)
        .bind(face.bounds.y1)
        .bind(face.bounds.x2)
        .bind(face.bounds.y2)
        .bind(face.confidence.0)
        .bind(bytes(&face.features.embedding))
        .bind(bytes(&face.features.colour))
        .bind(crop.to_string())
        .bind(picture.to_string())
        .fetch_optional(&self.pool)
        .await?;
        Ok(id.map(FaceId))
    }
}

fn labelled(row: &SqliteRow) -> Result<LabelledPicture> {
    Ok(LabelledPicture {
        picture: parse(row.try_get("picture")?)?,
        labels: serde_json::from_str(row.try_get("labels")?).map_err(|e| StoreError::Unreadable(e.to_string()))?,
        by: Rater(row.try_get("by")?),
        at: time(row.try_get("at")?)?,
    })
}
