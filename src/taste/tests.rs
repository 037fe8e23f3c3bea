//! What must hold of any taste, whoever rates. Faces are made up: six looks blended, one of them liked.

use faer::linalg::solvers::{Llt, Solve};
use faer::{Mat, Side};
use proptest::prelude::*;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use time::{Duration, OffsetDateTime};

use super::posterior::{CENTRES, MEAN_VARIANCE, RANK};
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
    Example { features, judgement, at, group: minute as u64, rater: 0 }
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
    Known::new(in_order(examples.iter()), None)
}

/// With all hyperparameters standing still.
fn fit(examples: &[Example]) -> Taste {
    let known = known(examples);
    known.taste(&known.design(AT), None)
}

const AT: Hyperparameters =
    Hyperparameters { signal: 0.8, noise: 0.3, shape: kernel::Shape { length: 1.0, picture: 0.2, colour: 0.3 } };

/// The textbook's formula, in f64, with the whole covariance and the kernel written out.
struct Textbook<'a> {
    known: &'a Known<'a>,
    covariance: Llt<f64>,
}

fn kernel(a: &Features, b: &Features) -> f64 {
    let square = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(x - y).powi(2)).sum::<f64>();
    let roots = |f: &Features| f.colour.iter().map(|x| x.sqrt()).collect::<Vec<_>>();
    let alike = |square: f64, length: f64| (1.0 + square / (2.0 * length * length)).recip();
    let (face, picture) = (..VIEW_DIMS, VIEW_DIMS..);
    AT.signal
        * (0.8 * 0.7 * alike(square(&a.embedding[face], &b.embedding[face]), 1.0)
            + 0.2 * alike(square(&a.embedding[picture.clone()], &b.embedding[picture]), 1.0)
            + 0.8 * 0.3 * alike(square(&roots(a), &roots(b)) / 0.51, 0.7))
}

impl<'a> Textbook<'a> {
    fn new(known: &'a Known<'a>) -> Self {
        let n = known.examples.len();
        let mut covariance =
            Mat::from_fn(n, n, |i, j| kernel(&known.examples[i].features, &known.examples[j].features) + MEAN_VARIANCE);
        for (i, extra) in known.extra_noise.iter().enumerate() {
            covariance[(i, i)] += AT.noise + extra;
        }
        Self { known, covariance: covariance.llt(Side::Lower).unwrap() }
    }

    /// Mean and variance at a face.
    fn predict(&self, face: &Features) -> (f64, f64) {
        let n = self.known.examples.len();
        let cross = Mat::from_fn(n, 1, |i, _| kernel(&self.known.examples[i].features, face) + MEAN_VARIANCE);
        let solved = self.covariance.solve(&cross);
        let sum = |of: &dyn Fn(usize) -> f64| (0..n).map(of).sum::<f64>();
        let mean = sum(&|i| solved[(i, 0)] * self.known.targets[i]);
        (mean, AT.signal + MEAN_VARIANCE - sum(&|i| solved[(i, 0)] * cross[(i, 0)]))
    }
}

fn assert_close(a: f64, b: f64, tolerance: f64, what: &str) {
    assert!((a - b).abs() <= tolerance, "{what}: {a} and {b} differ by more than {tolerance}");
}

#[test]
fn the_posterior_is_the_textbooks() {
    let mut rng = rng(1);
    for count in [1, 17, RANK - 1] {
        let examples = mixed(count, &mut rng);
        let known = known(&examples);
        let (textbook, taste) = (Textbook::new(&known), known.taste(&known.design(AT), None));
        for _ in 0..5 {
            let face = face(&mut rng).0;
            let (mean, variance) = textbook.predict(&face);
            let (m, v) = taste.predict(&Faces::one(&face).unwrap())[0];
            assert_close(m, mean, 1e-3, &format!("mean at {count}"));
            assert_close(v, variance, 1e-3, &format!("variance at {count}"));
        }
    }
}

#[test]
fn beyond_the_rank_the_mean_is_exact_and_the_variance_never_too_small() {
    let mut rng = rng(2);
    let examples = mixed(CENTRES, &mut rng);
    let known = known(&examples);
    let (textbook, taste) = (Textbook::new(&known), known.taste(&known.design(AT), None));
    for _ in 0..10 {
        let face = face(&mut rng).0;
        let (mean, exact) = textbook.predict(&face);
        let (m, v) = taste.predict(&Faces::one(&face).unwrap())[0];
        assert_close(m, mean, 2e-3, "mean");
        assert!(v >= exact - 1e-3, "{v} is narrower than what the ratings allow, {exact}");
        // As shown, with the noise: at most a tenth too wide.
        let (wide, true_spread) = ((v + AT.noise).sqrt(), (exact + AT.noise).sqrt());
        assert!(wide <= 1.1 * true_spread, "{wide} for {true_spread}");
    }
}

