//! What is kept of a person or an artist: shown to them, forgotten at their word.

use serde_json::{Map, Value, json};
use sqlx::sqlite::SqliteRow;
use sqlx::{Column, Row, SqliteConnection, TypeInfo, ValueRef};

use super::codec;
use super::{Result, Store, StoreError, parse};
use crate::domain::{ArtistLink, PostId, Rater, Scope};

/// Parts of an export: name, and the rows that name the person (`?1` their id, `?2` as a rater, `?3` their own scope).
/// Columns that end in `at` are times.
const EXPORTED: [(&str, &str); 8] = [
    ("settings", "SELECT personal_taste, opted_out FROM people WHERE id = ?1"),
    (
        "ratings",
        "SELECT scope, picture, face, judgement, source, at, score_visible, guild, shown, propensity FROM ratings \
         WHERE rater = ?2 ORDER BY id",
    ),
    (
        "reactions",
        "SELECT channel || '/' || message AS message, emoji, at FROM reactions WHERE person = ?1 ORDER BY at, message, emoji",
    ),
    (
        "posts",
        "SELECT message, link, title, author_name, author_link, posted_at, picture, state FROM posts WHERE author_id = ?2 \
         ORDER BY id",
    ),
    (
        "answers",
        "SELECT source, channel || '/' || message AS answer, state, sent_at FROM sends WHERE asker = ?1 ORDER BY id",
    ),
    ("not_a_face", "SELECT face, at FROM face_reports WHERE person = ?2 ORDER BY at, face"),
    ("asked", "SELECT scope, face, at, shown, propensity FROM asked WHERE rater = ?2 ORDER BY id"),
    (
        "taste_versions",
        "SELECT fitted_at, ratings, promoted, held_out_spearman, held_out_ratings FROM tastes WHERE scope = ?3 ORDER BY id",
    ),
];

impl Store {
    /// All that names this person, as JSON.
    pub async fn export_person(&self, id: u64) -> Result<Value> {
        let mut export = Map::new();
        export.insert("person".into(), json!(id.to_string()));
        for (name, sql) in EXPORTED {
            let rows = sqlx::query(sql)
                .bind(id.cast_signed())
                .bind(Rater::discord(id).0)
                .bind(Scope::User(id).to_string())
                .fetch_all(&self.pool)
                .await?;
            export.insert(name.into(), rows.iter().map(row_as_json).collect::<Result<_>>()?);
        }
        Ok(Value::Object(export))
    }

