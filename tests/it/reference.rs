//! Our path against Python's: Pillow and ONNX Runtime on the same pictures, as `training/detector/reference.py`
//! recorded it in `tests/data/reference`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use image::{RgbImage, imageops};
use mekiki::domain::{PictureBox, Size, VIEW_DIMS};
use mekiki::vision::decode::{DecodeLimits, decode};
use mekiki::vision::runtime::{Device, SessionSettings, load, models_dir};
use mekiki::vision::{CROP_SIDE, Embedded, Embedder, colour_histogram, crop_face};
use ort::session::Session;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Boxes from here up are compared, doubtful ones among them; the reference lists some below, so that none hangs on the third
/// decimal.
const COMPARED: f32 = 0.05;
const SAME_IOU: f32 = 0.98;
/// Every second feature was recorded.
const STEP: usize = 2;

/// `x1, y1, x2, y2, confidence`
type Found = BTreeMap<String, Vec<[f32; 5]>>;

#[derive(Deserialize)]
struct Faces {
    figures: Vec<Figures>,
    pictures: Found,
}

#[derive(Debug, Deserialize)]
struct Figures {
    cut: f32,
    recall: f64,
    precision: f64,
    ap50: f64,
    mean_iou: f64,
}

#[derive(Deserialize)]
struct Views {
    views: Vec<View>,
    crops: Vec<Crop>,
}

#[derive(Deserialize)]
struct View {
    /// Pixels in each bin.
    colour: Vec<u32>,
    #[serde(flatten)]
    output: Output,
}

#[derive(Deserialize)]
struct Crop {
    #[serde(rename = "box")]
    bounds: PictureBox,
    #[serde(flatten)]
    output: Output,
}

