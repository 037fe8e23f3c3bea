//! Reads a file of ratings, one JSON object a line, and says which line is wrong and how.

use std::path::Path;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

use crate::domain::{PictureBox, Stars};

/// One rated face.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Row {
    /// 1–5
    pub(super) rating: Stars,
    /// File of the face's crop, relative to the ratings.
    pub(super) crop: Option<String>,
    /// File of the whole picture, relative to the ratings.
    pub(super) picture: Option<String>,
    /// The face in the picture's pixels.
    #[serde(rename = "box")]
    pub(super) bounds: Option<PictureBox>,
    /// Near-duplicates share one.
    pub(super) group: Option<u64>,
    /// What was cropped is no face.
    #[serde(default)]
    pub(super) no_face: bool,
    /// In the file, from 1.
    #[serde(skip)]
    pub(super) line: usize,
}

pub(super) fn read(path: &Path) -> anyhow::Result<Vec<Row>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut rows = Vec::new();
    for (n, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let at = || format!("{}, line {}", path.display(), n + 1);
        let mut row: Row = serde_json::from_str(line)
            .with_context(|| format!("{}: no rating; a line is {{\"rating\": 1-5, \"crop\": FILE, …}}", at()))?;
        row.line = n + 1;
        if let Some(bounds) = row.bounds {
            ensure!(
                bounds.is_finite() && bounds.area() > 0.0,
                "{}: the box is empty; it is [left, top, right, bottom]",
                at()
            );
        }
        let croppable = row.crop.is_some() || (row.picture.is_some() && row.bounds.is_some());
        ensure!(croppable || row.no_face, "{}: neither 'crop' nor 'picture' with 'box' is there", at());
        rows.push(row);
    }
    if rows.is_empty() {
        bail!("{} holds no ratings", path.display());
    }
    let grouped = rows.iter().filter(|r| r.group.is_some()).count();
    ensure!(
        grouped == 0 || grouped == rows.len(),
        "{}: {grouped} of {} lines name a 'group'; either all must, or none",
        path.display(),
        rows.len()
    );
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> anyhow::Result<Vec<Row>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read(file.path())
    }

    #[test]
    fn a_row_needs_a_rating_and_something_to_look_at() {
        let rows = read_text("{\"rating\": 5, \"crop\": \"a.jpg\", \"again\": null, \"group\": 3}\n\n{\"rating\": 1, \"picture\": \"b.jpg\", \"box\": [1, 2, 30, 40], \"group\": 4, \"no_face\": true}\n").unwrap();
        assert_eq!((rows.len(), rows[0].rating.get(), rows[0].group, rows[1].line), (2, 5, Some(3), 3));
        assert!(rows[1].no_face && !rows[0].no_face);
    }

    #[test]
    fn a_wrong_line_is_named() {
        let cases = [
            ("", "holds no ratings"),
            ("{\"rating\": 6, \"crop\": \"a.jpg\"}", "line 1"),
            ("{\"rating\": 3, \"crop\": \"a.jpg\"}\nnonsense", "line 2"),
            ("{\"rating\": 3}", "neither 'crop'"),
            ("{\"rating\": 3, \"picture\": \"a.jpg\", \"box\": [5, 5, 5, 9]}", "box is empty"),
            ("{\"rating\": 3, \"crop\": \"a\", \"group\": 1}\n{\"rating\": 3, \"crop\": \"b\"}", "either all must"),
        ];
        for (text, part) in cases {
            let error = format!("{:#}", read_text(text).unwrap_err());
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
