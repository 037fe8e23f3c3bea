//! Claim: what a source hands in becomes a durable row, once.

use time::OffsetDateTime;

use super::{Pipeline, crash_point};
use crate::domain::{Author, NewPost, Origin, PictureId, PostId, PostSource, Scope};
use crate::samples::{Scene, sample_set};
use crate::store::{BlobKind, Claim, StoreError};
use crate::vision::decode::{DecodeError, Format, decode};

/// Posts that may wait; one more is refused until some are done.
pub const WAITING_POSTS: u32 = 2_000;

/// A picture handed in as bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    pub source: PostSource,
    pub bytes: Vec<u8>,
    pub title: Option<String>,
    pub author: Author,
    pub link: Option<String>,
    /// When it was posted; `None`: now.
    pub posted_at: Option<OffsetDateTime>,
}

/// Why a picture was not taken in. Nothing was kept.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    #[error("too many pictures are waiting; try again in a moment")]
    Busy,
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Pipeline {
    /// Keeps the bytes and claims the post; the rest goes on in the background. The same picture from the same source is
    /// one post: handing it in again answers with the first, and gives one that failed another try.
    pub async fn submit(&self, submission: Submission) -> Result<PostId, SubmitError> {
        let parts = &self.parts;
        if Format::of(&submission.bytes).is_none() || submission.bytes.len() > parts.limits.max_bytes {
            // Fails from the first bytes, with the decoder's own words.
            decode(&submission.bytes, &parts.limits)?;
        }
        if parts.store.pending_posts().await? >= WAITING_POSTS {
            return Err(SubmitError::Busy);
        }
        let (blobs, bytes) = (parts.blobs.clone(), submission.bytes);
        let kept = self.spool.read().await;
        let picture = blocking(move || blobs.put(BlobKind::Spool, &bytes)).await?;
        crash_point_spooled();
        let claim = parts
            .store
            .claim(&NewPost {
                source: submission.source,
                external_id: picture.to_string(),
                origin: Origin::Spool { picture },
                title: submission.title,
                author: submission.author,
                link: submission.link,
                posted_at: submission.posted_at.unwrap_or_else(|| parts.clock.now()),
                marked_restricted: false,
                scope: Scope::Local,
                place: None,
            })
            .await?;
        crash_point_claimed();
        if let Claim::Already(post) = claim {
            // Handed in again, one that failed gets another try.
            parts.store.reclaim_post(post).await?;
        }
        drop(kept);
        if let Claim::Already(_) = claim {
            // One that is done needs no bytes.
            self.drop_original(picture).await?;
        }
        self.work.notify_one();
        Ok(claim.post())
    }

    /// Removes an original from the spool unless a post waits for it: the same picture can come from several sources.
    pub(super) async fn drop_original(&self, picture: PictureId) -> Result<(), StoreError> {
        let _alone = self.spool.write().await;
        if self.parts.store.is_original_waited_for(picture).await? {
            return Ok(());
        }
        self.parts.blobs.remove(BlobKind::Spool, picture)
    }

    /// Claims the drawn samples at the first start: where no post was ever claimed.
    pub async fn claim_samples(&self) -> Result<(), StoreError> {
        let posted_at = self.parts.clock.now();
        let samples = blocking(move || sample_set().iter().map(|scene| sample(scene, posted_at)).collect::<Vec<_>>());
        if self.parts.store.claim_first(&samples.await).await? {
            self.work.notify_one();
        }
        Ok(())
    }
}

fn sample(scene: &Scene, posted_at: OffsetDateTime) -> NewPost {
    NewPost {
        source: PostSource::Sample,
        external_id: format!("scene:{}", scene.seed),
        origin: Origin::Drawing { seed: scene.seed },
        title: Some(scene.title().to_owned()),
        author: Author { name: Some("Mekiki".into()), link: None },
        link: None,
        posted_at,
        marked_restricted: false,
        scope: Scope::Local,
        place: None,
    }
}

fn crash_point_spooled() {
    crash_point!("spooled");
}

fn crash_point_claimed() {
    crash_point!("claimed");
}

/// Runs what blocks (disk, pixels) beside the runtime's threads.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