#[derive(Deserialize)]
struct Output {
    features: Vec<f32>,
    norm: f32,
    probabilities: [f32; 5],
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn recorded<T: DeserializeOwned>(name: &str) -> T {
    serde_json::from_slice(&std::fs::read(root().join("tests/data/reference").join(name)).unwrap()).unwrap()
}

/// The labelled pictures, which are other people's art and not in the repository.
fn labels() -> Option<PathBuf> {
    let list = root().join("../shared/data/faces/val.jsonl");
    if list.is_file() {
        return Some(list);
    }
    eprintln!("SKIPPED: {} is not there; faces were not compared with the reference", list.display());
    None
}

/// The whole path, from the files on.
#[test]
fn figures_are_those_of_the_reference() {
    let Some(labels) = labels() else { return };
    let folder = tempfile::tempdir().unwrap();
    let predictions = folder.path().join("predictions.json");
    let output = Command::new(env!("CARGO_BIN_EXE_mekiki"))
        .args(["eval", "faces", "--json", "--cut", "0.5", "--predictions"])
        .args([&predictions, &labels])
        .env("MEKIKI_DATA_DIR", folder.path())
        .env("MEKIKI_DEVICE", "cpu")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let expected: Faces = recorded("faces.json");
    let figures: Vec<Figures> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(figures.len(), expected.figures.len());
    for (ours, theirs) in figures.iter().zip(&expected.figures) {
        let apart = [
            f64::from(ours.cut - theirs.cut),
            ours.recall - theirs.recall,
            ours.precision - theirs.precision,
            ours.ap50 - theirs.ap50,
            ours.mean_iou - theirs.mean_iou,
        ];
        assert!(apart.iter().all(|d| d.abs() <= 0.01), "{ours:?}, the reference {theirs:?}");
    }
    let found: Found = serde_json::from_slice(&std::fs::read(&predictions).unwrap()).unwrap();
    let (same, all) = agreement(&found, &expected.pictures);
    assert!(all > 300, "only {all} boxes were compared");
    assert!(same * 100 >= all * 99, "{same} of {all} boxes are the reference's");
}

/// How many of both sides' boxes above 0.05 have their like on the other side, and how many there are.
fn agreement(ours: &Found, theirs: &Found) -> (usize, usize) {
    let (mut same, mut all) = (0, 0);
    for (name, theirs) in theirs {
        for (one, other) in [(&ours[name], theirs), (theirs, &ours[name])] {
            for b in one.iter().filter(|b| b[4] >= COMPARED) {
                all += 1;
                same += usize::from(other.iter().any(|o| bounds(o).iou(&bounds(b)) > SAME_IOU));
            }
        }
    }
    (same, all)
}

fn bounds(b: &[f32; 5]) -> PictureBox {
    PictureBox::new(b[0], b[1], b[2], b[3])
}

#[test]
fn features_and_colours_are_those_of_the_reference() {
    let sheet = std::fs::read(root().join("tests/data/reference/views.png")).unwrap();
    let sheet = decode(&sheet, &DecodeLimits::default()).unwrap().image;
    let expected: Views = recorded("views.json");
    let mut embedder = Embedder::new(session("embed-v2.onnx", &[1, 3, 224, 224]));
    let columns = sheet.width() / CROP_SIDE;
    for (n, theirs) in (0..).zip(&expected.views) {
        let (x, y) = (n % columns * CROP_SIDE, n / columns * CROP_SIDE);
        let view = imageops::crop_imm(&sheet, x, y, CROP_SIDE, CROP_SIDE).to_image();
        let counts: Vec<u32> =
            colour_histogram(&view).iter().map(|v| (v * (CROP_SIDE * CROP_SIDE) as f32).round() as u32).collect();
        assert_eq!(counts, theirs.colour, "colours of view {n}");
        compare(&embed(&mut embedder, &view), &theirs.output, 0.999_99, &format!("view {n}"));
    }
    assert!(expected.views.len() >= 20 && expected.crops.len() >= 10);
    // Crops are cut out and scaled by each side itself. Where they reach outside, the edge of the black differs: the
    // reference blends it into the picture, ours lies between two pixels.
    let size = Size::new(sheet.width(), sheet.height());
    for theirs in &expected.crops {
        let square = theirs.bounds.crop_square();
        let least = if square.clamp_to(size) == square { 0.999 } else { 0.99 };
        let crop = crop_face(&sheet, theirs.bounds);
        compare(&embed(&mut embedder, &crop), &theirs.output, least, &format!("the crop of {:?}", theirs.bounds));
    }
}

fn session(model: &str, probe: &[usize]) -> Session {
    let library = std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()).map(PathBuf::from);
    let settings = SessionSettings::new(Device::Cpu, 2.try_into().unwrap());
    load(library.as_deref()).unwrap().session(&models_dir().unwrap().join(model), probe, settings).unwrap().0
}

fn embed(embedder: &mut Embedder, view: &RgbImage) -> Embedded {
    embedder.embed(&[view]).unwrap().remove(0)
}

fn compare(ours: &Embedded, theirs: &Output, least: f32, what: &str) {
    let embedding = &ours.view;
    assert_eq!(embedding.len(), VIEW_DIMS);
    let kept: Vec<f32> = embedding.iter().copied().step_by(STEP).collect();
    let similar = dot(&kept, &theirs.features) / (norm(&kept) * norm(&theirs.features));
    assert!(similar > least, "{what}: cosine {similar}");
    let length = norm(embedding) / theirs.norm;
    let apart = 20.0 * (1.0 - least);
    assert!((length - 1.0).abs() < apart, "{what}: {length} times as long");
    let safety = ours.safety;
    let probabilities =
        [safety.drawing, safety.explicit_drawing, safety.neutral, safety.explicit_photo, safety.suggestive];
    for (a, b) in probabilities.iter().zip(theirs.probabilities) {
        assert!((a - b).abs() < apart, "{what}: {probabilities:?}, the reference {:?}", theirs.probabilities);
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn norm(v: &[f32]) -> f32 {
    dot(v, v).sqrt()
}
