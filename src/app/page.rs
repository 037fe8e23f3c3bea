//! The page's view of the pipeline: the local owner's scope.

use std::sync::Arc;

use axum::body::Bytes;
use metrics_exporter_prometheus::PrometheusHandle;

use super::timelines;
use crate::discord;
use crate::domain::{
    BoxLabels, Calibration, FaceId, Judgement, PictureId, PostId, PostSource, Rater, Rating, RatingSource, Scope,
    Target,
};
use crate::pipeline::SubmitError as IntakeError;
use crate::pipeline::{
    AskFor, BoxesView, Clock, GalleryFilter, PickView, Pipeline, PostView, Question, Submission, SystemClock,
    TasteView, WAITING_POSTS,
};
use crate::vision::decode::{DecodeError, DecodeLimits, decode};
use crate::vision::{jpeg, thumbnail};
use crate::web::{Answer, Backend, HealthView, Media, ModelView, RateError, Standing, SubmitError, Upload};

/// Long side of the gallery's pictures.
const THUMBNAIL_SIDE: u32 = 720;

/// Serves the page from the pipeline.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) provider: String,
    pub(super) models: Vec<ModelView>,
    pub(super) notes: Vec<String>,
    pub(super) discord: Option<Arc<discord::Status>>,
    pub(super) metrics: PrometheusHandle,
}

const SCOPE: Scope = Scope::Local;

impl Page {
    /// The newest message of the last day that Discord did not take, with the reason and what to do.
    async fn refused_on_discord(&self) -> Option<String> {
        self.discord.as_ref()?;
        let since = self.pipeline.now() - time::Duration::DAY;
        let failed = self.pipeline.failed_sends(None, since).await.ok()?;
        let newest = failed.first()?;
        let why = newest.error.as_deref().unwrap_or_default();
        Some(format!("Discord: {} message(s) of the last day could not be sent; the newest, since {why}", failed.len()))
    }
}

impl Page {
    /// Services that are let alone, each with the reason and until when.
    async fn timelines_in_trouble(&self) -> Vec<String> {
        let states = self.pipeline.source_states().await.unwrap_or_default();
        let paused = states.into_iter().filter(|state| state.feeds > 0).filter_map(|state| state.pause);
        paused.filter(|pause| pause.code != "wait").map(|pause| timelines::trouble(&pause)).collect()
    }
}

#[expect(clippy::disallowed_methods, reason = "the composition root owns the randomness")]
fn seed() -> u64 {
    rand::random()
}

