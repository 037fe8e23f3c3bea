//! Accounts of followed timelines, and what scopes settled about their pictures.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::feeds::drop_unfollowed;
use super::people::is_artist_opted_out;
use super::{Result, Store, parse};
use crate::domain::{Account, AccountRules, ArtistLink, Feed, PostSource, Scope};

impl Store {
    /// An account that was seen, by its handle in any case, or by its id.
    pub async fn account(&self, source: PostSource, name: &str) -> Result<Option<Account>> {
        let row =
            sqlx::query("SELECT * FROM accounts WHERE source = ?1 AND (id = ?2 OR lower(handle) = lower(?2)) LIMIT 1")
                .bind(source.as_str())
                .bind(name)
                .fetch_optional(&self.pool)
                .await?;
        row.as_ref().map(|row| account_row(row.try_get("id")?, row)).transpose()
    }

    /// Accounts that were seen, whose handle or name begins with this or has it within, for completing what is typed.
    /// Without a source, those of all, each with its own.
    pub async fn accounts_like(
        &self,
        source: Option<PostSource>,
        typed: &str,
        limit: u32,
    ) -> Result<Vec<(PostSource, Account)>> {
        sqlx::query(
            "SELECT * FROM accounts WHERE (?1 IS NULL OR source = ?1) AND blocked = 0 AND \
             (instr(lower(handle), ?2) > 0 OR instr(lower(coalesce(name, '')), ?2) > 0) \
             ORDER BY instr(lower(handle), ?2) <> 1, handle LIMIT ?3",
        )
        .bind(source.map(PostSource::as_str))
        .bind(typed.to_lowercase())
        .bind(limit)
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(|row| Ok((parse(row.try_get("source")?)?, account_row(row.try_get("id")?, row)?)))
        .collect()
    }

    pub async fn account_rules(&self, scope: Scope, source: PostSource, account: &str) -> Result<AccountRules> {
        let mut connection = self.pool.acquire().await?;
        rules(&mut connection, scope, source, account).await
    }

    pub async fn set_account_rules(
        &self,
        scope: Scope,
        source: PostSource,
        account: &str,
        rules: &AccountRules,
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO account_rules (scope, source, account, muted, share, whole) VALUES (?, ?, ?, ?, ?, ?) \
             ON CONFLICT (scope, source, account) DO UPDATE SET muted = excluded.muted, share = excluded.share, \
             whole = excluded.whole",
        )
        .bind(scope.to_string())
        .bind(source.as_str())
        .bind(account)
        .bind(rules.muted)
        .bind(rules.share)
        .bind(rules.whole)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The artist's accounts are followed no more, and nothing of them is taken, whatever they call themselves later.
    pub async fn block_accounts_of(&self, artist: &ArtistLink) -> Result<u32> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let accounts: Vec<(String, String, String)> =
            sqlx::query_as("SELECT source, id, link FROM accounts WHERE blocked = 0").fetch_all(&mut *tx).await?;
        let mut blocked = 0;
        for (source, id, link) in &accounts {
            if !ArtistLink::above(link).iter().any(|above| above == artist.as_str()) {
                continue;
            }
            blocked += 1;
            block(&mut tx, parse(source)?, id).await?;
        }
        drop_unfollowed(&mut tx).await?;
        tx.commit().await?;
        Ok(blocked)
    }
}

async fn block(connection: &mut SqliteConnection, source: PostSource, id: &str) -> Result<()> {
    sqlx::query("UPDATE accounts SET blocked = 1 WHERE source = ? AND id = ?")
        .bind(source.as_str())
        .bind(id)
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM follows WHERE feed = (SELECT id FROM feeds WHERE source = ? AND feed = ?)")
        .bind(source.as_str())
        .bind(Feed::Author(id.to_owned()).to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// Writes down what the service says of an account now. False when its owner has opted out, by whichever name.
pub(super) async fn keep(connection: &mut SqliteConnection, source: PostSource, account: &Account) -> Result<bool> {
    let blocked: bool = sqlx::query_scalar(
        "INSERT INTO accounts (source, id, handle, name, link, bot, protected, unlisted) VALUES (?, ?, ?, ?, ?, ?, ?, ?) \
         ON CONFLICT (source, id) DO UPDATE SET handle = excluded.handle, name = excluded.name, link = excluded.link, \
         bot = excluded.bot, protected = excluded.protected, unlisted = excluded.unlisted RETURNING blocked",
    )
    .bind(source.as_str())
    .bind(&account.id)
    .bind(&account.handle)
    .bind(&account.name)
    .bind(&account.link)
    .bind(account.bot)
    .bind(account.protected)
    .bind(account.unlisted)
    .fetch_one(&mut *connection)
    .await?;
    if blocked {
        return Ok(false);
    }
    if is_artist_opted_out(connection, &[&account.link]).await? {
        block(connection, source, &account.id).await?;
        return Ok(false);
    }
    Ok(true)
}

/// In the caller's transaction.
pub(super) async fn rules(
    connection: &mut SqliteConnection,
    scope: Scope,
    source: PostSource,
    account: &str,
) -> Result<AccountRules> {
    let row =
        sqlx::query("SELECT muted, share, whole FROM account_rules WHERE scope = ? AND source = ? AND account = ?")
            .bind(scope.to_string())
            .bind(source.as_str())
            .bind(account)
            .fetch_optional(connection)
            .await?;
    row.as_ref().map_or_else(|| Ok(AccountRules::default()), rules_row)
}

pub(super) fn rules_row(row: &SqliteRow) -> Result<AccountRules> {
    Ok(AccountRules {
        muted: row.try_get::<Option<bool>, _>("muted")?.unwrap_or(false),
        share: row.try_get("share")?,
        whole: row.try_get::<Option<bool>, _>("whole")?.unwrap_or(false),
    })
}

pub(super) fn account_row(id: String, row: &SqliteRow) -> Result<Account> {
    Ok(Account {
        id,
        handle: row.try_get("handle")?,
        name: row.try_get("name")?,
        link: row.try_get("link")?,
        bot: row.try_get("bot")?,
        protected: row.try_get("protected")?,
        unlisted: row.try_get("unlisted")?,
    })
}
