//! What holds whatever was rated.

use proptest::prelude::*;
use rand::seq::SliceRandom;

use super::*;

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
