//! Which confidence should make a box a face here, by what people said of the boxes they were shown.

use super::Confidence;

/// So many boxes must have been reported as no face, and so many faces rated, before a cut is worth a word.
const REPORTS: usize = 20;
const FACES: usize = 50;
/// Of the faces that people rated, this share is kept.
const KEPT: f64 = 0.98;
/// A higher cut is worth it when it spares people this share of the reported boxes.
const SPARED: f64 = 0.25;

/// What the reports say of the cut.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LearntCut {
    /// Too little was said: so many more of each are needed.
    TooFew { reports: usize, faces: usize },
    /// No cut spares enough: faces and what was reported are equally sure.
    NoBetter,
    /// From this confidence on, `spared` of the reported boxes are gone and `lost` of the rated faces, both shares.
    Higher { cut: Confidence, spared: f64, lost: f64 },
}

/// Confidences of boxes that were reported as no face, and of boxes that were rated as faces, all at least the cut in force:
/// nobody sees the others, so the cut can only rise.
pub fn learnt_cut(reported: &[Confidence], faces: &[Confidence]) -> LearntCut {
    let missing = (REPORTS.saturating_sub(reported.len()), FACES.saturating_sub(faces.len()));
    if missing != (0, 0) {
        return LearntCut::TooFew { reports: missing.0, faces: missing.1 };
    }
    let mut sorted = faces.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let lost = ((1.0 - KEPT) * sorted.len() as f64).floor() as usize;
    let cut = sorted[lost];
    let below = |some: &[Confidence]| some.iter().filter(|c| c.0 < cut.0).count() as f64 / some.len() as f64;
    let spared = below(reported);
    if spared < SPARED { LearntCut::NoBetter } else { LearntCut::Higher { cut, spared, lost: below(faces) } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(values: impl IntoIterator<Item = f32>) -> Vec<Confidence> {
        values.into_iter().map(Confidence).collect()
    }

    #[test]
    fn it_says_nothing_before_enough_was_said() {
        let (few, many) = (all([0.5; 19]), all([0.9; 60]));
        assert_eq!(learnt_cut(&few, &many), LearntCut::TooFew { reports: 1, faces: 0 });
        assert_eq!(learnt_cut(&[], &[]), LearntCut::TooFew { reports: 20, faces: 50 });
    }

    #[test]
    fn the_cut_keeps_nearly_all_faces_and_spares_what_was_reported_below() {
        let faces = all((0..100).map(|n| 0.6 + n as f32 * 0.004));
        let reported = all((0..20).map(|n| 0.5 + n as f32 * 0.01));
        // Two of a hundred faces may go: the third least sure is at 0.608.
        let LearntCut::Higher { cut, spared, lost } = learnt_cut(&reported, &faces) else { panic!("a cut") };
        assert!((cut.0 - 0.608).abs() < 1e-6 && (spared - 0.55).abs() < 1e-9 && (lost - 0.02).abs() < 1e-9);
    }

    #[test]
    fn reports_as_sure_as_faces_change_nothing() {
        assert_eq!(learnt_cut(&all([0.95; 30]), &all((0..60).map(|n| 0.5 + n as f32 * 0.008))), LearntCut::NoBetter);
    }

    proptest! {
        #[test]
        fn a_learnt_cut_never_loses_more_than_it_may(
            reported in proptest::collection::vec(0.5f32..=1.0, 0..80), faces in proptest::collection::vec(0.5f32..=1.0, 0..200),
        ) {
            if let LearntCut::Higher { cut, spared, lost } = learnt_cut(&all(reported), &all(faces.clone())) {
                prop_assert!(lost <= 1.0 - KEPT + 1e-9 && spared >= SPARED);
                prop_assert!(faces.contains(&cut.0));
            }
        }
    }
}
