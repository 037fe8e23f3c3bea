//! What a taste may learn from: the standing ratings of a scope, as far as those who could object agreed.
//!
//! A guild's taste pools its people's rows. A person's own learns from all that they said anywhere. Reactions seen in a
//! channel teach nobody where the guild's moderators did not agree to it.

use std::collections::BTreeSet;

use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use time::OffsetDateTime;

use super::codec::{millis, time};
use super::pictures::features;
use super::{Result, Store, parse};
use crate::domain::{FaceId, Features, Judgement, PerceptualHash, PictureId, Rater, RatingSource, Scope};

/// A standing rating with what a taste learns from.
#[derive(Debug, Clone)]
pub struct RatedFace {
    pub face: FaceId,
    pub picture: PictureId,
    pub hash: PerceptualHash,
    pub features: Features,
    pub rater: Rater,
    pub judgement: Judgement,
    pub source: RatingSource,
    pub at: OffsetDateTime,
    /// Whether the rater saw the score before judging.
    pub score_visible: bool,
    /// It was drawn by lot that the rater saw it.
    pub by_lot: bool,
}

/// The standing rows of the ledger, and what `?1` is in them: the newest of each rater on each target, unless taken back.
pub(super) fn standing(scope: Scope) -> (String, String) {
    let (column, whose) = match scope {
        Scope::Local | Scope::Guild(_) => ("scope", scope.to_string()),
        Scope::User(id) => ("rater", Rater::discord(id).0),
    };
    let sql = format!(
        "SELECT * FROM (SELECT r.*, row_number() OVER (PARTITION BY rater, picture, coalesce(face, 0) \
         ORDER BY at DESC, id DESC) AS age FROM ratings r WHERE {column} = ?1) WHERE age = 1 AND judgement IS NOT NULL"
    );
    (sql, whose)
}

/// The source of a judgement (`?` as it was made) of picture `id`: whatever is said of a picture that is known from
/// timelines alone is `timeline`.
pub(super) const JUDGED_FROM: &str = "CASE WHEN EXISTS (SELECT 1 FROM posts WHERE posts.picture = pictures.id AND \
    posts.original IS NOT NULL) AND NOT EXISTS (SELECT 1 FROM posts WHERE posts.picture = pictures.id AND \
    posts.original IS NULL) THEN 'timeline' ELSE ? END";

/// Whether row `s` may be learnt from: `?2` is a JSON list of the sources that the operator allows; a guild has to agree
/// to reactions by itself.
const MAY_TEACH: &str = "EXISTS (SELECT 1 FROM json_each(?2) WHERE value = s.source) AND \
    ((s.source <> 'channel' AND NOT (s.source = 'timeline' AND s.reaction = 1)) OR \
    s.scope = 'local' OR EXISTS (SELECT 1 FROM guilds g WHERE g.id = coalesce(s.guild, \
    CASE WHEN s.scope LIKE 'guild:%' THEN CAST(substr(s.scope, 7) AS INTEGER) END) AND \
    json_extract(g.settings, '$.learn_from_reactions')))";

/// Standing rows that may teach, each with the face it speaks of: a rating of a whole picture speaks of its surest face,
/// one of a picture without faces teaches nothing. What somebody said of a face and of its picture is one judgement:
/// the newer. Faces that were reported as none are none. A taste that was reset (`?3`) learns only from what came after.
fn teaching(scope: Scope) -> (String, String) {
    let (standing, whose) = standing(scope);
    let sql = format!(
        "SELECT * FROM (SELECT e.*, row_number() OVER (PARTITION BY rater, shown_face ORDER BY at DESC, id DESC) AS nth \
         FROM (SELECT s.*, coalesce(s.face, (SELECT f.id FROM faces f WHERE f.picture = s.picture AND \
         NOT EXISTS (SELECT 1 FROM face_reports n WHERE n.face = f.id) ORDER BY f.confidence DESC, f.id LIMIT 1)) \
         AS shown_face FROM ({standing}) s WHERE {MAY_TEACH} AND s.at > coalesce((SELECT at FROM taste_resets WHERE \
         taste_resets.scope = ?3), -1)) e WHERE shown_face IS NOT NULL AND \
         NOT EXISTS (SELECT 1 FROM face_reports n WHERE n.face = shown_face)) WHERE nth = 1"
    );
    (sql, whose)
}

