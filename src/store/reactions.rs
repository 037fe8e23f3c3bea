//! The reactions that stand on messages, and the lines of the ledger that follow from them.
//!
//! Reactions are a set: an event may come twice, or be learnt from a list fetched later. A person's judgement of a picture
//! is the newest thing they said of it: of the reactions that stand on any message that shows it (the source, the reply,
//! the pick, an answer), or by a button. The ledger gets a line whenever that changes.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use time::{Duration, OffsetDateTime};

use super::codec::{millis, time};
use super::guilds::guild_settings;
use super::teaching::JUDGED_FROM;
use super::{Result, Store, parse};
use crate::domain::{
    GuildSettings, Judgement, MessageKey, PostId, Rater, RatingSource, ReactionChange, Scope, emoji_key, meaning,
    vote_scope,
};

/// A reaction may come before the post, or before the reply's own id is written down. On a message that is nobody's it
/// is kept only while the message is as young as this.
const GRACE: Duration = Duration::minutes(10);

/// Whose judgements changed, and in which scope.
pub type Heard = BTreeSet<(Scope, Rater)>;

/// Posts that a message (`?1` as text, `?2` as number) shows: it is their source, or was sent of them.
const POSTS_OF: &str = "SELECT id FROM posts WHERE message = ?1 UNION \
    SELECT post FROM sends WHERE (message = ?2 OR companion = ?2) AND kind = 'pick' UNION \
    SELECT p.id FROM sends s JOIN posts p ON p.message = s.source WHERE s.message = ?2 AND \
    ((s.kind = 'answer' AND p.scope = s.scope) OR (s.kind = 'reply' AND p.asked = 0))";

/// Ids of the messages that show post `p`.
const MESSAGES_OF: &str = "SELECT CAST(substr(p.message, instr(p.message, '/') + 1) AS INTEGER) AS message UNION \
    SELECT s.message FROM sends s WHERE s.message IS NOT NULL AND s.source = p.message AND \
    ((s.kind = 'answer' AND s.scope = p.scope) OR (s.kind = 'reply' AND p.asked = 0)) UNION \
    SELECT s.message FROM sends s WHERE s.message IS NOT NULL AND s.source = coalesce(p.message, '') AND \
    s.kind = 'pick' AND s.post = p.id UNION \
    SELECT s.companion FROM sends s WHERE s.companion IS NOT NULL AND s.source = p.message AND s.kind = 'pick' AND \
    s.post = p.id";

