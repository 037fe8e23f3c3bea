//! Ratings become tastes: fit, compare, promote, and let the desk look again.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use time::Duration;
use tokio_util::sync::CancellationToken;

use super::intake::blocking;
use super::step::StepError;
use super::{Pipeline, crash_point, near_duplicate_groups};
use crate::domain::{Calibration, PerceptualHash, Rating, Scope, TasteId, Verdict};
use crate::store::{FittedTaste, StoreError};
use crate::taste::{Example, FitError, Promotion, Taste, challenge};

/// Posts older than this are not looked at again when the taste changes.
const LOOK_BACK: Duration = Duration::days(7);
/// Verdicts written in one transaction: each commit waits for the disk.
const DECIDED_AT_ONCE: usize = 100;
/// Versions kept a scope.
const VERSIONS: u32 = 50;

/// The version in use.
#[derive(Debug, Clone)]
pub struct CurrentTaste {
    pub id: TasteId,
    pub taste: Taste,
}

/// The versions in use, by scope.
#[derive(Debug, Default)]
pub(super) struct Tastes(RwLock<HashMap<Scope, Arc<CurrentTaste>>>);

impl Tastes {
    fn get(&self, scope: Scope) -> Option<Arc<CurrentTaste>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&scope).cloned()
    }

    fn set(&self, scope: Scope, taste: Option<CurrentTaste>) {
        let mut tastes = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match taste {
            Some(taste) => tastes.insert(scope, Arc::new(taste)),
            None => tastes.remove(&scope),
        };
    }
}

/// What a fit came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Learnt {
    /// No rating stands: there is nothing to learn from, and no taste.
    Nothing,
    Fitted {
        id: TasteId,
        ratings: u32,
        promotion: Promotion,
    },
}

