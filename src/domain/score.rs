//! The score: a mean and a spread on the scale 1–5, and whether it means anything yet.

use serde::{Deserialize, Serialize};

/// Row of a fitted taste; higher is newer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TasteId(pub i64);

/// Ratings below which a score is called uncalibrated.
pub const CALIBRATED_AT: u32 = 10;

/// Whether the score rests on enough ratings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "calibration", rename_all = "snake_case")]
pub enum Calibration {
    Calibrated { ratings: u32 },
    Uncalibrated { ratings: u32 },
}

impl Calibration {
    pub fn from_ratings(ratings: u32) -> Self {
        if ratings >= CALIBRATED_AT { Self::Calibrated { ratings } } else { Self::Uncalibrated { ratings } }
    }

    pub fn ratings(self) -> u32 {
        match self {
            Self::Calibrated { ratings } | Self::Uncalibrated { ratings } => ratings,
        }
    }

    pub fn is_calibrated(self) -> bool {
        matches!(self, Self::Calibrated { .. })
    }
}

/// A score as shown: mean 1.0–5.0, and the standard deviation of the rating that this person would give next (posterior
/// and rating noise together).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Score {
    mean: f32,
    spread: f32,
    calibration: Calibration,
}

impl Score {
    /// Clamps the mean to 1.0–5.0; a mean that is not a number becomes the middle with the widest spread.
    pub fn new(mean: f32, spread: f32, calibration: Calibration) -> Self {
        if mean.is_nan() || spread.is_nan() {
            return Self { mean: 3.0, spread: 2.0, calibration };
        }
        Self { mean: mean.clamp(1.0, 5.0), spread: spread.clamp(0.0, 2.0), calibration }
    }

    pub fn mean(&self) -> f32 {
        self.mean
    }

    pub fn spread(&self) -> f32 {
        self.spread
    }

    pub fn calibration(&self) -> Calibration {
        self.calibration
    }
}
