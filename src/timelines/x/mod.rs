//! X, which is paid by what is read. Nothing is ever posted there.
//!
//! A request is billed by the posts and accounts in its answer, so each goes through the budget's guard ([`money`]) and asks for
//! no more than it needs: accounts and reposted posts are looked up once instead of being expanded on every page.

mod ask;
mod cursor;
mod money;
mod names;
mod oauth;
mod problem;
mod read;
mod settings;
mod state;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use self::ask::{Ask, Dialect, Window, posts};
use self::cursor::{Cursor, Paging};
use self::money::Purse;
use self::oauth::SignIn;
use self::problem::{Refusal, back_off, refusal, used_up};
use self::read::Known;
use self::state::State;
use self::wire::{Post, User, Whole};
use crate::domain::{Micros, Outlook, Pace, PostSource, Prices, Purpose, Reads};
use crate::pipeline::Clock;
use crate::timelines::{Account, Answer, Feed, Http, Page, Timeline, TimelineError};

pub use money::{Ledger, People};
pub use names::{handle, list};
pub use oauth::Invitation;
pub use settings::{Parts, Settings};

#[derive(Debug)]
pub struct X {
    http: Arc<dyn Http>,
    clock: Arc<dyn Clock>,
    people: Arc<dyn People>,
    sign_in: SignIn,
    purse: Purse,
    base: Url,
    prices: Prices,
    state: State,
}

/// Accounts are paid for again after so long: handles change, and accounts become protected.
const FRESH: time::Duration = time::Duration::days(7);
/// Somebody asks for an account by name, and should not be told what was true last week.
const FRESH_NAME: time::Duration = time::Duration::days(1);
/// X takes so many ids at once.
const BATCH: usize = 100;
/// Asked for at once after an answer was lost: it may have been billed, and the next one may be lost, too.
const CAREFUL: u32 = 5;
/// Of a timeline that is read for the first time.
const FIRST: u32 = 20;
/// A hundred accounts each; more are not followed by hand.
const FOLLOW_PAGES: u32 = 50;

struct Served {
    whole: Whole,
    /// Until X takes the next request of this kind.
    wait: Duration,
}

impl X {
    pub fn new(parts: Parts, settings: Settings) -> Self {
        let Parts { http, vault, clock, ledger, people } = parts;
        Self {
            purse: Purse { ledger, clock: Arc::clone(&clock), budget: settings.budget },
            base: settings.base.clone(),
            prices: settings.prices,
            sign_in: SignIn::new(Arc::clone(&http), vault, Arc::clone(&clock), settings),
            state: State::default(),
            http,
            clock,
            people,
        }
    }

    /// A link for the person whose timeline is to be read; they come back to `redirect`, which the app must be registered with.
    pub fn invite(&self, redirect: Url, random: &[u8; 64]) -> Invitation {
        self.sign_in.invite(redirect, random)
    }

    /// They came back with this code: signs in, keeps that, and says as whom.
    pub async fn accept(&self, invitation: Invitation, code: String) -> Result<Account, TimelineError> {
        self.sign_in.accept(invitation, code).await?;
        self.me().await
    }

    /// What this month is spent on.
    pub async fn outlook(&self) -> Result<Outlook, TimelineError> {
        let ledger = &self.purse.ledger;
        let spending = ledger.spending(self.clock.now()).await?;
        Ok(Outlook { budget: self.purse.budget, prices: self.prices, spending, kept: ledger.kept().await? })
    }

    async fn me(&self) -> Result<Account, TimelineError> {
        let whole = self.ask(&Ask::Me, Purpose::Reading).await?.whole;
        let me = self.learn(&whole.users).await?.into_iter().next();
        let me = me.ok_or_else(|| TimelineError::Answer("X does not say who is signed in".into()))?;
        self.sign_in.set_account(&me.id).await?;
        Ok(me)
    }

    async fn own_id(&self) -> Result<String, TimelineError> {
        match self.sign_in.account().await? {
            Some(id) => Ok(id),
            None => Ok(self.me().await?.id),
        }
    }

