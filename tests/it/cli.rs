//! The command line, as a user types it: the real program, its output and its exit code.

use std::collections::BTreeMap;
#[cfg(unix)]
use std::io::{BufRead, BufReader};
use std::path::Path;
#[cfg(unix)]
use std::process::{Child, Stdio};
use std::process::{Command, Output};

use mekiki::domain::PostState;
use mekiki::samples::Scene;
use mekiki::store::{PostFilter, Store};
use serde_json::Value;

mod rated;
mod transfer;

fn mekiki(data: &Path, args: &[&str], settings: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mekiki"))
        .args(args)
        .env("MEKIKI_DATA_DIR", data)
        .env("MEKIKI_LISTEN", "127.0.0.1:0")
        .env("MEKIKI_DEVICE", "cpu")
        .envs(settings.iter().copied())
        .output()
        .unwrap()
}

fn said(output: &[u8]) -> &str {
    std::str::from_utf8(output).unwrap()
}

/// `mekiki serve`, once its page answers.
#[cfg(unix)]
fn serve(data: &Path) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_mekiki"))
        .arg("serve")
        .env("MEKIKI_DATA_DIR", data)
        .env("MEKIKI_LISTEN", "127.0.0.1:0")
        .env("MEKIKI_DEVICE", "cpu")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let answers = BufReader::new(child.stdout.take().unwrap());
    assert!(answers.lines().any(|line| line.unwrap().contains("http://")), "it ended without an address");
    child
}

/// Each file below the folder, by its path in it.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    walkdir::WalkDir::new(folder)
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let name = entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// The keys stand in the line in this order, each once.
fn assert_keys(line: &str, keys: &[&str]) {
    let at: Vec<usize> =
        keys.iter().map(|key| line.find(&format!("\"{key}\":")).unwrap_or_else(|| panic!("{key}: {line}"))).collect();
    assert!(at.is_sorted(), "{line}");
}

#[test]
fn score_answers_a_line_a_picture_a_page_and_boxed_copies() {
    let folder = tempfile::tempdir().unwrap();
    let pictures = folder.path().join("pictures");
    std::fs::create_dir_all(pictures.join("inner")).unwrap();
    let scenes = [(0, "a.png"), (14, "inner/c.png")].map(|(seed, name)| {
        let scene = Scene::new(seed);
        std::fs::write(pictures.join(name), scene.png().unwrap()).unwrap();
        scene
    });
    std::fs::write(pictures.join("b.png"), "<html>no picture</html>").unwrap();
    std::fs::write(pictures.join("notes.txt"), "not looked at").unwrap();
    let (page, boxed) = (folder.path().join("page.html"), folder.path().join("boxed"));
    let (page_name, boxed_name) = (page.to_str().unwrap(), boxed.to_str().unwrap());
    let pictures_name = pictures.to_str().unwrap();
    let args = ["score", pictures_name, "--json", "--html", page_name, "--annotate", boxed_name];
    let output = mekiki(&folder.path().join("data"), &args, &[]);
    assert_eq!(output.status.code(), Some(1), "one picture failed: {}", said(&output.stderr));
    let lines: Vec<&str> = said(&output.stdout).lines().collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    let mut rows: Vec<Value> = Vec::new();
    for (line, name) in lines.iter().zip(["a.png", "b.png", "inner/c.png"]) {
        assert_keys(line, &["path", "width", "height", "faces", "error"]);
        let row: Value = serde_json::from_str(line).unwrap();
        assert_eq!(row.as_object().unwrap().len(), 5, "{line}");
        assert_eq!(row["path"], pictures.join(name).to_str().unwrap());
        rows.push(row);
    }
    for (row, scene) in [&rows[0], &rows[2]].into_iter().zip(&scenes) {
        assert_eq!(
            (&row["error"], &row["width"], &row["height"]),
            (&Value::Null, &scene.size.width.into(), &scene.size.height.into())
        );
        let faces = row["faces"].as_array().unwrap();
        assert_eq!(faces.len(), scene.faces.len());
        for face in faces {
            assert_eq!(face.as_object().unwrap().len(), 4, "{face}");
            let bounds: [f32; 4] = serde_json::from_value(face["box"].clone()).unwrap();
            let found = mekiki::domain::PictureBox::from(bounds);
            assert!(scene.faces.iter().any(|drawn| drawn.bounds.iou(&found) > 0.5), "{face}");
            assert!((0.5..=1.0).contains(&face["confidence"].as_f64().unwrap()));
            assert!(face["score"].is_null() && face["spread"].is_null(), "there is no taste yet");
        }
    }
    assert_keys(lines[0], &["box", "confidence", "score", "spread"]);
    assert_eq!((&rows[1]["width"], &rows[1]["faces"]), (&Value::Null, &Value::Array(Vec::new())));
    assert!(rows[1]["error"].as_str().is_some_and(|error| error.contains("HTML")), "{}", rows[1]);

    let page = std::fs::read_to_string(page).unwrap();
    assert_eq!(page.matches("<figure>").count(), 3);
    assert!(page.contains("a.png") && page.contains("b.png") && page.contains("data:image/jpeg;base64,"));
    let copies = contents(&boxed);
    assert_eq!(copies.keys().collect::<Vec<_>>(), ["a.png", "c.png"]);
    let copy = image::load_from_memory(&copies["a.png"]).unwrap().to_rgb8();
    let drawn = scenes[0].render().unwrap();
    assert_eq!(copy.dimensions(), drawn.dimensions());
    let changed = copy.pixels().zip(drawn.pixels()).filter(|(a, b)| a != b).count();
    let area = (copy.width() * copy.height()) as usize;
    assert!(changed > 100 && changed < area / 4, "{changed} of {area} pixels are changed by the boxes");
}

