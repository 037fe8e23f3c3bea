//! What to ask next: the faces whose ratings would teach a taste most about all the others.
//!
//! A rating of face x lowers the variance at every face y by cov(x, y)² / (var(x) + noise). The face with the largest sum
//! of that over the candidates is asked, the covariance is brought up to date as if it were answered, and so on: what is
//! uncertain and like many others comes first, what is like a question already asked drops back, and odd ones out do not
//! come first just because nothing is known of them. Of near-duplicates one is asked.
//!
//! A small part of the questions is drawn by lot instead ([`EXPLORATION`]), and every question carries the chance it had:
//! ratings chosen by a taste alone cannot judge that taste fairly.

use std::collections::HashSet;

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};
use rand::{Rng, RngExt};

use super::Taste;
use super::evidence::{self, Hyperparameters};
use super::kernel::{Distances, Faces};
use super::posterior::{MEAN_VARIANCE, spread_out};
use crate::domain::Features;

/// Part of the questions that are drawn by lot.
pub const EXPLORATION: f64 = 0.08;
/// Faces over which variance is summed; more would tell the same.
const WITNESSES: usize = 512;

/// A face that may be asked about.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    pub features: &'a Features,
    /// Near-duplicates share one.
    pub group: u64,
}

/// One question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Question {
    /// Place among the candidates.
    pub index: usize,
    /// Drawn by lot, not for what it teaches.
    pub explored: bool,
    /// The chance with which this face was asked now, given the questions before it.
    pub propensity: f64,
}

/// Whether something is done by lot instead of by rule: with the chance `share`. And the propensity of an outcome that the
/// rule takes (`by_rule`) or not, among `options` that a lot takes evenly.
pub fn propensity(share: f64, options: usize, by_rule: bool) -> f64 {
    share / options.max(1) as f64 + if by_rule { 1.0 - share } else { 0.0 }
}

/// Up to `count` questions, the most telling first; fewer where there are fewer groups. Candidates with features of a wrong
/// length or that are no numbers are never asked. Without a taste, likeness is what it is before anything was rated.
pub fn next(
    candidates: &[Candidate],
    taste: Option<&Taste>,
    count: usize,
    exploration: f64,
    rng: &mut impl Rng,
) -> Vec<Question> {
    let sound = |c: &Candidate| {
        let finite = |values: &[f32]| values.iter().all(|v| v.is_finite());
        Faces::one(c.features).is_some() && finite(&c.features.embedding) && finite(&c.features.colour)
    };
    let places: Vec<usize> = (0..candidates.len()).filter(|&i| sound(&candidates[i])).collect();
    let faces = Faces::new(places.iter().map(|&i| candidates[i].features));
    let mut field = Field::new(&faces, taste);
    let (mut asked, mut questions) = (HashSet::new(), Vec::new());
    while questions.len() < count {
        let open: Vec<usize> = (0..places.len()).filter(|&i| !asked.contains(&candidates[places[i]].group)).collect();
        let Some(best) = field.most_telling(&open) else { break };
        let explored = rng.random_bool(exploration.clamp(0.0, 1.0));
        let chosen = if explored { open[rng.random_range(0..open.len())] } else { best };
        asked.insert(candidates[places[chosen]].group);
        questions.push(Question {
            index: places[chosen],
            explored,
            propensity: propensity(exploration, open.len(), chosen == best),
        });
        field.answered(chosen);
    }
    questions
}

/// Posterior covariance between some witnesses and all candidates.
struct Field {
    witnesses: Vec<usize>,
    /// [witnesses × candidates]
    covariance: Mat<f32>,
    variance: Vec<f32>,
    noise: f32,
    /// Questions taken as answered: covariance of all candidates with each, scaled.
    taken: Vec<Vec<f32>>,
    base: Base,
}

/// The covariance before this round's questions: s·likeness + mean − reducedᵀ·reduced.
struct Base {
    faces: Faces,
    at: Hyperparameters,
    reduced: Mat<f32>,
}

impl Base {
    /// Of all faces with some of them: [faces × some].
    fn covariance(&self, some: &[usize]) -> Mat<f32> {
        let likeness = Distances::new(&self.faces, &self.faces.pick(some)).likeness(self.at.shape);
        let picked = Mat::from_fn(self.reduced.nrows(), some.len(), |i, j| self.reduced[(i, some[j])]);
        let mut covariance = Mat::from_fn(self.faces.len(), some.len(), |i, j| {
            self.at.signal as f32 * likeness[(i, j)] + MEAN_VARIANCE as f32
        });
        matmul(&mut covariance, Accum::Add, self.reduced.transpose(), &picked, -1.0, Par::Seq);
        covariance
    }
}

