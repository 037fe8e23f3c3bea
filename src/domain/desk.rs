//! The desk decides what becomes of a picture, and says why.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::{Calibration, PictureId, Score};

/// What the desk decided.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", content = "why", rename_all = "snake_case")]
pub enum Verdict {
    Repost,
    Skip(Skip),
}

/// Why a picture was not reposted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Skip {
    NoFace,
    Uncalibrated { ratings: u32 },
    BelowThreshold { best: f32, threshold: f32 },
    AgeGate { probability: f32 },
    MarkedAgeRestricted,
    AlreadyPosted,
    NearDuplicate { of: PictureId },
    HourlyLimit { limit: u32 },
}

impl Skip {
    /// Whether a new taste could change the answer, so that the picture is worth deciding again.
    pub fn depends_on_taste(&self) -> bool {
        matches!(self, Self::Uncalibrated { .. } | Self::BelowThreshold { .. } | Self::HourlyLimit { .. })
    }
}

/// The rules of one curated outlet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DeskRules {
    /// Best face's mean score from which a picture is a pick, 1.0–5.0.
    pub threshold: f32,
    pub picks_per_hour: u32,
    /// How long a picture and its near-duplicates are not picked again.
    pub repeat_after: Duration,
}

impl Default for DeskRules {
    fn default() -> Self {
        Self { threshold: 4.0, picks_per_hour: 60, repeat_after: Duration::days(90) }
    }
}

/// What is known of the picture when the desk looks at it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    pub picture: PictureId,
    /// Best face's score; `None` when no face was found.
    pub best: Option<Score>,
    /// The source said that the post is age-restricted.
    pub marked_restricted: bool,
    /// Sum of explicit and suggestive probabilities, 0.0–1.0, and whether that is over the gate.
    pub restricted_probability: f32,
    pub over_age_gate: bool,
}

/// What the outlet has already published.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct History {
    pub picks_in_last_hour: u32,
    /// The last time this very picture was picked.
    pub same: Option<OffsetDateTime>,
    /// The last pick that looks like this one, and when.
    pub near: Option<(PictureId, OffsetDateTime)>,
}

/// Decides, most binding reason first: safety, then what the picture is, then repetition, then pace.
pub fn decide(candidate: &Candidate, history: &History, rules: &DeskRules, now: OffsetDateTime) -> Verdict {
    let skip = |why| Verdict::Skip(why);
    let recent = |at: OffsetDateTime| now - at < rules.repeat_after;
    let Some(best) = candidate.best else { return skip(Skip::NoFace) };
    if candidate.marked_restricted {
        return skip(Skip::MarkedAgeRestricted);
    }
    if candidate.over_age_gate {
        return skip(Skip::AgeGate { probability: candidate.restricted_probability });
    }
    if let Calibration::Uncalibrated { ratings } = best.calibration() {
        return skip(Skip::Uncalibrated { ratings });
    }
    if best.mean() < rules.threshold {
        return skip(Skip::BelowThreshold { best: best.mean(), threshold: rules.threshold });
    }
    if history.same.is_some_and(recent) {
        return skip(Skip::AlreadyPosted);
    }
    if let Some((of, at)) = history.near
        && recent(at)
    {
        return skip(Skip::NearDuplicate { of });
    }
    if history.picks_in_last_hour >= rules.picks_per_hour {
        return skip(Skip::HourlyLimit { limit: rules.picks_per_hour });
    }
    Verdict::Repost
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);
    const ID: PictureId = PictureId([1; 32]);
    const OTHER: PictureId = PictureId([2; 32]);

    fn good() -> Candidate {
        Candidate {
            picture: ID,
            best: Some(Score::new(4.5, 0.3, Calibration::Calibrated { ratings: 30 })),
            marked_restricted: false,
            restricted_probability: 0.02,
            over_age_gate: false,
        }
    }

    fn verdict(c: &Candidate, h: &History) -> Verdict {
        decide(c, h, &DeskRules::default(), NOW)
    }

    #[test]
    fn a_good_new_picture_is_reposted() {
        assert_eq!(verdict(&good(), &History::default()), Verdict::Repost);
    }

    #[test]
    fn each_reason_is_said() {
        let h = History::default();
        assert_eq!(verdict(&Candidate { best: None, ..good() }, &h), Verdict::Skip(Skip::NoFace));
        assert_eq!(
            verdict(&Candidate { marked_restricted: true, ..good() }, &h),
            Verdict::Skip(Skip::MarkedAgeRestricted)
        );
        assert_eq!(
            verdict(&Candidate { over_age_gate: true, restricted_probability: 0.7, ..good() }, &h),
            Verdict::Skip(Skip::AgeGate { probability: 0.7 })
        );
        let young = Score::new(5.0, 1.0, Calibration::Uncalibrated { ratings: 3 });
        assert_eq!(
            verdict(&Candidate { best: Some(young), ..good() }, &h),
            Verdict::Skip(Skip::Uncalibrated { ratings: 3 })
        );
        let low = Score::new(3.9, 0.1, Calibration::Calibrated { ratings: 10 });
        assert_eq!(
            verdict(&Candidate { best: Some(low), ..good() }, &h),
            Verdict::Skip(Skip::BelowThreshold { best: 3.9, threshold: 4.0 })
        );
    }

    #[test]
    fn repetition_is_refused_for_ninety_days_and_no_longer() {
        let at = |days| Some(NOW - Duration::days(days));
        let same = |days| History { same: at(days), ..History::default() };
        assert_eq!(verdict(&good(), &same(89)), Verdict::Skip(Skip::AlreadyPosted));
        assert_eq!(verdict(&good(), &same(90)), Verdict::Repost);
        let near = |days| History { near: at(days).map(|t| (OTHER, t)), ..History::default() };
        assert_eq!(verdict(&good(), &near(1)), Verdict::Skip(Skip::NearDuplicate { of: OTHER }));
        assert_eq!(verdict(&good(), &near(91)), Verdict::Repost);
    }

    #[test]
    fn the_hour_has_a_limit() {
        let h = History { picks_in_last_hour: 60, ..History::default() };
        assert_eq!(verdict(&good(), &h), Verdict::Skip(Skip::HourlyLimit { limit: 60 }));
    }

    #[test]
    fn an_age_gate_binds_before_the_score_is_even_looked_at() {
        let h = History { same: Some(NOW), ..History::default() };
        let c = Candidate { over_age_gate: true, restricted_probability: 0.9, ..good() };
        assert!(matches!(verdict(&c, &h), Verdict::Skip(Skip::AgeGate { .. })));
    }
}
