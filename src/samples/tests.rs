use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

fn faces_of(seeds: std::ops::Range<u64>) -> Vec<DrawnFace> {
    seeds.flat_map(|seed| Scene::new(seed).faces).collect()
}

/// Every one of `all` occurs among `seen`.
fn all_occur<T: Copy + Eq + std::hash::Hash + std::fmt::Debug>(all: &[T], seen: impl Iterator<Item = T>) {
    let seen: HashSet<T> = seen.collect();
    let missing: Vec<T> = all.iter().copied().filter(|one| !seen.contains(one)).collect();
    assert!(missing.is_empty(), "never drawn: {missing:?}");
}

#[test]
fn two_hundred_seeds_show_every_attribute() {
    let faces = faces_of(0..200);
    let attributes = || faces.iter().map(|f| &f.attributes);
    all_occur(Figure::ALL, attributes().map(|a| a.figure));
    all_occur(Framing::ALL, attributes().map(|a| a.framing));
    all_occur(HairColour::ALL, attributes().map(|a| a.hair.colour));
    all_occur(HairLength::ALL, attributes().map(|a| a.hair.length));
    all_occur(HairStyle::ALL, attributes().map(|a| a.hair.style));
    all_occur(Bangs::ALL, attributes().map(|a| a.hair.bangs));
    all_occur(EyeColour::ALL, attributes().map(|a| a.eyes.colour));
    all_occur(EyeShape::ALL, attributes().map(|a| a.eyes.shape));
    all_occur(EyeState::ALL, attributes().map(|a| a.eyes.state));
    all_occur(Expression::ALL, attributes().map(|a| a.expression));
    all_occur(FaceShape::ALL, attributes().map(|a| a.face_shape));
    all_occur(Facing::ALL, attributes().map(|a| a.pose.facing));
    all_occur(SkinTone::ALL, attributes().map(|a| a.skin));
    all_occur(Outfit::ALL, attributes().map(|a| a.outfit));
    all_occur(Accessory::ALL, attributes().flat_map(|a| a.accessories.clone()));
}

#[test]
fn two_hundred_seeds_show_every_shape_of_picture_and_one_to_six_people() {
    let scenes: Vec<Scene> = (0..200).map(Scene::new).collect();
    let people: HashSet<usize> = scenes.iter().map(|s| s.faces.len()).collect();
    assert_eq!(people, (1..=6).collect());
    assert!(scenes.iter().any(|s| s.size.width > s.size.height));
    assert!(scenes.iter().any(|s| s.size.width < s.size.height));
    assert!(scenes.iter().any(|s| s.size.width == s.size.height));
    assert!(scenes.iter().any(|s| s.title().ends_with("in black and white")));
    let places: HashSet<String> =
        scenes.iter().filter_map(|s| s.title().rsplit(", ").next().map(str::to_owned)).collect();
    assert!(places.len() >= 12, "{places:?}");
}

/// A change of one number of the drawing moves this on purpose; a change of platform must not.
#[test]
fn title_size_and_boxes_of_a_seed_stay() {
    let scene = Scene::new(0);
    let shown: Vec<String> = scene.faces.iter().map(|f| format!("{:.0?}", <[f32; 4]>::from(f.bounds))).collect();
    insta::assert_snapshot!(format!("{}\n{}x{}\n{}", scene.title(), scene.size.width, scene.size.height, shown.join("\n")), @r"
    A laughing girl with black hair in a ponytail, wearing a ribbon, cherry blossoms
    537x813
    [156, 348, 389, 539]
    ");
}

#[test]
fn a_scene_of_one_medium_has_only_its_colours() {
    let manga = (0..200).map(Scene::new).find(|s| s.title().ends_with("in black and white")).expect("one in eight is");
    let picture = manga.render().expect("a scene can be painted");
    assert!(picture.pixels().all(|p| p.0[0].abs_diff(p.0[1]) <= 1 && p.0[1].abs_diff(p.0[2]) <= 1));
}

#[test]
fn rendering_gives_the_promised_size_and_a_picture() {
    for seed in 0..6 {
        let scene = Scene::new(seed);
        let png = scene.png().expect("a scene can be painted");
        let picture = image::load_from_memory(&png).expect("a PNG file").to_rgb8();
        assert_eq!(picture.dimensions(), (scene.size.width, scene.size.height));
        for face in &scene.faces {
            // Eyes, hair and skin: a face is never of a few colours.
            let b = face.bounds;
            let colours: HashSet<[u8; 3]> = (b.y1 as u32..b.y2 as u32)
                .flat_map(|y| (b.x1 as u32..b.x2 as u32).map(move |x| (x, y)))
                .map(|(x, y)| picture.get_pixel(x, y).0)
                .collect();
            assert!(colours.len() > 40, "seed {seed}: {} colours in the face", colours.len());
        }
    }
}

#[test]
fn the_first_page_has_two_dozen_different_scenes() {
    let scenes = sample_set();
    assert_eq!(scenes.len(), 24);
    let seeds: HashSet<u64> = scenes.iter().map(|s| s.seed).collect();
    assert_eq!(seeds.len(), 24);
    let titles: HashSet<&str> = scenes.iter().map(Scene::title).collect();
    assert_eq!(titles.len(), 24);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_seed_gives_one_sound_scene(seed: u64) {
        let scene = Scene::new(seed);
        prop_assert_eq!(&scene.svg, &Scene::new(seed).svg);
        prop_assert!(!scene.svg.contains("NaN") && !scene.svg.contains("inf"));
        prop_assert!((480..=1400).contains(&scene.size.long_side()));
        prop_assert!((1..=6).contains(&scene.faces.len()));
        prop_assert!(scene.title().chars().next().is_some_and(char::is_uppercase));
        let (w, h) = (scene.size.width as f32, scene.size.height as f32);
        for (i, face) in scene.faces.iter().enumerate() {
            let b = face.bounds;
            prop_assert!(b.is_finite() && b.x1 >= 0.0 && b.y1 >= 0.0 && b.x2 <= w && b.y2 <= h);
            prop_assert!(b.width() >= 30.0 && b.height() >= 24.0, "too small to be a face: {:?}", b);
            let shape = b.width() / b.height();
            prop_assert!((0.75..=1.8).contains(&shape), "cut off or out of shape: {:?}", b);
            for other in &scene.faces[..i] {
                prop_assert!(b.iou(&other.bounds) < 0.05, "{:?} over {:?}", b, other.bounds);
            }
        }
    }

    #[test]
    fn any_seed_can_be_read_as_svg(seed: u64) {
        let scene = Scene::new(seed);
        let tree = Tree::from_str(&scene.svg, &Options::default()).expect("an SVG document");
        prop_assert_eq!(tree.size().width() as u32, scene.size.width);
        prop_assert_eq!(tree.size().height() as u32, scene.size.height);
    }
}
