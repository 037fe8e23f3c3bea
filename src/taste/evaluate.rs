//! How good scores are: rank agreement, error, and whether intervals hold what they promise. Pure functions.

/// Half width, in standard deviations, of an interval meant to hold 80 %.
pub const EIGHTY_PERCENT: f32 = 1.281_551_6;

/// Spearman's rank correlation, −1–1, tied values sharing the mean of their ranks. `None` for fewer than two pairs and
/// where one side is constant or holds something that is no number: then there is no order to agree with.
///
/// # Panics
/// If the slices differ in length.
pub fn spearman(a: &[f32], b: &[f32]) -> Option<f32> {
    assert_eq!(a.len(), b.len(), "each prediction needs its rating");
    if a.iter().chain(b).any(|x| x.is_nan()) {
        return None;
    }
    let (a, b) = (ranks(a), ranks(b));
    // Ranks always average to (n + 1) / 2.
    let middle = f64::midpoint(1.0, a.len() as f64);
    let product = |x: &[f64], y: &[f64]| -> f64 { x.iter().zip(y).map(|(x, y)| (x - middle) * (y - middle)).sum() };
    let scale = (product(&a, &a) * product(&b, &b)).sqrt();
    (scale > 0.0).then(|| (product(&a, &b) / scale) as f32)
}

/// Ranks from 1; tied values share the mean of theirs.
fn ranks(values: &[f32]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    // `==`, not bits: 0.0 and −0.0 are tied.
    #[expect(clippy::float_cmp, reason = "a tie is exact equality")]
    for tied in order.chunk_by(|&i, &j| values[i] == values[j]) {
        let shared = before as f64 + f64::midpoint(1.0, tied.len() as f64);
        for &i in tied {
            ranks[i] = shared;
        }
        before += tied.len();
    }
    ranks
}

/// Mean of |prediction − rating|; `None` for no pairs.
///
/// # Panics
/// If the slices differ in length.
pub fn mean_absolute_error(predictions: &[f32], ratings: &[f32]) -> Option<f32> {
    assert_eq!(predictions.len(), ratings.len(), "each prediction needs its rating");
    let sum: f64 = predictions.iter().zip(ratings).map(|(p, r)| f64::from((p - r).abs())).sum();
    (!predictions.is_empty()).then(|| (sum / predictions.len() as f64) as f32)
}

/// Share of ratings within mean ± `width` · spread, 0–1; `None` for no pairs. Predictions are (mean, spread).
///
/// # Panics
/// If the slices differ in length.
pub fn coverage(predictions: &[(f32, f32)], ratings: &[f32], width: f32) -> Option<f32> {
    assert_eq!(predictions.len(), ratings.len(), "each prediction needs its rating");
    let inside = predictions.iter().zip(ratings).filter(|((mean, spread), r)| (mean - **r).abs() <= width * spread);
    let inside = inside.count() as f32;
    (!predictions.is_empty()).then(|| inside / predictions.len() as f32)
}

/// Quadratic-weighted kappa of `predictions`, rounded to stars, with `ratings` in stars: agreement beyond chance, −1–1, a
/// miss by two counting four times a miss by one. `None` for no pairs, and where both sides are one and the same star
/// throughout: then chance agrees as well.
///
/// # Panics
/// If the slices differ in length.
pub fn quadratic_kappa(predictions: &[f32], ratings: &[f32]) -> Option<f32> {
    assert_eq!(predictions.len(), ratings.len(), "each prediction needs its rating");
    let star = |v: &f32| f64::from(v.round().clamp(1.0, 5.0));
    let (a, b): (Vec<f64>, Vec<f64>) = (predictions.iter().map(star).collect(), ratings.iter().map(star).collect());
    let n = a.len() as f64;
    let mean = |v: &[f64]| v.iter().sum::<f64>() / n;
    let square = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>() / n;
    let observed: f64 = a.iter().zip(&b).map(|(x, y)| (x - y).powi(2)).sum::<f64>() / n;
    // Mean of (x − y)² over all pairs of one side's star with the other's.
    let by_chance = square(&a) + square(&b) - 2.0 * mean(&a) * mean(&b);
    (by_chance > 1e-12).then(|| (1.0 - observed / by_chance) as f32)
}

/// Chance that a liked face scores above a disliked one, ties counting half; `None` where one kind is missing or a score is
/// no number.
///
/// # Panics
/// If the slices differ in length.
pub fn auc(scores: &[f32], liked: &[bool]) -> Option<f32> {
    assert_eq!(scores.len(), liked.len(), "each score needs its judgement");
    if scores.iter().any(|s| s.is_nan()) {
        return None;
    }
    let (up, all) = (liked.iter().filter(|l| **l).count() as f64, liked.len() as f64);
    let sum: f64 = ranks(scores).iter().zip(liked).filter(|(_, l)| **l).map(|(r, _)| r).sum();
    let pairs = up * (all - up);
    (pairs > 0.0).then(|| ((sum - up * (up + 1.0) / 2.0) / pairs) as f32)
}

