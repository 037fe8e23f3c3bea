//! What must hold of any taste, whoever rates. Faces are made up: six looks blended, one of them liked.

mod drift;
mod posterior;
mod promotion;
mod properties;
mod upon;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use time::{Duration, OffsetDateTime};

use super::*;
use crate::domain::{COLOUR_DIMS, EMBEDDING_DIMS, VIEW_DIMS};

const START: OffsetDateTime = time::macros::datetime!(2026-11-24 12:00 UTC);
const LOOKS: usize = 6;

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

fn stars(n: u8) -> Judgement {
    Judgement::Stars(n.try_into().unwrap())
}

/// A face and how much it has of the liked look, 0–1. Embeddings lie about 0, crop and picture about 1 long, as the
/// embedder's do.
fn face(rng: &mut impl rand::Rng) -> (Arc<Features>, f32) {
    let looks: [f32; LOOKS] = rng.random();
    let mut block = |dims: usize, middle: f32, length: f32| -> Vec<f32> {
        (0..dims).map(|i| (looks[i % LOOKS] - middle) * rng.random_range(0.0..2.0) * length).collect()
    };
    let picture = block(EMBEDDING_DIMS - VIEW_DIMS, 0.5, 0.26);
    let embedding = [block(VIEW_DIMS, 0.5, 0.18), picture].concat();
    let mut colour = block(COLOUR_DIMS, 0.0, 1.0);
    let sum: f32 = colour.iter().sum();
    for c in &mut colour {
        *c /= sum;
    }
    (Arc::new(Features { embedding, colour }), looks[0])
}

fn example(features: Arc<Features>, judgement: Judgement, minute: usize) -> Example {
    let at = START + Duration::minutes(i64::try_from(minute).unwrap());
    Example { features, judgement, at, group: minute as u64, rater: 0, by_lot: false }
}

/// A rater who likes the first look, from `minute` on.
fn honest(count: usize, minute: usize, rng: &mut impl rand::Rng) -> Vec<Example> {
    let rated = |m: usize, rng: &mut _| {
        let (features, liked) = face(rng);
        example(features, stars((1.0 + liked * 4.0).round() as u8), m)
    };
    (minute..minute + count).map(|m| rated(m, rng)).collect()
}

/// A rater who throws dice.
fn random(count: usize, minute: usize, rng: &mut impl rand::Rng) -> Vec<Example> {
    (minute..minute + count).map(|m| example(face(rng).0, stars(rng.random_range(1..=5)), m)).collect()
}

/// One of each kind of judgement in turn, so that noise differs from row to row.
fn mixed(count: usize, rng: &mut impl rand::Rng) -> Vec<Example> {
    let mut examples = honest(count, 0, rng);
    for (i, e) in examples.iter_mut().enumerate() {
        e.judgement = match i % 3 {
            0 => e.judgement,
            1 => Judgement::Up,
            _ => Judgement::Down,
        };
    }
    examples
}

fn known(examples: &[Example]) -> Known<'_> {
    Known::new(in_order(examples), None)
}

/// With all hyperparameters standing still.
fn fit(examples: &[Example]) -> Taste {
    let known = known(examples);
    fit_at(&known)
}

fn fit_at(known: &Known) -> Taste {
    let design = known.design(AT);
    known.taste(&design, &design.heard(&design.all()), None)
}

const AT: Hyperparameters = Hyperparameters {
    signal: 0.8,
    noise: 0.3,
    shape: kernel::Shape { length: 1.0, picture: 0.2, colour: 0.3 },
    half_life: None,
};

/// Stars may be used narrowly or widely: what counts is which face has more.
#[test]
fn the_order_of_scores_hardly_depends_on_how_the_scale_is_used() {
    let mut rng = rng(32);
    let examples = honest(100, 0, &mut rng);
    let faces: Vec<_> = (0..200).map(|_| face(&mut rng).0).collect();
    let scores = |stars_of: [u8; 5]| -> Vec<f32> {
        let relabelled: Vec<Example> = examples
            .iter()
            .map(|e| Example {
                judgement: stars(stars_of[observation::rank_value(e.judgement) as usize - 1]),
                ..e.clone()
            })
            .collect();
        let taste = Taste::fit(&relabelled).unwrap();
        faces.iter().map(|f| taste.score(f).mean()).collect()
    };
    let usual = scores([1, 3, 3, 3, 5]);
    for [low, middle, high] in [[2, 3, 4], [1, 2, 3], [3, 4, 5], [1, 2, 5], [1, 4, 5]] {
        let agreement = evaluate::spearman(&usual, &scores([low, middle, middle, middle, high])).unwrap();
        assert!(agreement > 0.93, "{low} {middle} {high}: {agreement}");
    }
}

#[test]
fn it_learns_what_is_liked_and_is_honest_about_how_well() {
    let mut rng = rng(4);
    let held_out = honest(200, 0, &mut rng);
    let ratings: Vec<f32> = held_out.iter().map(|e| observation::rank_value(e.judgement)).collect();
    let taste = Taste::fit(&honest(60, 0, &mut rng)).unwrap();
    let scores: Vec<_> = held_out.iter().map(|e| taste.score(&e.features)).collect();
    let means: Vec<f32> = scores.iter().map(Score::mean).collect();
    let agreement = evaluate::spearman(&means, &ratings).unwrap();
    assert!(agreement > 0.8, "{agreement}");
    let intervals: Vec<_> = scores.iter().map(|s| (s.mean(), s.spread())).collect();
    let coverage = evaluate::coverage(&intervals, &ratings, evaluate::EIGHTY_PERCENT).unwrap();
    assert!(coverage > 0.75, "{coverage}");
}