#[test]
fn more_ratings_than_centres_are_all_learnt_from() {
    let mut rng = rng(3);
    let examples = honest(2 * CENTRES, 0, &mut rng);
    let known = known(&examples);
    let (textbook, taste) = (Textbook::new(&known), known.taste(&known.design(AT), None));
    for _ in 0..20 {
        let face = face(&mut rng).0;
        let (mean, exact) = textbook.predict(&face);
        let (m, v) = taste.predict(&Faces::one(&face).unwrap())[0];
        assert_close(m, mean, 0.15, "mean");
        assert!(v >= exact - 1e-3, "{v} is narrower than what the ratings allow, {exact}");
    }
}

#[test]
fn where_nothing_was_rated_a_person_scores_as_their_guild_does() {
    let mut rng = rng(30);
    let guild = Arc::new(Taste::fit(&honest(120, 0, &mut rng)).unwrap());
    // The person agrees but for one face, which they cannot stand.
    let (odd, _) = face(&mut rng);
    let own = [honest(6, 200, &mut rng), vec![example(odd.clone(), stars(1), 300)]].concat();
    let personal = Taste::fit_upon(&own, Some(&guild)).unwrap();
    let (alone, held_out) = (Taste::fit(&own).unwrap(), honest(150, 400, &mut rng));
    let ratings: Vec<f32> = held_out.iter().map(|e| observation::rank_value(e.judgement)).collect();
    let agreement = |taste: &Taste| {
        let scores: Vec<f32> = held_out.iter().map(|e| taste.score(&e.features).mean()).collect();
        evaluate::spearman(&scores, &ratings).unwrap()
    };
    let (upon, without, others) = (agreement(&personal), agreement(&alone), agreement(&guild));
    assert!(
        upon > without + 0.1 && upon > others - 0.1,
        "{upon} upon the guild, {without} without, {others} the guild"
    );
    assert!(personal.score(&odd).mean() < guild.score(&odd).mean() - 0.2);
    assert_eq!(Taste::from_bytes(&personal.to_bytes()), Ok(personal));
}

#[test]
fn a_strict_rater_among_kind_ones_does_not_blur_the_taste() {
    let mut rng = rng(31);
    let mut examples = honest(120, 0, &mut rng);
    for (i, e) in examples.iter_mut().enumerate().filter(|(i, _)| i % 2 == 1) {
        (e.rater, e.judgement) = (1, stars((observation::rank_value(e.judgement) as u8).saturating_sub(2).max(1)));
        assert!(i > 0);
    }
    let mut nameless = examples.clone();
    for e in &mut nameless {
        e.rater = 0;
    }
    let held_out = honest(200, 400, &mut rng);
    let error = |examples: &[Example]| {
        let taste = Taste::fit(examples).unwrap();
        let mean: f32 = held_out.iter().map(|e| taste.score(&e.features).spread()).sum();
        mean / held_out.len() as f32
    };
    assert!(error(&examples) < error(&nameless), "{} {}", error(&examples), error(&nameless));
}

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
    newer[8] = 3;
    assert_eq!(Taste::from_bytes(&newer), Err(DecodeError::Version { found: 3 }));
    assert_eq!(Taste::from_bytes(b"GIF89a"), Err(DecodeError::NotATaste));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Exact while kernel, signal and noise stand still. A fit that chooses them anew moves all scores a little, and
    /// with fewer ratings than calibration asks for may move one down.
    #[test]
    fn another_thumb_never_pulls_its_face_the_other_way(seed: u64, count in 1usize..40, twice: bool) {
        let mut rng = rng(seed);
        let mut examples = random(count, 0, &mut rng);
        let features = if twice { examples[0].features.clone() } else { face(&mut rng).0 };
        examples.push(example(features.clone(), Judgement::Up, count));
        let score = |examples: &[Example]| fit(examples).score(&features).mean();
        let before = score(&examples[..count]);
        prop_assert!(score(&examples) >= before - 1e-3);
        examples[count].judgement = Judgement::Down;
        prop_assert!(score(&examples) <= before + 1e-3);
    }

    #[test]
    fn the_order_of_ratings_does_not_matter(seed: u64, count in 1usize..60) {
        let mut rng = rng(seed);
        let mut examples = mixed(count, &mut rng);
        // All at the same time in the same group: nothing but the ratings themselves tells them apart.
        for e in &mut examples {
            (e.at, e.group) = (START, 0);
        }
        let taste = Taste::fit(&examples).unwrap();
        examples.shuffle(&mut rng);
        prop_assert!(Taste::fit(&examples).unwrap() == taste);
    }

    #[test]
    fn bytes_and_back_is_the_same_taste_and_damage_is_noticed(
        seed: u64, count in 1usize..30, at: prop::sample::Index, bit in 0u8..8, cut: prop::sample::Index,
    ) {
        let taste = Taste::fit(&mixed(count, &mut rng(seed))).unwrap();
        let bytes = taste.to_bytes();
        prop_assert!(Taste::from_bytes(&bytes) == Ok(taste));
        let mut damaged = bytes.clone();
        damaged[at.index(bytes.len())] ^= 1 << bit;
        prop_assert!(Taste::from_bytes(&damaged).is_err());
        prop_assert!(Taste::from_bytes(&bytes[..cut.index(bytes.len())]).is_err());
    }
}

