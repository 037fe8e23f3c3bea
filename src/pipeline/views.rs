//! What the outlets show: read models of posts, picks and a taste, already scored for one scope.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::domain::{
    Author, BoxLabels, Calibration, Confidence, FaceId, Judgement, PictureBox, PictureId, PostId, PostSource,
    PostState, Score, Size, TasteId, Verdict,
};
use crate::store::LabelCounts;

/// One post with its picture, faces and verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PostView {
    pub id: PostId,
    pub source: PostSource,
    pub state: PostState,
    /// In plain English, when `state` is `Failed`.
    pub error: Option<String>,
    /// What `error` is about, as a name that does not change with the wording.
    pub error_code: Option<String>,
    /// The file's name as uploaded, for people to recognise it by.
    pub title: Option<String>,
    pub author: Author,
    pub link: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub posted_at: OffsetDateTime,
    pub picture: Option<PictureView>,
    /// Best first; empty until analysed, or when there is no face.
    pub faces: Vec<FaceView>,
    pub verdict: Option<Verdict>,
    #[serde(with = "time::serde::rfc3339::option")]
    pub picked_at: Option<OffsetDateTime>,
    /// The best face's score when it was picked; scores move, this one does not.
    pub picked_score: Option<f32>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PictureView {
    pub id: PictureId,
    /// After EXIF orientation.
    pub size: Size,
    /// Sum of explicit and suggestive probabilities, 0.0–1.0.
    pub restricted_probability: f32,
    pub over_age_gate: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FaceView {
    pub id: FaceId,
    pub bounds: PictureBox,
    pub confidence: Confidence,
    /// `None` while the scope has no taste at all.
    pub score: Option<Score>,
    /// The viewer's own standing rating.
    pub rating: Option<Judgement>,
    /// Whether the crop is still kept (crops have a size budget and an age limit).
    pub has_crop: bool,
}

/// One entry of the curated feed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PickView {
    pub post: PostView,
    #[serde(with = "time::serde::rfc3339")]
    pub picked_at: OffsetDateTime,
    /// The best face's score when it was picked; scores move, this one does not.
    pub score: f32,
}

/// The state of one scope's taste.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TasteView {
    pub calibration: Calibration,
    /// Standing ratings by kind: 👍, 👎, and 1–5.
    pub ups: u32,
    pub downs: u32,
    pub stars: [u32; 5],
    /// Version in use; `None` before the first fit.
    pub version: Option<TasteId>,
    /// Rank agreement (Spearman, −1–1) with the newest ratings it had not seen, and how many those were.
    pub held_out: Option<(f32, u32)>,
    /// The newest fit, if it was not promoted.
    pub not_promoted: Option<NotPromoted>,
    /// Faces by score, 16 bins of 0.25 from 1.0 to 5.0.
    pub histogram: [u32; 16],
    /// From five stars down, then thumbs if there are some; empty while there are too few ratings.
    pub by_rating: Vec<ScoresByRating>,
    pub best: Vec<FaceInPost>,
    pub worst: Vec<FaceInPost>,
}

/// The faces that were given one rating, by the score that each would have, had neither it nor its near-duplicates been
/// rated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ScoresByRating {
    pub judgement: Judgement,
    /// 16 bins of 0.25 from 1.0 to 5.0.
    pub bins: [u32; 16],
    /// Of the scores; the middle of the scale where there are none.
    pub mean: f32,
}

/// How a refused fit and the one in use rank the same newest ratings, held out from both (Spearman, −1–1).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct NotPromoted {
    pub refused: f32,
    pub in_use: f32,
    pub ratings: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FaceInPost {
    pub post: PostId,
    /// The post's picture is over the age gate or marked as restricted: its crop is blurred until asked for.
    pub over_age_gate: bool,
    pub face: FaceView,
}

/// A face to be rated, in the newest post that shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Question {
    pub post: PostView,
    /// One of the post's faces.
    pub face: FaceId,
}

/// A picture in the box editor.
#[derive(Debug, Clone, PartialEq)]
pub struct BoxesView {
    pub picture: PictureView,
    /// The newest post that shows it.
    pub post: Option<PostView>,
    /// Whether there still is a preview to see.
    pub has_preview: bool,
    /// What the detector found, surest first.
    pub found: Vec<PictureBox>,
    /// What somebody saved last.
    pub saved: Option<BoxLabels>,
    pub counts: LabelCounts,
}

/// Which posts a gallery page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GalleryFilter {
    #[default]
    All,
    Picked,
    Skipped,
    Failed,
}