/// Share of ratings of at least 4 among the best-scored `share` of the faces, one face at least; `None` for no pairs.
///
/// # Panics
/// If the slices differ in length.
pub fn precision_at_top(scores: &[f32], ratings: &[f32], share: f32) -> Option<f32> {
    assert_eq!(scores.len(), ratings.len(), "each score needs its rating");
    let top = ((scores.len() as f32 * share).round() as usize).max(1);
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&i, &j| scores[j].total_cmp(&scores[i]));
    let liked = order.iter().take(top).filter(|&&i| ratings[i] >= 4.0).count();
    (!scores.is_empty()).then(|| liked as f32 / top.min(scores.len()) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spearman_agrees_with_known_values() {
        assert_eq!(spearman(&[1.0, 2.0, 3.0], &[10.0, 20.0, 1000.0]), Some(1.0));
        assert_eq!(spearman(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]), Some(-1.0));
        // scipy.stats.spearmanr([1, 2, 2, 4, 5], [2, 1, 3, 3, 5]) = 0.7631578947368421
        let tied = spearman(&[1.0, 2.0, 2.0, 4.0, 5.0], &[2.0, 1.0, 3.0, 3.0, 5.0]).unwrap();
        assert!((tied - 0.763_157_9).abs() < 1e-6, "{tied}");
    }

    #[test]
    fn without_an_order_there_is_no_agreement() {
        assert_eq!(spearman(&[], &[]), None);
        assert_eq!(spearman(&[1.0], &[2.0]), None);
        assert_eq!(spearman(&[1.0, 1.0], &[1.0, 2.0]), None);
        assert_eq!(spearman(&[1.0, f32::NAN], &[1.0, 2.0]), None);
        assert_eq!(spearman(&[0.0, -0.0], &[1.0, 2.0]), None);
    }

    #[test]
    fn error_and_coverage_count_by_hand() {
        assert_eq!(mean_absolute_error(&[1.0, 4.0], &[2.0, 2.0]), Some(1.5));
        assert_eq!(mean_absolute_error(&[], &[]), None);
        let predictions = [(3.0, 1.0), (3.0, 1.0), (3.0, 0.1), (f32::NAN, 1.0)];
        assert_eq!(coverage(&predictions, &[4.0, 4.5, 3.2, 3.0], 1.0), Some(0.25));
        assert_eq!(coverage(&[], &[], 1.0), None);
    }

    #[test]
    fn kappa_auc_and_precision_agree_with_known_values() {
        // sklearn.metrics.cohen_kappa_score([1,2,3,4,5,3],[1,3,3,5,4,2], weights="quadratic") = 0.8
        let kappa = quadratic_kappa(&[1.2, 2.4, 3.0, 3.6, 5.4, 2.9], &[1.0, 3.0, 3.0, 5.0, 4.0, 2.0]).unwrap();
        assert!((kappa - 0.8).abs() < 1e-6, "{kappa}");
        assert_eq!(quadratic_kappa(&[3.0, 3.2], &[3.0, 3.0]), None);
        assert_eq!(auc(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true]), Some(0.75));
        assert_eq!(auc(&[1.0, 1.0], &[false, true]), Some(0.5));
        assert_eq!(auc(&[1.0, 2.0], &[true, true]), None);
        assert_eq!(precision_at_top(&[4.0, 3.0, 2.0, 1.0], &[5.0, 1.0, 4.0, 4.0], 0.5), Some(0.5));
        assert_eq!(precision_at_top(&[4.0, 3.0], &[5.0, 1.0], 0.05), Some(1.0));
    }

    proptest! {
        #[test]
        fn spearman_sees_only_the_order(values in proptest::collection::vec((-100i16..100, -5i16..5), 2..40)) {
            let a: Vec<f32> = values.iter().map(|v| f32::from(v.0)).collect();
            let b: Vec<f32> = values.iter().map(|v| f32::from(v.1)).collect();
            let stretched: Vec<f32> = a.iter().map(|x| x.powi(3) + 7.0).collect();
            prop_assert_eq!(spearman(&a, &b), spearman(&stretched, &b));
            prop_assert_eq!(spearman(&a, &b), spearman(&b, &a));
            prop_assert!(spearman(&a, &b).is_none_or(|r| (-1.000_01..=1.000_01).contains(&r)));
        }
    }
}
