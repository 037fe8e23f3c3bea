//! The one integration test binary: a module for each thing that is tried from outside.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bot;
mod browser;
mod cli;
mod crash;
mod discord;
mod hostile;
mod layers;
mod reference;
mod timelines;
