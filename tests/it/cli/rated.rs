//! Sorted folders and lists of rated faces, in and out; boxes out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;

use image::{Rgb, RgbImage};
use mekiki::domain::{BoxLabels, PictureBox, Rater, RatingSource, Scope};
use mekiki::samples::Scene;
use mekiki::store::{LabelledPicture, PostFilter, Store};
use mekiki::vision::{crop_face, jpeg};
use serde_json::Value;

use super::{contents, mekiki, said};

fn import(data: &Path, from: &Path) -> Output {
    mekiki(data, &["import", from.to_str().unwrap()], &[])
}

fn export(data: &Path, format: &str, out: &Path) -> String {
    let output = mekiki(data, &["export", "--format", format, out.to_str().unwrap()], &[]);
    assert!(output.status.success(), "{format}: {}", said(&output.stderr));
    said(&output.stdout).to_owned()
}

fn write(path: PathBuf, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// The crop of a drawn face, as a collector would have it.
fn crop(seed: u64) -> Vec<u8> {
    let scene = Scene::new(seed);
    let picture = image::load_from_memory(&scene.png().unwrap()).unwrap().to_rgb8();
    jpeg(&crop_face(&picture, scene.faces[0].bounds))
}

/// Two plain colours: nobody's face.
fn faceless() -> Vec<u8> {
    jpeg(&RgbImage::from_fn(200, 200, |x, _| if x < 100 { Rgb([200, 30, 30]) } else { Rgb([20, 60, 90]) }))
}

async fn judgements(data: &Path) -> Vec<String> {
    let store = Store::open(&data.join("mekiki.db")).await.unwrap();
    let mut rated: Vec<_> = store
        .rated_faces(Scope::Local, &RatingSource::ALL)
        .await
        .unwrap()
        .iter()
        .map(|r| r.judgement.to_string())
        .collect();
    store.close().await;
    rated.sort();
    rated
}

/// How often each judgement is a folder of the export.
fn shelves(folder: &Path) -> BTreeMap<String, usize> {
    let mut shelves = BTreeMap::new();
    for file in contents(folder).keys() {
        *shelves.entry(file.split_once('/').unwrap().0.to_owned()).or_default() += 1;
    }
    shelves
}

#[tokio::test]
async fn a_sorted_folder_comes_in_once_and_goes_out_again() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let sorted = at("sorted");
    for (seed, place) in [(1, "5/one.jpg"), (2, "5/two.jpg"), (3, "1/three.jpg"), (4, "up/four.jpg")] {
        write(sorted.join(place), &crop(seed));
    }
    write(sorted.join("2/faceless.jpg"), &faceless());
    write(sorted.join("3/broken.jpg"), b"\xff\xd8\xff\xe0 no more");
    write(sorted.join("4/again.jpg"), &crop(3));

    let first = import(&at("data"), &sorted);
    assert_eq!(first.status.code(), Some(1), "a file was left out");
    let (answer, errors) = (said(&first.stdout), said(&first.stderr));
    assert!(answer.contains("Imported 5 ratings; 0 changed another, 0 were here already."), "{answer}{errors}");
    assert!(answer.contains("In 1 pictures no face was found: each counts as one as a whole."), "{answer}");
    assert!(errors.contains("3/broken.jpg: "), "{errors}");
    assert!(
        errors.contains("4/again.jpg: the same picture as ") && errors.contains("but rated 4 and not 1"),
        "{errors}"
    );
    assert_eq!(judgements(&at("data")).await, ["1", "2", "5", "5", "up"]);
    let store = Store::open(&at("data").join("mekiki.db")).await.unwrap();
    assert!(store.posts(PostFilter::All, None, 9).await.unwrap().is_empty(), "nothing of it is posted");
    store.close().await;

    // Again, with one file moved: only that changes.
    std::fs::remove_file(sorted.join("3/broken.jpg")).unwrap();
    std::fs::remove_file(sorted.join("4/again.jpg")).unwrap();
    std::fs::rename(sorted.join("5/two.jpg"), sorted.join("4/two.jpg")).unwrap();
    let second = import(&at("data"), &sorted);
    let answer = said(&second.stdout);
    assert!(second.status.success(), "{}", said(&second.stderr));
    assert!(answer.contains("Imported 0 ratings; 1 changed another, 4 were here already."), "{answer}");
    assert_eq!(judgements(&at("data")).await, ["1", "2", "4", "5", "up"]);

    // Out as folders, and in again here and elsewhere.
    assert!(export(&at("data"), "folder", &at("out")).contains("5 rated faces"));
    let expected = ["1", "2", "4", "5", "up"].map(|s| (s.to_owned(), 1)).into();
    assert_eq!(shelves(&at("out")), expected);
    let here = import(&at("data"), &at("out"));
    assert!(said(&here.stdout).contains("Imported 0 ratings; 0 changed another, 5 were here already."), "{here:?}");
    let there = import(&at("elsewhere"), &at("out"));
    assert!(said(&there.stdout).contains("Imported 5 ratings"), "{there:?}");
    assert_eq!(judgements(&at("elsewhere")).await, ["1", "2", "4", "5", "up"]);

    let nothing = import(&at("data"), &sorted.join("5"));
    assert!(said(&nothing.stderr).contains("not sorted by rating"), "{nothing:?}");
}

