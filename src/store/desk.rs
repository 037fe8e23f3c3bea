//! The desk at work: decided and claimed in one transaction, so that nothing is picked twice.

use sha2::{Digest, Sha256};
use sqlx::{Row, SqliteConnection};
use time::{Duration, OffsetDateTime};

use super::codec::{millis, time};
use super::guilds::guild_settings;
use super::people::is_artist_opted_out;
use super::{Result, Store, StoreError, accounts, parse, timelines};
use crate::domain::{
    Candidate, DeskRules, History, Outlet, PerceptualHash, PictureId, PostId, PostSource, Rater, Scope, SendKind,
    SendState, Skip, TasteId, Verdict, WITHIN_REACH, decide,
};

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
    /// Lets the desk decide on posts, one after the other, and writes the verdicts; picks, and what is sent of them, are
    /// claimed in the same transaction. A guild's rules are those it has settled at this moment; `local` holds for the
    /// rest. A post that was picked before keeps its pick. Answers in order, `None` for a post that is gone.
    pub async fn decide_posts(
        &self,
        cases: &[Case],
        local: &DeskRules,
        now: OffsetDateTime,
    ) -> Result<Vec<Option<Verdict>>> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let mut verdicts = Vec::with_capacity(cases.len());
        let mut known: Option<(Scope, DeskRules)> = None;
        for case in cases {
            let rules = match known {
                Some((scope, rules)) if scope == case.scope => rules,
                _ => rules(&mut tx, case.scope, local).await?,
            };
            known = Some((case.scope, rules));
            verdicts.push(decide_post(&mut tx, case, &rules, now).await?);
        }
        tx.commit().await?;
        Ok(verdicts)
    }

    /// The rules that the desk goes by in a scope.
    pub async fn desk_rules(&self, scope: Scope, local: &DeskRules) -> Result<DeskRules> {
        let mut connection = self.pool.acquire().await?;
        rules(&mut connection, scope, local).await
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

    /// Scopes with recent posts that wait only for the hour to have room.
    pub async fn scopes_held_back(&self, since: OffsetDateTime) -> Result<Vec<Scope>> {
        let scopes: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT v.scope FROM verdicts v JOIN posts p ON p.id = v.post \
             WHERE json_extract(verdict, '$.why.reason') = 'hourly_limit' AND p.posted_at >= ?",
        )
        .bind(millis(since))
        .fetch_all(&self.pool)
        .await?;
        scopes.iter().map(|s| parse(s)).collect()
    }

    /// Recent posts that wait only for the hour to have room, best first, as many as it has.
    pub async fn held_back(
        &self,
        scope: Scope,
        picks_per_hour: u32,
        now: OffsetDateTime,
        since: OffsetDateTime,
    ) -> Result<Vec<PostId>> {
        let posts: Vec<i64> = sqlx::query_scalar(
            "SELECT v.post FROM verdicts v JOIN posts p ON p.id = v.post WHERE v.scope = ?1 AND \
             json_extract(verdict, '$.why.reason') = 'hourly_limit' AND p.posted_at >= ?2 \
             ORDER BY v.best DESC, v.post \
             LIMIT max(0, ?3 - (SELECT count(*) FROM picks WHERE scope = ?1 AND picked_at > ?4))",
        )
        .bind(scope.to_string())
        .bind(millis(since))
        .bind(picks_per_hour)
        .bind(millis(now - Duration::HOUR))
        .fetch_all(&self.pool)
        .await?;
        Ok(posts.into_iter().map(PostId).collect())
    }
}