    /// Pays, asks, and counts what came.
    async fn ask(&self, ask: &Ask, purpose: Purpose) -> Result<Served, TimelineError> {
        let mut refused: Option<SecretString> = None;
        loop {
            let dialect = self.state.dialect();
            let token = self.sign_in.token(refused.as_ref()).await?;
            let request = ask.request(&self.base, dialect, &token);
            let request = request.ok_or_else(|| TimelineError::SignIn("X gave a token that cannot be sent".into()))?;
            let reserved = self.purse.reserve(purpose, self.prices.of(ask.at_most(dialect))).await?;
            let answer = match self.http.send(request).await {
                Ok(answer) => answer,
                Err(error @ TimelineError::Unreached(_)) => {
                    self.purse.settle(reserved, Micros::ZERO, Reads::default()).await?;
                    return Err(error);
                }
                Err(error) => {
                    self.state.set_lost(true);
                    self.purse.lose(reserved).await?;
                    return Err(error);
                }
            };
            if answer.status().is_success() {
                let Ok(whole) = Whole::read(answer.body(), ask.data()) else {
                    self.state.set_lost(true);
                    self.purse.lose(reserved).await?;
                    return Err(TimelineError::Answer("it is no JSON".into()));
                };
                self.purse.settle(reserved, self.prices.of(whole.reads), whole.reads).await?;
                self.state.set_lost(false);
                self.state.answered();
                return Ok(Served { whole, wait: used_up(answer.headers(), self.clock.now()) });
            }
            // X bills answers with data, and nothing else.
            self.purse.settle(reserved, Micros::ZERO, Reads::default()).await?;
            match refusal(answer.status(), answer.headers(), answer.body(), self.clock.now()) {
                Refusal::Token if refused.is_none() => refused = Some(token),
                Refusal::Token => {
                    return Err(TimelineError::SignIn(
                        "X takes a fresh token no more: run `mekiki auth x` again".into(),
                    ));
                }
                Refusal::Names if dialect == Dialect::Tweet => self.state.speak(Dialect::Post),
                Refusal::Names => {
                    return Err(TimelineError::Answer("X knows neither of the names of its fields".into()));
                }
                Refusal::TooOften => return Err(TimelineError::Wait(back_off(self.state.refused()))),
                Refusal::Error(error) => return Err(error),
            }
        }
    }

    /// In batches; small ones after a loss.
    async fn ask_all(
        &self,
        ids: &[String],
        of: impl Fn(Vec<String>) -> Ask,
        purpose: Purpose,
    ) -> Result<Vec<Whole>, TimelineError> {
        let mut all = Vec::new();
        let mut rest = ids;
        while !rest.is_empty() {
            let batch = if self.state.lost() { CAREFUL as usize } else { BATCH };
            let (now, later) = rest.split_at(batch.min(rest.len()));
            all.push(self.ask(&of(now.to_vec()), purpose).await?.whole);
            rest = later;
        }
        Ok(all)
    }

    /// How much to ask for, so that all that may follow can still be paid: the originals of reposts, and both their authors.
    async fn most(&self, fewest: u32, page: u32) -> Result<u32, TimelineError> {
        let dialect = self.state.dialect();
        let follow_up = Reads { users: 2, ..posts(1, dialect) };
        let each = self.prices.of(posts(1, dialect)) + self.prices.of(follow_up);
        let affordable = u32::try_from(self.purse.left().await?.buys(each)).unwrap_or(u32::MAX);
        if affordable < fewest {
            return Err(TimelineError::Budget);
        }
        let page = if self.state.lost() { page.min(CAREFUL) } else { page };
        Ok(page.min(affordable).max(fewest))
    }

