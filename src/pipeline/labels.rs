//! The box editor's view of a picture, and what is saved there.

use super::Pipeline;
use super::views::{BoxesView, PictureView};
use crate::domain::{BoxLabels, PictureId, Rater, Scope};
use crate::store::{BlobKind, LabelledPicture, StoreError};

/// Pictures looked at to find one that can still be seen.
const LOOKED_AT: u32 = 1_000;

impl Pipeline {
    /// The picture to label next: nobody has, and it can still be seen; in that order the one that follows `after`.
    pub async fn next_to_label(&self, after: Option<PictureId>) -> Result<Option<PictureId>, StoreError> {
        let ids = self.store().unlabelled_pictures(LOOKED_AT).await?;
        let from = ids.iter().position(|id| Some(*id) == after).map_or(0, |at| at + 1);
        for id in ids.into_iter().skip(from) {
            if self.is_kept(id).await? {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    async fn is_kept(&self, id: PictureId) -> Result<bool, StoreError> {
        let picture = self.store().picture(id).await?;
        Ok(picture.is_some_and(|p| self.blobs().has(BlobKind::Crop, p.preview)))
    }

    /// A picture with the boxes found and, if there are any, those saved.
    pub async fn boxes_view(
        &self,
        scope: Scope,
        viewer: &Rater,
        id: PictureId,
    ) -> Result<Option<BoxesView>, StoreError> {
        let store = self.store();
        let Some(picture) = store.picture(id).await? else { return Ok(None) };
        let post = match store.post_of_picture(id).await? {
            Some(post) => self.post_view(scope, viewer, post).await?,
            None => None,
        };
        let faces = store.faces(id).await?;
        Ok(Some(BoxesView {
            picture: PictureView {
                id,
                size: picture.size,
                restricted_probability: picture.safety.restricted_probability(),
                over_age_gate: picture.safety.is_restricted(),
            },
            post,
            has_preview: self.blobs().has(BlobKind::Crop, picture.preview),
            found: faces.iter().map(|f| f.face.bounds).collect(),
            saved: store.box_labels(id).await?.map(|l| l.labels),
            counts: store.label_counts().await?,
        }))
    }

    /// Saves a picture's boxes as labels for the detector; scores and ratings do not change. False when there is no such
    /// picture. The boxes are those of [`BoxLabels::checked`].
    pub async fn save_boxes(&self, picture: PictureId, labels: BoxLabels, by: Rater) -> Result<bool, StoreError> {
        let at = self.parts.clock.now();
        self.store().add_box_labels(&LabelledPicture { picture, labels, by, at }).await
    }
}
