//! The lines of a backup's lists.

use anyhow::{Context, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::domain::{
    Author, BoxLabels, COLOUR_DIMS, Confidence, EMBEDDING_DIMS, Features, Judgement, PerceptualHash, PictureBox,
    PictureId, PostSource, Rater, RatingSource, Safety, Size, Verdict,
};
use crate::store::BlobId;

/// A line of `pictures.jsonl`. Vectors are little-endian f32 in base64; previews and crops are `crops/HASH.jpg`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PictureLine {
    pub(super) id: PictureId,
    pub(super) size: Size,
    pub(super) format: String,
    pub(super) perceptual_hash: PerceptualHash,
    pub(super) safety: Safety,
    pub(super) features: FeaturesLine,
    pub(super) preview: BlobId,
    pub(super) models: String,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) analysed_at: OffsetDateTime,
    pub(super) faces: Vec<FaceLine>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FaceLine {
    #[serde(rename = "box")]
    pub(super) bounds: PictureBox,
    pub(super) confidence: Confidence,
    pub(super) features: FeaturesLine,
    pub(super) crop: BlobId,
    /// Who says that it is none: a label for the detector.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) not_a_face: Vec<Rater>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FeaturesLine {
    pub(super) embedding: String,
    pub(super) colour: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PostLine {
    pub(super) source: PostSource,
    pub(super) external_id: String,
    pub(super) picture: PictureId,
    pub(super) title: Option<String>,
    pub(super) author: Author,
    pub(super) link: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) posted_at: OffsetDateTime,
    pub(super) marked_restricted: bool,
    /// The desk's answer, once it is published.
    pub(super) verdict: Option<VerdictLine>,
    pub(super) pick: Option<PickLine>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct VerdictLine {
    #[serde(flatten)]
    pub(super) verdict: Verdict,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) decided_at: OffsetDateTime,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PickLine {
    pub(super) score: f32,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) picked_at: OffsetDateTime,
}

/// A line of `ratings.jsonl`; `face` counts the picture's faces in the order of `pictures.jsonl`, null is the picture.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RatingLine {
    pub(super) scope: String,
    pub(super) rater: Rater,
    pub(super) picture: PictureId,
    pub(super) face: Option<usize>,
    pub(super) judgement: Option<Judgement>,
    pub(super) source: RatingSource,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) at: OffsetDateTime,
    pub(super) score_visible: bool,
}

/// A line of `boxes.jsonl`: the boxes of a picture as somebody saved them last.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct BoxesLine {
    pub(super) picture: PictureId,
    #[serde(flatten)]
    pub(super) labels: BoxLabels,
    pub(super) by: Rater,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) at: OffsetDateTime,
}

pub(super) fn to_line(features: &Features) -> FeaturesLine {
    let encode = |v: &[f32]| BASE64_STANDARD.encode(v.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>());
    FeaturesLine { embedding: encode(&features.embedding), colour: encode(&features.colour) }
}

pub(super) fn from_line(line: &FeaturesLine) -> anyhow::Result<Features> {
    let decode = |text: &str, expected: usize| -> anyhow::Result<Vec<f32>> {
        let bytes = BASE64_STANDARD.decode(text).context("features are not base64")?;
        let (chunks, rest) = bytes.as_chunks::<4>();
        ensure!(rest.is_empty() && chunks.len() == expected, "features have {} bytes", bytes.len());
        Ok(chunks.iter().map(|&c| f32::from_le_bytes(c)).collect())
    };
    Ok(Features { embedding: decode(&line.embedding, EMBEDDING_DIMS)?, colour: decode(&line.colour, COLOUR_DIMS)? })
}