impl Store {
    /// Takes changes in, in the order in which they happened, and brings the ledger up to date with what stands then.
    pub async fn apply_reactions(&self, changes: &[ReactionChange], now: OffsetDateTime) -> Result<Heard> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let mut touched = BTreeSet::new();
        let mut kept = BTreeMap::new();
        for change in changes {
            let message = change.message();
            match change {
                ReactionChange::Add { person, emoji, .. } => {
                    let keep = match kept.get(&message) {
                        Some(&keep) => keep,
                        None => is_kept(&mut tx, message, now).await?,
                    };
                    kept.insert(message, keep);
                    if keep && add(&mut tx, message, *person, emoji, now).await? {
                        touched.insert((message, *person));
                    }
                }
                ReactionChange::Remove { person, emoji, .. } => {
                    if remove(&mut tx, message, *person, emoji).await? {
                        touched.insert((message, *person));
                    }
                }
                ReactionChange::Clear { .. } => {
                    let people = clear(&mut tx, message, None).await?;
                    touched.extend(people.into_iter().map(|person| (message, person)));
                }
                ReactionChange::ClearEmoji { emoji, .. } => {
                    let people = clear(&mut tx, message, Some(emoji)).await?;
                    touched.extend(people.into_iter().map(|person| (message, person)));
                }
            }
        }
        let mut heard = Heard::new();
        for (message, person) in touched {
            heard.extend(settle(&mut tx, message, person, now).await?);
        }
        tx.commit().await?;
        Ok(heard)
    }

    /// Makes what stands on a message what Discord says stands there: (person, emoji), oldest first as far as known.
    pub async fn sync_reactions(
        &self,
        message: MessageKey,
        standing: &[(u64, String)],
        now: OffsetDateTime,
    ) -> Result<Heard> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let mut gone = standing_on(&mut tx, message).await?;
        let mut touched = BTreeSet::new();
        for (person, emoji) in standing {
            let key = (*person, emoji_key(emoji));
            if !gone.remove(&key) && add(&mut tx, message, *person, emoji, now).await? {
                touched.insert(*person);
            }
        }
        for (person, emoji) in gone {
            remove(&mut tx, message, person, &emoji).await?;
            touched.insert(person);
        }
        let mut heard = Heard::new();
        for person in touched {
            heard.extend(settle(&mut tx, message, person, now).await?);
        }
        tx.commit().await?;
        Ok(heard)
    }

    /// Brings the ledger up to date with what stands on a message: its picture has become known, or its reply was sent.
    pub async fn settle_reactions(&self, message: MessageKey, now: OffsetDateTime) -> Result<Heard> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let people: Vec<i64> = sqlx::query_scalar("SELECT DISTINCT person FROM reactions WHERE message = ?")
            .bind(message.message.cast_signed())
            .fetch_all(&mut *tx)
            .await?;
        let mut heard = Heard::new();
        for person in people {
            heard.extend(settle(&mut tx, message, person.cast_unsigned(), now).await?);
        }
        tx.commit().await?;
        Ok(heard)
    }

    /// What stands on a message: (person, emoji's one spelling).
    pub async fn reactions_on(&self, message: MessageKey) -> Result<BTreeSet<(u64, String)>> {
        let mut connection = self.pool.acquire().await?;
        standing_on(&mut connection, message).await
    }

    /// The posts that a message shows: it is their source, or was sent of them.
    pub async fn posts_of(&self, message: MessageKey) -> Result<Vec<PostId>> {
        let posts: Vec<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "SELECT id FROM posts WHERE id IN ({POSTS_OF}) ORDER BY part, id"
        )))
        .bind(message.to_string())
        .bind(message.message.cast_signed())
        .fetch_all(&self.pool)
        .await?;
        Ok(posts.into_iter().map(PostId).collect())
    }

    /// Forgets reactions on messages that show nothing (any more). Returns how many went.
    pub async fn purge_reactions(&self, now: OffsetDateTime) -> Result<u64> {
        let purged = sqlx::query(
            "DELETE FROM reactions WHERE at < ? AND \
             NOT EXISTS (SELECT 1 FROM posts WHERE posts.message = reactions.channel || '/' || reactions.message) AND \
             NOT EXISTS (SELECT 1 FROM sends s WHERE (s.message = reactions.message OR s.companion = reactions.message) AND \
             s.state = 'sent')",
        )
        .bind(millis(now - GRACE))
        .execute(&self.pool)
        .await?;
        Ok(purged.rows_affected())
    }
}

async fn is_kept(connection: &mut SqliteConnection, message: MessageKey, now: OffsetDateTime) -> Result<bool> {
    if message.posted_at() > now - GRACE {
        return Ok(true);
    }
    Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT EXISTS ({POSTS_OF})")))
        .bind(message.to_string())
        .bind(message.message.cast_signed())
        .fetch_one(connection)
        .await?)
}

/// False when it stood before, or the person wants to be left alone.
async fn add(
    connection: &mut SqliteConnection,
    message: MessageKey,
    person: u64,
    emoji: &str,
    now: OffsetDateTime,
) -> Result<bool> {
    let added = sqlx::query(
        "INSERT INTO reactions (channel, message, person, emoji, at) SELECT ?1, ?2, ?3, ?4, ?5 \
         WHERE NOT EXISTS (SELECT 1 FROM people WHERE id = ?3 AND opted_out = 1) ON CONFLICT DO NOTHING",
    )
    .bind(message.channel.cast_signed())
    .bind(message.message.cast_signed())
    .bind(person.cast_signed())
    .bind(emoji_key(emoji))
    .bind(millis(now))
    .execute(connection)
    .await?;
    Ok(added.rows_affected() == 1)
}

