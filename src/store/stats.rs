//! What a scope has come to: counts, and its best.

use sqlx::Row;
use time::OffsetDateTime;

use super::codec::millis;
use super::{Result, Store};
use crate::domain::{PostId, Scope};

/// Counts of one scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScopeStats {
    /// Pictures posted, not those that somebody only asked about.
    pub posts: u32,
    pub asked: u32,
    /// Of both: those that could not be looked at, and those without a face.
    pub failed: u32,
    pub without_face: u32,
    pub faces: u32,
    pub picks: u32,
    /// Standing judgements, and how many people they are of.
    pub ratings: u32,
    pub raters: u32,
}

/// A post among a scope's best.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TopRow {
    pub post: PostId,
    /// Best face's mean score when the desk last looked.
    pub best: f32,
    pub picked: bool,
}

impl Store {
    pub async fn scope_stats(&self, scope: Scope) -> Result<ScopeStats> {
        let row = sqlx::query(
            "SELECT count(*) FILTER (WHERE asked = 0) AS posts, count(*) FILTER (WHERE asked = 1) AS asked, \
             count(*) FILTER (WHERE state = 'failed') AS failed, \
             count(*) FILTER (WHERE picture IN (SELECT id FROM pictures) AND NOT EXISTS (SELECT 1 FROM faces f \
             WHERE f.picture = p.picture AND NOT EXISTS (SELECT 1 FROM face_reports n WHERE n.face = f.id))) \
             AS without_face, \
             (SELECT count(*) FROM faces f WHERE f.picture IN (SELECT picture FROM posts WHERE scope = ?1) AND \
             NOT EXISTS (SELECT 1 FROM face_reports n WHERE n.face = f.id)) AS faces, \
             (SELECT count(*) FROM picks WHERE scope = ?1) AS picks FROM posts p WHERE scope = ?1",
        )
        .bind(scope.to_string())
        .fetch_one(&self.pool)
        .await?;
        let (standing, whose) = super::teaching::standing(scope);
        let (ratings, raters) =
            sqlx::query_as(sqlx::AssertSqlSafe(format!("SELECT count(*), count(DISTINCT rater) FROM ({standing})")))
                .bind(whose)
                .fetch_one(&self.pool)
                .await?;
        Ok(ScopeStats {
            posts: row.try_get("posts")?,
            asked: row.try_get("asked")?,
            failed: row.try_get("failed")?,
            without_face: row.try_get("without_face")?,
            faces: row.try_get("faces")?,
            picks: row.try_get("picks")?,
            ratings,
            raters,
        })
    }

    /// The scope's best posts since, best first: each picture and its near-duplicates once, nobody's who wants to be left
    /// alone, none that is restricted unless those may be shown.
    pub async fn top_posts(
        &self,
        scope: Scope,
        since: Option<OffsetDateTime>,
        restricted: bool,
        limit: u32,
    ) -> Result<Vec<TopRow>> {
        sqlx::query(
            "SELECT max(v.post) AS post, v.best, EXISTS (SELECT 1 FROM picks k WHERE k.post = v.post AND k.scope = ?1) \
             AS picked FROM verdicts v JOIN posts p ON p.id = v.post JOIN pictures c ON c.id = p.picture \
             WHERE v.scope = ?1 AND v.best IS NOT NULL AND p.asked = 0 AND p.held IS NULL AND p.posted_at >= ?2 AND \
             coalesce(json_extract(v.verdict, '$.why.reason'), '') NOT IN \
             ('uncalibrated', 'already_posted', 'near_duplicate', 'opted_out') AND \
             (?3 OR (p.marked_restricted = 0 AND c.explicit_drawing + c.explicit_photo + c.suggestive <= ?4)) \
             GROUP BY p.picture ORDER BY v.best DESC, v.post LIMIT ?5",
        )
        .bind(scope.to_string())
        .bind(since.map_or(0, millis))
        .bind(restricted)
        .bind(crate::domain::Safety::GATE)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(|row| {
            Ok(TopRow {
                post: PostId(row.try_get("post")?),
                best: row.try_get("best")?,
                picked: row.try_get("picked")?,
            })
        })
        .collect()
    }
}
