//! Tastes that change: ratings fade where that pays, and only there.

use super::*;

/// Ratings a day apart.
fn over_days(mut examples: Vec<Example>, from: i64) -> Vec<Example> {
    for (day, e) in (from..).zip(&mut examples) {
        e.at = START + Duration::days(day);
    }
    examples
}

/// The opposite taste.
fn reversed(mut examples: Vec<Example>) -> Vec<Example> {
    for e in &mut examples {
        e.judgement = stars(6 - observation::rank_value(e.judgement) as u8);
    }
    examples
}

fn agreement(taste: &Taste, held_out: &[Example]) -> f32 {
    let scores: Vec<f32> = held_out.iter().map(|e| taste.score(&e.features).mean()).collect();
    let ratings: Vec<f32> = held_out.iter().map(|e| observation::rank_value(e.judgement)).collect();
    evaluate::spearman(&scores, &ratings).unwrap()
}

#[test]
fn a_taste_that_lasts_does_not_fade() {
    for seed in 40..46 {
        let mut rng = rng(seed);
        let examples = over_days(honest(150, 0, &mut rng), 0);
        assert_eq!(Taste::fit(&examples).unwrap().half_life(), None, "honest, seed {seed}");
        let dice = over_days(random(150, 0, &mut rng), 0);
        assert_eq!(Taste::fit(&dice).unwrap().half_life(), None, "dice, seed {seed}");
    }
}

#[test]
fn a_taste_that_turned_round_fades_and_follows() {
    for seed in 50..53 {
        let mut rng = rng(seed);
        let old = over_days(reversed(honest(80, 0, &mut rng)), 0);
        let new = over_days(honest(80, 80, &mut rng), 80);
        let held_out = honest(150, 300, &mut rng);
        let examples = [old, new].concat();
        let taste = Taste::fit(&examples).unwrap();
        assert!(taste.half_life().is_some(), "seed {seed}");
        let known = known(&examples);
        let lasting = Hyperparameters { half_life: None, ..known.hyperparameters() };
        let design = known.design(lasting);
        let lasting = known.taste(&design, &design.heard(&design.all()), None);
        let (fading, lasting) = (agreement(&taste, &held_out), agreement(&lasting, &held_out));
        assert!(fading > lasting + 0.05, "seed {seed}: {fading} fading, {lasting} lasting");
        assert_eq!(Taste::from_bytes(&taste.to_bytes()), Ok(taste));
    }
}

#[test]
fn the_newest_rating_is_read_as_it_is_and_one_a_half_life_old_with_twice_the_noise() {
    let (targets, extra, raters) = ([0.0; 3], [0.0, 0.0, 2.0], [0; 3]);
    let said = evidence::Said { targets: &targets, extra_noise: &extra, raters: &raters, ages: &[0.0, 90.0, 180.0] };
    let fading = Hyperparameters { half_life: Some(90.0), ..AT };
    let noises = |at| [0, 1, 2].map(|i| said.noise(at, i));
    for (found, expected) in noises(AT).iter().chain(&noises(fading)).zip([0.3, 0.3, 2.3, 0.3, 0.6, 9.2]) {
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    }
}