    /// One page of the feed, paid; one that was paid before and could not be finished is not paid again.
    async fn page(&self, feed: &Feed, cursor: &Cursor, pace: Pace) -> Result<Served, TimelineError> {
        if let Some(whole) = self.state.unfinished(feed, cursor) {
            return Ok(Served { whole, wait: Duration::ZERO });
        }
        let own = if *feed == Feed::Home { self.own_id().await? } else { String::new() };
        let to_ask = |window: Window| match feed {
            Feed::Home => Ask::Home(own.clone(), window),
            Feed::Author(id) => Ask::Author(id.clone(), window),
            Feed::List(id) => Ask::List(id.clone(), window),
        };
        let page = if cursor.since.is_none() { pace.page.min(FIRST) } else { pace.page };
        let most = self.most(to_ask(Window::default()).fewest(), page).await?;
        let served = self.ask(&to_ask(cursor.window(most, paging(feed))), Purpose::Reading).await?;
        if let Feed::Author(id) = feed {
            let about = served.whole.errors.iter().find(|problem| problem.about() == Some(id));
            if let Some(problem) = about.filter(|_| served.whole.posts.is_empty()) {
                return Err(TimelineError::NoSuchAccount(problem.said().to_owned()));
            }
        }
        self.state.set_unfinished(feed, cursor, &served.whole);
        Ok(served)
    }

    /// Looks up what the page refers to and does not bring along.
    async fn known(&self, page: &Whole, fresh: &[Post]) -> Result<Known, TimelineError> {
        let mut known = Known::default();
        known.learn(page);
        let missing = read::missing_posts(fresh, &known);
        self.state.recall(&mut known, &missing, self.clock.now());
        let missing = read::missing_posts(fresh, &known);
        for whole in self.ask_all(&missing, Ask::Posts, Purpose::Reading).await? {
            self.learn(&whole.users).await?;
            self.state.remember(&whole, self.clock.now());
            known.learn(&whole);
        }
        Ok(known)
    }

    async fn accounts(&self, ids: &[String]) -> Result<HashMap<String, Account>, TimelineError> {
        let now = self.clock.now();
        let known = self.people.by_ids(ids).await?;
        let fresh = known.into_iter().filter(|(_, at)| now - *at < FRESH);
        let mut accounts: HashMap<String, Account> = fresh.map(|(account, _)| (account.id.clone(), account)).collect();
        let unknown: Vec<String> = ids.iter().filter(|id| !accounts.contains_key(*id)).cloned().collect();
        for whole in self.ask_all(&unknown, Ask::Users, Purpose::Reading).await? {
            let learnt = self.learn(&whole.users).await?;
            accounts.extend(learnt.into_iter().map(|account| (account.id.clone(), account)));
        }
        Ok(accounts)
    }

    /// Keeps accounts that were paid for.
    async fn learn(&self, users: &[User]) -> Result<Vec<Account>, TimelineError> {
        let accounts: Vec<Account> = users.iter().filter_map(account).collect();
        if !accounts.is_empty() {
            self.people.keep(&accounts, self.clock.now()).await?;
        }
        Ok(accounts)
    }

    async fn visit(&self, feed: &Feed, text: Option<&str>) -> Result<Page, TimelineError> {
        let cursor = Cursor::read(text);
        let now = self.clock.now();
        let pace = self.outlook().await?.pace(now, self.state.feeds(feed, now));
        let served = self.page(feed, &cursor, pace).await?;
        let whole = &served.whole;
        let new = |post: &&Post| cursor.since.is_none() || post.number() > cursor.since;
        let fresh: Vec<Post> = whole.posts.iter().filter(new).cloned().collect();
        self.learn(&whole.users).await?;
        let known = self.known(whole, &fresh).await?;
        let accounts = self.accounts(&read::authors(&fresh, &known)).await?;
        let (next, more) = cursor.after(whole, paging(feed), pace.pages);
        self.state.finished(feed);
        Ok(Page {
            posts: read::posts(&fresh, &known, &accounts),
            cursor: next.write(),
            more,
            wait: if more { served.wait } else { served.wait.max(pace.pause) },
        })
    }

