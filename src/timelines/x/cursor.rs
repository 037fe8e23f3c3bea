//! How far a timeline was read. A visit walks from the newest page back to what was known; only its end moves `since`.

use serde::{Deserialize, Serialize};

use super::ask::Window;
use super::wire::Whole;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Cursor {
    /// All up to this one is known.
    pub(super) since: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) walk: Option<Walk>,
}

/// A visit that is not at its end.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Walk {
    pub(super) newest: u64,
    pub(super) oldest: u64,
    /// For lists, which know no `until_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) token: Option<String>,
    /// Read so far.
    pub(super) pages: u32,
}

/// How a feed can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paging {
    /// `since_id`, `until_id`: also a cursor that lay for days leads on.
    ByIds,
    /// Pages only, from the newest on.
    ByToken,
}

impl Cursor {
    /// What cannot be read begins anew.
    pub(super) fn read(text: Option<&str>) -> Self {
        let Some(text) = text else { return Self::default() };
        serde_json::from_str(text).unwrap_or_else(|error| {
            tracing::warn!(%error, "a cursor of X cannot be read: its timeline begins with its newest page");
            Self::default()
        })
    }

    pub(super) fn write(&self) -> String {
        serde_json::to_string(self).expect("numbers and text become JSON")
    }

    /// The page that comes next.
    pub(super) fn window(&self, most: u32, paging: Paging) -> Window {
        let walk = self.walk.as_ref();
        match paging {
            Paging::ByIds => Window { most, since: self.since, until: walk.map(|walk| walk.oldest), token: None },
            Paging::ByToken => Window { most, token: walk.and_then(|walk| walk.token.clone()), ..Window::default() },
        }
    }

    /// Where that page leaves the walk: the next cursor, and whether there is more. `pages`: how many a visit may have.
    #[must_use]
    pub(super) fn after(&self, page: &Whole, paging: Paging, pages: u32) -> (Self, bool) {
        let ids = || page.posts.iter().filter_map(super::wire::Post::number);
        let before = self.walk.clone().unwrap_or_default();
        let newest = ids().max().unwrap_or(0).max(before.newest);
        let known = |oldest: u64| self.since.is_some_and(|since| oldest <= since);
        let on = match (ids().min(), &page.meta.next_token, self.since) {
            // The first visit is one page.
            (_, _, None) | (None, _, _) | (_, None, _) => None,
            (Some(oldest), ..) if paging == Paging::ByToken && known(oldest) => None,
            // A page that does not lead further back would be read for ever.
            (Some(oldest), ..) if before.oldest != 0 && oldest >= before.oldest => None,
            (Some(oldest), Some(token), Some(_)) => {
                let token = (paging == Paging::ByToken).then(|| token.clone());
                Some(Walk { newest, oldest, token, pages: before.pages + 1 })
            }
        };
        match on {
            Some(walk) if walk.pages < pages => (Self { since: self.since, walk: Some(walk) }, true),
            cut => {
                if cut.is_some() {
                    tracing::info!(pages, "a timeline of X had more than a visit may cost: what is older is left out");
                }
                (Self { since: Some(newest).max(self.since).filter(|since| *since > 0), walk: None }, false)
            }
        }
    }
}
