//! What people may be asked to rate, on the page or by `/rate`; what they were asked, and how often.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use time::OffsetDateTime;

use super::codec::{millis, time};
use super::pictures::{FaceRow, face_row};
use super::{Result, Store, parse};
use crate::domain::{FaceId, PerceptualHash, PictureId, PostId, Rater, Safety, Scope};

/// A face that its rater has not judged.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenFace {
    /// The newest post that shows it.
    pub post: PostId,
    /// Its picture's.
    pub hash: PerceptualHash,
    pub row: FaceRow,
}

fn open_face(row: &SqliteRow) -> Result<OpenFace> {
    Ok(OpenFace {
        post: PostId(row.try_get("post")?),
        hash: PerceptualHash(row.try_get::<i64, _>("perceptual_hash")?.cast_unsigned()),
        row: face_row(row)?,
    })
}

/// What the column `shown` says.
const BY_LOT: &str = "lot";
const FOR_WHAT_IT_TEACHES: &str = "asked";

/// One face asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Asking {
    pub face: FaceId,
    /// Drawn by lot, and not for what it teaches.
    pub by_lot: bool,
    /// The chance that this face was the one taken, given the questions before it, 0.0–1.0. `None` in old rows.
    pub propensity: Option<f64>,
}

impl Store {
    /// Faces that the rater has not judged and nobody reported to be none, newest first: of pictures that a post shows, that no post marks as restricted
    /// and that are not over the age gate, since nobody asked to see those.
    pub async fn open_faces(&self, scope: Scope, rater: &Rater, limit: u32) -> Result<Vec<OpenFace>> {
        sqlx::query(
            "SELECT f.*, p.perceptual_hash, (SELECT max(id) FROM posts WHERE picture = f.picture) AS post \
             FROM faces f JOIN pictures p ON p.id = f.picture \
             WHERE (SELECT r.judgement FROM ratings r WHERE r.scope = ?1 AND r.rater = ?2 AND r.picture = f.picture \
             AND r.face = f.id ORDER BY r.at DESC, r.id DESC LIMIT 1) IS NULL \
             AND NOT EXISTS (SELECT 1 FROM face_reports WHERE face = f.id) \
             AND EXISTS (SELECT 1 FROM posts WHERE picture = f.picture) \
             AND NOT EXISTS (SELECT 1 FROM posts WHERE picture = f.picture AND marked_restricted) \
             AND p.explicit_drawing + p.explicit_photo + p.suggestive <= ?3 ORDER BY f.id DESC LIMIT ?4",
        )
        .bind(scope.to_string())
        .bind(&rater.0)
        .bind(Safety::GATE)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(open_face)
        .collect()
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
        person: &Rater,
        restricted: bool,
        hidden: &[u64],
        limit: u32,
    ) -> Result<Vec<OpenFace>> {
        sqlx::query(
            "SELECT f.*, p.perceptual_hash, o.post FROM \
             (SELECT picture, max(id) AS post, max(marked_restricted) AS marked FROM posts WHERE scope = ?1 AND \
             state IN ('decided', 'published') AND picture IS NOT NULL AND (message IS NULL OR \
             CAST(substr(message, 1, instr(message, '/') - 1) AS INTEGER) NOT IN (SELECT value FROM json_each(?6))) \
             GROUP BY picture) o \
             JOIN pictures p ON p.id = o.picture JOIN faces f ON f.picture = p.id WHERE \
             (?3 OR (o.marked = 0 AND p.explicit_drawing + p.explicit_photo + p.suggestive <= ?4)) AND \
             NOT EXISTS (SELECT 1 FROM face_reports n WHERE n.face = f.id) AND \
             NOT EXISTS (SELECT 1 FROM asked a WHERE a.face = f.id AND a.rater = ?2) AND \
             NOT EXISTS (SELECT 1 FROM ratings r WHERE r.rater = ?2 AND r.picture = f.picture AND \
             (r.face = f.id OR r.face IS NULL)) ORDER BY f.id DESC LIMIT ?5",
        )
        .bind(scope.to_string())
        .bind(&person.0)
        .bind(restricted)
        .bind(Safety::GATE)
        .bind(limit)
        .bind(serde_json::json!(hidden).to_string())
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(open_face)
        .collect()
    }

    /// Pictures of which the rater has judged a face, by their perceptual hashes.
    pub async fn judged_pictures(&self, scope: Scope, rater: &Rater) -> Result<Vec<(PictureId, PerceptualHash)>> {
        sqlx::query(
            "SELECT id, perceptual_hash FROM pictures \
             WHERE id IN (SELECT picture FROM ratings WHERE scope = ? AND rater = ?)",
        )
        .bind(scope.to_string())
        .bind(&rater.0)
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(|row| {
            let hash: i64 = row.try_get("perceptual_hash")?;
            Ok((parse(row.try_get("id")?)?, PerceptualHash(hash.cast_unsigned())))
        })
        .collect()
    }