async fn rules(connection: &mut SqliteConnection, scope: Scope, local: &DeskRules) -> Result<DeskRules> {
    Ok(match scope {
        Scope::Guild(id) => {
            DeskRules { exploration: local.exploration, ..DeskRules::from(&guild_settings(connection, id).await?) }
        }
        Scope::Local => *local,
        // Only asked for, never picked.
        Scope::User(_) => DeskRules { outlet: None, ..*local },
    })
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
        // As it was picked.
        standing_pick(connection, case).await?
    } else {
        let history = history(connection, case, rules, now).await?;
        decide(&candidate, &history, rules, now)
    };
    let json = serde_json::to_string(&verdict).map_err(|e| StoreError::Unreadable(e.to_string()))?;
    sqlx::query(
        "INSERT INTO verdicts (post, scope, verdict, taste, decided_at, best) VALUES (?, ?, ?, ?, ?, ?) \
         ON CONFLICT (post, scope) DO UPDATE SET verdict = excluded.verdict, taste = excluded.taste, \
         decided_at = excluded.decided_at, best = excluded.best",
    )
    .bind(post.0)
    .bind(scope.to_string())
    .bind(json)
    .bind(taste.map(|t| t.0))
    .bind(millis(now))
    .bind(candidate.best.map(|s| s.mean()))
    .execute(&mut *connection)
    .await?;
    if verdict.is_pick() && !picked {
        sqlx::query(
            "INSERT INTO picks (scope, post, picture, score, picked_at, propensity) VALUES (?, ?, ?, ?, ?, ?) \
             ON CONFLICT (scope, post) DO NOTHING",
        )
        .bind(scope.to_string())
        .bind(post.0)
        .bind(candidate.picture.to_string())
        .bind(candidate.best.map_or(0.0, |s| s.mean()))
        .bind(millis(now))
        .bind(verdict.propensity())
        .execute(&mut *connection)
        .await?;
        if let Some(Outlet::Channel(channel)) = rules.outlet {
            claim_pick_send(connection, case, channel, now).await?;
        }
    }
    // Decided again, a skip that stays a skip has nothing to publish.
    sqlx::query(
        "UPDATE posts SET state = 'decided', attempts = 0, retry_at = 0, error = NULL \
         WHERE id = ? AND (state = 'analysed' OR (state = 'published' AND ?))",
    )
    .bind(post.0)
    .bind(verdict.is_pick() && !picked)
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
    let mut history = History { lot: 1.0, ..History::default() };
    match decide(&case.candidate, &history, rules, now) {
        Verdict::Repost | Verdict::Explore { .. } | Verdict::Skip(Skip::HourlyLimit { .. }) => {}
        Verdict::Skip(Skip::BelowThreshold { best, threshold }) if best >= threshold - WITHIN_REACH => {}
        // Nothing that was published can matter to a picture that is skipped for what it is.
        Verdict::Skip(_) => return Ok(history),
    }
    if rules.exploration > 0.0 {
        history.lot = lot(case.scope, case.post);
        history.lately = lately(connection, case, rules, now - LATELY).await?;
    }
    history.opted_out = opted_out(connection, case.post).await?;
    if let Some((held, source, account)) = timelines::sighting(connection, case.post).await? {
        let rules = accounts::rules(connection, case.scope, source, &account).await?;
        (history.held, history.muted) = (held, rules.muted);
        if let (Some(share), Some(best)) = (rules.share, case.candidate.best) {
            let (rank, of) = account_rank(connection, case, (source, &account), (best.mean(), now)).await?;
            history.account_rank = Some((rank, of, share));
        }
    }
    if let (Some(top), Some(best)) = (rules.top_share, case.candidate.best) {
        history.rank = Some(rank(connection, case, best.mean(), now - Duration::days(top.days.into())).await?);
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

/// What counts as lately where the part of picks by lot is kept.
const LATELY: Duration = Duration::days(28);

/// A post's lot in a scope, 0.0–1.0: as good as drawn, and the same whenever it is looked at.
fn lot(scope: Scope, post: PostId) -> f32 {
    let digest = Sha256::digest(format!("lot/{scope}/{}", post.0));
    let bits = u32::from_le_bytes(*digest.first_chunk().expect("a digest is longer"));
    // The upper 24 bits: as many as an f32 holds below 1.
    (bits >> 8) as f32 / (1u32 << 24) as f32
}

/// Picks by score since, and pictures since that were below the bar but within reach, this one included.
async fn lately(
    connection: &mut SqliteConnection,
    case: &Case,
    rules: &DeskRules,
    since: OffsetDateTime,
) -> Result<(u32, u32)> {
    let row = sqlx::query(
        "SELECT (SELECT count(*) FROM picks WHERE scope = ?1 AND picked_at >= ?2 AND propensity IS NULL) AS picks, \
         (SELECT count(*) FROM verdicts v WHERE v.scope = ?1 AND v.decided_at >= ?2 AND v.post <> ?3 AND v.best >= ?4 \
         AND (json_extract(v.verdict, '$.why.reason') IN ('below_threshold', 'not_in_top_share') \
         OR json_extract(v.verdict, '$.verdict') = 'explore')) AS within_reach",
    )
    .bind(case.scope.to_string())
    .bind(millis(since))
    .bind(case.post.0)
    .bind(rules.threshold - WITHIN_REACH)
    .fetch_one(connection)
    .await?;
    Ok((row.try_get("picks")?, row.try_get::<u32, _>("within_reach")? + 1))
}

async fn standing_pick(connection: &mut SqliteConnection, case: &Case) -> Result<Verdict> {
    let propensity: Option<f32> = sqlx::query_scalar("SELECT propensity FROM picks WHERE scope = ? AND post = ?")
        .bind(case.scope.to_string())
        .bind(case.post.0)
        .fetch_one(connection)
        .await?;
    Ok(propensity.map_or(Verdict::Repost, |propensity| Verdict::Explore { propensity }))
}

/// Goes out when the post is published; once a post, ever.
async fn claim_pick_send(
    connection: &mut SqliteConnection,
    case: &Case,
    channel: u64,
    now: OffsetDateTime,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO sends (kind, scope, source, post, channel, state, claimed_at) \
         SELECT ?1, ?2, coalesce(message, ''), id, ?4, ?5, ?6 FROM posts WHERE id = ?3 AND \
         (message IS NOT NULL OR original IS NOT NULL) \
         ON CONFLICT DO NOTHING",
    )
    .bind(SendKind::Pick.as_str())
    .bind(case.scope.to_string())
    .bind(case.post.0)
    .bind(channel.cast_signed())
    .bind(SendState::Waiting.as_str())
    .bind(millis(now))
    .execute(connection)
    .await?;
    Ok(())
}