mod promotion {
    use super::*;

    #[test]
    fn a_beginners_scores_follow_every_rating() {
        let mut rng = rng(20);
        let examples = honest(19, 0, &mut rng);
        let mut current = None;
        for known in 1..=examples.len() {
            let (taste, promotion) = challenge(current.as_ref(), &examples[..known]).unwrap();
            assert_eq!(promotion, Promotion::Promoted { held_out: None }, "at {known}");
            current = Some(taste);
        }
    }

    #[test]
    fn more_of_the_same_taste_is_promoted_with_its_figure() {
        let mut rng = rng(21);
        let examples = honest(120, 0, &mut rng);
        let current = Taste::fit(&examples[..12]).unwrap();
        let (taste, promotion) = challenge(Some(&current), &examples).unwrap();
        assert_eq!(taste.calibration().ratings(), 120);
        let Promotion::Promoted { held_out: Some(held_out) } = promotion else { panic!("{promotion}") };
        assert_eq!(held_out.ratings, 24);
        assert!(held_out.spearman > 0.7, "{promotion}");
    }

    #[test]
    fn a_fit_poisoned_by_noise_is_refused() {
        for seed in 0..3 {
            let mut rng = rng(100 + seed);
            // Someone lends the phone to a child, then takes it back.
            let good = honest(40, 0, &mut rng);
            let current = Taste::fit(&good).unwrap();
            let all = [good, random(60, 40, &mut rng), honest(25, 100, &mut rng)].concat();
            let (_, promotion) = challenge(Some(&current), &all).unwrap();
            let Promotion::Kept { current, challenger } = promotion else { panic!("seed {seed}: {promotion}") };
            assert!(current.spearman > challenger.spearman && current.ratings == challenger.ratings);
        }
    }

    #[test]
    fn a_taste_that_turned_round_is_followed() {
        let mut rng = rng(23);
        let old = honest(60, 0, &mut rng);
        let current = Taste::fit(&old).unwrap();
        let mut new = honest(60, 60, &mut rng);
        for e in &mut new {
            e.judgement = stars(6 - observation::rank_value(e.judgement) as u8);
        }
        let (_, promotion) = challenge(Some(&current), &[old, new].concat()).unwrap();
        assert!(matches!(promotion, Promotion::Promoted { held_out: Some(_) }), "{promotion}");
    }

    #[test]
    fn a_refit_on_the_same_ratings_is_a_tie_and_promoted() {
        let examples = honest(40, 0, &mut rng(24));
        let current = Taste::fit(&examples).unwrap();
        let (taste, promotion) = challenge(Some(&current), &examples).unwrap();
        assert!(taste == current && matches!(promotion, Promotion::Promoted { held_out: Some(_) }));
    }

    #[test]
    fn where_nothing_can_be_judged_it_is_promoted() {
        let mut rng = rng(25);
        let mut alike = honest(40, 0, &mut rng);
        for e in &mut alike {
            e.judgement = Judgement::Up;
        }
        let mut one_group = honest(40, 0, &mut rng);
        for e in &mut one_group {
            e.group = 7;
        }
        for examples in [alike, one_group] {
            let current = Taste::fit(&examples[..20]).unwrap();
            let (_, promotion) = challenge(Some(&current), &examples).unwrap();
            assert_eq!(promotion, Promotion::Promoted { held_out: None });
        }
    }
}
