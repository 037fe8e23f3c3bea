//! Followed timelines against loopback services, each held to its vendor's own description.

mod bluesky;
mod edge;
mod mastodon;
mod simulated;
mod soak;
mod x;
