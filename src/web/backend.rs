//! What the page needs of the rest of the bot, in one trait.

use std::pin::Pin;

use axum::body::Bytes;
use serde::Serialize;

use crate::domain::{Author, BoxLabels, Calibration, FaceId, Judgement, PictureId, PostId, TasteId};
use crate::pipeline::{BoxesView, GalleryFilter, PickView, PostView, Question, TasteView};

/// A boxed future, so that the page can hold any backend behind one pointer and its handlers stay plain functions.
/// Implement a method with `Box::pin(async move { … })`.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The pipeline and store as the page sees them, already scoped to the local owner.
///
/// Reads answer `Ok(None)` for what does not exist; an `Err` is logged once by the page and shown as "went wrong here".
pub trait Backend: Send + Sync + 'static {
    /// Claims one uploaded picture durably; the analysis goes on in the background.
    fn submit(&self, upload: Upload) -> Answer<'_, Result<PostId, SubmitError>>;

    fn post(&self, id: PostId) -> Answer<'_, anyhow::Result<Option<PostView>>>;

    /// Posts newest (highest id) first, those below `before`.
    fn gallery(
        &self,
        filter: GalleryFilter,
        before: Option<PostId>,
        limit: u32,
    ) -> Answer<'_, anyhow::Result<Vec<PostView>>>;

    /// Picks newest first by (`picked_at`, post), those after the pick of post `before` in that order.
    fn picks(&self, before: Option<PostId>, limit: u32) -> Answer<'_, anyhow::Result<Vec<PickView>>>;

    /// A Discord server's picks, newest first, without those that are age-restricted: a feed reader asks nobody's age.
    /// `None` when the bot is not there.
    fn guild_picks(&self, guild: u64, limit: u32) -> Answer<'_, anyhow::Result<Option<Vec<PickView>>>>;

    /// Writes the owner's rating into the ledger; `None` takes it back. `score_visible`: the rater saw the score.
    /// Answers with the calibration that counts this rating; the refit goes on in the background.
    fn rate(
        &self,
        face: FaceId,
        judgement: Option<Judgement>,
        score_visible: bool,
    ) -> Answer<'_, Result<Calibration, RateError>>;

    /// Up to `n` faces that are worth a rating by the owner, none of `not`: skipped, or on the page already.
    fn ask(&self, n: usize, not: Vec<FaceId>) -> Answer<'_, anyhow::Result<Vec<Question>>>;

    /// The question for one face, rated or not.
    fn question(&self, face: FaceId) -> Answer<'_, anyhow::Result<Option<Question>>>;

    /// The picture whose boxes should be put right next; in that order the one that follows `after`.
    fn next_to_label(&self, after: Option<PictureId>) -> Answer<'_, anyhow::Result<Option<PictureId>>>;

    /// A picture with the boxes found and those saved.
    fn boxes(&self, picture: PictureId) -> Answer<'_, anyhow::Result<Option<BoxesView>>>;

    /// Keeps checked boxes as labels for the detector. `false`: there is no such picture.
    fn save_boxes(&self, picture: PictureId, labels: BoxLabels) -> Answer<'_, anyhow::Result<bool>>;

    /// How far the taste is. Asked on every page and poll, so keep it cheap.
    fn standing(&self) -> Answer<'_, anyhow::Result<Standing>>;

    fn taste(&self) -> Answer<'_, anyhow::Result<TasteView>>;

    /// Forgets a post, and its pick with it. `false`: there was none.
    fn remove(&self, post: PostId) -> Answer<'_, anyhow::Result<bool>>;

    /// The picture's preview: JPEG, oriented, at most 1280 pixels on the long side.
    fn picture(&self, id: PictureId) -> Answer<'_, anyhow::Result<Option<Media>>>;

    /// JPEG of the oriented picture, for the gallery (480–960 pixels on the long side look best).
    fn thumbnail(&self, id: PictureId) -> Answer<'_, anyhow::Result<Option<Bytes>>>;

    /// JPEG of a face's crop; `None` when it is no longer kept.
    fn crop(&self, face: FaceId) -> Answer<'_, anyhow::Result<Option<Bytes>>>;

    fn health(&self) -> Answer<'_, HealthView>;

    /// Prometheus text format.
    fn metrics(&self) -> String;
}

/// One uploaded file.
#[derive(Debug, Clone)]
pub struct Upload {
    /// The file's name, for people to recognise it by.
    pub title: Option<String>,
    /// Who made it, as the uploader says. The link is http or https.
    pub author: Author,
    /// Where the work is to be seen, http or https.
    pub link: Option<String>,
    pub bytes: Bytes,
}

/// Why an upload was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    #[error("the queue is full: try again in a moment")]
    Busy,
    #[error("the file is too large")]
    TooLarge,
    /// Not a picture we can read. `code` is stable, for machines; `message` says what is wrong and what to do.
    #[error("{message}")]
    Decode { code: &'static str, message: String },
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

/// Why a rating was not written.
#[derive(Debug, thiserror::Error)]
pub enum RateError {
    #[error("there is no such face")]
    NoSuchFace,
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

/// How far the taste is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub calibration: Calibration,
    /// Version in use; `None` before the first fit. A change means that scores moved.
    pub version: Option<TasteId>,
}

/// A picture's bytes and what they are, such as `image/png`.
#[derive(Debug, Clone)]
pub struct Media {
    pub content_type: &'static str,
    pub bytes: Bytes,
}

/// What `/healthz` says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HealthView {
    /// Whether the bot can do its work; decides the status code.
    pub ok: bool,
    pub version: String,
    /// The execution provider that really runs, such as `cpu` or `cuda`.
    pub provider: String,
    pub models: Vec<ModelView>,
    pub database_ok: bool,
    pub queue_depth: usize,
    pub queue_capacity: usize,
    /// What an operator should know, such as "auto: CUDA was not found, running on the CPU".
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelView {
    pub name: String,
    pub version: String,
}
