//! What to ask a person about: faces that the taste is unsure of, unlike each other; and one by lot, which tells how the
//! taste does on what it would not have shown.

use rand::RngExt;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use time::Duration;

use super::intake::blocking;
use super::why::{Standard, cosine};
use super::{Pipeline, near_duplicate_groups};
use crate::domain::{FaceId, PostId, Scope};
use crate::store::{Askable, AskedFace, StoreError};

/// Faces asked about at a time.
pub const ASKED_AT_ONCE: usize = 5;
/// How often a person may be asked in a day.
pub const ASKS_A_DAY: u32 = 2;
/// Of the newest faces so many are thought of.
const POOL: u32 = 400;

/// A face to be asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    pub post: PostId,
    pub face: FaceId,
}

/// What came of wanting to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToAsk {
    Faces(Vec<Asked>),
    /// They were asked often enough today.
    Enough,
    /// There is no face here that they have not judged.
    NothingLeft,
}

impl Pipeline {
    /// Channels of Discord that pictures of the scope came in: not everybody may read each.
    pub async fn source_channels(&self, scope: Scope) -> Result<Vec<u64>, StoreError> {
        self.store().source_channels(scope).await
    }

    /// Up to five faces worth asking this person about, none that they judged or were asked about before. Counts as
    /// asked. `hidden`: channels that they may not read. `seed` decides the lot.
    pub async fn ask(
        &self,
        scope: Scope,
        person: u64,
        restricted: bool,
        hidden: &[u64],
        seed: u64,
    ) -> Result<ToAsk, StoreError> {
        let store = self.store();
        let now = self.parts.clock.now();
        if store.asked_since(person, now - Duration::DAY).await? >= ASKS_A_DAY {
            return Ok(ToAsk::Enough);
        }
        let pool = store.askable(scope, person, restricted, hidden, POOL).await?;
        if pool.is_empty() {
            return Ok(ToAsk::NothingLeft);
        }
        let taste = self.taste(scope);
        let (pool, chosen) = blocking(move || {
            let spreads: Vec<f32> = pool
                .iter()
                .map(|a| taste.as_ref().map_or(1.0, |t| t.taste.score(&a.face.face.features).spread()))
                .collect();
            let chosen = choose(&pool, &spreads, seed);
            (pool, chosen)
        })
        .await;
        let faces: Vec<AskedFace> =
            chosen.iter().map(|&(i, propensity)| AskedFace { face: pool[i].face.id, propensity }).collect();
        store.add_ask(scope, person, &faces, now).await?;
        Ok(ToAsk::Faces(chosen.iter().map(|&(i, _)| Asked { post: pool[i].post, face: pool[i].face.id }).collect()))
    }
}

/// Places in the pool, the one drawn by lot with its propensity. Each picture and its near-duplicates are asked about
/// once.
fn choose(pool: &[Askable], spreads: &[f32], seed: u64) -> Vec<(usize, Option<f64>)> {
    let groups = near_duplicate_groups(&pool.iter().map(|a| a.hash).collect::<Vec<_>>());
    let dims = pool[0].face.face.features.embedding.len();
    let standard = Standard::of(pool.iter().map(|a| a.face.face.features.embedding.as_slice()), dims);
    let looks: Vec<Vec<f32>> = pool.iter().map(|a| standard.apply(&a.face.face.features.embedding)).collect();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let lot = rng.random_range(0..pool.len());
    let mut chosen = vec![(lot, Some(1.0 / pool.len() as f64))];
    // How unlike a face is to all that are chosen, 0–2, times how unsure the taste is of it.
    let mut unlike = vec![2.0f32; pool.len()];
    let mut last = lot;
    while chosen.len() < ASKED_AT_ONCE {
        for (u, look) in unlike.iter_mut().zip(&looks) {
            *u = u.min(1.0 - cosine(look, &looks[last]));
        }
        let free = |i: &usize| chosen.iter().all(|&(c, _)| groups[c] != groups[*i]);
        let worth = |i: usize| unlike[i].max(0.0) * spreads[i];
        let Some(next) = (0..pool.len()).filter(free).max_by(|&a, &b| worth(a).total_cmp(&worth(b)).then(b.cmp(&a)))
        else {
            break;
        };
        chosen.push((next, None));
        last = next;
    }
    // The lot must not stand out by its place.
    let place = rng.random_range(0..chosen.len());
    chosen.swap(0, place);
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Confidence, Face, Features, PerceptualHash, PictureBox, PictureId};
    use crate::store::FaceRow;

    fn askable(n: u8, hash: u64, embedding: [f32; 2]) -> Askable {
        Askable {
            post: PostId(n.into()),
            hash: PerceptualHash(hash),
            face: FaceRow {
                id: FaceId(n.into()),
                picture: PictureId([n; 32]),
                face: Face {
                    bounds: PictureBox::new(0.0, 0.0, 9.0, 9.0),
                    confidence: Confidence(0.9),
                    features: Features { embedding: embedding.to_vec(), colour: Vec::new() },
                },
                crop: PictureId([0; 32]),
            },
        }
    }

    #[test]
    fn asks_of_what_is_unsure_and_unlike_and_of_one_by_lot() {
        // Two bundles of looks; in each, one that the taste is very unsure of; and twins.
        let far = |n: u8| u64::from(n).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut pool: Vec<Askable> =
            (0..20).map(|n| askable(n, far(n), if n < 10 { [9.0, 0.1 * f32::from(n)] } else { [0.1, 9.0] })).collect();
        pool.push(askable(20, far(3), [9.0, 0.3]));
        let mut spreads = vec![0.1; pool.len()];
        (spreads[4], spreads[15]) = (2.0, 2.0);
        let mut lots = std::collections::BTreeSet::new();
        for seed in 0..50 {
            let chosen = choose(&pool, &spreads, seed);
            assert_eq!(chosen.len(), ASKED_AT_ONCE);
            let lot: Vec<_> = chosen.iter().filter(|c| c.1.is_some()).collect();
            assert_eq!((lot.len(), lot[0].1), (1, Some(1.0 / 21.0)));
            lots.insert(lot[0].0);
            let places: Vec<usize> = chosen.iter().map(|c| c.0).collect();
            assert!(places.contains(&4) || places.contains(&15), "{places:?}: what it is unsure of");
            assert!(!(places.contains(&3) && places.contains(&20)), "{places:?}: twins");
            assert_eq!(choose(&pool, &spreads, seed), chosen, "a seed repeats the lot");
        }
        assert!(lots.len() > 12, "the lot falls everywhere: {lots:?}");
        assert_eq!(choose(&pool[..1], &spreads, 1), [(0, Some(1.0))]);
    }
}
