//! Rated faces as people keep them: pictures sorted into folders, or listed with their ratings.

mod import;
mod read;
mod write;

pub(super) use import::import;
pub(super) use read::{csv, jsonl, sorted};
pub(super) use write::export;

use std::path::PathBuf;

use time::OffsetDateTime;

use crate::domain::Judgement;

/// What a folder or a list says of one picture.
#[derive(Debug, Clone, PartialEq)]
struct Entry {
    path: PathBuf,
    judgement: Judgement,
    /// `None`: it says what is so now.
    at: Option<OffsetDateTime>,
    score_visible: bool,
}

/// What was read, and what could not be, in words.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Found {
    entries: Vec<Entry>,
    mistakes: Vec<String>,
    /// Lines that say of themselves that their picture holds no face.
    no_face: usize,
}

/// The folders' names: each is a judgement.
const JUDGEMENTS: [&str; 7] = ["1", "2", "3", "4", "5", "up", "down"];