/// False when it did not stand.
async fn remove(connection: &mut SqliteConnection, message: MessageKey, person: u64, emoji: &str) -> Result<bool> {
    let removed = sqlx::query("DELETE FROM reactions WHERE message = ? AND person = ? AND emoji = ?")
        .bind(message.message.cast_signed())
        .bind(person.cast_signed())
        .bind(emoji_key(emoji))
        .execute(connection)
        .await?;
    Ok(removed.rows_affected() == 1)
}

/// Whose reactions went.
async fn clear(connection: &mut SqliteConnection, message: MessageKey, emoji: Option<&str>) -> Result<BTreeSet<u64>> {
    let people: Vec<i64> =
        sqlx::query_scalar("DELETE FROM reactions WHERE message = ?1 AND (?2 IS NULL OR emoji = ?2) RETURNING person")
            .bind(message.message.cast_signed())
            .bind(emoji.map(emoji_key))
            .fetch_all(connection)
            .await?;
    Ok(people.into_iter().map(i64::cast_unsigned).collect())
}

async fn standing_on(connection: &mut SqliteConnection, message: MessageKey) -> Result<BTreeSet<(u64, String)>> {
    sqlx::query("SELECT person, emoji FROM reactions WHERE message = ?")
        .bind(message.message.cast_signed())
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| Ok((row.try_get::<i64, _>("person")?.cast_unsigned(), row.try_get("emoji")?)))
        .collect()
}

/// One picture as one person can judge it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Subject {
    scope: Scope,
    picture: String,
    /// Where it was posted; its emoji and its word on learning hold.
    guild: Option<u64>,
}

fn subject(row: &SqliteRow, person: u64) -> Result<Subject> {
    let posted: Scope = parse(row.try_get("scope")?)?;
    let author = row.try_get::<Option<String>, _>("author_id")?.map(Rater);
    Ok(Subject {
        scope: vote_scope(posted, author.as_ref(), person),
        picture: row.try_get("picture")?,
        guild: if let Scope::Guild(id) = posted { Some(id) } else { None },
    })
}

/// Brings the ledger's lines of one person up to date for each picture that a message shows; answers what changed.
async fn settle(
    connection: &mut SqliteConnection,
    message: MessageKey,
    person: u64,
    now: OffsetDateTime,
) -> Result<Heard> {
    let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
        "SELECT scope, picture, author_id FROM posts WHERE id IN ({POSTS_OF}) AND \
         picture IN (SELECT id FROM pictures)"
    )))
    .bind(message.to_string())
    .bind(message.message.cast_signed())
    .fetch_all(&mut *connection)
    .await?;
    let subjects: BTreeSet<Subject> = rows.iter().map(|row| subject(row, person)).collect::<Result<_>>()?;
    let mut heard = Heard::new();
    for subject in subjects {
        if settle_picture(connection, &subject, person, now).await? {
            heard.insert((subject.scope, Rater::discord(person)));
        }
    }
    Ok(heard)
}

/// Something that a person said of a picture.
struct Said {
    judgement: Option<Judgement>,
    at: OffsetDateTime,
    score_visible: bool,
    source: RatingSource,
    shown: Option<String>,
    by_reaction: bool,
}

