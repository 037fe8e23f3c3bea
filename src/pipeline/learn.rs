//! Ratings become tastes: fit, compare, promote, and let the desk look again.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::intake::blocking;
use super::step::StepError;
use super::tastes::CurrentTaste;
use super::{Pipeline, crash_point, near_duplicate_groups};
use crate::domain::{CALIBRATED_AT, Calibration, EMBEDDING_DIMS, PerceptualHash, Rater, Rating, Scope, TasteId};
use crate::store::{FittedTaste, StoreError};
use crate::taste::{Example, FitError, Incumbent, Promotion, Taste, challenge_upon};

/// Versions kept a scope.
const VERSIONS: u32 = 50;
/// How often the desk looks whether an hour has room for what it held back.
const HELD_BACK_EVERY: Duration = Duration::from_mins(1);

/// How often reactions on messages that show nothing are forgotten.
const PURGE_EVERY: Duration = Duration::from_hours(1);

/// Which scopes may have ratings that their taste has not seen.
#[derive(Debug, Default)]
pub(super) struct News {
    heard: Mutex<Heard>,
    wake: Notify,
}

#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Ratings came.
    pub(super) scopes: BTreeSet<Scope>,
    /// Something changed that may concern any scope: it is looked for.
    pub(super) anywhere: bool,
}

