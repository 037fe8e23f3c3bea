//! `mekiki eval taste`: how well a taste would score faces it never saw, on one rater's ratings.

mod rows;
mod show;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use image::RgbImage;
use indicatif::{ProgressBar, ProgressStyle};
use time::{Duration, OffsetDateTime};

use super::EvalTasteArgs;
use crate::app::LoadedModels;
use crate::config::Config;
use crate::domain::{Features, Judgement};
use crate::pipeline::near_duplicate_groups;
use crate::taste::Example;
use crate::taste::trial::{self, Plan, Size};
use crate::vision::decode::{DecodeLimits, decode};
use crate::vision::{CROP_SIDE, Embedder, crop_face, perceptual_hash, squash};
use rows::Row;

/// Fewer ratings than this cannot be split into what is learnt and what is judged.
const FEWEST: usize = 20;

pub(super) fn taste(config: &Config, args: &EvalTasteArgs) -> anyhow::Result<ExitCode> {
    let mut rows = rows::read(&args.ratings)?;
    let all = rows.len();
    rows.retain(|row| !row.no_face);
    if rows.len() < FEWEST {
        bail!(
            "{}: {} rated faces; at least {FEWEST} are needed to learn from some and judge by others",
            args.ratings.display(),
            rows.len()
        );
    }
    let folder = args.ratings.parent().unwrap_or(Path::new("."));
    let mut embedder = tokio::task::block_in_place(|| LoadedModels::load(config))?.models.embedder;
    let examples = tokio::task::block_in_place(|| examples(&rows, folder, &mut embedder))?;
    let mut groups: Vec<u64> = examples.iter().map(|e| e.group).collect();
    groups.sort_unstable();
    groups.dedup();
    let plan = Plan::for_groups(groups.len());
    let bar = progress("fits", trial::steps(plan));
    let table = tokio::task::block_in_place(|| trial::run(&examples, plan, || bar.inc(1)))?;
    bar.finish_and_clear();
    let widest = table.get(&Size::All).context("nothing was left to learn from")?;
    if let Some(out) = &args.plot {
        show::plot(out, &widest.histogram).with_context(|| format!("cannot draw {}", out.display()))?;
    }
    if args.json {
        println!("{}", show::json(&table, rows.len(), groups.len(), plan));
    } else {
        println!("{} rated faces in {} groups ({} rows were no faces)", rows.len(), groups.len(), all - rows.len());
        print!("{}", show::text(&table, plan));
    }
    Ok(ExitCode::SUCCESS)
}

fn progress(what: &str, steps: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:>8} {bar:40} {pos}/{len} {eta}").expect("the template is fixed");
    ProgressBar::new(steps).with_style(style).with_message(what.to_owned())
}

/// Features as the bot computes them: the crop in its picture. The rows' order is time's.
fn examples(rows: &[Row], folder: &Path, embedder: &mut Embedder) -> anyhow::Result<Vec<Example>> {
    let bar = progress("faces", rows.len() as u64);
    let (mut features, mut hashes) = (Vec::new(), Vec::new());
    for row in rows {
        let (crop, whole) = views(row, folder).with_context(|| format!("line {}", row.line))?;
        hashes.push(perceptual_hash(&crop));
        features.push(embed(embedder, &crop, &whole)?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    // Ours only where the file names no groups.
    let ours = near_duplicate_groups(&hashes);
    let example = |(n, ((row, features), ours)): (i64, ((&Row, Features), u64))| Example {
        features: Arc::new(features),
        judgement: Judgement::Stars(row.rating),
        at: OffsetDateTime::UNIX_EPOCH + Duration::seconds(n),
        group: row.group.unwrap_or(ours),
        rater: 0,
        by_lot: true,
    };
    Ok((0..).zip(rows.iter().zip(features).zip(ours)).map(example).collect())
}

/// The crop and the whole picture, 224×224 each. Where the file has only one of them, it stands for both: the picture with
/// a box is cropped, a crop alone is all that is known of its picture.
fn views(row: &Row, folder: &Path) -> anyhow::Result<(RgbImage, RgbImage)> {
    let open = |file: &str| -> anyhow::Result<RgbImage> {
        let path = folder.join(file);
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(decode(&bytes, &DecodeLimits::default()).with_context(|| path.display().to_string())?.image)
    };
    let view = |picture: &RgbImage| squash(picture, crate::domain::Size::new(CROP_SIDE, CROP_SIDE));
    let picture = row.picture.as_deref().map(open).transpose()?;
    let crop = match (&row.crop, &picture, row.bounds) {
        (Some(crop), _, _) => view(&open(crop)?),
        (None, Some(picture), Some(bounds)) => crop_face(picture, bounds),
        _ => bail!("there is neither a crop nor a picture with a box"),
    };
    let whole = picture.as_ref().map_or_else(|| crop.clone(), view);
    Ok((crop, whole))
}

fn embed(embedder: &mut Embedder, crop: &RgbImage, whole: &RgbImage) -> anyhow::Result<Features> {
    let [crop, whole] = <[_; 2]>::try_from(embedder.embed(&[crop, whole])?).expect("one answer a view");
    Ok(crop.features(&whole))
}