    /// The newest post that shows the face.
    pub async fn post_of_face(&self, face: FaceId) -> Result<Option<PostId>> {
        let post: Option<i64> =
            sqlx::query_scalar("SELECT max(p.id) FROM posts p JOIN faces f ON f.picture = p.picture WHERE f.id = ?")
                .bind(face.0)
                .fetch_one(&self.pool)
                .await?;
        Ok(post.map(PostId))
    }

    /// The newest post that shows the picture.
    pub async fn post_of_picture(&self, picture: PictureId) -> Result<Option<PostId>> {
        let post: Option<i64> = sqlx::query_scalar("SELECT max(id) FROM posts WHERE picture = ?")
            .bind(picture.to_string())
            .fetch_one(&self.pool)
            .await?;
        Ok(post.map(PostId))
    }

    /// What a rater was asked for and when, oldest first.
    pub async fn asked(&self, scope: Scope, rater: &Rater) -> Result<Vec<(Asking, OffsetDateTime)>> {
        sqlx::query("SELECT face, shown, propensity, at FROM asked WHERE scope = ? AND rater = ? ORDER BY id")
            .bind(scope.to_string())
            .bind(&rater.0)
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(|row| {
                let asking = Asking {
                    face: FaceId(row.try_get("face")?),
                    by_lot: row.try_get::<&str, _>("shown")? == BY_LOT,
                    propensity: row.try_get("propensity")?,
                };
                Ok((asking, time(row.try_get("at")?)?))
            })
            .collect()
    }

    /// Writes down what was asked.
    pub async fn add_asked(&self, scope: Scope, rater: &Rater, asked: &[Asking], at: OffsetDateTime) -> Result<()> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        insert_asked(&mut tx, scope, rater, asked, at).await?;
        tx.commit().await?;
        Ok(())
    }

    /// How often the person was asked since.
    pub async fn asked_since(&self, person: u64, since: OffsetDateTime) -> Result<u32> {
        Ok(sqlx::query_scalar("SELECT count(*) FROM asks WHERE person = ? AND at > ?")
            .bind(person.cast_signed())
            .bind(millis(since))
            .fetch_one(&self.pool)
            .await?)
    }

    /// Writes down what a person is asked now, and that it was one time of those a day has.
    pub async fn add_ask(&self, scope: Scope, person: u64, asked: &[Asking], at: OffsetDateTime) -> Result<()> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("INSERT INTO asks (person, at, scope) VALUES (?, ?, ?)")
            .bind(person.cast_signed())
            .bind(millis(at))
            .bind(scope.to_string())
            .execute(&mut *tx)
            .await?;
        insert_asked(&mut tx, scope, &Rater::discord(person), asked, at).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Writes beside a line on this picture that it was seen as a pick drawn by lot, and with what chance.
    pub(super) async fn note_explored(
        connection: &mut SqliteConnection,
        line: i64,
        scope: Scope,
        picture: &str,
    ) -> Result<()> {
        sqlx::query(
            "UPDATE ratings SET (shown, propensity) = (SELECT 'lot', propensity FROM picks k WHERE k.scope = ?1 AND \
             k.picture = ?2 AND k.propensity IS NOT NULL AND k.picked_at <= ratings.at ORDER BY k.id LIMIT 1) \
             WHERE id = ?3 AND (shown IS NULL OR shown = 'pick') AND EXISTS (SELECT 1 FROM picks k WHERE k.scope = ?1 AND \
             k.picture = ?2 AND k.propensity IS NOT NULL AND k.picked_at <= ratings.at)",
        )
        .bind(scope.to_string())
        .bind(picture)
        .bind(line)
        .execute(connection)
        .await?;
        Ok(())
    }

    /// Writes beside a line on this face, given without the score in sight, that the bot had asked for it, and with what
    /// chance.
    pub(super) async fn note_asked(
        connection: &mut SqliteConnection,
        line: i64,
        rater: &Rater,
        face: FaceId,
    ) -> Result<()> {
        sqlx::query(
            "UPDATE ratings SET (shown, propensity) = (SELECT shown, propensity FROM asked WHERE rater = ?1 AND face = ?2 \
             ORDER BY id DESC LIMIT 1) WHERE id = ?3 AND score_visible = 0 AND \
             EXISTS (SELECT 1 FROM asked WHERE rater = ?1 AND face = ?2)",
        )
        .bind(&rater.0)
        .bind(face.0)
        .bind(line)
        .execute(connection)
        .await?;
        Ok(())
    }
}

async fn insert_asked(
    connection: &mut SqliteConnection,
    scope: Scope,
    rater: &Rater,
    asked: &[Asking],
    at: OffsetDateTime,
) -> Result<()> {
    for one in asked {
        sqlx::query(
            "INSERT INTO asked (scope, rater, face, shown, propensity, at) SELECT ?, ?, id, ?, ?, ? FROM faces WHERE id = ?",
        )
        .bind(scope.to_string())
        .bind(&rater.0)
        .bind(if one.by_lot { BY_LOT } else { FOR_WHAT_IT_TEACHES })
        .bind(one.propensity)
        .bind(millis(at))
        .bind(one.face.0)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
