//! The desk's second looks: after a fit, and when an hour has room again.

use time::Duration;

use super::Pipeline;
use super::step::StepError;
use crate::domain::{DeskRules, PostId, Scope, TasteId};
use crate::store::StoreError;

/// Posts older than this are not looked at again.
const LOOK_BACK: Duration = Duration::days(7);
/// Verdicts written in one transaction: each commit waits for the disk.
const DECIDED_AT_ONCE: usize = 100;

impl Pipeline {
    /// The rules that the desk goes by in a scope.
    pub async fn desk_rules(&self, scope: Scope) -> Result<DeskRules, StoreError> {
        self.store().desk_rules(scope, &self.parts.rules).await
    }

    /// Decides again on recent posts whose skip this taste may change.
    pub(super) async fn look_again(&self, scope: Scope, taste: TasteId) -> Result<(), StepError> {
        let since = self.parts.clock.now() - LOOK_BACK;
        let skipped = self.store().skipped_by_other_taste(scope, Some(taste), since).await?;
        self.decide_again(&skipped).await
    }

    /// Decides again on what was only held back for the hour's limit, best first, where the hour has room.
    pub(super) async fn look_at_held_back(&self) -> Result<(), StepError> {
        let store = self.store();
        let now = self.parts.clock.now();
        for scope in store.scopes_held_back(now - LOOK_BACK).await? {
            let rules = self.desk_rules(scope).await?;
            let posts = store.held_back(scope, rules.picks_per_hour, now, now - LOOK_BACK).await?;
            self.decide_again(&posts).await?;
        }
        Ok(())
    }

    async fn decide_again(&self, posts: &[PostId]) -> Result<(), StepError> {
        let store = self.store();
        for posts in posts.chunks(DECIDED_AT_ONCE) {
            let mut cases = Vec::with_capacity(posts.len());
            for &post in posts {
                if let Some(item) = store.work_item(post).await?
                    && let Some(case) = self.case(&item).await?
                {
                    cases.push(case);
                }
            }
            let verdicts = store.decide_posts(&cases, &self.parts.rules, self.parts.clock.now()).await?;
            if verdicts.iter().flatten().any(|verdict| verdict.is_pick()) {
                self.work.notify_one();
            }
        }
        Ok(())
    }
}
