//! Posts from followed timelines: claimed with the cursor that covers them, asked after, let go.

use std::collections::BTreeMap;

use sqlx::{Row, SqliteConnection};
use time::{Duration, OffsetDateTime};

use super::codec::{millis, time};
use super::posts::insert;
use super::{Result, Store, accounts, parse};
use crate::domain::{Author, FeedId, Held, NewPost, Origin, PictureId, PostId, PostSource, Scope, TimelinePost};

/// Characters of a picture's description that are kept as its title.
const LONGEST_TITLE: usize = 300;

/// What a poll brought, with all that is to be written down about it.
#[derive(Debug, Clone, Copy)]
pub struct PageClaim<'a> {
    pub feed: FeedId,
    pub source: PostSource,
    /// The cursor that it was polled with.
    pub after: Option<&'a str>,
    pub cursor: &'a str,
    pub posts: &'a [TimelinePost],
    /// Older posts are not taken.
    pub since: OffsetDateTime,
    /// Take what accounts post that are marked as automated.
    pub bots: bool,
    pub next_poll: OffsetDateTime,
    /// How long a post is believed to be still there.
    pub check_after: Duration,
}

impl Store {
    /// Claims what a poll brought: a post a picture for each scope that follows the feed, and the cursor, all or nothing.
    /// The same picture of the same original is claimed once a scope, ever, whichever feed or boost brings it. `None`
    /// when the feed is followed no more, or its cursor is not the one it was polled with.
    pub async fn claim_page(&self, claim: &PageClaim<'_>, now: OffsetDateTime) -> Result<Option<u32>> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let newest = claim.posts.iter().map(|post| post.posted_at).max();
        let moved = sqlx::query(
            "UPDATE feeds SET cursor = ?, next_poll = ?, polled_at = ?, polls = polls + 1, failures = 0, error = NULL, \
             error_code = NULL, last_post = nullif(max(coalesce(last_post, 0), coalesce(?, 0)), 0) \
             WHERE id = ? AND cursor IS ?",
        )
        .bind(claim.cursor)
        .bind(millis(claim.next_poll))
        .bind(millis(now))
        .bind(newest.map(millis))
        .bind(claim.feed.0)
        .bind(claim.after)
        .execute(&mut *tx)
        .await?;
        if moved.rows_affected() == 0 {
            return Ok(None);
        }
        let scopes = scopes(&mut tx, claim.feed).await?;
        let mut wanted = BTreeMap::new();
        let mut claimed = 0;
        for post in claim.posts {
            if post.posted_at < claim.since || (post.author.bot && !claim.bots) {
                continue;
            }
            let welcome = match wanted.get(&post.author.id) {
                Some(&welcome) => welcome,
                None => accounts::keep(&mut tx, claim.source, &post.author).await?,
            };
            wanted.insert(post.author.id.clone(), welcome);
            if !welcome {
                continue;
            }
            for &scope in &scopes {
                claimed += claim_post(&mut tx, claim, post, scope, now).await?;
            }
        }
        tx.commit().await?;
        Ok(Some(claimed))
    }