impl Field {
    fn new(faces: &Faces, taste: Option<&Taste>) -> Self {
        let at = taste.map_or(evidence::PRIOR, |t| t.posterior.at);
        let reduced = taste.map_or_else(|| Mat::zeros(0, faces.len()), |t| t.posterior.reduced(faces));
        let base = Base { faces: faces.clone(), at, reduced };
        let witnesses = spread_out(faces.len(), WITNESSES);
        let covariance = base.covariance(&witnesses).transpose().to_owned();
        let own = (base.at.signal + MEAN_VARIANCE) as f32;
        let variance = (0..faces.len()).map(|j| (own - base.reduced.col(j).squared_norm_l2()).max(0.0)).collect();
        Self { witnesses, covariance, variance, noise: at.noise as f32, taken: Vec::new(), base }
    }

    /// Of the `open` candidates the one that lowers the witnesses' variance most; the first of equals.
    fn most_telling(&self, open: &[usize]) -> Option<usize> {
        let gain = |i: usize| self.covariance.col(i).squared_norm_l2() / (self.variance[i] + self.noise);
        let mut best: Option<(usize, f32)> = None;
        for &i in open {
            let gain = gain(i);
            if best.is_none_or(|(_, most)| gain > most) {
                best = Some((i, gain));
            }
        }
        best.map(|(i, _)| i)
    }

    /// Brings the covariance up to date as if `chosen` had been rated.
    fn answered(&mut self, chosen: usize) {
        let fresh = self.base.covariance(&[chosen]);
        let mut column: Vec<f32> = (0..self.base.faces.len()).map(|i| fresh[(i, 0)]).collect();
        for taken in &self.taken {
            let scale = taken[chosen];
            for (c, t) in column.iter_mut().zip(taken) {
                *c -= scale * t;
            }
        }
        let scale = (self.variance[chosen] + self.noise).sqrt().recip();
        for c in &mut column {
            *c *= scale;
        }
        for (v, c) in self.variance.iter_mut().zip(&column) {
            *v = (*v - c * c).max(0.0);
        }
        let seen: Vec<f32> = self.witnesses.iter().map(|&w| column[w]).collect();
        let (seen, across) = (
            MatRef::from_column_major_slice(&seen, seen.len(), 1),
            MatRef::from_row_major_slice(&column, 1, column.len()),
        );
        matmul(&mut self.covariance, Accum::Add, seen, across, -1.0, Par::Seq);
        self.taken.push(column);
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::domain::{COLOUR_DIMS, EMBEDDING_DIMS};

    /// Faces at places on a line, all colours alike.
    fn faces(places: &[f32]) -> Vec<Features> {
        let face = |&x: &f32| {
            let mut embedding = vec![0.0; EMBEDDING_DIMS];
            embedding[0] = x;
            Features { embedding, colour: vec![1.0 / COLOUR_DIMS as f32; COLOUR_DIMS] }
        };
        places.iter().map(face).collect()
    }

    fn ask(faces: &[Features], groups: &[u64], count: usize, exploration: f64, seed: u64) -> Vec<Question> {
        let candidates: Vec<Candidate> =
            faces.iter().zip(groups).map(|(features, &group)| Candidate { features, group }).collect();
        next(&candidates, None, count, exploration, &mut ChaCha8Rng::seed_from_u64(seed))
    }

    #[test]
    fn the_middle_of_a_crowd_is_asked_first_then_another_crowd() {
        let faces = faces(&[-2.1, -2.0, -1.9, 2.0, 2.1, 3.9]);
        let order: Vec<usize> = ask(&faces, &[0, 1, 2, 3, 4, 5], 2, 0.0, 1).iter().map(|q| q.index).collect();
        assert!((0..3).contains(&order[0]) != (0..3).contains(&order[1]), "{order:?}");
    }

    #[test]
    fn of_near_duplicates_one_is_asked_and_then_there_is_nothing_left() {
        let faces = faces(&[0.0, 0.001, 1.0]);
        let questions = ask(&faces, &[7, 7, 8], 9, 0.5, 2);
        assert_eq!(questions.len(), 2);
        assert!(questions.iter().filter(|q| q.index < 2).count() == 1);
    }

    #[test]
    fn propensities_are_those_of_the_lot() {
        let faces = faces(&[-1.0, 0.0, 0.2, 1.0]);
        let mut times = [0; 4];
        let mut said = [0.0; 4];
        for seed in 0..4000 {
            let first = ask(&faces, &[0, 1, 2, 3], 1, 0.4, seed)[0];
            times[first.index] += 1;
            said[first.index] = first.propensity;
        }
        for (times, said) in times.iter().zip(said) {
            assert!((f64::from(*times) / 4000.0 - said).abs() < 0.03, "{times} of 4000, said {said}");
        }
        assert!((said.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn what_cannot_be_read_is_not_asked() {
        let mut faces = faces(&[0.0, 1.0, 2.0]);
        faces[0].embedding[3] = f32::NAN;
        faces[2].colour.pop();
        let order: Vec<usize> = ask(&faces, &[0, 1, 2], 5, 0.0, 3).iter().map(|q| q.index).collect();
        assert_eq!(order, [1]);
        assert!(ask(&[], &[], 3, 0.1, 4).is_empty());
    }
}