#[test]
fn dice_give_a_wide_spread_and_no_picks() {
    let mut rng = rng(5);
    for count in [30, 200] {
        let taste = Taste::fit(&random(count, 0, &mut rng)).unwrap();
        for _ in 0..50 {
            let score = taste.score(&face(&mut rng).0);
            assert!(score.spread() > 1.0 && score.mean() < 4.0, "{score:?} after {count}");
        }
    }
}

#[test]
fn calibration_counts_ratings() {
    let examples = honest(10, 0, &mut rng(6));
    assert_eq!(Taste::fit(&examples[..9]).unwrap().calibration(), Calibration::Uncalibrated { ratings: 9 });
    let taste = Taste::fit(&examples).unwrap();
    assert_eq!(taste.calibration(), Calibration::Calibrated { ratings: 10 });
    assert_eq!(taste.newest_rating(), START + Duration::minutes(9));
}

#[test]
fn a_first_rating_moves_all_scores_its_way_and_its_own_face_most() {
    let mut rng = rng(7);
    let (liked, _) = face(&mut rng);
    let taste = Taste::fit(&[example(liked.clone(), Judgement::Up, 0)]).unwrap();
    let other = taste.score(&face(&mut rng).0);
    assert!(other.mean() > 3.0 && taste.score(&liked).mean() >= other.mean() - 0.3, "{other:?}");
    assert!(other.spread() > taste.score(&liked).spread());
}

#[test]
fn odd_input_gives_scores_all_the_same() {
    let mut rng = rng(8);
    let constant = |v: f32| Arc::new(Features { embedding: vec![v; EMBEDDING_DIMS], colour: vec![v; COLOUR_DIMS] });
    let (some, _) = face(&mut rng);
    let wild = |v: f32| {
        let mut features = (*face(&mut ChaCha8Rng::seed_from_u64(9)).0).clone();
        features.embedding[3] = v;
        features.colour[3] = -v;
        Arc::new(features)
    };
    let all = |features: &[Arc<Features>], judgement: Judgement| -> Vec<Example> {
        features.iter().enumerate().map(|(i, f)| example(f.clone(), judgement, i)).collect()
    };
    let cases = [
        all(&vec![constant(0.0); 12], Judgement::Down),
        all(&vec![constant(6.0); 12], stars(3)),
        all(&vec![some.clone(); 150], Judgement::Up),
        all(&[constant(f32::MAX), constant(f32::MIN), constant(f32::MIN_POSITIVE)], stars(5)),
        all(&[wild(f32::MAX), wild(f32::MIN), some.clone()], stars(1)),
        [all(&vec![some.clone(); 20], Judgement::Up), all(&vec![some.clone(); 20], Judgement::Down)].concat(),
    ];
    for (case, examples) in cases.iter().enumerate() {
        let taste = Taste::fit(examples).unwrap();
        for f in [constant(0.0), constant(1e30), constant(f32::MAX), wild(-1e38), some.clone()] {
            let score = taste.score(&f);
            assert!((1.0..=5.0).contains(&score.mean()) && score.spread() > 0.0, "case {case}: {score:?}");
        }
    }
}

#[test]
fn what_cannot_be_learnt_from_is_named() {
    assert_eq!(Taste::fit(&[]), Err(FitError::NoRatings));
    let mut examples = honest(3, 0, &mut rng(10));
    Arc::make_mut(&mut examples[1].features).colour[7] = f32::NAN;
    let error = Taste::fit(&examples).unwrap_err();
    assert_eq!(error, FitError::NotFinite { index: 1, block: "colour", position: 7 });
    Arc::make_mut(&mut examples[0].features).embedding.pop();
    let error = Taste::fit(&examples).unwrap_err();
    let (expected, found) = (EMBEDDING_DIMS, EMBEDDING_DIMS - 1);
    assert_eq!(error, FitError::WrongLength { index: 0, block: "embedding", expected, found });
}

#[test]
fn a_face_that_cannot_be_read_scores_the_middle_with_the_widest_spread() {
    let examples = honest(12, 0, &mut rng(11));
    let taste = Taste::fit(&examples).unwrap();
    let mut broken = (*examples[0].features).clone();
    broken.embedding[0] = f32::NAN;
    let short = Features { embedding: vec![0.0], colour: vec![] };
    for features in [broken, short] {
        let score = taste.score(&features);
        assert_eq!((score.mean(), score.spread()), (3.0, 2.0));
    }
}

#[test]
fn a_taste_fits_a_row_of_the_store() {
    let taste = Taste::fit(&honest(300, 0, &mut rng(12))).unwrap();
    let bytes = taste.to_bytes();
    assert!(bytes.len() < 1_100_000, "{}", bytes.len());
    assert_eq!(Taste::from_bytes(&bytes).unwrap(), taste);
    let mut newer = bytes.clone();
    newer[8] = 4;
    assert_eq!(Taste::from_bytes(&newer), Err(DecodeError::Version { found: 4 }));
    assert_eq!(Taste::from_bytes(b"GIF89a"), Err(DecodeError::NotATaste));
}
