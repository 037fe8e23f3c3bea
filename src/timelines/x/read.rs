//! Posts as X serves them → posts with pictures, each credited to its author, once.

use std::collections::{HashMap, HashSet};

use url::Url;

use super::wire::{Media, Post, Whole};
use crate::timelines::{Account, TimelinePicture, TimelinePost};

/// What a page shows and where it comes from.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// By id: referenced posts, and those that were edited, by their first id.
    pub(super) posts: HashMap<String, Post>,
    pub(super) media: HashMap<String, Media>,
}

impl Known {
    pub(super) fn learn(&mut self, whole: &Whole) {
        for post in whole.referenced.iter().chain(&whole.posts) {
            self.posts.insert(post.id.clone(), post.clone());
        }
        self.media.extend(whole.media.iter().map(|media| (media.key.clone(), media.clone())));
    }

    /// Known with all its pictures.
    fn is_complete(&self, id: &str) -> bool {
        self.posts.get(id).is_some_and(|post| post.media_keys().iter().all(|key| self.media.contains_key(key)))
    }
}

/// The posts that a post brings from elsewhere: reposted, quoted, or taken over with their pictures.
fn originals(post: &Post) -> impl Iterator<Item = &str> {
    let referenced = post.references().filter(|reference| matches!(reference.kind.as_str(), "retweeted" | "quoted"));
    referenced.map(|reference| reference.id.as_str()).chain(post.media_sources().map(String::as_str))
}

/// Whether the pictures are another post's.
fn shows_others(post: &Post) -> bool {
    post.references().any(|reference| reference.kind == "retweeted") || post.media_sources().next().is_some()
}

/// What has to be looked up before the page can be read, each once: referenced posts that are missing, or whose pictures are.
pub(super) fn missing_posts(page: &[Post], known: &Known) -> Vec<String> {
    let mut seen = HashSet::new();
    let ids = page.iter().flat_map(originals).filter(|id| super::wire::number(id).is_some());
    ids.filter(|id| !known.is_complete(id) && seen.insert(*id)).map(str::to_owned).collect()
}

/// Whose accounts are needed: of posts that have pictures, and of those who brought them.
pub(super) fn authors(page: &[Post], known: &Known) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut all = Vec::new();
    for (post, by) in shown(page, known) {
        for author in [Some(post), by].into_iter().flatten().filter_map(|post| post.author_id.as_ref()) {
            if seen.insert(author) {
                all.push(author.clone());
            }
        }
    }
    all
}

/// Posts with pictures of their own, oldest first and each once, and the post that brought each.
fn shown<'a>(page: &'a [Post], known: &'a Known) -> Vec<(&'a Post, Option<&'a Post>)> {
    let mut page: Vec<&Post> = page.iter().collect();
    page.sort_by_key(|post| post.number());
    let with_pictures = |post: &Post| !shows_others(post) && !pictures(post, known).is_empty();
    let own = page.iter().filter(|post| with_pictures(post)).map(|post| (*post, None));
    let brought = page.iter().flat_map(|by| {
        let posts = originals(by).filter_map(|id| known.posts.get(id));
        posts.filter(|post| with_pictures(post)).map(move |post| (post, Some(*by)))
    });
    // Who posted it says more than who passed it on.
    let mut seen = HashSet::new();
    let mut all: Vec<_> = own.chain(brought).filter(|(post, _)| seen.insert(post.first_id())).collect();
    all.sort_by_key(|(post, by)| by.unwrap_or(post).number());
    all
}

/// The page's posts. What has no known author is left out: it could not be credited.
pub(super) fn posts(page: &[Post], known: &Known, accounts: &HashMap<String, Account>) -> Vec<TimelinePost> {
    let account = |post: &Post| post.author_id.as_ref().and_then(|id| accounts.get(id)).cloned();
    let mut all = Vec::new();
    for (post, by) in shown(page, known) {
        let (Some(author), Some(posted_at)) = (account(post), post.posted_at()) else {
            tracing::debug!(post = post.id, "X does not say whose post this is: left out");
            continue;
        };
        let by_account = by.and_then(account).filter(|by| by.id != author.id);
        let sensitive = |post: &Post| post.possibly_sensitive == Some(true);
        all.push(TimelinePost {
            id: post.first_id().to_owned(),
            link: format!("https://x.com/{}/status/{}", author.handle, post.id),
            posted_at,
            restricted: sensitive(post) || by.is_some_and(sensitive),
            held: held(&author, by_account.as_ref(), post),
            pictures: pictures(post, known),
            author,
            by: by_account,
        });
    }
    all
}

fn held(author: &Account, by: Option<&Account>, post: &Post) -> Option<&'static str> {
    if author.protected || by.is_some_and(|by| by.protected) {
        Some("protected")
    } else if post.is_withheld() {
        Some("hidden")
    } else {
        None
    }
}

fn pictures(post: &Post, known: &Known) -> Vec<TimelinePicture> {
    let photo = |key: &String| {
        let media = known.media.get(key).filter(|media| media.kind == "photo")?;
        let url = original(media.url.as_deref()?)?;
        Some(TimelinePicture { key: key.clone(), url, alt: media.alt_text.clone().filter(|alt| !alt.is_empty()) })
    };
    post.media_keys().iter().filter_map(photo).collect()
}

/// The address of the file as it was uploaded.
pub(super) fn original(url: &str) -> Option<String> {
    let mut url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host())?;
    let others: Vec<(String, String)> =
        url.query_pairs().filter(|(name, _)| name != "name").map(|(name, value)| (name.into(), value.into())).collect();
    url.query_pairs_mut().clear().extend_pairs(others).append_pair("name", "orig");
    Some(url.into())
}
