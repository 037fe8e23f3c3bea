//! Why a face scores as it does: what its crop, its picture and its colours add, and the rated faces most like it.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use super::kernel::{Blocks, Distances, Faces};
use super::{Taste, observation};
use crate::domain::{Features, Judgement};

/// A rated face, under a name of the caller's.
#[derive(Debug, Clone, Copy)]
pub struct Rated<'a, K> {
    pub key: K,
    pub features: &'a Features,
    pub judgement: Judgement,
}

/// Whether a judgement says liked (4, 5, 👍: 1), disliked (1, 2, 👎: −1) or neither (0).
pub fn leaning(judgement: Judgement) -> i8 {
    let value = observation::rank_value(judgement);
    i8::from(value > 3.5) - i8::from(value < 2.5)
}

/// A rated face like the one asked about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbour<K> {
    pub key: K,
    pub judgement: Judgement,
    /// As this taste sees it, 0–1; 1 is the same face in the same picture.
    pub likeness: f32,
}

/// What a score is made of. Before clamping, the score is `typical` + the blocks' sum.
#[derive(Debug, Clone, PartialEq)]
pub struct Why<K> {
    /// What the faces this taste remembers score on average.
    pub typical: f32,
    /// What each block adds to that or takes off it, in stars.
    pub blocks: Blocks,
    /// Most alike first.
    pub liked: Vec<Neighbour<K>>,
    pub disliked: Vec<Neighbour<K>>,
}

/// The reasons for `features`' score, with at most `neighbours` liked and as many disliked of the `rated` faces, see
/// [`leaning`]. A face that several people judged counts once, as most of them see it, and not at all where they are even;
/// of the judgements that say so, its first is told. `None` if the features are of a wrong length or hold what is no number.
pub fn why<K: Copy + Eq + Hash>(
    taste: &Taste,
    features: &Features,
    rated: &[Rated<'_, K>],
    neighbours: usize,
) -> Option<Why<K>> {
    let face = Faces::one(features)?;
    let remembered = &taste.posterior.centres;
    let mut blocks = taste.blocks(&face, 0);
    let (mean, _) = taste.predict(&face)[0];
    if mean.is_nan() {
        return None;
    }
    let mut usual = Blocks::default();
    for i in 0..remembered.len() {
        let part = taste.blocks(remembered, i);
        usual.face += part.face / remembered.len() as f64;
        usual.picture += part.picture / remembered.len() as f64;
        usual.colour += part.colour / remembered.len() as f64;
    }
    blocks.face -= usual.face;
    blocks.picture -= usual.picture;
    blocks.colour -= usual.colour;
    let typical = observation::PRIOR_MEAN + mean - blocks.face - blocks.picture - blocks.colour;
    let right: Vec<&Rated<K>> = rated.iter().filter(|r| Faces::one(r.features).is_some()).collect();
    let faces = Faces::new(right.iter().map(|r| r.features));
    let likeness = Distances::new(&faces, &face).likeness(taste.posterior.at.shape);
    let mut nearest: Vec<Neighbour<K>> = (0..)
        .zip(&right)
        .map(|(i, r)| Neighbour { key: r.key, judgement: r.judgement, likeness: likeness[(i, 0)] })
        .collect();
    nearest.sort_by(|a, b| b.likeness.total_cmp(&a.likeness));
    let mut voices: HashMap<K, i32> = HashMap::new();
    for r in rated {
        *voices.entry(r.key).or_default() += i32::from(leaning(r.judgement));
    }
    let of = |side: i8| {
        let mut told = HashSet::new();
        let is_so = |n: &&Neighbour<K>| leaning(n.judgement) == side && voices[&n.key] * i32::from(side) > 0;
        nearest.iter().filter(is_so).filter(|n| told.insert(n.key)).take(neighbours).copied().collect()
    };
    Some(Why { typical: typical as f32, blocks, liked: of(1), disliked: of(-1) })
}

impl Taste {
    /// What each block's likeness gives to one of `faces`, this taste's and that of the one it stands upon together.
    fn blocks(&self, faces: &Faces, which: usize) -> Blocks {
        let face = faces.pick(&[which]);
        let mut sum = self.posterior.contributions(&face);
        if let Some(prior) = &self.upon {
            let more = prior.blocks(&face, 0);
            sum.face += more.face;
            sum.picture += more.picture;
            sum.colour += more.colour;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use time::OffsetDateTime;

    use super::*;
    use crate::domain::{COLOUR_DIMS, EMBEDDING_DIMS};
    use crate::taste::Example;

    /// A face that differs from others in its crop only.
    fn face(x: f32) -> Arc<Features> {
        let mut embedding = vec![0.0; EMBEDDING_DIMS];
        embedding[0] = x;
        Arc::new(Features { embedding, colour: vec![1.0 / COLOUR_DIMS as f32; COLOUR_DIMS] })
    }

    #[test]
    fn the_blocks_add_up_to_the_score_and_the_neighbours_are_the_nearest() {
        let places = [-1.0f32, -0.8, -0.6, -0.4, 0.4, 0.6, 0.8, 1.0];
        let judged = |x: f32| if x > 0.0 { Judgement::Up } else { Judgement::Down };
        let examples: Vec<Example> = (0..)
            .zip(places)
            .map(|(i, x)| Example {
                features: face(x),
                judgement: judged(x),
                at: OffsetDateTime::UNIX_EPOCH,
                group: i,
                rater: 0,
                by_lot: false,
            })
            .collect();
        let taste = Taste::fit(&examples).unwrap();
        let rated: Vec<Rated<usize>> = examples
            .iter()
            .enumerate()
            .map(|(key, e)| Rated { key, features: &e.features, judgement: e.judgement })
            .collect();
        let why = why(&taste, &face(0.65), &rated, 2).unwrap();
        let sum = f64::from(why.typical) + why.blocks.face + why.blocks.picture + why.blocks.colour;
        assert!((sum - f64::from(taste.score(&face(0.65)).mean())).abs() < 1e-4, "{why:?}");
        assert!(why.blocks.face > 0.1, "{why:?}");
        assert!(why.blocks.picture.abs() < 1e-4 && why.blocks.colour.abs() < 1e-4, "{why:?}");
        let keys = |n: &[Neighbour<usize>]| n.iter().map(|n| n.key).collect::<Vec<_>>();
        assert_eq!((keys(&why.liked), keys(&why.disliked)), (vec![5, 6], vec![3, 2]));
        // Two of three dislike the nearest liked face, and the next one divides two people.
        let says = |key: usize, judgement| Rated { key, features: &examples[key].features, judgement };
        let more = [says(5, Judgement::Down), says(5, Judgement::Down), says(6, Judgement::Down)];
        let voices = super::why(&taste, &face(0.65), &[rated.clone(), more.to_vec()].concat(), 3).unwrap();
        assert_eq!((keys(&voices.liked), keys(&voices.disliked)), (vec![4, 7], vec![5, 3, 2]));
        let mut broken = (*face(0.0)).clone();
        broken.embedding[1] = f32::NAN;
        assert_eq!(super::why(&taste, &broken, &rated, 2), None);
    }
}
