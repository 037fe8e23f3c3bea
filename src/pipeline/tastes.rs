//! The tastes in use, by scope; which versions there are, and going back to one.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::Pipeline;
use crate::domain::{Scope, TasteId};
use crate::store::{StoreError, TasteRow};
use crate::taste::Taste;

/// The version in use.
#[derive(Debug, Clone)]
pub struct CurrentTaste {
    pub id: TasteId,
    pub taste: Taste,
    /// Somebody chose it.
    pub by_hand: bool,
}

/// The versions in use, by scope.
#[derive(Debug, Default)]
pub(super) struct Tastes(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    in_use: HashMap<Scope, Arc<CurrentTaste>>,
    /// Of each person the guild in which they said most.
    homes: HashMap<u64, Scope>,
}

impl Tastes {
    /// The scope's own.
    pub(super) fn own(&self, scope: Scope) -> Option<Arc<CurrentTaste>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).in_use.get(&scope).cloned()
    }

    fn get(&self, scope: Scope) -> Option<Arc<CurrentTaste>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let home = match scope {
            Scope::User(id) => known.homes.get(&id),
            Scope::Local | Scope::Guild(_) => None,
        };
        known.in_use.get(&scope).or_else(|| known.in_use.get(home?)).cloned()
    }

    pub(super) fn set(&self, scope: Scope, taste: Option<CurrentTaste>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match taste {
            Some(taste) => known.in_use.insert(scope, Arc::new(taste)),
            None => known.in_use.remove(&scope),
        };
    }

    pub(super) fn home(&self, person: u64) -> Option<Scope> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).homes.get(&person).copied()
    }

    fn set_homes(&self, person: Option<u64>, homes: Vec<(u64, Scope)>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match person {
            Some(person) => _ = known.homes.remove(&person),
            None => known.homes.clear(),
        }
        known.homes.extend(homes);
    }
}

impl Pipeline {
    /// The taste in use. A person who has none of their own has that of the guild in which they rated most; who rated
    /// nowhere, and whose guild has none, has none: nothing is made up.
    pub fn taste(&self, scope: Scope) -> Option<Arc<CurrentTaste>> {
        self.tastes.get(scope)
    }

    /// Uses no taste until the next fit; what is in the database is dealt with already.
    pub(super) fn drop_taste(&self, scope: Scope) {
        self.tastes.set(scope, None);
    }

    /// Reads the versions in use of all scopes.
    pub async fn load_tastes(&self) -> Result<(), StoreError> {
        self.find_homes(None).await?;
        for scope in self.store().scopes().await? {
            self.load_taste(scope).await?;
        }
        Ok(())
    }

    /// Looks again where one person, or each, rated most.
    pub(super) async fn find_homes(&self, person: Option<u64>) -> Result<(), StoreError> {
        self.tastes.set_homes(person, self.store().home_guilds(person).await?);
        Ok(())
    }

    /// Reads the version in use from the database. A version that this program cannot read is left aside: the next fit
    /// replaces it.
    pub async fn load_taste(&self, scope: Scope) -> Result<(), StoreError> {
        let row = self.store().current_taste(scope).await?;
        let taste = row.and_then(|row| match Taste::from_bytes(&row.fit.model) {
            Ok(taste) => Some(CurrentTaste { id: row.id, taste, by_hand: row.by_hand }),
            Err(error) => {
                tracing::warn!(taste = row.id.0, %error, "the taste in use cannot be read; it will be fitted anew");
                None
            }
        });
        self.tastes.set(scope, taste);
        Ok(())
    }

    /// The newest versions of a scope's taste, newest first.
    pub async fn taste_versions(&self, scope: Scope, limit: u32) -> Result<Vec<TasteRow>, StoreError> {
        self.store().tastes(scope, limit).await
    }
}
