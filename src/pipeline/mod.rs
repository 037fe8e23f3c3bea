//! The durable steps: claim → fetch → analyse → decide → publish.

mod views;

pub use crate::domain::{PostSource, PostState};
pub use views::{FaceInPost, FaceView, GalleryFilter, PickView, PictureView, PostView, TasteView};
