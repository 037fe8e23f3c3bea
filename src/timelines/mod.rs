//! Followed timelines: X, Bluesky, Mastodon and feeds. One trait; each adapter a plain state machine that asks through [`Http`]
//! and reads the time from the clock it was given. What is followed, how far it was read and what it cost is in the store.

pub mod bluesky;
mod client;
mod limits;
pub mod mastodon;
pub mod rss;
mod runner;
mod schedule;
mod services;
mod vault;
mod walk;
pub mod x;

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use secrecy::SecretString;

use crate::domain::PostSource;

pub use client::{Client, Hosts};
pub use runner::Runner;
pub use services::Timelines;
pub use vault::{Drawer, Safe, VaultError};

pub use crate::domain::{Account, Feed, TimelinePicture, TimelinePost};

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

/// What a service says as it happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The home timeline has something new: worth a poll at once. The posts come by that poll, with its cursor.
    New,
    /// This post is gone.
    Gone(String),
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

    /// Listens to the home timeline, where the service can be listened to. Polling goes on by itself, and may be rarer
    /// meanwhile. [`TimelineError::Wait`] says when to try again.
    fn listen(&self) -> Answer<'_, Option<Box<dyn Events>>> {
        Box::pin(async { Ok(None) })
    }
}

/// An open connection. It ends with an error; then [`Timeline::listen`] again.
pub trait Events: Debug + Send {
    /// The next event, whenever that is. It may be dropped while it waits: no event is lost by that.
    fn next(&mut self) -> Answer<'_, Event>;
}

/// What adapters ask through: the one client of [`crate::fetch`], or a test's.
pub trait Http: Debug + Send + Sync {
    /// Any status is an answer. Redirects are not followed. An error is one of the way, without the address.
    fn send(&self, request: http::Request<Vec<u8>>) -> Answer<'_, http::Response<Vec<u8>>>;

    /// The same for an answer that does not end.
    fn open(&self, _request: http::Request<Vec<u8>>) -> Answer<'_, http::Response<Box<dyn Pieces>>> {
        Box::pin(async { Err(TimelineError::Service("this way carries no streams".into())) })
    }
}

/// A body as it comes. A way that has been silent for a minute or more may end it.
pub trait Pieces: Send {
    /// `None` at its end. It may be dropped while it waits: no piece is lost by that.
    fn next(&mut self) -> Answer<'_, Option<Vec<u8>>>;
}

/// Where an adapter keeps what it signs in with, encrypted. What a service answered is kept before it is used: a refresh token
/// that a kill loses cannot be had again.
pub trait Vault: Debug + Send + Sync {
    /// What was kept last.
    fn read(&self) -> Answer<'_, Option<SecretString>>;
    /// Replaces it whole, or not at all.
    fn keep(&self, secret: SecretString) -> Answer<'_, ()>;
}
