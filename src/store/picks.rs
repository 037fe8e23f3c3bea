//! Verdicts and picks: decided and claimed in one transaction, so that nothing is picked twice.

use sqlx::{Row, SqliteConnection};
use time::{Duration, OffsetDateTime};

use super::codec::{millis, time};
use super::{Result, Store, StoreError, parse};
use crate::domain::{
    Candidate, DeskRules, History, PerceptualHash, PictureId, PostId, Scope, Skip, TasteId, Verdict, decide,
};

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PickRow {
    pub post: PostId,
    pub picture: PictureId,
    pub score: f32,
    pub picked_at: OffsetDateTime,
}

/// What the desk is asked about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Case {
    pub scope: Scope,
    pub post: PostId,
    pub candidate: Candidate,
    pub hash: PerceptualHash,
    /// The taste that gave the candidate its score.
    pub taste: Option<TasteId>,
}

impl Store {
    /// Lets the desk decide on posts, one after the other, and writes the verdicts; picks are claimed in the same
    /// transaction. A post that was picked before keeps its pick. Answers in order, `None` for a post that is gone.
    pub async fn decide_posts(
        &self,
        cases: &[Case],
        rules: &DeskRules,
        now: OffsetDateTime,
    ) -> Result<Vec<Option<Verdict>>> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let mut verdicts = Vec::with_capacity(cases.len());
        for case in cases {
            verdicts.push(decide_post(&mut tx, case, rules, now).await?);
        }
        tx.commit().await?;
        Ok(verdicts)
    }

    /// Publishes what was decided: the pick, if there is one, becomes visible in the feed.
    pub async fn publish_post(&self, post: PostId, now: OffsetDateTime) -> Result<()> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("UPDATE picks SET published_at = ? WHERE post = ? AND published_at IS NULL")
            .bind(millis(now))
            .bind(post.0)
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "UPDATE posts SET state = 'published', attempts = 0, retry_at = 0, error = NULL \
             WHERE id = ? AND state = 'decided'",
        )
        .bind(post.0)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Writes a pick that was published elsewhere, from an export.
    pub async fn restore_pick(
        &self,
        scope: Scope,
        post: PostId,
        picture: PictureId,
        score: f32,
        at: OffsetDateTime,
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO picks (scope, post, picture, score, picked_at, published_at) VALUES (?, ?, ?, ?, ?, ?) \
             ON CONFLICT (scope, post) DO NOTHING",
        )
        .bind(scope.to_string())
        .bind(post.0)
        .bind(picture.to_string())
        .bind(score)
        .bind(millis(at))
        .bind(millis(at))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Writes a verdict that was published elsewhere, from an export; the post has been through all steps.
    pub async fn restore_verdict(
        &self,
        scope: Scope,
        post: PostId,
        verdict: Verdict,
        at: OffsetDateTime,
    ) -> Result<()> {
        let json = serde_json::to_string(&verdict).map_err(|e| StoreError::Unreadable(e.to_string()))?;
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query(
            "INSERT INTO verdicts (post, scope, verdict, taste, decided_at) VALUES (?, ?, ?, NULL, ?) \
             ON CONFLICT (post, scope) DO NOTHING",
        )
        .bind(post.0)
        .bind(scope.to_string())
        .bind(json)
        .bind(millis(at))
        .execute(&mut *tx)
        .await?;
        sqlx::query("UPDATE posts SET state = 'published' WHERE id = ? AND state = 'analysed'")
            .bind(post.0)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// The desk's standing answer, and when it was given.
    pub async fn verdict(&self, scope: Scope, post: PostId) -> Result<Option<(Verdict, OffsetDateTime)>> {
        let row = sqlx::query("SELECT verdict, decided_at FROM verdicts WHERE post = ? AND scope = ?")
            .bind(post.0)
            .bind(scope.to_string())
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let verdict =
            serde_json::from_str(row.try_get("verdict")?).map_err(|e| StoreError::Unreadable(e.to_string()))?;
        Ok(Some((verdict, time(row.try_get("decided_at")?)?)))
    }

    /// A post's published pick.
    pub async fn pick(&self, scope: Scope, post: PostId) -> Result<Option<PickRow>> {
        let row = sqlx::query("SELECT * FROM picks WHERE scope = ? AND post = ? AND published_at IS NOT NULL")
            .bind(scope.to_string())
            .bind(post.0)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(pick_row).transpose()
    }

    /// Published picks, newest first by (`picked_at`, post); those after the pick of `before` in that order.
    pub async fn picks(&self, scope: Scope, before: Option<PostId>, limit: u32) -> Result<Vec<PickRow>> {
        sqlx::query(
            "SELECT * FROM picks WHERE scope = ?1 AND published_at IS NOT NULL AND \
             (?2 IS NULL OR (picked_at, post) < (SELECT picked_at, post FROM picks WHERE scope = ?1 AND post = ?2)) \
             ORDER BY picked_at DESC, post DESC LIMIT ?3",
        )
        .bind(scope.to_string())
        .bind(before.map(|b| b.0))
        .bind(limit)
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(pick_row)
        .collect()
    }

    /// Posts seen since `since` whose skip was decided by another taste than `taste` and could be changed by it, oldest
    /// first.
    pub async fn skipped_by_other_taste(
        &self,
        scope: Scope,
        taste: Option<TasteId>,
        since: OffsetDateTime,
    ) -> Result<Vec<PostId>> {
        let rows = sqlx::query(
            "SELECT v.post, v.verdict FROM verdicts v JOIN posts p ON p.id = v.post WHERE v.scope = ? AND \
             v.taste IS NOT ? AND p.posted_at >= ? AND p.state IN ('decided', 'published') ORDER BY v.post",
        )
        .bind(scope.to_string())
        .bind(taste.map(|t| t.0))
        .bind(millis(since))
        .fetch_all(&self.pool)
        .await?;
        let mut posts = Vec::new();
        for row in rows {
            let verdict: Verdict =
                serde_json::from_str(row.try_get("verdict")?).map_err(|e| StoreError::Unreadable(e.to_string()))?;
            if matches!(verdict, Verdict::Skip(why) if why.depends_on_taste()) {
                posts.push(PostId(row.try_get("post")?));
            }
        }
        Ok(posts)
    }
}

