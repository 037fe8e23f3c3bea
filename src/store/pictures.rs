//! Pictures and their faces.

use std::collections::HashSet;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use time::OffsetDateTime;

use super::blobs::BlobId;
use super::codec::{bytes, floats, floats_as_they_are, millis, time};
use super::{Result, Store, parse};
use crate::domain::{
    COLOUR_DIMS, Confidence, Face, FaceId, Features, PerceptualHash, PictureBox, PictureId, PostId, Safety, Size,
};

/// A picture that was looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    pub id: PictureId,
    pub size: Size,
    pub format: String,
    pub hash: PerceptualHash,
    pub safety: Safety,
    pub features: Features,
    pub preview: BlobId,
    /// Which models looked at it.
    pub models: String,
    pub analysed_at: OffsetDateTime,
}

/// A face with its crop on disk.
#[derive(Debug, Clone, PartialEq)]
pub struct CroppedFace {
    pub face: Face,
    pub crop: BlobId,
}

/// What an analysis leaves.
#[derive(Debug, Clone, PartialEq)]
pub struct AnalysedPicture {
    pub picture: Picture,
    pub faces: Vec<CroppedFace>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct FaceRow {
    pub id: FaceId,
    pub picture: PictureId,
    pub face: Face,
    pub crop: BlobId,
}

impl Store {
    /// Writes the analysis and moves the post on, in one transaction. A picture that is known already is left as it is.
    /// Writes nothing and answers false when the post no longer waits for it: it was removed meanwhile.
    pub async fn set_analysed(&self, post: PostId, analysed: &AnalysedPicture) -> Result<bool> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let moved = set_analysed_state(&mut tx, post).await?;
        if moved {
            insert(&mut tx, analysed).await?;
        }
        tx.commit().await?;
        Ok(moved)
    }

    /// Adds a picture that was analysed elsewhere. One that is known already is left as it is.
    pub async fn add_picture(&self, analysed: &AnalysedPicture) -> Result<()> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        insert(&mut tx, analysed).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Which of these blobs no picture and no face refers to.
    pub async fn unreferenced(&self, blobs: &[BlobId]) -> Result<Vec<BlobId>> {
        let mut connection = self.pool.acquire().await?;
        unreferenced(&mut connection, blobs.iter().map(ToString::to_string).collect()).await
    }

    /// Moves the post on when its picture was analysed before, through another post.
    pub async fn set_analysed_before(&self, post: PostId) -> Result<()> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        set_analysed_state(&mut tx, post).await?;
        tx.commit().await?;
        Ok(())
    }

    pub async fn picture(&self, id: PictureId) -> Result<Option<Picture>> {
        sqlx::query("SELECT * FROM pictures WHERE id = ?")
            .bind(id.to_string())
            .fetch_optional(&self.pool)
            .await?
            .as_ref()
            .map(picture_row)
            .transpose()
    }

    /// Pictures that the models find explicit or suggestive, or that a post marks as restricted.
    pub async fn restricted_pictures(&self) -> Result<HashSet<PictureId>> {
        let ids: Vec<String> = sqlx::query_scalar(
            "SELECT id FROM pictures WHERE explicit_drawing + explicit_photo + suggestive > ? UNION \
             SELECT picture FROM posts WHERE marked_restricted = 1 AND picture IS NOT NULL",
        )
        .bind(Safety::GATE)
        .fetch_all(&self.pool)
        .await?;
        ids.iter().map(|id| parse(id)).collect()
    }

    /// All pictures, in the order they were analysed.
    pub async fn picture_ids(&self) -> Result<Vec<PictureId>> {
        let ids: Vec<String> =
            sqlx::query_scalar("SELECT id FROM pictures ORDER BY analysed_at, id").fetch_all(&self.pool).await?;
        ids.iter().map(|id| parse(id)).collect()
    }

    /// A picture's faces, surest first, but those that somebody reported to be none.
    pub async fn faces(&self, picture: PictureId) -> Result<Vec<FaceRow>> {
        sqlx::query(
            "SELECT * FROM faces f WHERE picture = ? AND NOT EXISTS (SELECT 1 FROM face_reports n WHERE n.face = f.id) \
             ORDER BY confidence DESC, id",
        )
        .bind(picture.to_string())
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(face_row)
        .collect()
    }

    /// All that the detector took for the picture's faces, in the order of [`Self::faces`].
    pub async fn found_faces(&self, picture: PictureId) -> Result<Vec<FaceRow>> {
        sqlx::query("SELECT * FROM faces WHERE picture = ? ORDER BY confidence DESC, id")
            .bind(picture.to_string())
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(face_row)
            .collect()
    }

    pub async fn face(&self, id: FaceId) -> Result<Option<FaceRow>> {
        sqlx::query("SELECT * FROM faces WHERE id = ?")
            .bind(id.0)
            .fetch_optional(&self.pool)
            .await?
            .as_ref()
            .map(face_row)
            .transpose()
    }

    /// The newest faces, each with the newest post that shows it.
    pub async fn newest_faces(&self, limit: u32) -> Result<Vec<(PostId, FaceRow)>> {
        sqlx::query(
            "SELECT f.*, (SELECT max(p.id) FROM posts p WHERE p.picture = f.picture) AS post FROM faces f \
             WHERE EXISTS (SELECT 1 FROM posts p WHERE p.picture = f.picture) AND \
             NOT EXISTS (SELECT 1 FROM face_reports n WHERE n.face = f.id) ORDER BY f.id DESC LIMIT ?",
        )
        .bind(limit)
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(|row| Ok((PostId(row.try_get("post")?), face_row(row)?)))
        .collect()
    }
}

