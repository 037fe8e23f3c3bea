//! Which faces are worth a rating most: those the taste is least sure of, and unlike each other.

use std::collections::HashSet;

use rand::{Rng, RngExt};

use crate::domain::{FaceId, PerceptualHash, PictureId};

/// Share of the questions that are drawn at random from all that could be asked: what the taste is judged by must not be
/// chosen by the taste alone.
pub(super) const EXPLORATION: f32 = 0.08;

/// A face that could be asked for.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) face: FaceId,
    pub(super) picture: PictureId,
    pub(super) hash: PerceptualHash,
    /// Of the taste's score; the same for all while there is no taste.
    pub(super) spread: f32,
    /// The embedding at length 1.
    pub(super) direction: Vec<f32>,
}

/// One question, with the chance that this face was the one taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Choice {
    pub(super) face: FaceId,
    pub(super) by_lot: bool,
    pub(super) propensity: f32,
}

/// A vector at length 1; zeros stay zeros.
pub(super) fn direction(embedding: &[f32]) -> Vec<f32> {
    let length = embedding.iter().map(|x| x * x).sum::<f32>().sqrt();
    let scale = if length > 0.0 { 1.0 / length } else { 0.0 };
    embedding.iter().map(|x| x * scale).collect()
}

/// Leaves one picture of each near-duplicate group: the one that was judged or asked for before, else the first.
pub(super) fn one_of_each_group(candidates: Vec<Candidate>, before: &[(PictureId, PerceptualHash)]) -> Vec<Candidate> {
    let mut kept: Vec<(PictureId, PerceptualHash)> = before.to_vec();
    let mut known: HashSet<PictureId> = before.iter().map(|(id, _)| *id).collect();
    let mut dropped: HashSet<PictureId> = HashSet::new();
    candidates
        .into_iter()
        .filter(|c| {
            if known.contains(&c.picture) {
                return true;
            }
            if dropped.contains(&c.picture) {
                return false;
            }
            let repeats = kept.iter().any(|(_, hash)| hash.is_near(c.hash));
            if repeats {
                dropped.insert(c.picture);
            } else {
                known.insert(c.picture);
                kept.push((c.picture, c.hash));
            }
            !repeats
        })
        .collect()
}