#[tokio::test]
async fn lists_go_out_and_in_with_their_times() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write(at("list/crops/a.jpg"), &crop(5));
    write(at("list/crops/b.jpg"), &crop(6));
    let text =
        "file,rating,at,score_visible\ncrops/a.jpg,5,2026-01-02T03:04:05Z,true\ncrops/b.jpg,down,,\ncrops/c.jpg,3,,\n";
    write(at("list/ratings.csv"), text.as_bytes());
    let output = import(&at("data"), &at("list/ratings.csv"));
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output.stderr).contains("c.jpg: cannot be read: "), "{output:?}");
    assert_eq!(judgements(&at("data")).await, ["5", "down"]);

    assert!(export(&at("data"), "csv", &at("csv")).contains("2 rated faces"));
    let table = std::fs::read_to_string(at("csv/ratings.csv")).unwrap();
    assert!(table.contains(",5,2026-01-02T03:04:05Z,true"), "{table}");
    export(&at("data"), "jsonl", &at("jsonl"));
    let lines: Vec<Value> = std::fs::read_to_string(at("jsonl/ratings.jsonl"))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!((&lines[0]["rating"], &lines[1]["rating"]), (&Value::from(5), &Value::from("down")));
    assert_eq!((&lines[0]["no_face"], &lines[0]["again"]), (&Value::Bool(false), &Value::Null));

    for (from, known) in [("csv/ratings.csv", 0), ("jsonl/ratings.jsonl", 2), ("csv/ratings.csv", 2)] {
        let answer = import(&at("new"), &at(from));
        assert!(answer.status.success(), "{answer:?}");
        let text = format!("Imported {} ratings; 0 changed another, {known} were here already.", 2 - known);
        assert!(said(&answer.stdout).contains(&text), "{from}: {answer:?}");
    }
    assert_eq!(judgements(&at("new")).await, ["5", "down"]);
    for (name, why) in [("missing.csv", "is not there"), ("list/crops/a.jpg", "neither a folder nor a list")] {
        assert!(said(&import(&at("new"), &at(name)).stderr).contains(why), "{name}");
    }
}

/// Twenty crops of the rated data set, where it is there: in each a face is found, or it counts as a whole.
#[tokio::test]
async fn the_rated_data_set_comes_in() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/ratings/rater_a.jsonl");
    let Ok(path) = path.canonicalize() else {
        eprintln!("\n*** SKIPPED: ../shared/data/ratings is not there, so its list is not tried ***\n");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let lines: Vec<Value> = std::fs::read_to_string(&path)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|row: &Value| row["no_face"] == false)
        .take(20)
        .map(|mut row: Value| {
            let crop = path.parent().unwrap().join(row["crop"].as_str().unwrap());
            row["crop"] = crop.to_str().unwrap().into();
            row
        })
        .collect();
    let list = folder.path().join("some.jsonl");
    let text: Vec<String> = lines.iter().map(Value::to_string).collect();
    std::fs::write(&list, text.join("\n")).unwrap();
    let output = import(&folder.path().join("data"), &list);
    assert!(output.status.success(), "{output:?}");
    let mut expected: Vec<_> = lines.iter().map(|row| row["rating"].to_string()).collect();
    expected.sort();
    assert_eq!(judgements(&folder.path().join("data")).await, expected, "{output:?}");
}

#[tokio::test]
async fn boxes_go_out_for_each_kind_of_tool() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    // A face without a post has a picture with a preview, and that can be labelled as well as any.
    write(at("sorted/4/wide.png"), &Scene::new(9).png().unwrap());
    assert!(import(&at("data"), &at("sorted")).status.success());
    let store = Store::open(&at("data").join("mekiki.db")).await.unwrap();
    let picture = store.picture_ids().await.unwrap()[0];
    let size = store.picture(picture).await.unwrap().unwrap().size;
    let (w, h) = (size.width as f32, size.height as f32);
    let labels = BoxLabels {
        boxes: vec![PictureBox::new(0.25 * w, 0.25 * h, 0.5 * w, 0.75 * h)],
        ignore: vec![PictureBox::new(0.0, 0.0, 0.1 * w, 0.1 * h)],
    };
    let labelled = LabelledPicture { picture, labels, by: Rater::owner(), at: time::OffsetDateTime::UNIX_EPOCH };
    assert!(store.add_box_labels(&labelled).await.unwrap());
    store.close().await;

    for format in ["yolo", "coco", "boxes"] {
        assert!(export(&at("data"), format, &at(format)).contains("1 pictures with 1 boxes"), "{format}");
    }
    let stem = &picture.to_string()[..16];
    let image = image::open(at("boxes").join(format!("images/{stem}.jpg"))).unwrap();
    let line: Value = serde_json::from_str(&std::fs::read_to_string(at("boxes/boxes.jsonl")).unwrap()).unwrap();
    assert_eq!(line["sha256"], picture.to_string());
    assert_eq!(
        (line["width"].as_u64(), line["height"].as_u64()),
        (Some(image.width().into()), Some(image.height().into()))
    );
    let left = line["boxes"][0][0].as_f64().unwrap();
    assert!((left - 0.25 * f64::from(image.width())).abs() < 0.1, "{line}");
    let yolo = std::fs::read_to_string(at("yolo").join(format!("labels/{stem}.txt"))).unwrap();
    let numbers: Vec<f32> = yolo.split_whitespace().map(|n| n.parse().unwrap()).collect();
    assert_eq!(numbers.len(), 5, "the ignored one is left out: {yolo}");
    for (found, expected) in numbers.iter().zip([0.0, 0.375, 0.5, 0.25, 0.5]) {
        assert!((found - expected).abs() < 0.001, "{yolo}");
    }
    let coco: Value = serde_json::from_slice(&std::fs::read(at("coco/annotations.json")).unwrap()).unwrap();
    assert_eq!(
        (coco["annotations"][1]["iscrowd"].as_i64(), coco["images"][0]["file_name"].as_str()),
        (Some(1), Some(&*format!("images/{stem}.jpg")))
    );
}