impl News {
    pub(super) fn of(&self, scopes: impl IntoIterator<Item = Scope>) {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).scopes.extend(scopes);
        self.wake.notify_one();
    }

    /// Ratings went with a post, or somebody's word on learning changed.
    pub(super) fn anywhere(&self) {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).anywhere = true;
        self.wake.notify_one();
    }

    pub(super) fn take(&self) -> Heard {
        std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) async fn come(&self) {
        self.wake.notified().await;
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
    /// Writes a rating into the ledger; the fit goes on in the background. Answers false when there is no such face.
    pub async fn rate(&self, rating: &Rating) -> Result<bool, StoreError> {
        let added = self.parts.store.add_rating(rating).await?;
        if added {
            metrics::counter!("mekiki_ratings_total").increment(1);
            self.heard_from(rating.scope, &rating.rater).await?;
        }
        Ok(added)
    }

    /// Ratings of this person came into the scope: its taste has something to learn, and so has the person's own.
    pub(super) async fn heard_from(&self, scope: Scope, rater: &Rater) -> Result<(), StoreError> {
        let mut own = None;
        if let Some(id) = rater.discord_id() {
            self.find_homes(Some(id)).await?;
            own = self.parts.store.person(id).await?.personal_taste.then_some(Scope::User(id));
        }
        self.ratings.of([scope].into_iter().chain(own));
        Ok(())
    }

    /// How many ratings stand that may be learnt from, and whether that is enough.
    pub async fn calibration(&self, scope: Scope) -> Result<Calibration, StoreError> {
        Ok(Calibration::from_ratings(self.learnable(scope).await?))
    }

    async fn learnable(&self, scope: Scope) -> Result<u32, StoreError> {
        if !self.may_learn(scope).await? {
            return Ok(0);
        }
        self.parts.store.learnable_ratings(scope, &self.parts.learn_from).await
    }

    /// A person has a taste of their own only when they asked for it.
    async fn may_learn(&self, scope: Scope) -> Result<bool, StoreError> {
        match scope {
            Scope::User(id) => Ok(self.parts.store.person(id).await?.personal_taste),
            Scope::Local | Scope::Guild(_) => Ok(true),
        }
    }

    /// Fits whenever ratings have come in, until stopped. Ratings that come during a fit are seen by the next. Also lets
    /// the desk pick what it held back for the hour's limit once there is room.
    pub async fn run_learning(self: Arc<Self>, stop: CancellationToken) {
        if let Err(error) = self.catch_up().await {
            tracing::error!(%error, "cannot tell whether there are new ratings");
        }
        let mut purge = tokio::time::interval(PURGE_EVERY);
        let mut tick = tokio::time::interval(HELD_BACK_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.ratings.come() => self.learn_news(&stop).await,
                _ = purge.tick() => {
                    if let Err(error) = self.store().purge_reactions(self.parts.clock.now()).await {
                        tracing::error!(%error, "reactions on messages that are gone could not be forgotten");
                    }
                }
                _ = tick.tick() => {
                    if let Err(error) = self.look_at_held_back().await {
                        tracing::error!(%error, "the desk could not look at what it had held back");
                    }
                }
            }
        }
    }

    /// Fits the scopes that have news, one after the other; one that fails does not keep the others from theirs.
    async fn learn_news(&self, stop: &CancellationToken) {
        let mut heard = self.ratings.take();
        if heard.anywhere {
            match self.scopes_with_news().await {
                Ok(scopes) => heard.scopes.extend(scopes),
                Err(error) => tracing::error!(%error, "cannot tell whether there are new ratings"),
            }
        }
        for scope in heard.scopes {
            if stop.is_cancelled() {
                return;
            }
            if let Err(error) = self.learn(scope).await {
                tracing::error!(%scope, %error, "no taste was fitted; the ratings are kept");
            }
        }
    }

    pub(super) async fn scopes_with_news(&self) -> Result<Vec<Scope>, StoreError> {
        let mut scopes = Vec::new();
        for scope in self.parts.store.scopes().await? {
            if self.has_news(scope).await? {
                scopes.push(scope);
            }
        }
        Ok(scopes)
    }

    /// Takes up what a stop may have cut off: fits, and the desk's second look after one.
    pub(super) async fn catch_up(&self) -> Result<(), StepError> {
        let news = self.scopes_with_news().await?;
        if !news.is_empty() {
            self.ratings.of(news);
        }
        for scope in self.parts.store.scopes().await? {
            if let Some(taste) = self.tastes.own(scope) {
                self.look_again(scope, taste.id).await?;
            }
        }
        Ok(())
    }

    /// Whether the newest fit has not seen what stands: ratings came just before a kill, with an import or with a wider
    /// `LEARN_FROM`, or went with a post.
    pub(super) async fn has_news(&self, scope: Scope) -> Result<bool, StoreError> {
        let store = &self.parts.store;
        let standing = self.learnable(scope).await?;
        // Without one in use, none was fitted yet, or the stored one cannot be read.
        let fitted = store.newest_taste(scope).await?.filter(|_| self.tastes.own(scope).is_some());
        let Some(fitted) = fitted else { return Ok(standing > 0) };
        if standing != fitted.fit.ratings || store.newest_line(scope).await? > fitted.fit.seen {
            return Ok(true);
        }
        // What a person's taste stands upon has moved on, or somebody wants to be forgotten there.
        Ok(match (scope, fitted.fit.upon) {
            (Scope::User(id), Some((home, ratings))) => {
                let (sources, rater) = (&self.parts.learn_from, Rater::discord(id));
                store.learnable_ratings_of_others(home, sources, &rater).await? != ratings
            }
            _ => false,
        })
    }

    /// What a person's own taste stands upon: that of the guild in which they rated most, as the others' ratings alone
    /// make it, or theirs would count twice. None where that would be uncalibrated.
    pub(super) async fn upon(&self, scope: Scope) -> Result<Option<Upon>, LearnError> {
        let Scope::User(person) = scope else { return Ok(None) };
        let Some(home) = self.tastes.home(person) else { return Ok(None) };
        let rater = Rater::discord(person);
        let others: Vec<Example> =
            self.rated(home).await?.into_iter().filter(|(by, _)| *by != rater).map(|r| r.1).collect();
        if others.len() < CALIBRATED_AT as usize {
            return Ok(None);
        }
        let ratings = others.len() as u32;
        let taste = blocking(move || Taste::fit(&others)).await?;
        Ok(Some(Upon { scope: home, ratings, taste: Arc::new(taste) }))
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
        let current = self.tastes.own(scope);
        let upon = self.upon(scope).await?;
        let prior = upon.as_ref().map(|u| u.taste.clone());
        let started = std::time::Instant::now();
        let (taste, promotion) = blocking(move || {
            let current = current.as_ref().map(|c| Incumbent { taste: &c.taste, by_hand: c.by_hand });
            challenge_upon(current, &examples, prior.as_ref())
        })
        .await?;
        metrics::histogram!("mekiki_fit_seconds").record(started.elapsed().as_secs_f64());
        let (held_out, incumbent) = promotion.held_out();
        let promoted = promotion.is_promoted();
        before_taste_is_kept();
        let id = store
            .add_taste(&FittedTaste {
                scope,
                fitted_at,
                ratings,
                seen,
                model: taste.to_bytes(),
                held_out: held_out.map(|h| (h.spearman, h.ratings)),
                incumbent_spearman: incumbent.map(|h| h.spearman),
                promoted,
                upon: upon.map(|u| (u.scope, u.ratings)),
            })
            .await?;
        tracing::info!(%scope, taste = id.0, ratings, fit.ms = started.elapsed().as_millis(), outcome = %promotion, "taste fitted");
        after_taste_is_kept();
        store.prune_tastes(scope, VERSIONS).await?;
        if promoted {
            // First the taste, then the look: a post that is being decided with the old one is found by the look, or
            // finds the new one itself.
            self.tastes.set(scope, Some(CurrentTaste { id, taste, by_hand: false }));
            if let Err(error) = self.look_again(scope, id).await {
                tracing::error!(%error, "the desk could not look again at what it had skipped");
            }
        }
        Ok(Learnt::Fitted { id, ratings, promotion })
    }

    /// Standing ratings that may be learnt from.
    pub async fn examples(&self, scope: Scope) -> Result<Vec<Example>, StoreError> {
        Ok(self.rated(scope).await?.into_iter().map(|(_, example)| example).collect())
    }

    /// The same, with who gave them.
    async fn rated(&self, scope: Scope) -> Result<Vec<(Rater, Example)>, StoreError> {
        if !self.may_learn(scope).await? {
            return Ok(Vec::new());
        }
        let mut rated = self.parts.store.rated_faces(scope, &self.parts.learn_from).await?;
        let all = rated.len();
        rated.retain(|r| r.features.embedding.len() == EMBEDDING_DIMS);
        if rated.len() < all {
            let left_aside = all - rated.len();
            tracing::warn!(%scope, left_aside, "rated faces that another embedder looked at teach nothing until their pictures come again");
        }
        let hashes: Vec<PerceptualHash> = rated.iter().map(|r| r.hash).collect();
        let groups = blocking(move || near_duplicate_groups(&hashes)).await;
        let raters: BTreeSet<Rater> = rated.iter().map(|r| r.rater.clone()).collect();
        let number: HashMap<Rater, u64> = raters.into_iter().zip(0..).collect();
        Ok(rated
            .into_iter()
            .zip(groups)
            .map(|(r, group)| {
                let (features, rater) = (Arc::new(r.features), number[&r.rater]);
                (r.rater, Example { rater, features, judgement: r.judgement, at: r.at, group, by_lot: r.by_lot })
            })
            .collect())
    }
}

/// What a taste stands upon.
pub(super) struct Upon {
    scope: Scope,
    ratings: u32,
    pub(super) taste: Arc<Taste>,
}

fn before_taste_is_kept() {
    crash_point!("rated");
}

fn after_taste_is_kept() {
    crash_point!("fitted");
}
