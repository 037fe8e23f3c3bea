//! Writes the owner's standing ratings with the crops of the faces, as `import` reads them.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::Context;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::JUDGEMENTS;
use crate::cli::transfer::{Format, Home, Lines, progress, write};
use crate::domain::{Judgement, PerceptualHash, PictureBox, PictureId, Rater, Rating, Scope, Target};
use crate::pipeline::near_duplicate_groups;
use crate::store::{BlobKind, FaceRow, Store};

/// A rated face.
struct Row {
    face: FaceRow,
    /// Its place among the picture's faces.
    index: usize,
    hash: PerceptualHash,
    judgement: Judgement,
    at: OffsetDateTime,
    score_visible: bool,
}

impl Row {
    fn name(&self) -> String {
        format!("{}-{}.jpg", &self.face.picture.to_string()[..16], self.index)
    }
}

/// A line of `ratings.jsonl`; also what `mekiki eval taste` reads. Boxes are in the whole picture's pixels.
#[derive(Debug, Serialize)]
struct Line<'a> {
    id: usize,
    crop: &'a str,
    rating: Rated,
    again: Option<u8>,
    group: u64,
    no_face: bool,
    source: &'a str,
    picture_sha256: PictureId,
    #[serde(rename = "box")]
    bounds: PictureBox,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    score_visible: bool,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Rated {
    Stars(u8),
    Thumb(Judgement),
}

impl From<Judgement> for Rated {
    fn from(judgement: Judgement) -> Self {
        match judgement {
            Judgement::Stars(stars) => Self::Stars(stars.get()),
            thumb => Self::Thumb(thumb),
        }
    }
}

pub(in crate::cli::transfer) async fn export(home: &Home, format: Format, out: &Path) -> anyhow::Result<()> {
    let mut rows = rows(&home.store).await?;
    let bar = progress(rows.len());
    let shelves: &[&str] = if format == Format::Folder { &JUDGEMENTS } else { &["crops"] };
    for shelf in shelves {
        fs::create_dir_all(out.join(shelf)).with_context(|| format!("cannot make {}", out.join(shelf).display()))?;
    }
    let all = rows.len();
    let mut failure = None;
    rows.retain(|row| {
        bar.inc(1);
        let shelf = if format == Format::Folder { row.judgement.to_string() } else { "crops".into() };
        match home.blobs.get(BlobKind::Crop, row.face.crop) {
            Ok(Some(bytes)) => match write(&out.join(shelf).join(row.name()), &bytes) {
                Ok(()) => true,
                Err(error) => {
                    failure = Some(error);
                    false
                }
            },
            Ok(None) => false,
            Err(error) => {
                failure = Some(error.into());
                false
            }
        }
    });
    bar.finish_and_clear();
    if let Some(error) = failure {
        return Err(error);
    }
    match format {
        Format::Csv => table(&rows, &out.join("ratings.csv"))?,
        Format::Jsonl => list(&rows, &out.join("ratings.jsonl"))?,
        _ => {}
    }
    println!("{} rated faces are in {}.", rows.len(), out.display());
    if rows.len() < all {
        println!("{} are left out: their crops are no longer kept.", all - rows.len());
    }
    Ok(())
}

/// The owner's standing ratings, in the order they were given. One of a whole picture is its surest face's.
async fn rows(store: &Store) -> anyhow::Result<Vec<Row>> {
    let mut standing: HashMap<Target, Rating> = HashMap::new();
    let own = |r: &Rating| r.scope == Scope::Local && r.rater == Rater::owner();
    // Of lines of the same time the later one stands, as in the ledger.
    for rating in store.ledger().await?.into_iter().filter(own) {
        if standing.get(&rating.target).is_none_or(|other| other.at <= rating.at) {
            standing.insert(rating.target, rating);
        }
    }
    let mut rows = Vec::new();
    for rating in standing.into_values() {
        let Some(judgement) = rating.judgement else { continue };
        let picture = match rating.target {
            Target::Picture(picture) => Some(picture),
            Target::Face(face) => store.face(face).await?.map(|f| f.picture),
        };
        let Some(picture) = picture else { continue };
        let faces = store.found_faces(picture).await?;
        let index = match rating.target {
            Target::Picture(_) => 0,
            Target::Face(face) => faces.iter().position(|f| f.id == face).unwrap_or(0),
        };
        let hash = store.picture(picture).await?.map(|p| p.hash);
        if let (Some(face), Some(hash)) = (faces.into_iter().nth(index), hash) {
            rows.push(Row { face, index, hash, judgement, at: rating.at, score_visible: rating.score_visible });
        }
    }
    rows.sort_by_key(|r| (r.at, r.face.id));
    Ok(rows)
}

fn table(rows: &[Row], path: &Path) -> anyhow::Result<()> {
    let written = || format!("cannot write {}", path.display());
    let mut table = csv::Writer::from_path(path).with_context(written)?;
    table.write_record(["file", "rating", "at", "score_visible"]).with_context(written)?;
    for row in rows {
        let at = row.at.format(&Rfc3339).context("a time that has no name")?;
        let (file, rating) = (format!("crops/{}", row.name()), row.judgement.to_string());
        table.write_record([&file, &rating, &at, &row.score_visible.to_string()]).with_context(written)?;
    }
    table.flush().with_context(written)
}

fn list(rows: &[Row], path: &Path) -> anyhow::Result<()> {
    let hashes: Vec<PerceptualHash> = rows.iter().map(|r| r.hash).collect();
    let groups = near_duplicate_groups(&hashes);
    let mut lines = Lines::create(path)?;
    for (id, (row, group)) in rows.iter().zip(groups).enumerate() {
        lines.write(&Line {
            id,
            crop: &format!("crops/{}", row.name()),
            rating: row.judgement.into(),
            again: None,
            group,
            no_face: false,
            source: "mekiki",
            picture_sha256: row.face.picture,
            bounds: row.face.face.bounds,
            at: row.at,
            score_visible: row.score_visible,
        })?;
    }
    lines.finish()
}
