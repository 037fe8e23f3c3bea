//! Followed timelines against loopback services that answer as the vendors describe it.

mod bluesky;
mod edge;
mod mastodon;