/// Who of a post wants to be left alone: its artist (true) or its poster.
async fn opted_out(connection: &mut SqliteConnection, post: PostId) -> Result<Option<bool>> {
    let row = sqlx::query(
        "SELECT author_id, author_link, link, json_extract(origin, '$.url') AS url, withdrawn FROM posts WHERE id = ?",
    )
    .bind(post.0)
    .fetch_one(&mut *connection)
    .await?;
    if row.try_get("withdrawn")? {
        return Ok(Some(false));
    }
    if let Some(id) = row.try_get::<Option<String>, _>("author_id")?.and_then(|a| Rater(a).discord_id()) {
        let left_alone: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM people WHERE id = ? AND opted_out = 1)")
                .bind(id.cast_signed())
                .fetch_one(&mut *connection)
                .await?;
        if left_alone {
            return Ok(Some(false));
        }
    }
    let links: [Option<String>; 3] = [row.try_get("author_link")?, row.try_get("link")?, row.try_get("url")?];
    let links: Vec<&str> = links.iter().flatten().map(String::as_str).collect();
    Ok(is_artist_opted_out(connection, &links).await?.then_some(true))
}

/// The picture's place by its best face among those posted since, and how many those are.
async fn rank(connection: &mut SqliteConnection, case: &Case, best: f32, since: OffsetDateTime) -> Result<(u32, u32)> {
    let row = sqlx::query(
        "SELECT count(*) AS others, coalesce(sum(v.best > ?1), 0) AS better FROM verdicts v \
         JOIN posts p ON p.id = v.post WHERE v.scope = ?2 AND v.post <> ?3 AND v.best IS NOT NULL AND p.asked = 0 \
         AND p.posted_at >= ?4",
    )
    .bind(best)
    .bind(case.scope.to_string())
    .bind(case.post.0)
    .bind(millis(since))
    .fetch_one(connection)
    .await?;
    Ok((row.try_get::<u32, _>("better")? + 1, row.try_get::<u32, _>("others")? + 1))
}

/// The picture's place by its best face among those of its account in the last 30 days, and how many those are.
async fn account_rank(
    connection: &mut SqliteConnection,
    case: &Case,
    account: (PostSource, &str),
    (best, now): (f32, OffsetDateTime),
) -> Result<(u32, u32)> {
    let (others, better): (u32, u32) = sqlx::query_as(
        "SELECT count(*), coalesce(sum(v.best > ?1), 0) FROM verdicts v JOIN posts p ON p.id = v.post \
         WHERE v.scope = ?2 AND v.post <> ?3 AND v.best IS NOT NULL AND p.source = ?4 AND p.account = ?5 AND \
         p.posted_at >= ?6",
    )
    .bind(best)
    .bind(case.scope.to_string())
    .bind(case.post.0)
    .bind(account.0.as_str())
    .bind(account.1)
    .bind(millis(now - Duration::days(30)))
    .fetch_one(connection)
    .await?;
    Ok((better + 1, others + 1))
}