fn list(sources: &[RatingSource]) -> String {
    serde_json::Value::from(sources.iter().map(|s| s.as_str()).collect::<Vec<_>>()).to_string()
}

impl Store {
    /// Standing ratings that may be learnt from, with features, oldest first.
    pub async fn rated_faces(&self, scope: Scope, sources: &[RatingSource]) -> Result<Vec<RatedFace>> {
        let (teaching, whose) = teaching(scope);
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT t.shown_face, t.rater, t.judgement, t.source, t.at, t.score_visible, t.shown IS 'lot' AS by_lot, t.picture, p.perceptual_hash, f.embedding, \
             f.colour FROM ({teaching}) t JOIN pictures p ON p.id = t.picture JOIN faces f ON f.id = t.shown_face \
             ORDER BY t.at, t.id"
        )))
        .bind(whose)
        .bind(list(sources))
        .bind(scope.to_string())
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(rated_face)
        .collect()
    }

    /// How many those are.
    pub async fn learnable_ratings(&self, scope: Scope, sources: &[RatingSource]) -> Result<u32> {
        let (teaching, whose) = teaching(scope);
        Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM ({teaching})")))
            .bind(whose)
            .bind(list(sources))
            .bind(scope.to_string())
            .fetch_one(&self.pool)
            .await?)
    }

    /// How many of those were given by others than this rater.
    pub async fn learnable_ratings_of_others(
        &self,
        scope: Scope,
        sources: &[RatingSource],
        rater: &Rater,
    ) -> Result<u32> {
        let (teaching, whose) = teaching(scope);
        Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM ({teaching}) WHERE rater <> ?4")))
            .bind(whose)
            .bind(list(sources))
            .bind(scope.to_string())
            .bind(&rater.0)
            .fetch_one(&self.pool)
            .await?)
    }

    /// From now on the scope's taste learns only from what is said after.
    pub async fn reset_taste(&self, scope: Scope, at: OffsetDateTime) -> Result<()> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query(
            "INSERT INTO taste_resets (scope, at) VALUES (?, ?) ON CONFLICT (scope) DO UPDATE SET at = excluded.at",
        )
        .bind(scope.to_string())
        .bind(millis(at))
        .execute(&mut *tx)
        .await?;
        sqlx::query("DELETE FROM tastes WHERE scope = ?").bind(scope.to_string()).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Number of the newest line that the scope's taste could learn from; 0 when there is none. Lines are numbered as
    /// they are written.
    pub async fn newest_line(&self, scope: Scope) -> Result<i64> {
        let newest = match scope {
            Scope::Local | Scope::Guild(_) => {
                sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM ratings WHERE scope = ?").bind(scope.to_string())
            }
            Scope::User(id) => sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM ratings WHERE rater = ?")
                .bind(Rater::discord(id).0),
        };
        Ok(newest.fetch_one(&self.pool).await?)
    }

    /// Scopes that could have a taste, or have one.
    pub async fn scopes(&self) -> Result<BTreeSet<Scope>> {
        let scopes: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT scope FROM ratings WHERE scope NOT LIKE 'user:%' UNION SELECT DISTINCT scope FROM tastes \
             UNION SELECT 'user:' || id FROM people WHERE personal_taste = 1",
        )
        .fetch_all(&self.pool)
        .await?;
        scopes.iter().map(|s| parse(s)).collect()
    }
}

fn rated_face(row: &SqliteRow) -> Result<RatedFace> {
    Ok(RatedFace {
        face: FaceId(row.try_get("shown_face")?),
        picture: parse(row.try_get("picture")?)?,
        hash: PerceptualHash(row.try_get::<i64, _>("perceptual_hash")?.cast_unsigned()),
        features: features(row)?,
        rater: Rater(row.try_get("rater")?),
        judgement: parse(row.try_get("judgement")?)?,
        source: parse(row.try_get("source")?)?,
        at: time(row.try_get("at")?)?,
        score_visible: row.try_get("score_visible")?,
        by_lot: row.try_get("by_lot")?,
    })
}
