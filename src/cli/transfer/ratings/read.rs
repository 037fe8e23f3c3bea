//! Reads sorted folders and lists; nothing is looked at yet.

use std::fmt::Display;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Entry, Found, JUDGEMENTS};
use crate::cli::files;
use crate::domain::Judgement;

/// Pictures in folders named 1, 2, 3, 4, 5, up and down; any of them may be missing.
pub(in crate::cli::transfer) fn sorted(folder: &Path) -> anyhow::Result<Found> {
    let mut found = Found::default();
    let mut any = false;
    for name in JUDGEMENTS {
        let shelf = folder.join(name);
        if !shelf.is_dir() {
            continue;
        }
        any = true;
        let judgement = judgement(name)?;
        let pictures = files::in_folder(&shelf)?.into_iter();
        found.entries.extend(pictures.map(|path| Entry { path, judgement, at: None, score_visible: false }));
    }
    ensure!(
        any,
        "{} is no export (it has no {}) and not sorted by rating (it has none of the folders {})",
        folder.display(),
        super::super::backup::PICTURES,
        JUDGEMENTS.join(", ")
    );
    Ok(found)
}

/// A line as written, in either kind of list.
#[derive(Debug, Deserialize)]
struct Line {
    /// Relative to the list.
    #[serde(alias = "crop")]
    file: PathBuf,
    rating: Written,
    at: Option<String>,
    #[serde(default)]
    score_visible: bool,
    #[serde(default)]
    no_face: bool,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Written {
    Number(u8),
    Text(String),
}

fn judgement(text: &str) -> anyhow::Result<Judgement> {
    text.trim().parse().with_context(|| format!("\"{text}\""))
}

fn entry(line: Line, list: &Path) -> anyhow::Result<Entry> {
    let text = match line.rating {
        Written::Number(n) => n.to_string(),
        Written::Text(text) => text,
    };
    let at = line.at.filter(|at| !at.is_empty()).map(|at| {
        OffsetDateTime::parse(&at, &Rfc3339).with_context(|| format!("\"{at}\" is no time like 2026-11-24T12:00:00Z"))
    });
    Ok(Entry {
        path: list.parent().unwrap_or(Path::new("")).join(line.file),
        judgement: judgement(&text)?,
        at: at.transpose()?,
        score_visible: line.score_visible,
    })
}

impl Found {
    fn take(&mut self, list: &Path, number: impl Display, line: anyhow::Result<Line>) {
        match line {
            Ok(line) if line.no_face => self.no_face += 1,
            line => match line.and_then(|line| entry(line, list)) {
                Ok(entry) => self.entries.push(entry),
                Err(error) => self.mistakes.push(format!("{}, line {number}: {error:#}", list.display())),
            },
        }
    }
}

/// An object a line: `file` (or `crop`), `rating`, and if known `at` and `score_visible`; `no_face` lines are left out.
pub(in crate::cli::transfer) fn jsonl(list: &Path) -> anyhow::Result<Found> {
    let file = File::open(list).with_context(|| format!("cannot read {}", list.display()))?;
    let mut found = Found::default();
    for (line, number) in BufReader::new(file).lines().zip(1..) {
        let line = line.with_context(|| format!("cannot read {}", list.display()))?;
        if !line.trim().is_empty() {
            found.take(list, number, serde_json::from_str(&line).map_err(Into::into));
        }
    }
    Ok(found)
}

/// The first line names the columns: those of [`jsonl`], in any order; others are left alone.
pub(in crate::cli::transfer) fn csv(list: &Path) -> anyhow::Result<Found> {
    let read = || format!("cannot read {}", list.display());
    let mut rows = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(list).with_context(read)?;
    let names: Vec<String> = rows.headers().with_context(read)?.iter().map(str::to_ascii_lowercase).collect();
    let column = |wanted: &[&str]| names.iter().position(|name| wanted.contains(&name.as_str()));
    let (file, rating) = (column(&["file", "crop"]), column(&["rating"]));
    let (Some(file), Some(rating)) = (file, rating) else {
        anyhow::bail!("{}: the first line names no columns \"file\" and \"rating\"", list.display());
    };
    let (at, seen, no_face) = (column(&["at"]), column(&["score_visible"]), column(&["no_face"]));
    let mut found = Found::default();
    let mut row = csv::StringRecord::new();
    loop {
        let number = rows.position().line();
        let line = match rows.read_record(&mut row) {
            Ok(false) => return Ok(found),
            Ok(true) => {
                let text = |column: Option<usize>| column.and_then(|c| row.get(c)).unwrap_or_default().to_owned();
                let yes = |column| matches!(text(column).to_ascii_lowercase().as_str(), "true" | "1" | "yes");
                Ok(Line {
                    file: text(Some(file)).into(),
                    rating: Written::Text(text(Some(rating))),
                    at: Some(text(at)),
                    score_visible: yes(seen),
                    no_face: yes(no_face),
                })
            }
            // The row is wrong; the reader goes on with the next.
            Err(error) if !error.is_io_error() => Err(error.into()),
            Err(error) => return Err(error).with_context(read),
        };
        found.take(list, row.position().map_or(number, csv::Position::line), line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(name: &str, text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    /// File, judgement and time of each entry.
    fn said(found: &Found, folder: &Path) -> Vec<(String, String, bool, Option<i64>)> {
        let name = |e: &Entry| e.path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
        let entries = found.entries.iter();
        entries
            .map(|e| (name(e), e.judgement.to_string(), e.score_visible, e.at.map(OffsetDateTime::unix_timestamp)))
            .collect()
    }

    #[test]
    fn a_list_of_json_lines_tells_each_mistake_by_its_line() {
        let text = r#"{"crop": "crops/1.jpg", "rating": 5, "again": null, "group": 0, "no_face": false}
{"file": "b.png", "rating": "up", "at": "2026-11-24T12:00:00Z", "score_visible": true}

{"file": "c.png", "rating": 6}
{"file": "d.png", "rating": 3, "no_face": true}
{"rating": 3}
{"file": "e.png", "rating": "3", "at": "yesterday"}
{"file": "f.png", "rating": "3"}"#;
        let (folder, path) = list("ratings.jsonl", text);
        let found = jsonl(&path).unwrap();
        assert_eq!(
            said(&found, folder.path()),
            [
                ("crops/1.jpg".into(), "5".into(), false, None),
                ("b.png".into(), "up".into(), true, Some(1_795_521_600)),
                ("f.png".into(), "3".into(), false, None),
            ]
        );
        assert_eq!(found.no_face, 1);
        let mistakes: Vec<_> = found.mistakes.iter().map(|m| m.split_once("ratings.jsonl, ").unwrap().1).collect();
        assert!(mistakes[0].starts_with("line 4: \"6\": a rating is 1 to 5, 'up' or 'down'"), "{mistakes:?}");
        assert!(mistakes[1].starts_with("line 6: missing field `file`"), "{mistakes:?}");
        assert!(mistakes[2].starts_with("line 7: \"yesterday\" is no time"), "{mistakes:?}");
        assert_eq!(mistakes.len(), 3);
    }

    #[test]
    fn a_table_may_have_its_columns_in_any_order() {
        let text = "note,Rating,file,at\n\"so, so\",3,\"a, b.png\",\n,down, c.png ,2026-11-24T12:00:00Z\nx,,d.png,\nx,4\n,5,e.png,\n";
        let (folder, path) = list("ratings.csv", text);
        let found = csv(&path).unwrap();
        assert_eq!(
            said(&found, folder.path()),
            [
                ("a, b.png".into(), "3".into(), false, None),
                ("c.png".into(), "down".into(), false, Some(1_795_521_600)),
                ("e.png".into(), "5".into(), false, None),
            ]
        );
        assert_eq!(found.mistakes.len(), 2, "{:?}", found.mistakes);
        assert!(found.mistakes[0].contains("ratings.csv, line 4: \"\""), "{:?}", found.mistakes);
        assert!(found.mistakes[1].contains("ratings.csv, line 5: "), "{:?}", found.mistakes);
        let (_folder, path) = list("other.csv", "picture,stars\na.png,3\n");
        assert!(csv(&path).unwrap_err().to_string().contains("names no columns"));
    }

    #[test]
    fn a_folder_is_sorted_when_it_has_one_of_the_shelves() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["1/a.png", "5/deep/b.JPG", "5/.hidden.png", "5/notes.txt", "up/c.webp", "6/d.png", "e.png"] {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let found = sorted(folder.path()).unwrap();
        let names: Vec<_> =
            said(&found, folder.path()).into_iter().map(|(file, judgement, ..)| (file, judgement)).collect();
        let of = |file: &str, judgement: &str| (file.to_owned(), judgement.to_owned());
        assert_eq!(names, [of("1/a.png", "1"), of("5/deep/b.JPG", "5"), of("up/c.webp", "up")]);
        let error = sorted(&folder.path().join("6")).unwrap_err().to_string();
        assert!(error.contains("is no export") && error.contains("1, 2, 3, 4, 5, up, down"), "{error}");
    }
}