impl Backend for Page {
    fn submit(&self, upload: Upload) -> Answer<'_, Result<PostId, SubmitError>> {
        Box::pin(async move {
            let submission = Submission {
                source: PostSource::Upload,
                bytes: upload.bytes.into(),
                title: upload.title,
                author: upload.author,
                link: upload.link,
                posted_at: None,
            };
            self.pipeline.submit(submission).await.map_err(|error| match error {
                IntakeError::Busy => SubmitError::Busy,
                IntakeError::Decode(DecodeError::TooManyBytes { .. }) => SubmitError::TooLarge,
                IntakeError::Decode(error) => SubmitError::Decode { code: error.code(), message: error.to_string() },
                IntakeError::Store(error) => SubmitError::Internal(error.into()),
            })
        })
    }

    fn post(&self, id: PostId) -> Answer<'_, anyhow::Result<Option<PostView>>> {
        Box::pin(async move { Ok(self.pipeline.post_view(SCOPE, &Rater::owner(), id).await?) })
    }

    fn gallery(
        &self,
        filter: GalleryFilter,
        before: Option<PostId>,
        limit: u32,
    ) -> Answer<'_, anyhow::Result<Vec<PostView>>> {
        Box::pin(async move { Ok(self.pipeline.gallery(SCOPE, &Rater::owner(), filter, before, limit).await?) })
    }

    fn picks(&self, before: Option<PostId>, limit: u32) -> Answer<'_, anyhow::Result<Vec<PickView>>> {
        Box::pin(async move { Ok(self.pipeline.pick_views(SCOPE, &Rater::owner(), before, limit).await?) })
    }

    fn guild_picks(&self, guild: u64, limit: u32) -> Answer<'_, anyhow::Result<Option<Vec<PickView>>>> {
        Box::pin(async move {
            if !self.pipeline.guilds().await?.contains(&guild) {
                return Ok(None);
            }
            let mut open = Vec::new();
            for pick in self.pipeline.pick_views(Scope::Guild(guild), &Rater::owner(), None, limit).await? {
                if !self.pipeline.is_age_restricted(pick.post.id).await? {
                    open.push(pick);
                }
            }
            Ok(Some(open))
        })
    }

    fn rate(
        &self,
        face: FaceId,
        judgement: Option<Judgement>,
        score_visible: bool,
    ) -> Answer<'_, Result<Calibration, RateError>> {
        Box::pin(async move {
            let rating = Rating {
                scope: SCOPE,
                rater: Rater::owner(),
                target: Target::Face(face),
                judgement,
                source: RatingSource::Local,
                at: SystemClock.now(),
                score_visible,
            };
            if !self.pipeline.rate(&rating).await.map_err(anyhow::Error::from)? {
                return Err(RateError::NoSuchFace);
            }
            Ok(self.pipeline.calibration(SCOPE).await.map_err(anyhow::Error::from)?)
        })
    }

    fn ask(&self, n: usize, not: Vec<FaceId>) -> Answer<'_, anyhow::Result<Vec<Question>>> {
        let ask = AskFor { questions: n, not, seed: seed() };
        Box::pin(async move { Ok(self.pipeline.ask_next(SCOPE, &Rater::owner(), ask).await?) })
    }

    fn question(&self, face: FaceId) -> Answer<'_, anyhow::Result<Option<Question>>> {
        Box::pin(async move { Ok(self.pipeline.question(SCOPE, &Rater::owner(), face).await?) })
    }

    fn next_to_label(&self, after: Option<PictureId>) -> Answer<'_, anyhow::Result<Option<PictureId>>> {
        Box::pin(async move { Ok(self.pipeline.next_to_label(after).await?) })
    }

    fn boxes(&self, picture: PictureId) -> Answer<'_, anyhow::Result<Option<BoxesView>>> {
        Box::pin(async move { Ok(self.pipeline.boxes_view(SCOPE, &Rater::owner(), picture).await?) })
    }

    fn save_boxes(&self, picture: PictureId, labels: BoxLabels) -> Answer<'_, anyhow::Result<bool>> {
        Box::pin(async move { Ok(self.pipeline.save_boxes(picture, labels, Rater::owner()).await?) })
    }

    fn standing(&self) -> Answer<'_, anyhow::Result<Standing>> {
        Box::pin(async move {
            let version = self.pipeline.taste(SCOPE).map(|t| t.id);
            Ok(Standing { calibration: self.pipeline.calibration(SCOPE).await?, version })
        })
    }

    fn taste(&self) -> Answer<'_, anyhow::Result<TasteView>> {
        Box::pin(async move { Ok(self.pipeline.taste_view(SCOPE, &Rater::owner()).await?) })
    }

    fn remove(&self, post: PostId) -> Answer<'_, anyhow::Result<bool>> {
        Box::pin(async move { Ok(self.pipeline.remove(post).await?) })
    }

    fn picture(&self, id: PictureId) -> Answer<'_, anyhow::Result<Option<Media>>> {
        Box::pin(async move {
            let preview = self.pipeline.preview(id).await?;
            Ok(preview.map(|bytes| Media { content_type: "image/jpeg", bytes: bytes.into() }))
        })
    }

    fn thumbnail(&self, id: PictureId) -> Answer<'_, anyhow::Result<Option<Bytes>>> {
        Box::pin(async move {
            let Some(preview) = self.pipeline.preview(id).await? else { return Ok(None) };
            let small = tokio::task::spawn_blocking(move || -> Result<Vec<u8>, DecodeError> {
                let picture = decode(&preview, &DecodeLimits::default())?.image;
                if picture.width().max(picture.height()) <= THUMBNAIL_SIDE {
                    return Ok(preview);
                }
                Ok(jpeg(&thumbnail(&picture, THUMBNAIL_SIDE)))
            });
            Ok(Some(small.await??.into()))
        })
    }

    fn crop(&self, face: FaceId) -> Answer<'_, anyhow::Result<Option<Bytes>>> {
        Box::pin(async move { Ok(self.pipeline.crop(face).await?.map(Bytes::from)) })
    }

    fn health(&self) -> Answer<'_, HealthView> {
        Box::pin(async move {
            let pending = self.pipeline.store().pending_posts().await;
            let database_ok = pending.is_ok();
            let discord = self.discord.as_ref().and_then(|status| status.note());
            let refused = self.refused_on_discord().await;
            let timelines = self.timelines_in_trouble().await;
            HealthView {
                ok: database_ok,
                version: env!("CARGO_PKG_VERSION").into(),
                provider: self.provider.clone(),
                models: self.models.clone(),
                database_ok,
                queue_depth: pending.unwrap_or(0) as usize,
                queue_capacity: WAITING_POSTS as usize,
                notes: self
                    .notes
                    .iter()
                    .cloned()
                    .chain(discord.map(str::to_owned))
                    .chain(refused)
                    .chain(timelines)
                    .collect(),
            }
        })
    }

    fn metrics(&self) -> String {
        self.metrics.run_upkeep();
        self.metrics.render()
    }
}
