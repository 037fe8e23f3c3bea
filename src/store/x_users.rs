//! Accounts of X that were paid for and need not be paid for again so soon.

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row};
use time::OffsetDateTime;

use super::codec::{millis, time};
use super::{Result, Store};

/// An account as it was at `read_at`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XUser {
    pub id: String,
    pub handle: String,
    pub name: Option<String>,
    pub protected: bool,
    pub read_at: OffsetDateTime,
}

impl Store {
    /// Those of these ids that are known.
    pub async fn x_users(&self, ids: &[String]) -> Result<Vec<XUser>> {
        let mut found = Vec::new();
        for ids in ids.chunks(500) {
            let mut query = QueryBuilder::new("SELECT * FROM x_users WHERE id IN (");
            let mut list = query.separated(", ");
            for id in ids {
                list.push_bind(id);
            }
            query.push(")");
            for row in &query.build().fetch_all(&self.pool).await? {
                found.push(user(row)?);
            }
        }
        Ok(found)
    }

    /// The newest account of that name, in whichever case.
    pub async fn x_user_named(&self, handle: &str) -> Result<Option<XUser>> {
        sqlx::query("SELECT * FROM x_users WHERE handle = ? ORDER BY read_at DESC LIMIT 1")
            .bind(handle)
            .fetch_optional(&self.pool)
            .await?
            .as_ref()
            .map(user)
            .transpose()
    }

    pub async fn keep_x_users(&self, users: &[XUser]) -> Result<()> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        for user in users {
            sqlx::query(
                "INSERT INTO x_users (id, handle, name, protected, read_at) VALUES (?, ?, ?, ?, ?) \
                 ON CONFLICT (id) DO UPDATE SET handle = excluded.handle, name = excluded.name, \
                 protected = excluded.protected, read_at = excluded.read_at",
            )
            .bind(&user.id)
            .bind(&user.handle)
            .bind(&user.name)
            .bind(user.protected)
            .bind(millis(user.read_at))
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

fn user(row: &SqliteRow) -> Result<XUser> {
    Ok(XUser {
        id: row.try_get("id")?,
        handle: row.try_get("handle")?,
        name: row.try_get("name")?,
        protected: row.try_get("protected")?,
        read_at: time(row.try_get("read_at")?)?,
    })
}
