//! Several raters: a person upon their guild, and the strict beside the kind.

use super::*;

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

#[test]
fn with_few_ratings_a_person_is_as_calibrated_as_their_guild() {
    let mut rng = rng(33);
    let own = honest(3, 200, &mut rng);
    let upon = |guild: usize, rng: &mut ChaCha8Rng| {
        let guild = Arc::new(Taste::fit(&honest(guild, 0, rng)).unwrap());
        Taste::fit_upon(&own, Some(&guild)).unwrap().calibration()
    };
    assert_eq!(upon(40, &mut rng), Calibration::Calibrated { ratings: 3 });
    assert_eq!(upon(4, &mut rng), Calibration::Uncalibrated { ratings: 3 });
}
