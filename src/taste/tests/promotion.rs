//! Which fits take over.

use super::*;

/// In use because a fit put it there.
fn fitted(taste: &Taste) -> Incumbent<'_> {
    Incumbent { taste, by_hand: false }
}

#[test]
fn a_beginners_scores_follow_every_rating() {
    let mut rng = rng(20);
    let examples = honest(19, 0, &mut rng);
    let mut current = None;
    for known in 1..=examples.len() {
        let (taste, promotion) = challenge(current.as_ref().map(fitted), &examples[..known]).unwrap();
        assert_eq!(promotion, Promotion::Promoted { held_out: None }, "at {known}");
        current = Some(taste);
    }
}

#[test]
fn more_of_the_same_taste_is_promoted_with_its_figure() {
    let mut rng = rng(21);
    let examples = honest(120, 0, &mut rng);
    let current = Taste::fit(&examples[..12]).unwrap();
    let (taste, promotion) = challenge(Some(fitted(&current)), &examples).unwrap();
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
        let (_, promotion) = challenge(Some(fitted(&current)), &all).unwrap();
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
    let (_, promotion) = challenge(Some(fitted(&current)), &[old, new].concat()).unwrap();
    assert!(matches!(promotion, Promotion::Promoted { held_out: Some(_) }), "{promotion}");
}

#[test]
fn a_refit_on_the_same_ratings_is_a_tie_and_promoted() {
    let examples = honest(40, 0, &mut rng(24));
    let current = Taste::fit(&examples).unwrap();
    let (taste, promotion) = challenge(Some(fitted(&current)), &examples).unwrap();
    assert!(matches!(promotion, Promotion::Promoted { held_out: Some(_) }), "{promotion}");
    // The same but for the order of sums.
    for e in &examples {
        let (a, b) = (taste.score(&e.features), current.score(&e.features));
        assert!((a.mean() - b.mean()).abs() < 1e-3 && (a.spread() - b.spread()).abs() < 1e-3, "{a:?} and {b:?}");
    }
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
        let (_, promotion) = challenge(Some(fitted(&current)), &examples).unwrap();
        assert_eq!(promotion, Promotion::Promoted { held_out: None });
    }
}

#[test]
fn what_was_chosen_by_hand_stays_until_it_is_clearly_beaten() {
    let mut rng = rng(26);
    let examples = honest(120, 0, &mut rng);
    let current = Taste::fit(&examples[..60]).unwrap();
    let chosen = Incumbent { taste: &current, by_hand: true };
    // The same ratings again tell nothing new.
    let (_, promotion) = challenge(Some(chosen), &examples[..60]).unwrap();
    let Promotion::Chosen { held_out: Some(duel) } = promotion else { panic!("{promotion}") };
    assert!((duel.challenger.spearman - duel.current.spearman).abs() < 1e-6);
    // Twice as many teach it more, but is it clear? What decides is the margin, and what is said is what was found.
    let (_, promotion) = challenge(Some(chosen), &examples).unwrap();
    match promotion {
        Promotion::Promoted { held_out } => assert!(held_out.is_some()),
        Promotion::Chosen { held_out } => {
            let duel = held_out.expect("there are enough");
            assert!(duel.challenger.spearman - duel.current.spearman <= 0.02);
        }
        Promotion::Kept { .. } => panic!("{promotion}"),
    }
    // A taste that was fitted on noise is beaten.
    let noise = random(40, 0, &mut rng);
    let noisy = Taste::fit(&noise).unwrap();
    let all = [noise, honest(120, 40, &mut rng)].concat();
    let (_, promotion) = challenge(Some(Incumbent { taste: &noisy, by_hand: true }), &all).unwrap();
    assert!(promotion.is_promoted(), "{promotion}");
    // Where nothing can be compared it stays.
    let few = &examples[..15];
    let current = Taste::fit(&examples[..12]).unwrap();
    let (_, promotion) = challenge(Some(Incumbent { taste: &current, by_hand: true }), few).unwrap();
    assert_eq!(promotion, Promotion::Chosen { held_out: None });
}

#[test]
fn with_enough_lots_they_alone_are_the_jury() {
    let mut rng = rng(27);
    let mut examples = honest(300, 0, &mut rng);
    let current = Taste::fit(&examples[..100]).unwrap();
    let jurors = |examples: &[Example]| {
        let (_, promotion) = challenge(Some(fitted(&current)), examples).unwrap();
        promotion.held_out().0.unwrap().ratings
    };
    for e in examples.iter_mut().step_by(8) {
        e.by_lot = true;
    }
    assert_eq!(jurors(&examples), 60, "38 lots are too few: a fifth of all");
    for e in examples.iter_mut().step_by(6) {
        e.by_lot = true;
    }
    let lots = examples.iter().filter(|e| e.by_lot).count();
    // Those whom a lot did not choose say the opposite, and are not heard.
    assert!(lots > 60);
    let mut lying = examples.clone();
    for e in lying.iter_mut().skip(240).filter(|e| !e.by_lot) {
        e.judgement = stars(6 - observation::rank_value(e.judgement) as u8);
    }
    assert_eq!(jurors(&lying), 60);
    let few: Vec<Example> =
        examples.iter().enumerate().filter(|(i, e)| e.by_lot || i % 2 == 0).map(|(_, e)| e.clone()).collect();
    assert!(jurors(&few) >= 30);
}