/// Takes up to `n` faces, one after the other: the one with the greatest spread × distance to those taken already, or,
/// with the chance [`EXPLORATION`], any. Distance is 1 − cosine, 0.0–2.0; of equals the first is taken.
pub(super) fn choose(candidates: &[Candidate], n: usize, rng: &mut impl Rng) -> Vec<Choice> {
    let mut left: Vec<&Candidate> = candidates.iter().collect();
    // Distance of each one left to the nearest taken, in the same order.
    let mut apart = vec![1.0_f32; left.len()];
    let mut choices = Vec::with_capacity(n.min(left.len()));
    while choices.len() < n && !left.is_empty() {
        let worth = |i: usize| left[i].spread * apart[i];
        let best = (0..left.len()).rev().max_by(|&a, &b| worth(a).total_cmp(&worth(b))).expect("some are left");
        let chance = EXPLORATION / left.len() as f32;
        let by_lot = rng.random::<f32>() < EXPLORATION;
        let at = if by_lot { rng.random_range(0..left.len()) } else { best };
        let propensity = if at == best { 1.0 - EXPLORATION + chance } else { chance };
        let taken = left.remove(at);
        apart.remove(at);
        for (near, other) in apart.iter_mut().zip(&left) {
            let cosine: f32 = other.direction.iter().zip(&taken.direction).map(|(a, b)| a * b).sum();
            *near = near.min((1.0 - cosine).max(0.0));
        }
        choices.push(Choice { face: taken.face, by_lot, propensity });
    }
    choices
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn candidate(id: u8, hash: u64, spread: f32, towards: &[f32]) -> Candidate {
        Candidate {
            face: FaceId(i64::from(id)),
            picture: PictureId([id; 32]),
            hash: PerceptualHash(hash),
            spread,
            direction: direction(towards),
        }
    }

    fn faces(choices: &[Choice]) -> Vec<i64> {
        choices.iter().map(|c| c.face.0).collect()
    }

    /// Questions of a seed that explores nothing among the first few.
    fn greedy(candidates: &[Candidate], n: usize) -> Vec<Choice> {
        let choices = (0..).map(|seed| choose(candidates, n, &mut ChaCha8Rng::seed_from_u64(seed)));
        choices.into_iter().find(|c| c.iter().all(|c| !c.by_lot)).expect("most seeds explore nothing")
    }

    #[test]
    fn the_least_sure_is_asked_first_and_its_likes_later() {
        let pool =
            [candidate(1, 0, 0.9, &[1.0, 0.1]), candidate(2, 0, 1.0, &[1.0, 0.0]), candidate(3, 0, 0.5, &[0.0, 1.0])];
        let choices = greedy(&pool, 3);
        assert_eq!(faces(&choices), [2, 3, 1], "the second is almost the first again");
        assert!((choices[0].propensity - (0.92 + 0.08 / 3.0)).abs() < 1e-6);
        assert!((choices[2].propensity - 1.0).abs() < 1e-6, "the last one left is certain");
        assert_eq!(faces(&choose(&pool, 9, &mut ChaCha8Rng::seed_from_u64(0))).len(), 3);
        assert!(choose(&[], 3, &mut ChaCha8Rng::seed_from_u64(0)).is_empty());
    }

    #[test]
    fn without_a_taste_the_unlike_come_first() {
        let pool: Vec<_> = (0..9)
            .map(|i| {
                candidate(
                    i,
                    0,
                    1.0,
                    if i % 3 == 0 {
                        &[1., 0., 0.]
                    } else if i % 3 == 1 {
                        &[0., 1., 0.]
                    } else {
                        &[0., 0., 1.]
                    },
                )
            })
            .collect();
        let first: HashSet<i64> = faces(&greedy(&pool, 3)).into_iter().map(|f| f % 3).collect();
        assert_eq!(first.len(), 3, "one of each kind");
    }

    #[test]
    fn a_share_is_drawn_at_random_and_says_its_chance() {
        let pool: Vec<_> = (0..20).map(|i| candidate(i, 0, f32::from(i), &[f32::from(i) + 1.0, 3.0])).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let choices: Vec<_> = (0..4000).map(|_| choose(&pool, 1, &mut rng)[0]).collect();
        let explored = choices.iter().filter(|c| c.by_lot).count();
        assert!((250..400).contains(&explored), "8 % of 4000 are 320, not {explored}");
        for c in &choices {
            let chance = if c.face.0 == 19 { 0.92 + 0.004 } else { 0.004 };
            assert!((c.propensity - chance).abs() < 1e-6, "{c:?}");
        }
        let others = choices.iter().filter(|c| c.face.0 != 19).count();
        assert!((others as f32 - 4000.0 * 0.08 * 0.95).abs() < 70.0, "the chances are what they say: {others}");
    }

    #[test]
    fn of_near_duplicates_one_picture_is_asked_for_with_all_its_faces() {
        let two_faces = |id, hash| {
            [candidate(id, hash, 1.0, &[1.0]), Candidate { face: FaceId(100), ..candidate(id, hash, 1.0, &[1.0]) }]
        };
        let far = u64::MAX;
        let pool: Vec<_> = two_faces(1, 0)
            .into_iter()
            .chain([
                candidate(2, 0b11, 1.0, &[1.0]),
                candidate(3, far, 1.0, &[1.0]),
                candidate(4, far ^ 1, 1.0, &[1.0]),
            ])
            .collect();
        let of = |before: &[(PictureId, PerceptualHash)]| {
            one_of_each_group(pool.clone(), before).iter().map(|c| c.face.0).collect::<Vec<_>>()
        };
        assert_eq!(of(&[]), [1, 100, 3]);
        // The one that was judged goes on with its other faces; its likes stay away.
        assert_eq!(of(&[(PictureId([4; 32]), PerceptualHash(far ^ 1))]), [1, 100, 4]);
        assert_eq!(of(&[(PictureId([9; 32]), PerceptualHash(1))]), [3], "a picture that has no face left counts, too");
    }
}