async fn insert(connection: &mut SqliteConnection, analysed: &AnalysedPicture) -> Result<()> {
    let AnalysedPicture { picture, faces } = analysed;
    let inserted = sqlx::query(
        "INSERT INTO pictures (id, width, height, format, perceptual_hash, drawing, explicit_drawing, neutral, \
         explicit_photo, suggestive, embedding, colour, preview, models, analysed_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
    )
    .bind(picture.id.to_string())
    .bind(picture.size.width)
    .bind(picture.size.height)
    .bind(&picture.format)
    .bind(picture.hash.0.cast_signed())
    .bind(picture.safety.drawing)
    .bind(picture.safety.explicit_drawing)
    .bind(picture.safety.neutral)
    .bind(picture.safety.explicit_photo)
    .bind(picture.safety.suggestive)
    .bind(bytes(&picture.features.embedding))
    .bind(bytes(&picture.features.colour))
    .bind(picture.preview.to_string())
    .bind(&picture.models)
    .bind(millis(picture.analysed_at))
    .execute(&mut *connection)
    .await?
    .rows_affected();
    if inserted == 0 {
        return Ok(());
    }
    for CroppedFace { face, crop } in faces {
        sqlx::query(
            "INSERT INTO faces (picture, x1, y1, x2, y2, confidence, embedding, colour, crop) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(picture.id.to_string())
        .bind(face.bounds.x1)
        .bind(face.bounds.y1)
        .bind(face.bounds.x2)
        .bind(face.bounds.y2)
        .bind(face.confidence.0)
        .bind(bytes(&face.features.embedding))
        .bind(bytes(&face.features.colour))
        .bind(crop.to_string())
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Pictures of equal pixels have equal crops: a blob may be another picture's, too.
pub(super) async fn unreferenced(connection: &mut SqliteConnection, blobs: Vec<String>) -> Result<Vec<BlobId>> {
    let mut orphans = Vec::new();
    for blob in blobs {
        let used: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM pictures WHERE preview = ?1) OR EXISTS (SELECT 1 FROM faces WHERE crop = ?1)",
        )
        .bind(&blob)
        .fetch_one(&mut *connection)
        .await?;
        if !used {
            orphans.push(parse(&blob)?);
        }
    }
    Ok(orphans)
}

/// Whether the post was there and waited for it.
async fn set_analysed_state(connection: &mut SqliteConnection, post: PostId) -> Result<bool> {
    let moved = sqlx::query(
        "UPDATE posts SET state = 'analysed', attempts = 0, retry_at = 0, error = NULL \
         WHERE id = ? AND state = 'fetched'",
    )
    .bind(post.0)
    .execute(connection)
    .await?;
    Ok(moved.rows_affected() == 1)
}

pub(super) fn features(row: &SqliteRow) -> Result<Features> {
    Ok(Features {
        // As long as the embedder of its time made it: a taste leaves faces of another length aside.
        embedding: floats_as_they_are(row.try_get("embedding")?)?,
        colour: floats(row.try_get("colour")?, COLOUR_DIMS)?,
    })
}

fn picture_row(row: &SqliteRow) -> Result<Picture> {
    Ok(Picture {
        id: parse(row.try_get("id")?)?,
        size: Size::new(row.try_get("width")?, row.try_get("height")?),
        format: row.try_get("format")?,
        hash: PerceptualHash(row.try_get::<i64, _>("perceptual_hash")?.cast_unsigned()),
        safety: Safety {
            drawing: row.try_get("drawing")?,
            explicit_drawing: row.try_get("explicit_drawing")?,
            neutral: row.try_get("neutral")?,
            explicit_photo: row.try_get("explicit_photo")?,
            suggestive: row.try_get("suggestive")?,
        },
        features: features(row)?,
        preview: parse(row.try_get("preview")?)?,
        models: row.try_get("models")?,
        analysed_at: time(row.try_get("analysed_at")?)?,
    })
}

pub(super) fn face_row(row: &SqliteRow) -> Result<FaceRow> {
    Ok(FaceRow {
        id: FaceId(row.try_get("id")?),
        picture: parse(row.try_get("picture")?)?,
        face: Face {
            bounds: PictureBox::new(row.try_get("x1")?, row.try_get("y1")?, row.try_get("x2")?, row.try_get("y2")?),
            confidence: Confidence(row.try_get("confidence")?),
            features: features(row)?,
        },
        crop: parse(row.try_get("crop")?)?,
    })
}
