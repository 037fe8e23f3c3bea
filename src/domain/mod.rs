//! Plain types and pure decisions. Imports none of the other rooms.

mod desk;
mod face;
mod geometry;
mod guild;
mod labels;
mod picture;
mod post;
mod rating;
mod score;
mod send;

pub use desk::{Candidate, DeskRules, History, Skip, Verdict, decide};
pub use face::{COLOUR_DIMS, Confidence, EMBEDDING_DIMS, Face, FaceId, Features};
pub use geometry::{ModelBox, ModelPx, PictureBox, PicturePx, Pixels, Rect, Size};
pub use guild::{BadMessageKey, GuildSettings, MessageKey, PickStyle, TopShare};
pub use labels::{BadBoxes, BoxLabels};
pub use picture::{Author, PerceptualHash, PictureId, PostId, Safety};
pub use post::{NewPost, Origin, Place, PostSource, PostState, UnknownName};
pub use rating::{Judgement, Rater, Rating, RatingSource, Scope, Stars, Target};
pub use score::{CALIBRATED_AT, Calibration, Score, TasteId};
pub use send::{SendId, SendKind, SendState};
