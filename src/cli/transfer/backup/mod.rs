//! A whole backup: pictures, posts, ratings and boxes as JSON Lines, previews and crops as JPEG files.

mod lines;
mod read;
mod write;

pub(super) use read::import;
pub(super) use write::export;

pub(super) const PICTURES: &str = "pictures.jsonl";
const POSTS: &str = "posts.jsonl";
const RATINGS: &str = "ratings.jsonl";
/// Backups of before there was a box editor have none.
const BOXES: &str = "boxes.jsonl";
const CROPS: &str = "crops";