/// Whether a line was added.
async fn settle_picture(
    connection: &mut SqliteConnection,
    subject: &Subject,
    person: u64,
    now: OffsetDateTime,
) -> Result<bool> {
    let rater = Rater::discord(person);
    let newest = sqlx::query(
        "SELECT judgement, at FROM ratings WHERE scope = ? AND rater = ? AND picture = ? AND face IS NULL \
         ORDER BY at DESC, id DESC LIMIT 1",
    )
    .bind(subject.scope.to_string())
    .bind(&rater.0)
    .bind(&subject.picture)
    .fetch_optional(&mut *connection)
    .await?;
    let (stands, since) = match &newest {
        Some(row) => (row.try_get::<Option<&str>, _>("judgement")?.map(parse).transpose()?, time(row.try_get("at")?)?),
        None => (None, now),
    };
    let reaction = newest_reaction(connection, subject, person).await?;
    let button = newest_button(connection, subject, &rater).await?;
    let said = match (reaction, button) {
        (Some(reaction), Some(button)) if button.at >= reaction.at => button,
        (Some(reaction), _) => reaction,
        (None, Some(button)) => button,
        (None, None) => Said {
            judgement: None,
            at: now,
            score_visible: false,
            source: RatingSource::Channel,
            shown: None,
            by_reaction: true,
        },
    };
    if said.judgement == stands {
        return Ok(false);
    }
    let line: Option<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
        "INSERT INTO ratings (scope, rater, picture, face, judgement, source, at, score_visible, guild, reaction, shown) \
         SELECT ?, ?, id, NULL, ?, {JUDGED_FROM}, ?, ?, ?, ?, ? FROM pictures WHERE id = ? RETURNING id",
    )))
    .bind(subject.scope.to_string())
    .bind(&rater.0)
    .bind(said.judgement.map(|j| j.to_string()))
    .bind(said.source.as_str())
    // It is the newest line, whatever the clock does.
    .bind(millis(now.max(since)))
    .bind(said.score_visible)
    .bind(subject.guild.map(u64::cast_signed))
    .bind(said.by_reaction)
    .bind(said.shown)
    .bind(&subject.picture)
    .fetch_optional(&mut *connection)
    .await?;
    if let Some(line) = line {
        super::Store::note_explored(connection, line, subject.scope, &subject.picture).await?;
    }
    Ok(true)
}

/// The newest reaction that means something, on any message that shows the picture as this subject.
async fn newest_reaction(connection: &mut SqliteConnection, subject: &Subject, person: u64) -> Result<Option<Said>> {
    let settings = match subject.guild {
        Some(id) => guild_settings(connection, id).await?,
        None => GuildSettings::default(),
    };
    let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
        "SELECT r.emoji, r.at, p.scope, p.picture, p.author_id, \
         (SELECT kind FROM sends s WHERE s.message = r.message OR s.companion = r.message LIMIT 1) AS sent_as, \
         EXISTS (SELECT 1 FROM sends WHERE kind = 'reply' AND source = p.message AND sent_at <= r.at) AS replied \
         FROM posts p CROSS JOIN reactions r ON r.person = ?2 AND r.message IN ({MESSAGES_OF}) \
         WHERE p.picture = ?1 ORDER BY r.at DESC, r.rowid DESC"
    )))
    .bind(&subject.picture)
    .bind(person.cast_signed())
    .fetch_all(connection)
    .await?;
    for row in &rows {
        if self::subject(row, person)? != *subject {
            continue;
        }
        let Some(judgement) = meaning(row.try_get("emoji")?, &settings) else { continue };
        let sent_as: Option<&str> = row.try_get("sent_as")?;
        return Ok(Some(Said {
            judgement: Some(judgement),
            at: time(row.try_get("at")?)?,
            score_visible: sent_as.is_some() || row.try_get("replied")?,
            // In private there is no channel that others could object to: it is said to the bot.
            source: if subject.guild.is_some() { RatingSource::Channel } else { RatingSource::Interaction },
            shown: Some(if sent_as == Some("pick") { "pick" } else { "post" }.to_owned()),
            by_reaction: true,
        }));
    }
    Ok(None)
}

/// The newest thing said of the picture otherwise than by a reaction.
async fn newest_button(connection: &mut SqliteConnection, subject: &Subject, rater: &Rater) -> Result<Option<Said>> {
    let row = sqlx::query(
        "SELECT judgement, at, score_visible, source, shown FROM ratings WHERE scope = ? AND rater = ? AND picture = ? \
         AND face IS NULL AND reaction = 0 ORDER BY at DESC, id DESC LIMIT 1",
    )
    .bind(subject.scope.to_string())
    .bind(&rater.0)
    .bind(&subject.picture)
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Said {
        judgement: row.try_get::<Option<&str>, _>("judgement")?.map(parse).transpose()?,
        at: time(row.try_get("at")?)?,
        score_visible: row.try_get("score_visible")?,
        source: parse(row.try_get("source")?)?,
        shown: row.try_get("shown")?,
        by_reaction: false,
    }))
}
