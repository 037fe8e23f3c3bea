//! The steps of one post after its claim. Each reads where the post stands, does one thing and commits it.

use image::RgbImage;

use super::intake::blocking;
use super::{Pipeline, crash_point};
use crate::domain::{
    Calibration, Candidate, Face, Features, Origin, PerceptualHash, PictureId, PostId, PostState, Score, Size,
};
use crate::fetch::FetchError;
use crate::samples::{RenderError, Scene};
use crate::store::{AnalysedPicture, BlobId, BlobKind, Blobs, Case, CroppedFace, Picture, StoreError, WorkItem};
use crate::vision::decode::{DecodeError, DecodeLimits, decode};
use crate::vision::{DEFAULT_SIDE, EngineError, Prepared, jpeg, perceptual_hash, thumbnail};

/// Long side of the preview that people look at, in pixels.
const PREVIEW_SIDE: u32 = 1280;
/// An analysis that was begun this often and never ended took the whole program down: it is not tried again.
const ATTEMPTS: u32 = 3;

/// Why a step did not succeed.
#[derive(Debug, thiserror::Error)]
pub(super) enum StepError {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error(transparent)]
    Draw(#[from] RenderError),
    #[error("the file is no longer here; hand it in again")]
    OriginalGone,
    #[error("the analysis of this picture stopped the program {ATTEMPTS} times; it will not be tried again")]
    Poison,
    #[error("the program made a mistake on this post and went on; the log says which")]
    Panicked,
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("the link has died, and its message cannot be asked for a new one now: {0}")]
    NoLink(String),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl StepError {
    /// Whether trying again can help.
    pub(super) fn is_retryable(&self) -> bool {
        match self {
            Self::Decode(_) | Self::Draw(_) | Self::OriginalGone | Self::Poison => false,
            Self::Fetch(error) => error.is_retryable(),
            Self::NoLink(_) | Self::Panicked | Self::Engine(_) | Self::Store(_) => true,
        }
    }

    /// Whether there was only no room: nothing was tried.
    pub(super) fn is_busy(&self) -> bool {
        matches!(self, Self::Engine(EngineError::Busy))
    }

    /// A name that does not change with the wording: those of [`DecodeError::code`], and ours.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Decode(error) => error.code(),
            Self::Fetch(error) => error.code(),
            Self::NoLink(_) => "link_gone",
            Self::OriginalGone => "original_gone",
            Self::Poison => "poison",
            Self::Engine(_) => "model",
            Self::Draw(_) | Self::Panicked | Self::Store(_) => "internal",
        }
    }
}

impl Pipeline {
    /// Takes one step; answers the state the post is in after it, `None` when the post is gone.
    pub(super) async fn step(&self, post: PostId) -> Result<Option<PostState>, StepError> {
        let store = &self.parts.store;
        let Some(item) = store.work_item(post).await? else { return Ok(None) };
        match item.state {
            PostState::Claimed => self.fetch(&item).await?,
            PostState::Fetched => self.analyse(&item).await?,
            PostState::Analysed => self.decide(&item).await?,
            PostState::Decided => {
                store.publish_post(post, self.parts.clock.now()).await?;
                after_publishing();
            }
            PostState::Published | PostState::Failed => return Ok(Some(item.state)),
        }
        Ok(store.work_item(post).await?.map(|item| item.state))
    }

    /// The bytes are in the spool under their hash, and the post knows its picture.
    async fn fetch(&self, item: &WorkItem) -> Result<(), StepError> {
        let blobs = self.parts.blobs.clone();
        let picture = match &item.origin {
            Origin::Spool { picture } => *picture,
            Origin::Link { url } => {
                if let Some(known) = self.parts.store.picture_of_sibling(item.post).await? {
                    self.parts.store.set_fetched(item.post, known).await?;
                    return Ok(());
                }
                let Some(bytes) = self.download(item.post, url).await? else { return Ok(()) };
                blocking(move || blobs.put(BlobKind::Spool, &bytes)).await?
            }
            &Origin::Drawing { seed } => {
                blocking(move || -> Result<BlobId, StepError> {
                    Ok(blobs.put(BlobKind::Spool, &Scene::new(seed).png()?)?)
                })
                .await?
            }
        };
        self.parts.store.set_fetched(item.post, picture).await?;
        after_fetch();
        Ok(())
    }

    pub(super) async fn analyse(&self, item: &WorkItem) -> Result<(), StepError> {
        let parts = &self.parts;
        let picture = item.picture.ok_or(StepError::OriginalGone)?;
        if item.attempts >= ATTEMPTS {
            return Err(StepError::Poison);
        }
        // Two posts of the same picture: the second finds what the first saw.
        let _alone = self.looking.alone(picture).await;
        parts.store.begin_attempt(item.post).await?;
        if parts.store.picture(picture).await?.is_none() {
            let blobs = parts.blobs.clone();
            let bytes = blocking(move || blobs.get(BlobKind::Spool, picture)).await?;
            match bytes {
                Some(bytes) => {
                    let analysed = self.look(picture, bytes).await?;
                    if !parts.store.set_analysed(item.post, &analysed).await? {
                        // The post was removed while the models looked: nothing of its picture is kept.
                        self.drop_crops(&analysed).await?;
                    }
                }
                // Another post with the same picture may have been quicker.
                None if parts.store.picture(picture).await?.is_some() => {
                    parts.store.set_analysed_before(item.post).await?;
                }
                None => return Err(StepError::OriginalGone),
            }
        } else {
            parts.store.set_analysed_before(item.post).await?;
        }
        after_analysis();
        Ok(self.drop_original(picture).await?)
    }

