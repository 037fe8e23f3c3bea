//! The durable steps: claim → fetch → analyse → decide → publish.

mod views;

pub use views::{
    FaceInPost, FaceView, GalleryFilter, PickView, PictureView, PostSource, PostState, PostView, TasteView,
};
