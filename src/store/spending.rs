//! Money: put aside before a paid request leaves, counted when its answer is there. A kill between the two leaves the
//! reservation, which counts in full, so the count is never below the bill.

use sqlx::{Row, SqliteConnection};
use time::macros::format_description;
use time::{Duration, OffsetDateTime};

use super::{Result, Store, StoreError};
use crate::domain::{Micros, PostSource, Purpose, Reads, Spending, month_of};

/// Money put aside for one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReservationId(pub i64);

/// In `spending`, what is counted for answers that were lost: it says nothing of how much is read.
const LOST: &str = "lost";
/// Days that tell how much is read lately.
const LATELY: i64 = 7;

impl Store {
    /// Puts the amount aside for a request made `at`, unless this month's account would then be over the limit.
    pub async fn reserve_money(
        &self,
        source: PostSource,
        purpose: Purpose,
        amount: Micros,
        limit: Micros,
        at: OffsetDateTime,
    ) -> Result<Option<ReservationId>> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let taken = account(&mut tx, source, at).await?.taken();
        if taken + amount > limit {
            return Ok(None);
        }
        let id = sqlx::query_scalar(
            "INSERT INTO reservations (source, day, purpose, amount) VALUES (?, ?, ?, ?) RETURNING id",
        )
        .bind(source.as_str())
        .bind(day(at)?)
        .bind(purpose.as_str())
        .bind(signed(amount)?)
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Some(ReservationId(id)))
    }

    /// The answer is there: what it cost, on the day of its reservation. A second time is nothing.
    pub async fn settle_money(&self, reservation: ReservationId, cost: Micros, reads: Reads) -> Result<()> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        settle(&mut tx, reservation, Some(cost), reads).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The answer was lost on the way, and may have been billed: it counts in full.
    pub async fn lose_money(&self, reservation: ReservationId) -> Result<()> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        settle(&mut tx, reservation, None, Reads::default()).await?;
        tx.commit().await?;
        Ok(())
    }

    /// What a kill left open is counted as spent in full. Answers how many. At the start, before anything is asked.
    pub async fn settle_lost_money(&self) -> Result<u64> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let open: Vec<i64> = sqlx::query_scalar("SELECT id FROM reservations ORDER BY id").fetch_all(&mut *tx).await?;
        for id in &open {
            settle(&mut tx, ReservationId(*id), None, Reads::default()).await?;
        }
        tx.commit().await?;
        Ok(open.len() as u64)
    }

    /// Pictures of this source that are kept: what is looked after may be fewer posts.
    pub async fn kept_of(&self, source: PostSource) -> Result<u64> {
        let kept: i64 =
            sqlx::query_scalar("SELECT count(DISTINCT original) FROM posts WHERE source = ? AND check_at IS NOT NULL")
                .bind(source.as_str())
                .fetch_one(&self.pool)
                .await?;
        Ok(kept.unsigned_abs())
    }

    /// The account of the month of `now`.
    pub async fn spending(&self, source: PostSource, now: OffsetDateTime) -> Result<Spending> {
        let mut tx = self.pool.begin().await?;
        account(&mut tx, source, now).await
    }
}

/// `None`: lost, so the whole reservation.
async fn settle(
    connection: &mut SqliteConnection,
    reservation: ReservationId,
    cost: Option<Micros>,
    reads: Reads,
) -> Result<()> {
    let row = sqlx::query("DELETE FROM reservations WHERE id = ? RETURNING source, day, purpose, amount")
        .bind(reservation.0)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(()) };
    let purpose = if cost.is_some() { row.try_get("purpose")? } else { LOST.to_owned() };
    let cost = cost.map_or_else(|| row.try_get("amount").map_err(StoreError::from), signed)?;
    if cost == 0 && reads == Reads::default() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO spending (source, day, purpose, posts, users, spent) VALUES (?, ?, ?, ?, ?, ?) \
         ON CONFLICT (source, day, purpose) DO UPDATE SET posts = posts + excluded.posts, \
         users = users + excluded.users, spent = spent + excluded.spent",
    )
    .bind(row.try_get::<String, _>("source")?)
    .bind(row.try_get::<String, _>("day")?)
    .bind(purpose)
    .bind(reads.posts.cast_signed())
    .bind(reads.users.cast_signed())
    .bind(cost)
    .execute(connection)
    .await?;
    Ok(())
}

async fn account(connection: &mut SqliteConnection, source: PostSource, now: OffsetDateTime) -> Result<Spending> {
    let (from, to) = month_of(now);
    let since = now - Duration::days(LATELY - 1);
    let (from, to, since, today) = (day(from)?, day(to)?, day(since)?, day(now)?);
    let row = sqlx::query(
        "SELECT (SELECT coalesce(sum(spent), 0) FROM spending WHERE source = ?1 AND day >= ?2 AND day < ?3) AS spent, \
         (SELECT coalesce(sum(amount), 0) FROM reservations WHERE source = ?1 AND day >= ?2 AND day < ?3) AS reserved, \
         coalesce(sum(spent), 0) AS reading, coalesce(sum(posts), 0) AS posts, \
         coalesce(julianday(?5) - julianday(min(day)), 0.0) + 1.0 AS days \
         FROM spending WHERE source = ?1 AND purpose = 'reading' AND day >= ?4 AND day <= ?5",
    )
    .bind(source.as_str())
    .bind(from)
    .bind(to)
    .bind(since)
    .bind(today)
    .fetch_one(connection)
    .await?;
    let amount = |name| row.try_get::<i64, _>(name).map(|sum| Micros(sum.max(0).unsigned_abs()));
    Ok(Spending {
        spent: amount("spent")?,
        reserved: amount("reserved")?,
        reading: amount("reading")?,
        posts: amount("posts")?.0,
        days: row.try_get::<f64, _>("days")? as u32,
    })
}

fn day(at: OffsetDateTime) -> Result<String> {
    at.to_offset(time::UtcOffset::UTC)
        .format(format_description!("[year]-[month]-[day]"))
        .map_err(|e| StoreError::Unreadable(e.to_string()))
}

fn signed(amount: Micros) -> Result<i64> {
    i64::try_from(amount.0).map_err(|_| StoreError::Unreadable(format!("an amount of {amount}")))
}
