//! The durable steps: claim → fetch → analyse → decide → publish; the learning beside them; and what outlets read.

mod asking;
mod choosing;
mod clock;
mod crops;
mod intake;
mod labels;
mod learn;
mod near;
mod read;
mod step;
#[cfg(test)]
mod tests;
mod views;
mod worker;

use std::sync::Arc;

use tokio::sync::{Notify, RwLock};

pub use crate::domain::{PostSource, PostState};
pub use crate::store::LabelCounts;
pub use asking::AskFor;
pub use clock::{Clock, SystemClock};
pub use crops::{CropError, FaceOfCrop};
pub use intake::{Submission, SubmitError, WAITING_POSTS};
pub use learn::{CurrentTaste, LearnError, Learnt};
pub use near::near_duplicate_groups;
pub use views::{
    BoxesView, FaceInPost, FaceView, GalleryFilter, NotPromoted, PickView, PictureView, PostView, Question, TasteView,
};

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
    ratings: Notify,
    tastes: learn::Tastes,
    /// Shared from an original's write to its claim; exclusive to look whether anybody waits for one and remove it.
    spool: RwLock<()>,
}

impl Pipeline {
    pub fn new(parts: Parts) -> Self {
        Self {
            parts,
            work: Notify::new(),
            ratings: Notify::new(),
            tastes: learn::Tastes::default(),
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
