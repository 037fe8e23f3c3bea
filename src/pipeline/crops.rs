//! Pictures that hold one face, handed in to be rated and not to be posted: sorted folders and lists.

use super::Pipeline;
use super::intake::blocking;
use super::step::StepError;
use crate::domain::{Confidence, Face, FaceId, PictureBox, PictureId, Size};
use crate::store::{BlobKind, CroppedFace, FaceRow, Picture, StoreError};
use crate::vision::decode::decode;
use crate::vision::{EngineError, crop_face, jpeg};

/// The face that a picture stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaceOfCrop {
    pub face: FaceId,
    pub picture: PictureId,
    /// The detector found none, so the whole picture is taken for one.
    pub whole: bool,
}

/// Why a picture was not taken in.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct CropError(#[from] StepError);

impl CropError {
    /// Whether it is about this one file, so that the next may do.
    pub fn is_of_the_file(&self) -> bool {
        matches!(self.0, StepError::Decode(_) | StepError::Engine(EngineError::Model(_)))
    }
}

impl From<StoreError> for CropError {
    fn from(error: StoreError) -> Self {
        Self(error.into())
    }
}

impl Pipeline {
    /// Looks at a picture that holds one face, without a post: it teaches, and no gallery or feed shows it. Its face is
    /// the surest one found; where none is found, the whole picture is one. Handed in again, it has the same face; and a
    /// crop that was cut here is the face that it was cut from.
    pub async fn face_of_crop(&self, bytes: Vec<u8>) -> Result<FaceOfCrop, CropError> {
        let id = PictureId::of(&bytes);
        if let Some(row) = self.store().face_with_crop(id).await? {
            return Ok(of(&row));
        }
        if self.store().picture(id).await?.is_none() {
            let analysed = self.look(id, bytes.clone()).await?;
            self.store().add_picture(&analysed).await?;
        }
        let faces = self.store().faces(id).await?;
        if let Some(surest) = faces.first() {
            return Ok(of(surest));
        }
        let picture = self.store().picture(id).await?.ok_or(StepError::OriginalGone)?;
        let face = self.whole_as_face(&picture, bytes).await?;
        let face = self.store().add_face(id, &face).await?.ok_or(StepError::OriginalGone)?;
        Ok(FaceOfCrop { face, picture: id, whole: true })
    }

    async fn whole_as_face(&self, picture: &Picture, bytes: Vec<u8>) -> Result<CroppedFace, StepError> {
        let bounds = filling(picture.size);
        let (blobs, limits) = (self.blobs().clone(), self.parts.limits);
        let crop = blocking(move || -> Result<_, StepError> {
            let seen = decode(&bytes, &limits)?.image;
            Ok(blobs.put(BlobKind::Crop, &jpeg(&crop_face(&seen, bounds)))?)
        })
        .await?;
        // The whole picture's features are of the same pixels as the crop's, but for the black beside an oblong one.
        let face = Face { bounds, confidence: WHOLE, features: picture.features.clone() };
        Ok(CroppedFace { face, crop })
    }
}

fn of(row: &FaceRow) -> FaceOfCrop {
    FaceOfCrop { face: row.id, picture: row.picture, whole: row.face.confidence == WHOLE }
}

/// The confidence of a face that the detector did not find.
const WHOLE: Confidence = Confidence(0.0);

/// The box whose [`PictureBox::crop_square`] is the whole picture.
fn filling(size: Size) -> PictureBox {
    let half = size.long_side() as f32 / 1.75 / 2.0;
    let (cx, cy) = (size.width as f32 / 2.0, size.height as f32 / 2.0 + 0.12 * 2.0 * half);
    PictureBox::new(cx - half, cy - half, cx + half, cy + half)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crop_of_the_filling_box_is_the_whole_picture() {
        for size in [Size::new(224, 224), Size::new(300, 200), Size::new(90, 410)] {
            let square = filling(size).crop_square();
            let side = size.long_side() as f32;
            let whole = PictureBox::new(0.0, 0.0, size.width as f32, size.height as f32);
            assert!((square.width() - side).abs() < 1e-3 && (square.height() - side).abs() < 1e-3);
            assert!((square.centre().0 - whole.centre().0).abs() < 1e-3, "{square:?}");
            assert!((square.centre().1 - whole.centre().1).abs() < 1e-3, "{square:?}");
        }
    }
}
