//! Near-duplicate groups by perceptual hash.

use crate::domain::PerceptualHash;

/// One number a hash: hashes that are near each other, also by way of others, share it. The number is the index of the
/// group's first member. Quadratic in the number of different hashes: 10,000 take about 50 ms.
pub fn near_duplicate_groups(hashes: &[PerceptualHash]) -> Vec<u64> {
    let mut leader: Vec<usize> = (0..hashes.len()).collect();
    for i in 0..hashes.len() {
        for j in 0..i {
            let (a, b) = (root(&leader, i), root(&leader, j));
            if a != b && hashes[i].is_near(hashes[j]) {
                leader[a.max(b)] = a.min(b);
            }
        }
    }
    (0..hashes.len()).map(|i| root(&leader, i) as u64).collect()
}

fn root(leader: &[usize], mut i: usize) -> usize {
    while leader[i] != i {
        i = leader[i];
    }
    i
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_transitive() {
        let hashes = [0, u64::MAX, 0b111_111, 0b1111_1111_1111, u64::MAX << 3].map(PerceptualHash);
        assert_eq!(near_duplicate_groups(&hashes), [0, 1, 0, 0, 1]);
        assert!(near_duplicate_groups(&[]).is_empty());
    }
}