    async fn look(&self, name: &str) -> Result<Account, TimelineError> {
        let words = "neither a name on X, like @name, nor a link to an account there";
        let handle = handle(name).ok_or_else(|| TimelineError::NoSuchAccount(words.into()))?;
        if let Some((account, at)) = self.people.by_handle(&handle).await?
            && self.clock.now() - at < FRESH_NAME
        {
            return Ok(account);
        }
        let whole = self.ask(&Ask::Named(handle.clone()), Purpose::Reading).await?.whole;
        let said = whole.errors.first().map_or("no reason given", wire::Problem::said);
        let account = self.learn(&whole.users).await?.into_iter().next();
        account.ok_or_else(|| TimelineError::NoSuchAccount(format!("X shows no account @{handle} ({said})")))
    }

    async fn missing(&self, posts: &[String]) -> Result<Vec<String>, TimelineError> {
        let mut gone: Vec<String> = posts.iter().filter(|id| wire::number(id).is_none()).cloned().collect();
        let ids: Vec<String> = posts.iter().filter(|id| wire::number(id).is_some()).cloned().collect();
        for whole in self.ask_all(&ids, Ask::There, Purpose::Rechecking).await? {
            gone.extend(whole.posts.iter().filter(|post| post.is_withheld()).map(|post| post.id.clone()));
            let there = |id: &str| whole.posts.iter().any(|post| post.id == id);
            let about = whole.errors.iter().filter(|problem| is_gone(problem.kind())).filter_map(wire::Problem::about);
            gone.extend(about.filter(|id| ids.iter().any(|asked| asked == id) && !there(id)).map(str::to_owned));
        }
        gone.sort();
        gone.dedup();
        Ok(gone)
    }

    async fn followed(&self) -> Result<Vec<Account>, TimelineError> {
        let own = self.own_id().await?;
        let mut all = Vec::new();
        let mut token = None;
        for _ in 0..FOLLOW_PAGES {
            let affordable = self.purse.left().await?.buys(self.prices.user).min(BATCH as u64) as u32;
            if affordable == 0 {
                return Err(TimelineError::Budget);
            }
            let window = Window { most: affordable, token, ..Window::default() };
            let whole = self.ask(&Ask::Follows(own.clone(), window), Purpose::Reading).await?.whole;
            all.extend(self.learn(&whole.users).await?);
            token = whole.meta.next_token;
            if token.is_none() {
                break;
            }
        }
        Ok(all)
    }
}

/// Problems that a post has when it went or is not shown to us any more; others are of the moment.
fn is_gone(kind: &str) -> bool {
    matches!(
        kind,
        "resource-not-found" | "not-authorized-for-resource" | "resource-unavailable" | "disallowed-resource"
    )
}

fn paging(feed: &Feed) -> Paging {
    match feed {
        Feed::Home | Feed::Author(_) => Paging::ByIds,
        Feed::List(_) => Paging::ByToken,
    }
}

fn account(user: &User) -> Option<Account> {
    wire::number(&user.id)?;
    handle(&user.username)?;
    Some(Account {
        id: user.id.clone(),
        handle: user.username.clone(),
        name: user.name.clone().filter(|name| !name.trim().is_empty()),
        link: format!("https://x.com/{}", user.username),
        // X does not say.
        bot: false,
        protected: user.protected == Some(true),
        unlisted: false,
    })
}

impl Timeline for X {
    fn source(&self) -> PostSource {
        PostSource::X
    }

    fn find<'a>(&'a self, name: &'a str) -> Answer<'a, Account> {
        Box::pin(self.look(name))
    }

    fn poll<'a>(&'a self, feed: &'a Feed, cursor: Option<&'a str>) -> Answer<'a, Page> {
        Box::pin(self.visit(feed, cursor))
    }

    fn gone<'a>(&'a self, posts: &'a [String]) -> Answer<'a, Vec<String>> {
        Box::pin(self.missing(posts))
    }

    fn follows(&self) -> Answer<'_, Vec<Account>> {
        Box::pin(self.followed())
    }
}
