//! X's answers as JSON, in both of its dialects: `tweet.*` (2.166) and `post.*` (2.167). What is missing, odd or unknown costs
//! the one post, user or picture that has it, never the page.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::domain::Reads;

/// One answer, taken apart.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Whole {
    /// `data`, where it holds posts.
    pub(super) posts: Vec<Post>,
    /// `data`, where it holds users; and `includes.users`.
    pub(super) users: Vec<User>,
    /// `includes.tweets` and `includes.posts`.
    pub(super) referenced: Vec<Post>,
    pub(super) media: Vec<Media>,
    pub(super) errors: Vec<Problem>,
    pub(super) meta: Meta,
    /// What was served, readable or not: what it costs.
    pub(super) reads: Reads,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub(super) struct Post {
    pub(super) id: String,
    pub(super) author_id: Option<String>,
    pub(super) created_at: Option<String>,
    pub(super) attachments: Option<Attachments>,
    pub(super) possibly_sensitive: Option<bool>,
    referenced_tweets: Option<Vec<Reference>>,
    referenced_posts: Option<Vec<Reference>>,
    edit_history_tweet_ids: Option<Vec<String>>,
    edit_history_post_ids: Option<Vec<String>>,
    pub(super) withheld: Option<Withheld>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub(super) struct Attachments {
    pub(super) media_keys: Option<Vec<String>>,
    /// Posts that the media were taken over from.
    pub(super) media_source_tweet_id: Option<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Reference {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) id: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Withheld {
    pub(super) copyright: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct User {
    pub(super) id: String,
    pub(super) username: String,
    pub(super) name: Option<String>,
    pub(super) protected: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Media {
    #[serde(rename = "media_key")]
    pub(super) key: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) url: Option<String>,
    pub(super) alt_text: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub(super) struct Meta {
    pub(super) next_token: Option<String>,
}

/// What is wrong with a request (RFC 7807), or with one of the things asked for.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Problem {
    #[serde(rename = "type")]
    kind: Option<String>,
    pub(super) title: Option<String>,
    pub(super) detail: Option<String>,
    pub(super) message: Option<String>,
    pub(super) parameter: Option<String>,
    pub(super) parameters: Value,
    pub(super) resource_id: Option<String>,
    pub(super) value: Value,
    pub(super) errors: Vec<Value>,
}

impl Whole {
    /// Nothing readable in it is no error: only what is no JSON is.
    pub(super) fn read(body: &[u8], data: Data) -> Result<Self, serde_json::Error> {
        let whole: Value = serde_json::from_slice(body)?;
        let includes = &whole["includes"];
        let mut read = Self { meta: one(&whole["meta"]).unwrap_or_default(), ..Self::default() };
        let main = things(&whole["data"]);
        match data {
            Data::Posts => read.posts = all(main),
            Data::Users => read.users = all(main),
        }
        let count = |value: &Value| things(value).len() as u64;
        let referenced = count(&includes["tweets"]) + count(&includes["posts"]);
        let (posts, users) = if data == Data::Posts { (main.len() as u64, 0) } else { (0, main.len() as u64) };
        read.reads = Reads {
            posts: posts + referenced,
            users: users + count(&includes["users"]),
            media: count(&includes["media"]),
        };
        read.users.extend(all::<User>(things(&includes["users"])));
        read.referenced = all(things(&includes["tweets"]));
        read.referenced.extend(all::<Post>(things(&includes["posts"])));
        read.media = all(things(&includes["media"]));
        read.errors = all(things(&whole["errors"]));
        read.posts.retain(|post| post.number().is_some());
        read.referenced.retain(|post| post.number().is_some());
        Ok(read)
    }
}

/// What an endpoint answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Data {
    Posts,
    Users,
}

impl Post {
    /// Ids are compared as numbers.
    pub(super) fn number(&self) -> Option<u64> {
        number(&self.id)
    }

    /// The id it had before it was edited: it stays.
    pub(super) fn first_id(&self) -> &str {
        let history = self.edit_history_tweet_ids.iter().chain(&self.edit_history_post_ids).flatten();
        let first = history.filter_map(|id| Some((number(id)?, id))).min();
        match (first, self.number()) {
            (Some((first, id)), Some(own)) if first < own => id,
            _ => &self.id,
        }
    }

    pub(super) fn references(&self) -> impl Iterator<Item = &Reference> {
        self.referenced_tweets.iter().chain(&self.referenced_posts).flatten()
    }

    pub(super) fn media_keys(&self) -> &[String] {
        self.attachments.as_ref().and_then(|a| a.media_keys.as_deref()).unwrap_or_default()
    }

    /// Other posts whose media it shows.
    pub(super) fn media_sources(&self) -> impl Iterator<Item = &String> {
        let sources = self.attachments.iter().filter_map(|a| a.media_source_tweet_id.as_ref()).flatten();
        sources.filter(|id| *id != self.first_id() && **id != self.id)
    }

    /// When it was posted; its id says that, too, to the millisecond.
    pub(super) fn posted_at(&self) -> Option<OffsetDateTime> {
        let written = self.created_at.as_deref().and_then(|at| OffsetDateTime::parse(at, &Rfc3339).ok());
        written.or_else(|| {
            let millis = i128::from(self.number()? >> 22) + EPOCH;
            OffsetDateTime::from_unix_timestamp_nanos(millis * 1_000_000).ok()
        })
    }

    pub(super) fn is_withheld(&self) -> bool {
        self.withheld.as_ref().is_some_and(|withheld| withheld.copyright == Some(true))
    }
}

/// Unix milliseconds from which X's ids count.
const EPOCH: i128 = 1_288_834_974_657;

/// 1 to 19 digits.
pub(super) fn number(id: &str) -> Option<u64> {
    (id.len() <= 19 && id.bytes().all(|b| b.is_ascii_digit())).then(|| id.parse().ok())?
}

impl Problem {
    /// `resource-not-found`, `usage-capped` …: hosts and versions before it change.
    pub(super) fn kind(&self) -> &str {
        self.kind.as_deref().and_then(|kind| kind.rsplit('/').next()).unwrap_or_default()
    }

    /// The post or user it is about.
    pub(super) fn about(&self) -> Option<&str> {
        self.resource_id.as_deref().or_else(|| self.value.as_str())
    }

    /// Whether it complains about this parameter.
    pub(super) fn names(&self, parameter: &str) -> bool {
        let own = self.parameter.as_deref() == Some(parameter)
            || self.parameters.get(parameter).is_some()
            || [&self.detail, &self.message].into_iter().flatten().any(|text| text.contains(parameter));
        own || all::<Self>(&self.errors).iter().any(|inner| inner.names(parameter))
    }

    /// For people.
    pub(super) fn said(&self) -> &str {
        [&self.detail, &self.title, &self.message].into_iter().flatten().next().map_or("no reason given", |text| text)
    }
}

/// A list as it is; one thing alone as a list; anything else as none.
fn things(value: &Value) -> &[Value] {
    match value {
        Value::Array(list) => list,
        Value::Object(_) => std::slice::from_ref(value),
        _ => &[],
    }
}

fn all<T: DeserializeOwned>(values: &[Value]) -> Vec<T> {
    values.iter().filter_map(one).collect()
}

fn one<T: DeserializeOwned>(value: &Value) -> Option<T> {
    T::deserialize(value).ok()
}
