//! Near-duplicates are near, other pictures are not.

use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, resize};
use image::{Rgb, RgbImage};
use mekiki::domain::PerceptualHash;
use mekiki::vision::decode::{DecodeLimits, decode};
use mekiki::vision::perceptual_hash;
use proptest::prelude::*;

/// A picture of eight soft discs, from a seed.
fn discs(seed: u64) -> RgbImage {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 16) % below
    };
    let discs: Vec<_> = (0..8)
        .map(|_| {
            let place = [next(200) as f32, next(160) as f32, 20.0 + next(60) as f32];
            (place, [next(256), next(256), next(256)])
        })
        .collect();
    RgbImage::from_fn(200, 160, |x, y| {
        let mut colour = [120.0_f32; 3];
        for ([cx, cy, r], c) in &discs {
            let distance = (x as f32 - cx).hypot(y as f32 - cy);
            let cover = ((r - distance) / 8.0).clamp(0.0, 1.0);
            for (v, c) in colour.iter_mut().zip(c) {
                *v += (*c as f32 - *v) * cover;
            }
        }
        Rgb(colour.map(|v| v as u8))
    })
}

fn jpeg(image: &RgbImage, quality: u8) -> RgbImage {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(image).unwrap();
    decode(&bytes, &DecodeLimits::default()).unwrap().image
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn copies_that_were_scaled_and_saved_again_are_near(seed in 0..10_000_u64, width in 60..600_u32, quality in 40..95_u8) {
        let picture = discs(seed);
        let copy = jpeg(&resize(&picture, width, width * 4 / 5, FilterType::Triangle), quality);
        let (a, b) = (perceptual_hash(&picture), perceptual_hash(&copy));
        prop_assert!(a.is_near(b), "{} bits apart", a.distance(b));
    }
}

#[test]
fn different_pictures_are_not_near() {
    let hashes: Vec<_> = (0..40).map(|seed| perceptual_hash(&discs(seed))).collect();
    let near = pairs(&hashes).filter(|(a, b)| a.is_near(*b)).count();
    assert_eq!(near, 0, "of 780 pairs");
}

#[test]
fn the_bits_lie_as_documented() {
    let mut ramp = RgbImage::from_fn(90, 80, |x, _| Rgb([x as u8; 3]));
    assert_eq!(perceptual_hash(&ramp), PerceptualHash(u64::MAX));
    image::imageops::flip_horizontal_in_place(&mut ramp);
    assert_eq!(perceptual_hash(&ramp), PerceptualHash(0));
    assert_eq!(perceptual_hash(&RgbImage::new(90, 80)), PerceptualHash(0), "a flat picture");
    // Only the second cell of the first row is bright: bit 63.
    let spot = RgbImage::from_fn(90, 80, |x, y| Rgb([if x / 10 == 1 && y < 10 { 200 } else { 0 }; 3]));
    assert_eq!(perceptual_hash(&spot), PerceptualHash(1 << 63));
    // Sides that the grid does not divide.
    assert_eq!(perceptual_hash(&RgbImage::from_fn(8, 9, |x, _| Rgb([x as u8 * 30; 3]))), PerceptualHash(u64::MAX));
    assert_eq!(perceptual_hash(&RgbImage::new(0, 0)), PerceptualHash(0));
}

fn pairs(hashes: &[PerceptualHash]) -> impl Iterator<Item = (PerceptualHash, PerceptualHash)> {
    hashes.iter().enumerate().flat_map(|(i, a)| hashes[i + 1..].iter().map(|b| (*a, *b)))
}

/// On real pictures: how many copies are missed and how many strangers taken for copies.
#[test]
fn real_pictures_are_told_apart() {
    let faces = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/faces");
    let Ok(list) = std::fs::read_to_string(faces.join("val.jsonl")) else {
        eprintln!("SKIPPED: no pictures in ../shared/data/faces; perceptual hashes were not tried on real ones");
        return;
    };
    let mut hashes = Vec::new();
    let mut missed = 0;
    for line in list.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let bytes = std::fs::read(faces.join(row["file"].as_str().unwrap())).unwrap();
        let picture = decode(&bytes, &DecodeLimits::default()).unwrap().image;
        let hash = perceptual_hash(&picture);
        let copy = jpeg(&resize(&picture, picture.width() / 2, picture.height() / 2, FilterType::Triangle), 60);
        missed += usize::from(!hash.is_near(perceptual_hash(&copy)));
        hashes.push(hash);
    }
    let near = pairs(&hashes).filter(|(a, b)| a.is_near(*b)).count();
    let all = pairs(&hashes).count();
    println!(
        "{} pictures: {missed} copies at half size and quality 60 missed; {near} of {all} pairs are near",
        hashes.len()
    );
    assert!(missed * 100 <= hashes.len(), "{missed} of {} copies were missed", hashes.len());
    assert!(near * 2000 <= all, "{near} of {all} pairs are near");
}