#[test]
fn a_lower_cut_finds_more_and_a_good_folder_exits_well() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    std::fs::write(&path, Scene::new(5).png().unwrap()).unwrap();
    let faces = |cut: &str| {
        let args = ["score", path.to_str().unwrap(), "--json", "--min-confidence", cut];
        let output = mekiki(&folder.path().join("data"), &args, &[]);
        assert!(output.status.success(), "{}", said(&output.stderr));
        let row: Value = serde_json::from_str(said(&output.stdout)).unwrap();
        row["faces"].as_array().unwrap().len()
    };
    let (few, many) = (faces("0.99"), faces("0.5"));
    assert!(few < many && many == Scene::new(5).faces.len(), "{few} {many}");
    let output = mekiki(folder.path(), &["score", "/nowhere/x.png", "--json"], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output.stdout).contains("cannot be opened"), "{}", said(&output.stdout));
}

#[test]
fn fit_without_ratings_says_what_to_do() {
    let data = tempfile::tempdir().unwrap();
    let output = mekiki(data.path(), &["fit"], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output.stdout).contains("No ratings yet"), "{}", said(&output.stdout));
}

#[test]
fn all_wrong_settings_are_said_together() {
    let data = tempfile::tempdir().unwrap();
    let wrong = [("MEKIKI_THRESHOLD", "9"), ("MEKIKI_DEVICE", "abacus"), ("MEKIKI_CROPS_DAYS", "-1")];
    let output = mekiki(data.path(), &["doctor"], &wrong);
    assert_eq!(output.status.code(), Some(2));
    let errors = said(&output.stderr);
    for (name, _) in wrong {
        assert_eq!(errors.matches(name).count(), 1, "{errors}");
    }
    assert!(output.stdout.is_empty());
}

#[test]
fn doctor_of_a_healthy_bot_exits_well() {
    let data = tempfile::tempdir().unwrap();
    let fresh = mekiki(data.path(), &["doctor"], &[]);
    assert!(fresh.status.success(), "{}", said(&fresh.stdout));
    let checks = said(&fresh.stdout);
    for check in ["models", "device", "data", "database", "page"] {
        assert!(checks.lines().any(|line| line.starts_with("ok") && line.contains(check)), "{check}: {checks}");
    }
    assert!(checks.contains("CPUExecutionProvider") || checks.contains("CPU"), "{checks}");
}

/// The one line that names the ill part.
fn ill(output: &Output) -> &str {
    assert_eq!(output.status.code(), Some(1), "{}", said(&output.stdout));
    let lines: Vec<&str> = said(&output.stdout).lines().filter(|line| line.starts_with("FAIL")).collect();
    assert_eq!(lines.len(), 1, "{}", said(&output.stdout));
    lines[0]
}

#[tokio::test]
async fn doctor_finds_a_damaged_database() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("mekiki.db");
    std::fs::write(&file, "overwritten by something else ".repeat(1000)).unwrap();
    let output = mekiki(data.path(), &["doctor"], &[]);
    let line = ill(&output);
    assert!(line.contains("database") && line.contains("restore"), "{line}");
    // A database whose first page is well and whose others are not.
    std::fs::remove_file(&file).unwrap();
    Store::open(&file).await.unwrap().close().await;
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[4096..].fill(0x55);
    std::fs::write(&file, bytes).unwrap();
    let output = mekiki(data.path(), &["doctor"], &[]);
    let line = ill(&output);
    assert!(line.contains("database") && line.contains("restore"), "{line}");
}

#[test]
fn doctor_names_a_library_that_is_not_there() {
    let data = tempfile::tempdir().unwrap();
    let output = mekiki(data.path(), &["doctor"], &[("ORT_DYLIB_PATH", "/nowhere/libonnxruntime.so")]);
    let line = ill(&output);
    assert!(line.contains("/nowhere/libonnxruntime.so") && line.contains("make runtime"), "{line}");
}

/// The samples are on their way when the signal comes.
#[cfg(unix)]
#[tokio::test]
async fn a_signal_stops_the_bot_in_order_and_a_second_bot_does_not_start_beside_it() {
    let data = tempfile::tempdir().unwrap();
    let mut bot = serve(data.path());
    let second = mekiki(data.path(), &["serve"], &[]);
    assert_eq!(second.status.code(), Some(1));
    assert!(said(&second.stderr).contains("another mekiki is at work"), "{}", said(&second.stderr));
    let signal = Command::new("kill").args(["-TERM", &bot.id().to_string()]).status().unwrap();
    assert!(signal.success());
    assert!(bot.wait().unwrap().success());
    assert!(!data.path().join("mekiki.db-wal").exists(), "the database was closed");
    let store = Store::open(&data.path().join("mekiki.db")).await.unwrap();
    let posts = store.posts(PostFilter::All, None, 99).await.unwrap();
    assert_eq!(posts.len(), 24);
    let at_rest = |state| matches!(state, PostState::Claimed | PostState::Published);
    assert!(posts.iter().all(|post| at_rest(post.state)), "{posts:?}");
}
