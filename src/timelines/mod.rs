//! Followed timelines: X, Bluesky, Mastodon and feeds. One trait; each adapter a plain state machine that asks through [`Http`]
//! and reads the time from the clock it was given. What is followed, how far it was read and what it cost is in the store.

pub mod x;

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use secrecy::SecretString;
use time::OffsetDateTime;

use crate::domain::PostSource;

/// An account as its service names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Stays when the handle changes: a DID, a number, a feed's address.
    pub id: String,
    /// As people write it, without `@`: `name.bsky.social`, `name@server.example`, `name`.
    pub handle: String,
    pub name: Option<String>,
    /// Of its page, `https`.
    pub link: String,
    /// Marked as automated by its owner.
    pub bot: bool,
    /// Shows its posts to those it accepted only: never picked.
    pub protected: bool,
    /// Asked not to be shown elsewhere (`noindex`, `indexable: false`, `!no-unauthenticated`): never picked.
    pub unlisted: bool,
}

/// One picture of a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelinePicture {
    /// Names it within its post for good.
    pub key: String,
    /// The largest that the service has.
    pub url: String,
    /// What the poster says it shows.
    pub alt: Option<String>,
}

/// A post with its own pictures: a boost or repost stands for the original, credited to its author.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelinePost {
    /// Of the original, as its service names it.
    pub id: String,
    pub author: Account,
    /// Who brought it into the timeline, when that was not the author.
    pub by: Option<Account>,
    pub link: String,
    pub posted_at: OffsetDateTime,
    /// Age-restricted by the post's or the author's own word, or by a label.
    pub restricted: bool,
    /// Scored, but shown nowhere else: why, in a word that does not change (`unlisted`, `protected`, `hidden`).
    pub held: Option<&'static str>,
    pub pictures: Vec<TimelinePicture>,
}

/// What is read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Feed {
    /// The home timeline of the account that the bot signs in with.
    Home,
    /// One account, by its id.
    Author(String),
    /// A list of that service, by its id.
    List(String),
}

/// What one poll brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Oldest first. Posts without pictures are left out.
    pub posts: Vec<TimelinePost>,
    /// To be stored in one transaction with the posts; the adapter's own words.
    pub cursor: String,
    /// More is there already: come back at once.
    pub more: bool,
    /// Not before that; the service's limits are in it. The runner may wait longer.
    pub wait: Duration,
}

/// Why a service gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum TimelineError {
    /// Not signed in, or no longer: people must do something.
    #[error("{0}")]
    SignIn(String),
    /// There is no such account, or it went.
    #[error("{0}")]
    NoSuchAccount(String),
    /// To be asked again after so long.
    #[error("the service asks to wait {} s", .0.as_secs())]
    Wait(Duration),
    /// This month's money is spent.
    #[error("the month's budget is spent")]
    Budget,
    /// The request did not leave: no connection came about. The service knows nothing of it, and bills nothing.
    #[error("the service cannot be reached: {0}")]
    Unreached(String),
    /// The service failed, or its answer was lost on the way: trying again can help.
    #[error("{0}")]
    Service(String),
    /// The answer is not what the service's description says.
    #[error("the answer cannot be read: {0}")]
    Answer(String),
}

pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, TimelineError>> + Send + 'a>>;

/// One service.
pub trait Timeline: Debug + Send + Sync {
    fn source(&self) -> PostSource;

    /// The account behind what people write: a handle, with or without `@`, or a link to its page.
    fn find<'a>(&'a self, name: &'a str) -> Answer<'a, Account>;

    /// What is new since the cursor; without one the newest page, which is where following begins. An answer that was lost on
    /// the way is asked for again with the same cursor.
    fn poll<'a>(&'a self, feed: &'a Feed, cursor: Option<&'a str>) -> Answer<'a, Page>;

    /// Which of these posts are gone or no longer shown to us.
    fn gone<'a>(&'a self, posts: &'a [String]) -> Answer<'a, Vec<String>>;

    /// Whom the account that the bot signs in with follows.
    fn follows(&self) -> Answer<'_, Vec<Account>>;
}

/// What adapters ask through: the one client of [`crate::fetch`], or a test's.
pub trait Http: Debug + Send + Sync {
    /// Any status is an answer. Redirects are not followed. An error is one of the way, without the address.
    fn send(&self, request: http::Request<Vec<u8>>) -> Answer<'_, http::Response<Vec<u8>>>;
}

/// Where an adapter keeps what it signs in with, encrypted. What a service answered is kept before it is used: a refresh token
/// that a kill loses cannot be had again.
pub trait Vault: Debug + Send + Sync {
    /// What was kept last.
    fn read(&self) -> Answer<'_, Option<SecretString>>;
    /// Replaces it whole, or not at all.
    fn keep(&self, secret: SecretString) -> Answer<'_, ()>;
}
