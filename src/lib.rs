//! Mekiki (目利き): finds the drawn faces in pictures, scores them by a taste it learns, and keeps the best.
//!
//! The table of contents, in the order a picture travels; `docs/ARCHITECTURE.md` is the map.
rust_i18n::i18n!("locales", fallback = "en");

/// A text of `locales/` in a [`Lang`](domain::Lang): `tr!(lang, "key", name = value)`.
macro_rules! tr {
    ($lang:expr, $key:tt $(, $name:ident = $value:expr)* $(,)?) => {
        rust_i18n::t!($key, locale = $lang.code() $(, $name = $value)*)
    };
}

pub mod domain;

pub mod card;
pub mod fetch;
pub mod samples;
pub mod store;
pub mod taste;
pub mod vision;

pub mod pipeline;

pub mod discord;
pub mod timelines;
pub mod web;

pub mod app;
pub mod cli;
pub mod config;
