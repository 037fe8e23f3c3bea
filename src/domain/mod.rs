//! Plain types and pure decisions. Imports none of the other rooms.

mod budget;
mod cut;
mod desk;
mod face;
mod geometry;
mod guild;
mod labels;
mod lang;
mod person;
mod picture;
mod post;
mod publishing;
mod rating;
mod reaction;
mod score;
mod send;
mod timeline;

pub use budget::{Forecast, Level, Micros, NoAmount, Outlook, Pace, Prices, Purpose, Reads, Spending, level, month_of};
pub use cut::{LearntCut, learnt_cut};
pub use desk::{Candidate, DeskRules, History, Outlet, Skip, Verdict, WITHIN_REACH, decide};
pub use face::{COLOUR_DIMS, Confidence, EMBEDDING_DIMS, Face, FaceId, Features, PICTURE_DIMS, VIEW_DIMS};
pub use geometry::{ModelBox, ModelPx, PictureBox, PicturePx, Pixels, Rect, Size};
pub use guild::{BadMessageKey, GuildSettings, MessageKey, PickStyle, TopShare};
pub use labels::{BadBoxes, BoxLabels};
pub use lang::{BadLang, Lang};
pub use person::{ArtistLink, BadArtistLink, Person};
pub use picture::{Author, PerceptualHash, PictureId, PostId, Safety};
pub use post::{NewPost, Origin, Place, PostSource, PostState, UnknownName};
pub use publishing::{DIGEST_AFTER, PUBLISHED_PER_HOUR, Publishing, publishing};
pub use rating::{Judgement, Rater, Rating, RatingSource, Scope, Stars, Target};
pub use reaction::{ReactionChange, emoji_key, meaning, vote_scope};
pub use score::{CALIBRATED_AT, Calibration, Score, TasteId};
pub use send::{SendFailure, SendId, SendKind, SendState};
pub use timeline::{Account, AccountRules, Feed, FeedId, Held, TimelinePicture, TimelinePost};
