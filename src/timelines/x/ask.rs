//! Requests to X: which address, which fields, and what the answer may cost at most.

use http::Request;
use http::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::wire::Data;
use crate::domain::Reads;

/// The names X gives its fields. Asked with the first, as its documentation still does; with the second once it refuses the
/// first. Answers are read in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `tweet.fields`, of 2.166.
    Tweet,
    /// `post.fields`, of 2.167. Author and referenced posts can only be had expanded there, which is dearer.
    Post,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ask {
    /// The home timeline of this account; it must be the one signed in.
    Home(String, Window),
    /// What this account posted.
    Author(String, Window),
    List(String, Window),
    /// Posts with their pictures, at most 100.
    Posts(Vec<String>),
    /// Whether these are there, at most 100.
    There(Vec<String>),
    /// Accounts, at most 100.
    Users(Vec<String>),
    Named(String),
    Me,
    /// Whom this account follows: one page.
    Follows(String, Window),
}

/// Which part of a timeline.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Window {
    pub(super) most: u32,
    /// Exclusive.
    pub(super) since: Option<u64>,
    /// Exclusive.
    pub(super) until: Option<u64>,
    pub(super) token: Option<String>,
}

/// What is asked of a post. Authors come by their number: accounts are looked up once and kept, expanded they may be paid with
/// each page. Reposts are looked up likewise, and replies and text are not.
const TWEET_FIELDS: &str =
    "id,author_id,created_at,attachments,possibly_sensitive,referenced_tweets,edit_history_tweet_ids,withheld";
const POST_FIELDS: &str = "id,created_at,attachments,possibly_sensitive,withheld";
const MEDIA_FIELDS: &str = "media_key,type,url,alt_text";
const USER_FIELDS: &str = "id,name,username,protected";

impl Ask {
    pub(super) fn data(&self) -> Data {
        match self {
            Self::Home(..) | Self::Author(..) | Self::List(..) | Self::Posts(_) | Self::There(_) => Data::Posts,
            Self::Users(_) | Self::Named(_) | Self::Me | Self::Follows(..) => Data::Users,
        }
    }

    /// The fewest that X can be asked for.
    pub(super) fn fewest(&self) -> u32 {
        if matches!(self, Self::Author(..)) { 5 } else { 1 }
    }

    /// What the answer holds at most.
    pub(super) fn at_most(&self, dialect: Dialect) -> Reads {
        let users = |users: usize| Reads { users: users as u64, ..Reads::default() };
        match self {
            Self::Home(_, window) | Self::Author(_, window) | Self::List(_, window) => {
                posts(u64::from(window.most), dialect)
            }
            Self::Posts(ids) => posts(ids.len() as u64, dialect),
            Self::There(ids) => Reads { posts: ids.len() as u64, ..Reads::default() },
            Self::Users(ids) => users(ids.len()),
            Self::Named(_) | Self::Me => users(1),
            Self::Follows(_, window) => users(window.most as usize),
        }
    }

    pub(super) fn url(&self, base: &Url, dialect: Dialect) -> Url {
        let mut url = base.clone();
        let path: &[&str] = match self {
            Self::Home(id, _) => &["users", id, "timelines", "reverse_chronological"],
            Self::Author(id, _) => &["users", id, "tweets"],
            Self::List(id, _) => &["lists", id, "tweets"],
            Self::Posts(_) | Self::There(_) => &["tweets"],
            Self::Users(_) => &["users"],
            Self::Named(name) => &["users", "by", "username", name],
            Self::Me => &["users", "me"],
            Self::Follows(id, _) => &["users", id, "following"],
        };
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("2").extend(path);
        }
        let mut query = url.query_pairs_mut();
        match self {
            Self::Home(_, window) | Self::Author(_, window) | Self::List(_, window) | Self::Follows(_, window) => {
                query.append_pair("max_results", &window.most.to_string());
                for (name, id) in [("since_id", window.since), ("until_id", window.until)] {
                    if let Some(id) = id {
                        query.append_pair(name, &id.to_string());
                    }
                }
                if let Some(token) = &window.token {
                    query.append_pair("pagination_token", token);
                }
                if matches!(self, Self::Home(..) | Self::Author(..)) {
                    query.append_pair("exclude", "replies");
                }
            }
            Self::Posts(ids) | Self::There(ids) | Self::Users(ids) => {
                query.append_pair("ids", &ids.join(","));
            }
            Self::Named(_) | Self::Me => {}
        }
        match (self, self.data(), dialect) {
            (Self::There(_), _, Dialect::Tweet) => {
                query.append_pair("tweet.fields", "id,withheld");
            }
            (Self::There(_), _, Dialect::Post) => {
                query.append_pair("post.fields", "id,withheld");
            }
            (_, Data::Posts, Dialect::Tweet) => {
                query.append_pair("tweet.fields", TWEET_FIELDS);
                query.append_pair("expansions", "attachments.media_keys");
                query.append_pair("media.fields", MEDIA_FIELDS);
            }
            (_, Data::Posts, Dialect::Post) => {
                query.append_pair("post.fields", POST_FIELDS);
                query.append_pair("expansions", "author_id,attachments.media_keys,referenced_posts");
                query.append_pair("media.fields", MEDIA_FIELDS);
                query.append_pair("user.fields", USER_FIELDS);
            }
            (_, Data::Users, _) => {
                query.append_pair("user.fields", USER_FIELDS);
            }
        }
        drop(query);
        url
    }

    pub(super) fn request(&self, base: &Url, dialect: Dialect, token: &SecretString) -> Option<Request<Vec<u8>>> {
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret())).ok()?;
        bearer.set_sensitive(true);
        let request = Request::get(self.url(base, dialect).as_str()).header(AUTHORIZATION, bearer);
        request.header(ACCEPT, "application/json").body(Vec::new()).ok()
    }
}

/// X allows four pictures a post; a post refers to another by repost or quote, and to one by reply.
pub(super) fn posts(posts: u64, dialect: Dialect) -> Reads {
    match dialect {
        Dialect::Tweet => Reads { posts, users: 0, media: 4 * posts },
        Dialect::Post => Reads { posts: 3 * posts, users: 3 * posts, media: 4 * posts },
    }
}
