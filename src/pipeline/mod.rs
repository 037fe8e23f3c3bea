//! The durable steps: claim → fetch → analyse → decide → publish; the learning beside them; and what outlets read.

mod asking;
mod choosing;
mod clock;
mod crops;
mod desk;
mod following;
mod guilds;
mod intake;
mod labels;
mod learn;
mod links;
mod looking;
mod messages;
mod near;
mod people;
mod privacy;
mod reactions;
mod read;
mod sends;
mod stats;
mod step;
mod tastes;
#[cfg(test)]
mod tests;
mod views;
mod votes;
mod why;
mod worker;

use std::sync::Arc;

use tokio::sync::{Notify, RwLock};

pub use crate::domain::{Person, PostSource, PostState};
pub use crate::store::LabelCounts;
pub use crate::store::{
    Cursor, FailedPoll, FeedRow, FollowRow, NewFollow, PageClaim, Pause, PostRow, ScopeStats, StoreError,
};
pub use asking::{ASKED_AT_ONCE, ASKS_A_DAY, AskFor, Asked, ToAsk};
pub use clock::{Clock, SystemClock};
pub use crops::{CropError, FaceOfCrop};
pub use following::{AskError, Asked as AskedService, FeedError, Money, Services, SourceState};
pub use intake::{Submission, SubmitError, WAITING_POSTS};
pub use learn::{LearnError, Learnt};
pub use links::{Fresh, FreshLinks};
pub use messages::{Ask, IncomingMessage, MessagePicture};
pub use near::near_duplicate_groups;
pub use sends::{Attempt, Follows, NewAnswer, NewSend, SendRow, Unheard, Unpublished};
pub use stats::{Since, TopPost};
pub use tastes::CurrentTaste;
pub use views::{
    BoxesView, FaceInPost, FaceView, GalleryFilter, NotPromoted, PickView, PictureView, PostView, Question,
    ScoresByRating, TasteView,
};
pub use votes::Vote;
pub use why::{Alike, MadeOf, Why};

use crate::domain::{DeskRules, RatingSource};
use crate::fetch::Fetcher;
use crate::store::{Blobs, Store};
use crate::vision::Engine;
use crate::vision::decode::DecodeLimits;

/// What a pipeline is built from.
#[derive(Debug)]
pub struct Parts {
    pub store: Store,
    pub blobs: Blobs,
    pub engine: Engine,
    /// Downloads what is behind a link.
    pub fetcher: Fetcher,
    /// Asks the source for a new link when one has died; `None`: there is nobody to ask.
    pub links: Option<Arc<dyn FreshLinks>>,
    pub clock: Arc<dyn Clock>,
    pub limits: DecodeLimits,
    pub rules: DeskRules,
    /// Sources of ratings that may be trained on.
    pub learn_from: Vec<RatingSource>,
    /// Names of the models, as written beside what they found.
    pub models: String,
    /// Pictures decoded and analysed at the same time.
    pub workers: usize,
}

/// The way of a picture, from claim to outlet. One per process; shared.
#[derive(Debug)]
pub struct Pipeline {
    parts: Parts,
    /// There is a post with a step to take.
    work: Notify,
    /// There are ratings that no taste has seen.
    ratings: learn::News,
    /// There may be something to send.
    sends: Notify,
    /// A post came to its end, or went.
    ended: Notify,
    tastes: tastes::Tastes,
    /// What can be followed; `None`: nothing.
    services: Option<Arc<dyn Services>>,
    /// Somebody follows something.
    followed: Notify,
    /// Pictures that are being looked at.
    looking: looking::Looking,
    /// Shared from an original's write to its claim; exclusive to look whether anybody waits for one and remove it.
    spool: RwLock<()>,
}

impl Pipeline {
    pub fn new(parts: Parts) -> Self {
        Self {
            parts,
            work: Notify::new(),
            ratings: learn::News::default(),
            sends: Notify::new(),
            ended: Notify::new(),
            tastes: tastes::Tastes::default(),
            services: None,
            followed: Notify::new(),
            looking: looking::Looking::default(),
            spool: RwLock::new(()),
        }
    }

    pub fn store(&self) -> &Store {
        &self.parts.store
    }

    pub fn blobs(&self) -> &Blobs {
        &self.parts.blobs
    }
}

/// Marks a place where the crash tests stop the real process (feature `failpoints`, variable `FAILPOINTS`): it says so
/// on standard error and stands still until it is killed. Nothing without the feature.
macro_rules! crash_point {
    ($name:literal) => {
        fail::fail_point!($name, |_| {
            eprintln!("crash point {}", $name);
            // What else this thread would have run goes on elsewhere.
            tokio::task::block_in_place(|| {
                loop {
                    std::thread::park();
                }
            })
        });
    };
}
pub(crate) use crash_point;