    /// Originals of a source that are to be asked after, picks first.
    pub async fn originals_to_check(&self, source: PostSource, now: OffsetDateTime, limit: u32) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar(
            "SELECT original FROM posts p WHERE source = ? AND check_at <= ? AND original IS NOT NULL GROUP BY original \
             ORDER BY max(EXISTS (SELECT 1 FROM picks k WHERE k.post = p.id)) DESC, min(check_at) LIMIT ?",
        )
        .bind(source.as_str())
        .bind(millis(now))
        .bind(limit)
        .fetch_all(&self.pool)
        .await?)
    }

    /// When the next original of a source is to be asked after.
    pub async fn next_check(&self, source: PostSource) -> Result<Option<OffsetDateTime>> {
        let at: Option<i64> =
            sqlx::query_scalar("SELECT min(check_at) FROM posts WHERE source = ? AND check_at IS NOT NULL")
                .bind(source.as_str())
                .fetch_one(&self.pool)
                .await?;
        at.map(time).transpose()
    }

    /// They are still there.
    pub async fn checked(&self, source: PostSource, originals: &[String], next: OffsetDateTime) -> Result<()> {
        sqlx::query("UPDATE posts SET check_at = ? WHERE source = ? AND original IN (SELECT value FROM json_each(?))")
            .bind(millis(next))
            .bind(source.as_str())
            .bind(serde_json::Value::from(originals).to_string())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// All posts of an original, in whichever scope.
    pub async fn posts_of_original(&self, source: PostSource, original: &str) -> Result<Vec<PostId>> {
        let ids: Vec<i64> = sqlx::query_scalar("SELECT id FROM posts WHERE source = ? AND original = ? ORDER BY id")
            .bind(source.as_str())
            .bind(original)
            .fetch_all(&self.pool)
            .await?;
        Ok(ids.into_iter().map(PostId).collect())
    }

    /// Posts of a source's timelines since before `then` that came to their end, were not picked, and whose picture
    /// nobody rated: nothing is lost with them.
    pub async fn idle_timeline_posts(
        &self,
        source: PostSource,
        then: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<PostId>> {
        let ids: Vec<i64> = sqlx::query_scalar(
            "SELECT id FROM posts p WHERE source = ? AND original IS NOT NULL AND state IN ('published', 'failed') AND \
             check_at IS NOT NULL AND posted_at < ?2 AND NOT EXISTS (SELECT 1 FROM picks k WHERE k.post = p.id) AND \
             NOT EXISTS (SELECT 1 FROM ratings r WHERE r.picture = p.picture) ORDER BY id LIMIT ?3",
        )
        .bind(source.as_str())
        .bind(millis(then))
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        Ok(ids.into_iter().map(PostId).collect())
    }

    /// Notes that a post is let go, so that it is not taken again. It is removed after.
    pub async fn note_forgotten(&self, post: PostId, now: OffsetDateTime) -> Result<()> {
        sqlx::query(
            "INSERT INTO forgotten_posts (source, external_id, at) SELECT source, external_id, ? FROM posts \
             WHERE id = ? ON CONFLICT DO NOTHING",
        )
        .bind(millis(now))
        .bind(post.0)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Whether the owner of the post's account agreed that whole pictures are shown in this scope.
    pub async fn may_show_whole(&self, scope: Scope, post: PostId) -> Result<bool> {
        let mut connection = self.pool.acquire().await?;
        let Some((_, source, account)) = sighting(&mut connection, post).await? else { return Ok(true) };
        Ok(accounts::rules(&mut connection, scope, source, &account).await?.whole)
    }

    /// Whether a post's picture is to be shown nowhere else.
    pub async fn is_held(&self, post: PostId) -> Result<bool> {
        Ok(sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM posts WHERE id = ? AND held IS NOT NULL)")
            .bind(post.0)
            .fetch_one(&self.pool)
            .await?)
    }

    /// The picture of the same original that another scope's post has shown already.
    pub async fn picture_of_sibling(&self, post: PostId) -> Result<Option<PictureId>> {
        let picture: Option<String> = sqlx::query_scalar(
            "SELECT s.picture FROM posts p JOIN posts s ON s.source = p.source AND s.original = p.original AND \
             s.id <> p.id AND s.origin = p.origin JOIN pictures c ON c.id = s.picture WHERE p.id = ? LIMIT 1",
        )
        .bind(post.0)
        .fetch_optional(&self.pool)
        .await?;
        picture.as_deref().map(parse).transpose()
    }
}

async fn scopes(connection: &mut SqliteConnection, feed: FeedId) -> Result<Vec<Scope>> {
    let scopes: Vec<String> = sqlx::query_scalar("SELECT scope FROM follows WHERE feed = ? ORDER BY scope")
        .bind(feed.0)
        .fetch_all(connection)
        .await?;
    scopes.iter().map(|scope| parse(scope)).collect()
}

/// Claims one post's pictures for one scope; answers how many were new.
async fn claim_post(
    connection: &mut SqliteConnection,
    claim: &PageClaim<'_>,
    post: &TimelinePost,
    scope: Scope,
    now: OffsetDateTime,
) -> Result<u32> {
    if accounts::rules(connection, scope, claim.source, &post.author.id).await?.muted {
        return Ok(0);
    }
    let mut claimed = 0;
    for picture in &post.pictures {
        let external_id = format!("{scope}/{}/{}", post.id, picture.key);
        let forgotten: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM forgotten_posts WHERE source = ? AND external_id = ?)")
                .bind(claim.source.as_str())
                .bind(&external_id)
                .fetch_one(&mut *connection)
                .await?;
        if forgotten {
            continue;
        }
        let alt = picture.alt.as_deref().map(str::trim).filter(|alt| !alt.is_empty());
        let new = NewPost {
            source: claim.source,
            external_id,
            origin: Origin::Link { url: picture.url.clone() },
            title: alt.map(|alt| alt.chars().take(LONGEST_TITLE).collect()),
            author: Author { name: Some(post.author.shown().to_owned()), link: Some(post.author.link.clone()) },
            link: Some(post.link.clone()),
            posted_at: post.posted_at,
            marked_restricted: post.restricted,
            scope,
            place: None,
        };
        let Some(id) = insert(&mut *connection, &new).await? else { continue };
        sqlx::query("UPDATE posts SET original = ?, account = ?, feed = ?, held = ?, check_at = ? WHERE id = ?")
            .bind(&post.id)
            .bind(&post.author.id)
            .bind(claim.feed.0)
            .bind(Held::of(post).map(Held::as_str))
            .bind(millis(now + claim.check_after))
            .bind(id.0)
            .execute(&mut *connection)
            .await?;
        claimed += 1;
    }
    Ok(claimed)
}

/// What the desk asks about a post from a timeline: why it is held back, and the account it is of.
pub(super) async fn sighting(
    connection: &mut SqliteConnection,
    post: PostId,
) -> Result<Option<(Option<Held>, PostSource, String)>> {
    let row = sqlx::query("SELECT held, source, account FROM posts WHERE id = ? AND account IS NOT NULL")
        .bind(post.0)
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let held = row.try_get::<Option<&str>, _>("held")?.map(parse).transpose()?;
    Ok(Some((held, parse(row.try_get("source")?)?, row.try_get("account")?)))
}
