//! People of Discord: who wants a taste of their own, who wants to be left alone; and artists who do.

use sqlx::{Row, SqliteConnection};
use time::OffsetDateTime;

use super::codec::millis;
use super::privacy::forget_reactions;
use super::{Result, Store};
use crate::domain::{ArtistLink, Person, Scope};

impl Store {
    /// What this person has settled; the defaults when they never did.
    pub async fn person(&self, id: u64) -> Result<Person> {
        let row = sqlx::query("SELECT personal_taste, opted_out FROM people WHERE id = ?")
            .bind(id.cast_signed())
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(Person::default()) };
        Ok(Person { personal_taste: row.try_get("personal_taste")?, opted_out: row.try_get("opted_out")? })
    }

    /// Keeps what a person has settled. Who wants to be left alone has their reactions forgotten, too: tastes that had
    /// learnt from those go, to be fitted anew, and their scopes are answered.
    pub async fn set_person(&self, id: u64, person: &Person) -> Result<Vec<Scope>> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query(
            "INSERT INTO people (id, personal_taste, opted_out) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET \
             personal_taste = excluded.personal_taste, opted_out = excluded.opted_out",
        )
        .bind(id.cast_signed())
        .bind(person.personal_taste)
        .bind(person.opted_out)
        .execute(&mut *tx)
        .await?;
        let scopes = if person.opted_out { forget_reactions(&mut tx, id).await? } else { Vec::new() };
        tx.commit().await?;
        Ok(scopes)
    }

    /// People who want a taste of their own.
    pub async fn people_with_taste(&self) -> Result<Vec<u64>> {
        let ids: Vec<i64> = sqlx::query_scalar("SELECT id FROM people WHERE personal_taste = 1 ORDER BY id")
            .fetch_all(&self.pool)
            .await?;
        Ok(ids.into_iter().map(i64::cast_unsigned).collect())
    }

    /// False when the artist was opted out before.
    pub async fn opt_out_artist(&self, artist: &ArtistLink, at: OffsetDateTime) -> Result<bool> {
        let added = sqlx::query("INSERT INTO opted_out_artists (link, at) VALUES (?, ?) ON CONFLICT DO NOTHING")
            .bind(artist.as_str())
            .bind(millis(at))
            .execute(&self.pool)
            .await?;
        Ok(added.rows_affected() == 1)
    }

    /// Whether one of these links is an opted-out artist's, or lies below it.
    pub async fn is_artist_opted_out(&self, links: &[&str]) -> Result<bool> {
        let mut connection = self.pool.acquire().await?;
        is_artist_opted_out(&mut connection, links).await
    }
}

pub(super) async fn is_artist_opted_out(connection: &mut SqliteConnection, links: &[&str]) -> Result<bool> {
    let mut seen: Vec<String> = links.iter().flat_map(|link| ArtistLink::above(link)).collect();
    seen.sort();
    seen.dedup();
    let list = serde_json::Value::from(seen).to_string();
    Ok(sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM opted_out_artists WHERE link IN (SELECT value FROM json_each(?)))",
    )
    .bind(list)
    .fetch_one(connection)
    .await?)
}