/// Why no taste was fitted.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    #[error(transparent)]
    Fit(#[from] FitError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Pipeline {
    /// The taste in use.
    pub fn taste(&self, scope: Scope) -> Option<Arc<CurrentTaste>> {
        self.tastes.get(scope)
    }

    /// Reads the version in use from the database. A version that this program cannot read is left aside: the next fit
    /// replaces it.
    pub async fn load_taste(&self, scope: Scope) -> Result<(), StoreError> {
        let row = self.parts.store.current_taste(scope).await?;
        let taste = row.and_then(|row| match Taste::from_bytes(&row.fit.model) {
            Ok(taste) => Some(CurrentTaste { id: row.id, taste }),
            Err(error) => {
                tracing::warn!(taste = row.id.0, %error, "the taste in use cannot be read; it will be fitted anew");
                None
            }
        });
        self.tastes.set(scope, taste);
        Ok(())
    }

    /// Writes a rating into the ledger; the fit goes on in the background. Answers false when there is no such face.
    pub async fn rate(&self, rating: &Rating) -> Result<bool, StoreError> {
        let added = self.parts.store.add_rating(rating).await?;
        if added {
            metrics::counter!("mekiki_ratings_total").increment(1);
            self.ratings.notify_one();
        }
        Ok(added)
    }

    /// How many ratings stand, and whether that is enough.
    pub async fn calibration(&self, scope: Scope) -> Result<Calibration, StoreError> {
        Ok(Calibration::from_ratings(self.parts.store.learnable_ratings(scope, &self.parts.learn_from).await?))
    }

    /// Fits whenever ratings have come in, until stopped. Ratings that come during a fit are seen by the next.
    pub async fn run_learning(self: Arc<Self>, stop: CancellationToken) {
        if let Err(error) = self.catch_up(Scope::Local).await {
            tracing::error!(%error, "cannot tell whether there are new ratings");
        }
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.ratings.notified() => {}
            }
            if let Err(error) = self.learn(Scope::Local).await {
                tracing::error!(%error, "no taste was fitted; the ratings are kept");
            }
        }
    }

    /// Takes up what a stop may have cut off: a fit, or the desk's second look after one.
    pub(super) async fn catch_up(&self, scope: Scope) -> Result<(), StepError> {
        if self.has_news(scope).await? {
            self.ratings.notify_one();
        }
        match self.taste(scope) {
            Some(taste) => self.look_again(scope, taste.id).await,
            None => Ok(()),
        }
    }

    /// Whether the newest fit has not seen what stands: ratings came just before a kill, with an import or with a wider
    /// `LEARN_FROM`, or went with a post.
    pub(super) async fn has_news(&self, scope: Scope) -> Result<bool, StoreError> {
        let store = &self.parts.store;
        let standing = store.learnable_ratings(scope, &self.parts.learn_from).await?;
        // Without one in use, none was fitted yet, or the stored one cannot be read.
        let fitted = store.newest_taste(scope).await?.filter(|_| self.taste(scope).is_some());
        let Some(fitted) = fitted else { return Ok(standing > 0) };
        Ok(standing != fitted.fit.ratings || store.newest_line(scope).await? > fitted.fit.seen)
    }

    /// One fit: a new version, promoted unless it ranks the newest held-out ratings worse; then the desk looks again.
    pub async fn learn(&self, scope: Scope) -> Result<Learnt, LearnError> {
        let store = &self.parts.store;
        let fitted_at = self.parts.clock.now();
        // Read first: a line that comes between is news to the next fit.
        let seen = store.newest_line(scope).await?;
        let examples = self.examples(scope).await?;
        if examples.is_empty() {
            store.clear_tastes(scope).await?;
            self.tastes.set(scope, None);
            return Ok(Learnt::Nothing);
        }
        let ratings = examples.len() as u32;
        let current = self.taste(scope);
        let started = std::time::Instant::now();
        let (taste, promotion) = blocking(move || challenge(current.as_ref().map(|c| &c.taste), &examples)).await?;
        metrics::histogram!("mekiki_fit_seconds").record(started.elapsed().as_secs_f64());
        let (held_out, incumbent) = match &promotion {
            Promotion::Promoted { held_out } => (*held_out, None),
            Promotion::Kept { challenger, current } => (Some(*challenger), Some(current.spearman)),
        };
        let promoted = incumbent.is_none();
        before_taste_is_kept();
        let id = store
            .add_taste(&FittedTaste {
                scope,
                fitted_at,
                ratings,
                seen,
                model: taste.to_bytes(),
                held_out: held_out.map(|h| (h.spearman, h.ratings)),
                incumbent_spearman: incumbent,
            })
            .await?;
        tracing::info!(taste = id.0, ratings, fit.ms = started.elapsed().as_millis(), outcome = %promotion, "taste fitted");
        after_taste_is_kept();
        store.prune_tastes(scope, VERSIONS).await?;
        if promoted {
            // First the taste, then the look: a post that is being decided with the old one is found by the look, or
            // finds the new one itself.
            self.tastes.set(scope, Some(CurrentTaste { id, taste }));
            if let Err(error) = self.look_again(scope, id).await {
                tracing::error!(%error, "the desk could not look again at what it had skipped");
            }
        }
        Ok(Learnt::Fitted { id, ratings, promotion })
    }

    /// Standing ratings that may be learnt from.
    pub async fn examples(&self, scope: Scope) -> Result<Vec<Example>, StoreError> {
        let mut rated = self.parts.store.rated_faces(scope).await?;
        rated.retain(|r| self.parts.learn_from.contains(&r.source));
        let hashes: Vec<PerceptualHash> = rated.iter().map(|r| r.hash).collect();
        let groups = blocking(move || near_duplicate_groups(&hashes)).await;
        Ok(rated
            .into_iter()
            .zip(groups)
            .map(|(r, group)| Example { features: Arc::new(r.features), judgement: r.judgement, at: r.at, group })
            .collect())
    }

    /// Decides again on recent posts whose skip this taste may change.
    pub(super) async fn look_again(&self, scope: Scope, taste: TasteId) -> Result<(), StepError> {
        let store = &self.parts.store;
        let since = self.parts.clock.now() - LOOK_BACK;
        let skipped = store.skipped_by_other_taste(scope, Some(taste), since).await?;
        for posts in skipped.chunks(DECIDED_AT_ONCE) {
            let mut cases = Vec::with_capacity(posts.len());
            for &post in posts {
                if let Some(item) = store.work_item(post).await?
                    && let Some(case) = self.case(&item).await?
                {
                    cases.push(case);
                }
            }
            let verdicts = store.decide_posts(&cases, &self.parts.rules, self.parts.clock.now()).await?;
            if verdicts.contains(&Some(Verdict::Repost)) {
                self.work.notify_one();
            }
        }
        Ok(())
    }
}

fn before_taste_is_kept() {
    crash_point!("rated");
}

fn after_taste_is_kept() {
    crash_point!("fitted");
}
