//! Which of the faces that may be asked about are asked, on the page and by `/rate` alike: what would tell the taste most
//! about the rest ([`crate::taste::ask`]), of near-duplicates one, a part by lot.

use std::collections::{HashMap, HashSet};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::domain::{PerceptualHash, PictureId};
use crate::store::{Asking, OpenFace};
use crate::taste::Taste;
use crate::taste::ask::{self, Candidate, EXPLORATION};

/// Up to `count` of `faces` as (place, question), the most telling first; one a picture, and none that looks like a
/// picture of `before` unless it is that picture. `seed` decides the lot.
pub(super) fn choose(
    faces: &[OpenFace],
    before: &[(PictureId, PerceptualHash)],
    taste: Option<&Taste>,
    count: usize,
    seed: u64,
) -> Vec<(usize, Asking)> {
    let pictures: Vec<_> = faces.iter().map(|f| (f.row.picture, f.hash)).collect();
    let places = one_of_each_group(&pictures, before);
    let mut number: HashMap<PictureId, u64> = HashMap::new();
    let candidates: Vec<Candidate> = places
        .iter()
        .map(|&place| {
            let next = number.len() as u64;
            let group = *number.entry(faces[place].row.picture).or_insert(next);
            Candidate { features: &faces[place].row.face.features, group }
        })
        .collect();
    let questions = ask::next(&candidates, taste, count, EXPLORATION, &mut ChaCha8Rng::seed_from_u64(seed));
    questions
        .into_iter()
        .map(|q| {
            let place = places[q.index];
            let face = faces[place].row.id;
            (place, Asking { face, by_lot: q.explored, propensity: Some(q.propensity) })
        })
        .collect()
}

/// Places that are left when of each near-duplicate group one picture stays, with all its places: the one that was judged
/// or asked about before, else the first.
fn one_of_each_group(pictures: &[(PictureId, PerceptualHash)], before: &[(PictureId, PerceptualHash)]) -> Vec<usize> {
    let mut kept: Vec<PerceptualHash> = before.iter().map(|(_, hash)| *hash).collect();
    let mut known: HashSet<PictureId> = before.iter().map(|(id, _)| *id).collect();
    let mut dropped: HashSet<PictureId> = HashSet::new();
    let mut left = Vec::new();
    for (place, &(picture, hash)) in pictures.iter().enumerate() {
        if dropped.contains(&picture) {
            continue;
        }
        if !known.contains(&picture) {
            if kept.iter().any(|other| other.is_near(hash)) {
                dropped.insert(picture);
                continue;
            }
            known.insert(picture);
            kept.push(hash);
        }
        left.push(place);
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{COLOUR_DIMS, Confidence, EMBEDDING_DIMS, Face, FaceId, Features, PictureBox, PostId};
    use crate::store::FaceRow;

    /// Face `id` of picture `picture`, at a place on a line of looks.
    fn open(id: u8, picture: u8, hash: u64, look: f32) -> OpenFace {
        let mut embedding = vec![0.0; EMBEDDING_DIMS];
        embedding[0] = look;
        let features = Features { embedding, colour: vec![1.0 / COLOUR_DIMS as f32; COLOUR_DIMS] };
        OpenFace {
            post: PostId(picture.into()),
            hash: PerceptualHash(hash),
            row: FaceRow {
                id: FaceId(id.into()),
                picture: PictureId([picture; 32]),
                face: Face { bounds: PictureBox::new(0.0, 0.0, 9.0, 9.0), confidence: Confidence(0.9), features },
                crop: PictureId([0; 32]),
            },
        }
    }

    /// A hash far from all others.
    fn far(n: u8) -> u64 {
        u64::from(n).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    fn asked(faces: &[OpenFace], before: &[(PictureId, PerceptualHash)], count: usize, seed: u64) -> Vec<i64> {
        choose(faces, before, None, count, seed).iter().map(|(_, a)| a.face.0).collect()
    }

    #[test]
    fn of_near_duplicates_one_picture_is_left_with_all_its_faces() {
        let pictures = [(1, 0), (1, 0), (2, 0b11), (3, u64::MAX), (4, u64::MAX ^ 1)]
            .map(|(id, hash)| (PictureId([id; 32]), PerceptualHash(hash)));
        assert_eq!(one_of_each_group(&pictures, &[]), [0, 1, 3]);
        // The one that was judged goes on with its other faces; its likes stay away.
        assert_eq!(one_of_each_group(&pictures, &pictures[4..]), [0, 1, 4]);
        let gone = (PictureId([9; 32]), PerceptualHash(1));
        assert_eq!(one_of_each_group(&pictures, &[gone]), [3], "a picture that has no face left counts, too");
    }

    #[test]
    fn different_looks_are_asked_about_and_a_picture_once_a_round() {
        let mut faces: Vec<OpenFace> = (0..20).map(|n| open(n, n, far(n), if n < 10 { -2.0 } else { 2.0 })).collect();
        // A second face of the first picture, and a twin of the last.
        faces.push(open(20, 0, far(0), -2.0));
        faces.push(open(21, 21, far(19) ^ 1, 2.0));
        for seed in 0..30 {
            let ids = asked(&faces, &[], 30, seed);
            assert_eq!(ids.len(), 20, "one a picture and group: {ids:?}");
            assert!(!ids.contains(&21) && (!ids.contains(&0) || !ids.contains(&20)));
            assert_eq!(asked(&faces, &[], 30, seed), ids, "a seed repeats the lot");
        }
        let greedy = (0..).find_map(|seed| {
            let chosen = choose(&faces, &[], None, 2, seed);
            chosen.iter().all(|(_, a)| !a.by_lot).then_some(chosen)
        });
        let looks: Vec<f32> = greedy
            .expect("most seeds explore nothing")
            .iter()
            .map(|(i, _)| faces[*i].row.face.features.embedding[0])
            .collect();
        assert!((looks[0] - looks[1]).abs() > 1.0, "one of each bundle: {looks:?}");
    }

    #[test]
    fn a_share_is_drawn_by_lot_and_says_its_chance() {
        let faces: Vec<OpenFace> = (0..20).map(|n| open(n, n, far(n), f32::from(n) / 4.0)).collect();
        let (mut lots, mut chances) = (0, 0.0);
        for seed in 0..1000 {
            let (_, first) = choose(&faces, &[], None, 1, seed)[0];
            lots += u32::from(first.by_lot);
            let chance = first.propensity.expect("is known");
            assert!((chance - 0.004).abs() < 1e-9 || (chance - 0.924).abs() < 1e-9, "{chance}");
            chances += chance;
        }
        assert!((50..110).contains(&lots), "8 % of 1000 are 80, not {lots}");
        assert!((chances / 1000.0 - (0.924 * 0.924 + 0.076 * 0.004)).abs() < 0.03);
        assert_eq!(choose(&faces[..1], &[], None, 5, 1).len(), 1);
        assert!(choose(&[], &[], None, 5, 1).is_empty());
    }
}
