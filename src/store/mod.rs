//! All SQL, one file a table family; and the blobs on disk. SQLite in WAL mode.

mod accounts;
mod answers;
mod asking;
mod blobs;
mod codec;
mod cursors;
mod desk;
mod feeds;
mod following;
mod guilds;
mod labels;
mod messages;
mod people;
mod picks;
mod pictures;
mod posts;
mod privacy;
mod publishing;
mod ratings;
mod reactions;
mod reports;
mod sends;
mod spending;
mod stats;
mod tastes;
mod teaching;
#[cfg(test)]
mod tests;
mod timelines;
mod unheard;
mod x_users;

use std::path::Path;
use std::str::FromStr;

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

pub use answers::NewAnswer;
pub use asking::{Asking, OpenFace};
pub use blobs::{BlobId, BlobKind, Blobs};
pub use cursors::Cursor;
pub use desk::Case;
pub use feeds::{FailedPoll, FeedError, FeedRow, FollowRow, NewFollow, Pause};
pub use labels::{LabelCounts, LabelledPicture};
pub use messages::{ClaimedMessage, MessageClaim};
pub use picks::PickRow;
pub use pictures::{AnalysedPicture, CroppedFace, FaceRow, Picture};
pub use posts::{Claim, PostFilter, PostRow, WorkItem};
pub use publishing::Unpublished;
pub use ratings::RatingCounts;
pub use reactions::Heard;
pub use reports::{FaceReport, JudgedBoxes};
pub use sends::{Attempt, Follows, NewSend, SendRow};
pub use spending::ReservationId;
pub use stats::{ScopeStats, TopRow};
pub use tastes::{FittedTaste, TasteRow};
pub use teaching::RatedFace;
pub use timelines::PageClaim;
pub use unheard::Unheard;
pub use x_users::XUser;

/// What went wrong with the database or the blobs.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    #[error("database schema: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    #[error("a row holds what this version cannot read: {0}")]
    Unreadable(String),
    #[error("files in the data folder: {0}")]
    Files(#[from] std::io::Error),
}

pub type Result<T> = std::result::Result<T, StoreError>;

/// The database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    pool: SqlitePool,
}

impl Store {
    /// Opens (and makes, and migrates) the database file at `path`.
    pub async fn open(path: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A committed step survives a power cut, not only a kill.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(std::time::Duration::from_secs(10));
        let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await?;
        sqlx::migrate!().run(&pool).await?;
        Ok(Self { pool })
    }

    /// Whether the database answers and is not damaged.
    pub async fn check(&self) -> Result<()> {
        let answer: String = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&self.pool).await?;
        if answer == "ok" { Ok(()) } else { Err(StoreError::Unreadable(answer)) }
    }

    /// Writes what is in the log into the database file and closes.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Reads a text column into a domain type.
fn parse<T: FromStr>(text: &str) -> Result<T>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|e: T::Err| StoreError::Unreadable(e.to_string()))
}