async fn decide_post(
    connection: &mut SqliteConnection,
    case: &Case,
    rules: &DeskRules,
    now: OffsetDateTime,
) -> Result<Option<Verdict>> {
    let Case { scope, post, candidate, taste, .. } = *case;
    let known: Option<bool> = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM picks WHERE scope = ?1 AND post = ?2) FROM posts WHERE id = ?2",
    )
    .bind(scope.to_string())
    .bind(post.0)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(picked) = known else { return Ok(None) };
    let verdict = if picked {
        Verdict::Repost
    } else {
        let history = history(connection, case, rules, now).await?;
        decide(&candidate, &history, rules, now)
    };
    let json = serde_json::to_string(&verdict).map_err(|e| StoreError::Unreadable(e.to_string()))?;
    sqlx::query(
        "INSERT INTO verdicts (post, scope, verdict, taste, decided_at) VALUES (?, ?, ?, ?, ?) \
         ON CONFLICT (post, scope) DO UPDATE SET verdict = excluded.verdict, taste = excluded.taste, \
         decided_at = excluded.decided_at",
    )
    .bind(post.0)
    .bind(scope.to_string())
    .bind(json)
    .bind(taste.map(|t| t.0))
    .bind(millis(now))
    .execute(&mut *connection)
    .await?;
    if verdict == Verdict::Repost {
        sqlx::query(
            "INSERT INTO picks (scope, post, picture, score, picked_at) VALUES (?, ?, ?, ?, ?) \
             ON CONFLICT (scope, post) DO NOTHING",
        )
        .bind(scope.to_string())
        .bind(post.0)
        .bind(candidate.picture.to_string())
        .bind(candidate.best.map_or(0.0, |s| s.mean()))
        .bind(millis(now))
        .execute(&mut *connection)
        .await?;
    }
    // Decided again, a skip that stays a skip has nothing to publish.
    sqlx::query(
        "UPDATE posts SET state = 'decided', attempts = 0, retry_at = 0, error = NULL \
         WHERE id = ? AND (state = 'analysed' OR (state = 'published' AND ?))",
    )
    .bind(post.0)
    .bind(verdict == Verdict::Repost && !picked)
    .execute(&mut *connection)
    .await?;
    Ok(Some(verdict))
}

async fn history(
    connection: &mut SqliteConnection,
    case: &Case,
    rules: &DeskRules,
    now: OffsetDateTime,
) -> Result<History> {
    let mut history = History::default();
    // Nothing that was published can matter to a picture that is skipped for what it is.
    if !matches!(
        decide(&case.candidate, &history, rules, now),
        Verdict::Repost | Verdict::Skip(Skip::HourlyLimit { .. })
    ) {
        return Ok(history);
    }
    let rows = sqlx::query(
        "SELECT k.picture, k.picked_at, p.perceptual_hash FROM picks k JOIN pictures p ON p.id = k.picture \
         WHERE k.scope = ? AND k.picked_at > ? ORDER BY k.picked_at DESC",
    )
    .bind(case.scope.to_string())
    .bind(millis(now - rules.repeat_after.max(Duration::HOUR)))
    .fetch_all(connection)
    .await?;
    for row in rows {
        let other: PictureId = parse(row.try_get("picture")?)?;
        let at = time(row.try_get("picked_at")?)?;
        if now - at < Duration::HOUR {
            history.picks_in_last_hour += 1;
        }
        if other == case.candidate.picture {
            history.same.get_or_insert(at);
        } else if PerceptualHash(row.try_get::<i64, _>("perceptual_hash")?.cast_unsigned()).is_near(case.hash) {
            history.near.get_or_insert((other, at));
        }
    }
    Ok(history)
}

fn pick_row(row: &sqlx::sqlite::SqliteRow) -> Result<PickRow> {
    Ok(PickRow {
        post: PostId(row.try_get("post")?),
        picture: parse(row.try_get("picture")?)?,
        score: row.try_get("score")?,
        picked_at: time(row.try_get("picked_at")?)?,
    })
}
