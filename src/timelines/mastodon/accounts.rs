//! Accounts: behind what people write, and those that are followed.

use serde_json::Value;

use super::api::{Purpose, Refusal};
use super::{Mastodon, encoded, is_id, names, status};
use crate::timelines::{Account, TimelineError};

/// Pages of follows that are read: 8,000 accounts.
const FOLLOWS: usize = 100;

impl Mastodon {
    pub(super) async fn find_account(&self, name: &str) -> Result<Account, TimelineError> {
        let nobody = || TimelineError::NoSuchAccount(format!("{} knows no account {name}", self.api.host));
        let meant = names::meant(name, &self.api.host).ok_or_else(nobody)?;
        let known = match &meant.acct {
            Some(acct) => self.lookup(acct).await?,
            None => None,
        };
        let found = match known {
            Some(account) => Some(account),
            // An account that this server has not met yet, or one whose page lies elsewhere than its name says.
            None => self.search(meant.link.as_deref(), meant.acct.as_deref()).await?,
        };
        let found = found.filter(|account| account["suspended"] != true).ok_or_else(nobody)?;
        status::account(&found, &self.api.host)
            .ok_or_else(|| TimelineError::Answer("the account has neither id nor name".into()))
    }

    async fn lookup(&self, acct: &str) -> Result<Option<Value>, TimelineError> {
        match self.api.get(Purpose::People, "/api/v1/accounts/lookup", &encoded(&[("acct", acct)])).await {
            Ok(account) => Ok(Some(account)),
            Err(Refusal::Status(..)) => Ok(None),
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// The server looks at other servers, too.
    async fn search(&self, link: Option<&str>, acct: Option<&str>) -> Result<Option<Value>, TimelineError> {
        let asked = link.map(str::to_owned).or_else(|| acct.map(|acct| format!("@{acct}")));
        let Some(asked) = asked else { return Ok(None) };
        let query = [("q", asked.as_str()), ("resolve", "true"), ("type", "accounts"), ("limit", "5")];
        let answer = match self.api.get(Purpose::People, "/api/v2/search", &encoded(&query)).await {
            Ok(answer) => answer,
            Err(Refusal::Status(..)) => return Ok(None),
            Err(refusal) => return Err(refusal.into()),
        };
        let accounts = answer["accounts"].as_array().map(Vec::as_slice).unwrap_or_default();
        let same = |one: &Value, other: &str| one.as_str().is_some_and(|one| one.eq_ignore_ascii_case(other));
        let page = |link: &str| link.trim_end_matches('/').to_owned();
        let is_meant = |account: &&Value| {
            let by_name = acct.is_some_and(|acct| same(&account["acct"], acct));
            by_name || link.is_some_and(|link| ["url", "uri"].iter().any(|name| same(&account[name], &page(link))))
        };
        // A link leads to one thing only: where one account is found, it is that.
        let only = || accounts.first().filter(|_| link.is_some() && accounts.len() == 1);
        Ok(accounts.iter().find(is_meant).or_else(only).cloned())
    }

    pub(super) async fn all_follows(&self) -> Result<Vec<Account>, TimelineError> {
        let me = self.api.get(Purpose::People, "/api/v1/accounts/verify_credentials", "").await?;
        let me = status::text(&me["id"]).filter(|id| is_id(id));
        let me = me.ok_or_else(|| TimelineError::Answer("the server does not say whose token it is".into()))?;
        let path = format!("/api/v1/accounts/{me}/following");
        let (mut accounts, mut query) = (Vec::new(), "limit=80".to_owned());
        for _ in 0..FOLLOWS {
            let sheet = self.api.sheet(Purpose::People, &path, &query).await?;
            accounts.extend(sheet.items.iter().filter_map(|account| status::account(account, &self.api.host)));
            let Some(next) = sheet.next else { break };
            query = next;
        }
        Ok(accounts)
    }
}
