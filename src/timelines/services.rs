//! The services that are set up, asked at once: what commands see of them.

use std::sync::Arc;

use url::Url;

use super::{Feed, Timeline, TimelineError};
use crate::domain::{Account, PostSource};
use crate::pipeline::{AskError, AskedService, Money, Services};

/// One timeline a service. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Timelines {
    all: Vec<Arc<dyn Timeline>>,
}

impl Timelines {
    pub fn new(all: Vec<Arc<dyn Timeline>>) -> Self {
        Self { all }
    }

    pub fn of(&self, source: PostSource) -> Option<Arc<dyn Timeline>> {
        self.all.iter().find(|timeline| timeline.source() == source).cloned()
    }
}

impl From<TimelineError> for AskError {
    fn from(error: TimelineError) -> Self {
        match error {
            TimelineError::SignIn(words) => Self::SignIn(words),
            TimelineError::NoSuchAccount(words) => Self::NoSuchAccount(words),
            TimelineError::Budget => Self::Budget,
            error @ (TimelineError::Wait(_)
            | TimelineError::Unreached(_)
            | TimelineError::Service(_)
            | TimelineError::Answer(_)) => Self::Later(error.to_string()),
        }
    }
}

impl Services for Timelines {
    fn sources(&self) -> Vec<PostSource> {
        PostSource::TIMELINES.into_iter().filter(|source| self.of(*source).is_some()).collect()
    }

    fn find<'a>(&'a self, source: PostSource, name: &'a str) -> AskedService<'a, Account> {
        Box::pin(async move {
            let timeline = self.of(source).ok_or(AskError::NotSetUp)?;
            Ok(timeline.find(name).await?)
        })
    }

    fn find_list<'a>(&'a self, source: PostSource, name: &'a str) -> AskedService<'a, Feed> {
        Box::pin(async move {
            let timeline = self.of(source).ok_or(AskError::NotSetUp)?;
            let unknown = || AskError::NoSuchAccount(format!("'{name}' names no list: give its link"));
            let id = match list_of(source, name).ok_or_else(unknown)? {
                List::Id(id) => id,
                List::OfAccount { owner, key } => {
                    let owner = timeline.find(&owner).await?;
                    format!("at://{}/app.bsky.graph.list/{key}", owner.id)
                }
            };
            Ok(Feed::List(id))
        })
    }

    fn follows(&self, source: PostSource) -> AskedService<'_, Vec<Account>> {
        Box::pin(async move {
            let timeline = self.of(source).ok_or(AskError::NotSetUp)?;
            Ok(timeline.follows().await?)
        })
    }

    fn money(&self, _source: PostSource) -> AskedService<'_, Option<Money>> {
        Box::pin(async { Ok(None) })
    }
}

/// What people write for a list.
#[derive(Debug, Clone, PartialEq, Eq)]
enum List {
    Id(String),
    /// Of Bluesky, whose lists are named by their owner's id.
    OfAccount {
        owner: String,
        key: String,
    },
}

fn list_of(source: PostSource, name: &str) -> Option<List> {
    let name = name.trim();
    let number =
        |text: &str| (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| List::Id(text.to_owned()));
    if source == PostSource::Bluesky && name.starts_with("at://") && name.contains("/app.bsky.graph.list/") {
        return Some(List::Id(name.to_owned()));
    }
    let Ok(url) = Url::parse(name) else { return number(name) };
    let path: Vec<&str> = url.path_segments()?.filter(|part| !part.is_empty()).collect();
    match (source, path.as_slice()) {
        (PostSource::X, ["i", "lists", id]) | (PostSource::Mastodon, ["lists", id]) => number(id),
        (PostSource::Bluesky, ["profile", owner, "lists", key]) => {
            Some(List::OfAccount { owner: (*owner).to_owned(), key: (*key).to_owned() })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_by_id_and_by_link() {
        use PostSource::{Bluesky, Mastodon, Rss, X};
        let id = |id: &str| Some(List::Id(id.to_owned()));
        assert_eq!(list_of(X, " https://x.com/i/lists/84839422 "), id("84839422"));
        assert_eq!(list_of(X, "84839422"), id("84839422"));
        assert_eq!(list_of(Mastodon, "https://m.example/lists/12"), id("12"));
        let at = "at://did:plc:a/app.bsky.graph.list/3k";
        assert_eq!(list_of(Bluesky, at), id(at));
        let owned = List::OfAccount { owner: "ada.example".into(), key: "3k".into() };
        assert_eq!(list_of(Bluesky, "https://bsky.app/profile/ada.example/lists/3k"), Some(owned));
        for (source, name) in
            [(X, "art"), (X, "https://x.com/ada"), (Bluesky, "at://did:plc:a/x/y"), (Rss, "https://a.example/lists/1")]
        {
            assert_eq!(list_of(source, name), None, "{name}");
        }
    }
}