    /// Forgets a person: what they rated, reacted, reported and settled (but that they want to be left alone), their own taste, and their name beside what they
    /// posted. Tastes that had learnt from them go, to be fitted anew: their scopes are answered.
    pub async fn forget_person(&self, id: u64) -> Result<Vec<Scope>> {
        let (person, rater) = (id.cast_signed(), Rater::discord(id).0);
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let mut scopes: Vec<String> = sqlx::query_scalar("SELECT DISTINCT scope FROM ratings WHERE rater = ?")
            .bind(&rater)
            .fetch_all(&mut *tx)
            .await?;
        scopes.push(Scope::User(id).to_string());
        // Tastes that stand upon one that had learnt from them hold it.
        let upon: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT scope FROM tastes WHERE upon IN (SELECT scope FROM ratings WHERE rater = ?)",
        )
        .bind(&rater)
        .fetch_all(&mut *tx)
        .await?;
        scopes.extend(upon);
        sqlx::query("DELETE FROM ratings WHERE rater = ?").bind(&rater).execute(&mut *tx).await?;
        sqlx::query("DELETE FROM face_reports WHERE person = ?").bind(&rater).execute(&mut *tx).await?;
        sqlx::query("DELETE FROM asked WHERE rater = ?").bind(&rater).execute(&mut *tx).await?;
        for sql in [
            "DELETE FROM reactions WHERE person = ?",
            "DELETE FROM asks WHERE person = ?",
            "UPDATE sends SET asker = NULL WHERE asker = ?",
            // That they want to be left alone must be known to be kept to.
            "DELETE FROM people WHERE id = ? AND opted_out = 0",
            "UPDATE people SET personal_taste = 0 WHERE id = ?",
        ] {
            sqlx::query(sql).bind(person).execute(&mut *tx).await?;
        }
        let own = "SELECT message FROM posts WHERE author_id = ?";
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "UPDATE sends SET changed = 1 WHERE state = 'sent' AND kind = 'pick' AND source IN ({own})"
        )))
        .bind(&rater)
        .execute(&mut *tx)
        .await?;
        sqlx::query("UPDATE posts SET author_id = NULL, author_name = NULL, author_link = NULL WHERE author_id = ?")
            .bind(&rater)
            .execute(&mut *tx)
            .await?;
        for scope in &scopes {
            forget_tastes(&mut tx, scope).await?;
            sqlx::query("DELETE FROM taste_resets WHERE scope = ? AND scope LIKE 'user:%'")
                .bind(scope)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        scopes.iter().map(|s| parse(s)).collect()
    }

    /// All that this person posted.
    pub async fn posts_by(&self, author: &Rater) -> Result<Vec<PostId>> {
        let posts: Vec<i64> = sqlx::query_scalar("SELECT id FROM posts WHERE author_id = ? ORDER BY id")
            .bind(&author.0)
            .fetch_all(&self.pool)
            .await?;
        Ok(posts.into_iter().map(PostId).collect())
    }

    /// All posts that link to this artist: as their author, their page, or where the picture lies.
    pub async fn posts_of_artist(&self, artist: &ArtistLink) -> Result<Vec<PostId>> {
        let rows =
            sqlx::query("SELECT id, author_link, link, json_extract(origin, '$.url') AS url FROM posts ORDER BY id")
                .fetch_all(&self.pool)
                .await?;
        let mut posts = Vec::new();
        for row in rows {
            let links: [Option<&str>; 3] = [row.try_get("author_link")?, row.try_get("link")?, row.try_get("url")?];
            let theirs = |link: &&str| ArtistLink::above(link).iter().any(|above| above == artist.as_str());
            if links.iter().flatten().any(theirs) {
                posts.push(PostId(row.try_get("id")?));
            }
        }
        Ok(posts)
    }
}

/// Forgets the reactions of a person and what follows from them; tastes that had learnt from them go, to be fitted anew:
/// their scopes are answered.
pub(super) async fn forget_reactions(connection: &mut SqliteConnection, id: u64) -> Result<Vec<Scope>> {
    sqlx::query("DELETE FROM reactions WHERE person = ?").bind(id.cast_signed()).execute(&mut *connection).await?;
    let mut scopes: Vec<String> =
        sqlx::query_scalar("DELETE FROM ratings WHERE rater = ? AND reaction = 1 RETURNING scope")
            .bind(Rater::discord(id).0)
            .fetch_all(&mut *connection)
            .await?;
    if !scopes.is_empty() {
        // Their own taste learns from what they say anywhere.
        scopes.push(Scope::User(id).to_string());
    }
    scopes.sort();
    scopes.dedup();
    for scope in &scopes {
        forget_tastes(connection, scope).await?;
    }
    scopes.iter().map(|s| parse(s)).collect()
}

async fn forget_tastes(connection: &mut SqliteConnection, scope: &str) -> Result<()> {
    sqlx::query("DELETE FROM tastes WHERE scope = ?").bind(scope).execute(connection).await?;
    Ok(())
}

/// Ids of Discord do not fit a JSON number everywhere, so whole numbers beyond 2^53 become text.
fn row_as_json(row: &SqliteRow) -> Result<Value> {
    let mut object = Map::new();
    for column in row.columns() {
        let name = column.name();
        let raw = row.try_get_raw(name)?;
        let value = if raw.is_null() {
            Value::Null
        } else {
            match raw.type_info().name() {
                "INTEGER" if name == "at" || name.ends_with("_at") => {
                    let at = codec::time(row.try_get(name)?)?;
                    let text = at.format(&time::format_description::well_known::Rfc3339);
                    json!(text.map_err(|e| StoreError::Unreadable(e.to_string()))?)
                }
                "INTEGER" => match row.try_get::<i64, _>(name)? {
                    n if n.unsigned_abs() < 1 << 53 => json!(n),
                    n => json!(n.to_string()),
                },
                "REAL" => json!(row.try_get::<f64, _>(name)?),
                _ => json!(row.try_get::<String, _>(name)?),
            }
        };
        object.insert(name.to_owned(), value);
    }
    Ok(Value::Object(object))
}
