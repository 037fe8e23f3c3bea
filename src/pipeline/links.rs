//! Links that have died: the source is asked for the picture's link of today, once a step.

use std::fmt::Debug;
use std::pin::Pin;

use super::Pipeline;
use super::step::StepError;
use crate::domain::{MessageKey, PostId};
use crate::fetch::FetchError;

/// Where a picture is today.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fresh {
    Link(String),
    /// The message is there and shows the picture no longer.
    PictureGone,
    MessageGone,
}

/// Knows where a message's picture is today.
pub trait FreshLinks: Debug + Send + Sync + 'static {
    /// `Err`: it could not be asked now.
    fn fresh<'a>(
        &'a self,
        message: MessageKey,
        key: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<Fresh, String>> + Send + 'a>>;
}

impl Pipeline {
    /// The bytes behind a post's link; of a dead one, behind the link its message has now. `None` when the picture is
    /// gone at its source: then the post is gone, too.
    pub(super) async fn download(&self, post: PostId, url: &str) -> Result<Option<Vec<u8>>, StepError> {
        let (fetcher, cap) = (&self.parts.fetcher, self.parts.limits.max_bytes);
        let dead = match fetcher.get(url, cap).await {
            Ok(bytes) => return Ok(Some(bytes)),
            Err(error @ FetchError::Gone(_)) => error,
            Err(error) => return Err(error.into()),
        };
        let Some(links) = &self.parts.links else { return Err(dead.into()) };
        let Some((message, key)) = self.store().picture_in_message(post).await? else { return Err(dead.into()) };
        match links.fresh(message, &key).await.map_err(StepError::NoLink)? {
            Fresh::Link(url) => {
                self.store().set_link(post, &url).await?;
                tracing::debug!(post = post.0, %message, "the link had died; the message has a new one");
                match fetcher.get(&url, cap).await {
                    // The message still shows it: its server is behind, and is asked again later.
                    Err(error @ FetchError::Gone(_)) => Err(StepError::NoLink(error.to_string())),
                    bytes => Ok(Some(bytes?)),
                }
            }
            Fresh::PictureGone => {
                self.remove(post).await?;
                Ok(None)
            }
            Fresh::MessageGone => {
                self.source_deleted(message).await?;
                Ok(None)
            }
        }
    }
}