    /// Removes the files of an analysis that was not written, but those that other pictures share.
    async fn drop_crops(&self, analysed: &AnalysedPicture) -> Result<(), StoreError> {
        let files: Vec<BlobId> = analysed.faces.iter().map(|f| f.crop).chain([analysed.picture.preview]).collect();
        for file in self.parts.store.unreferenced(&files).await? {
            self.parts.blobs.remove(BlobKind::Crop, file)?;
        }
        Ok(())
    }

    /// Decode → detect → embed, and the crops on disk.
    pub(super) async fn look(&self, id: PictureId, bytes: Vec<u8>) -> Result<AnalysedPicture, StepError> {
        let parts = &self.parts;
        let limits = parts.limits;
        let (prepared, seen) = blocking(move || prepare(&bytes, &limits)).await?;
        let analysis = parts.engine.analyse(prepared).await?;
        let picture = Picture {
            id,
            size: seen.size,
            format: seen.format.to_owned(),
            hash: seen.hash,
            safety: analysis.safety,
            features: analysis.whole,
            preview: BlobId::of(&seen.preview),
            models: parts.models.clone(),
            analysed_at: parts.clock.now(),
        };
        let (blobs, faces, crops) = (parts.blobs.clone(), analysis.faces, analysis.crops);
        let faces = blocking(move || keep(faces, &crops, &seen.preview, &blobs)).await?;
        Ok(AnalysedPicture { picture, faces })
    }

    /// Scores the faces, lets the desk decide and claims the pick.
    async fn decide(&self, item: &WorkItem) -> Result<(), StepError> {
        let parts = &self.parts;
        // People may have reacted before it was known what the message shows.
        if let Some(message) = item.message {
            self.settle_reactions(message).await?;
        }
        loop {
            let case = self.case(item).await?.ok_or(StepError::OriginalGone)?;
            parts.store.decide_posts(&[case], &parts.rules, parts.clock.now()).await?;
            after_decision();
            // A fit that came meanwhile has not seen this verdict.
            if self.taste(case.scope).map(|t| t.id) == case.taste {
                return Ok(());
            }
        }
    }

    /// What the desk is asked about a post; `None` when its picture is not known.
    pub(super) async fn case(&self, item: &WorkItem) -> Result<Option<Case>, StoreError> {
        let (store, scope) = (&self.parts.store, item.scope);
        let Some(id) = item.picture else { return Ok(None) };
        let Some(picture) = store.picture(id).await? else { return Ok(None) };
        let faces = store.faces(id).await?;
        let taste = self.taste(scope);
        let best = faces
            .iter()
            .map(|row| score_or_neutral(taste.as_deref(), &row.face.features))
            .max_by(|a, b| a.mean().total_cmp(&b.mean()));
        Ok(Some(Case {
            scope,
            post: item.post,
            candidate: candidate(&picture, best, item),
            hash: picture.hash,
            taste: taste.map(|t| t.id),
        }))
    }
}

fn after_fetch() {
    crash_point!("fetched");
}

fn after_analysis() {
    crash_point!("analysed");
}

fn after_decision() {
    crash_point!("decided");
}

fn after_publishing() {
    crash_point!("published");
}

fn candidate(picture: &Picture, best: Option<Score>, item: &WorkItem) -> Candidate {
    Candidate {
        picture: picture.id,
        best,
        marked_restricted: item.marked_restricted,
        restricted_probability: picture.safety.restricted_probability(),
        over_age_gate: picture.safety.is_restricted(),
        asked: item.asked,
    }
}

fn score_or_neutral(taste: Option<&super::CurrentTaste>, features: &Features) -> Score {
    taste.map_or_else(|| Score::new(3.0, 2.0, Calibration::from_ratings(0)), |t| t.taste.score(features))
}

/// What is known of a picture before the models look.
struct Seen {
    size: Size,
    format: &'static str,
    hash: PerceptualHash,
    /// JPEG.
    preview: Vec<u8>,
}

fn prepare(bytes: &[u8], limits: &DecodeLimits) -> Result<(Prepared, Seen), DecodeError> {
    let started = std::time::Instant::now();
    let decoded = decode(bytes, limits)?;
    metrics::histogram!("mekiki_decode_seconds").record(started.elapsed().as_secs_f64());
    tracing::debug!(image.bytes = bytes.len(), decode.ms = started.elapsed().as_secs_f64() * 1e3, "picture decoded");
    let image = decoded.image;
    let seen = Seen {
        size: Size::new(image.width(), image.height()),
        format: decoded.format.as_str(),
        hash: perceptual_hash(&image),
        preview: jpeg(&thumbnail(&image, PREVIEW_SIDE)),
    };
    Ok((Prepared::new(image, DEFAULT_SIDE), seen))
}

/// Writes the files: crops (224×224, in the order of `faces`) and preview.
fn keep(faces: Vec<Face>, crops: &[RgbImage], preview: &[u8], blobs: &Blobs) -> Result<Vec<CroppedFace>, StoreError> {
    blobs.put(BlobKind::Crop, preview)?;
    faces
        .into_iter()
        .zip(crops)
        .map(|(face, crop)| Ok(CroppedFace { face, crop: blobs.put(BlobKind::Crop, &jpeg(crop))? }))
        .collect()
}
