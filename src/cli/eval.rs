//! `mekiki eval faces`: the detector against boxes by hand.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};

use super::EvalFacesArgs;
use crate::app::{self, LoadedModels};
use crate::config::Config;
use crate::domain::{Confidence, PictureBox};
use crate::vision::decode::{DecodeLimits, decode};
use crate::vision::{Detection, LetterboxedPicture, NOISE, Seen};

/// Boxes below this are noise, not even counted in the average precision. Calibrated confidences of doubtful faces are low,
/// and they carry the end of the precision–recall curve.
const FLOOR: Confidence = NOISE;
/// A found box is a hit when it overlaps a free labelled one by at least this.
const HIT_IOU: f32 = 0.5;
/// A box that is no hit and lies in a region to be ignored by this share of its area or more is not counted.
const IGNORED_SHARE: f32 = 0.5;

#[derive(Debug, Deserialize)]
struct Row {
    file: String,
    #[serde(flatten)]
    labels: Labels,
}

#[derive(Debug, Default, Deserialize)]
struct Labels {
    boxes: Vec<PictureBox>,
    /// Faces too doubtful to count: neither wanted nor wrong.
    #[serde(default)]
    ignore: Vec<PictureBox>,
}

impl Labels {
    fn ignores(&self, found: &PictureBox) -> bool {
        self.ignore.iter().any(|region| found.intersection(region).area() >= IGNORED_SHARE * found.area())
    }
}

/// Figures at one confidence cut. `ap50` counts all boxes from the cut up.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Figures {
    cut: f32,
    faces: usize,
    recall: f64,
    precision: f64,
    ap50: f64,
    mean_iou: f64,
    /// Pictures without a face in which one was found, of how many.
    false_alarms: usize,
    without_face: usize,
}

pub(super) fn faces(config: &Config, args: &EvalFacesArgs) -> anyhow::Result<ExitCode> {
    let rows = read_rows(&args.rows)?;
    let folder = args.pictures.as_deref().or(args.rows.parent()).unwrap_or(Path::new("."));
    let mut detector = tokio::task::block_in_place(|| LoadedModels::load(config))?.models.detector;
    let bar = ProgressBar::new(rows.len() as u64);
    let mut found: Vec<Vec<Detection>> = Vec::new();
    for row in &rows {
        let path = folder.join(&row.file);
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let picture = decode(&bytes, &DecodeLimits::default()).with_context(|| path.display().to_string())?.image;
        let letterboxed = LetterboxedPicture::new(&picture, args.side);
        found.extend(tokio::task::block_in_place(|| {
            if args.once {
                detector.detect(&[&letterboxed], FLOOR)
            } else {
                detector.find(&[Seen { picture: &picture, letterboxed: &letterboxed }], FLOOR, 1)
            }
        })?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    if let Some(out) = &args.predictions {
        write_predictions(out, &rows, &found)?;
    }
    let labels: Vec<&Labels> = rows.iter().map(|row| &row.labels).collect();
    let cut = app::floor(config, args.cut);
    let figures = [FLOOR, cut].map(|cut| evaluate(&labels, &found, cut));
    if args.json {
        println!("{}", serde_json::to_string(&figures)?);
    } else {
        println!("{} pictures, {} faces", rows.len(), figures[0].faces);
        println!(
            "{:>6} {:>8} {:>10} {:>8} {:>9} {:>13}",
            "cut", "recall", "precision", "AP50", "mean IoU", "false alarms"
        );
        for f in figures {
            let alarms = format!("{}/{}", f.false_alarms, f.without_face);
            println!(
                "{:6.3} {:8.3} {:10.3} {:8.3} {:9.3} {alarms:>13}",
                f.cut, f.recall, f.precision, f.ap50, f.mean_iou
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn read_rows(path: &Path) -> anyhow::Result<Vec<Row>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let rows: Vec<Row> = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(n, line)| {
            serde_json::from_str(line).with_context(|| format!("{}, line {}: no row of labels", path.display(), n + 1))
        })
        .collect::<anyhow::Result<_>>()?;
    if rows.is_empty() {
        bail!("{} holds no rows", path.display());
    }
    Ok(rows)
}

fn write_predictions(out: &Path, rows: &[Row], found: &[Vec<Detection>]) -> anyhow::Result<()> {
    let predictions: BTreeMap<&str, Vec<[f32; 5]>> = rows
        .iter()
        .zip(found)
        .map(|(row, found)| {
            let boxes = found.iter().map(|d| [d.bounds.x1, d.bounds.y1, d.bounds.x2, d.bounds.y2, d.confidence.0]);
            (&row.file[..], boxes.collect())
        })
        .collect();
    std::fs::write(out, serde_json::to_vec(&predictions)?).with_context(|| format!("cannot write {}", out.display()))
}

/// Greedy by confidence within each picture: a box takes the free label it overlaps most. AP is the area under the
/// precision–recall curve, precision made monotone.
fn evaluate(labels: &[&Labels], found: &[Vec<Detection>], cut: Confidence) -> Figures {
    let faces: usize = labels.iter().map(|l| l.boxes.len()).sum();
    let (mut answers, mut ious) = (Vec::new(), Vec::new());
    let (mut false_alarms, mut without_face) = (0, 0);
    for (labels, found) in labels.iter().zip(found) {
        let found: Vec<&Detection> = found.iter().filter(|d| d.confidence >= cut).collect();
        if labels.boxes.is_empty() && labels.ignore.is_empty() {
            without_face += 1;
            false_alarms += usize::from(!found.is_empty());
        }
        let mut free = labels.boxes.clone();
        for detection in found {
            let overlaps = free.iter().map(|b| b.iou(&detection.bounds)).enumerate();
            let best = overlaps.max_by(|a, b| a.1.total_cmp(&b.1)).filter(|&(_, iou)| iou >= HIT_IOU);
            if let Some((index, iou)) = best {
                free.swap_remove(index);
                ious.push(f64::from(iou));
            } else if labels.ignores(&detection.bounds) {
                continue;
            }
            answers.push((detection.confidence.0, best.is_some()));
        }
    }
    answers.sort_by(|a, b| b.0.total_cmp(&a.0));
    let share = |a: usize, b: usize| a as f64 / b.max(1) as f64;
    let mut hits = 0;
    let curve: Vec<(f64, f64)> = answers
        .iter()
        .enumerate()
        .map(|(n, &(_, hit))| {
            hits += usize::from(hit);
            (share(hits, faces), share(hits, n + 1))
        })
        .collect();
    Figures {
        cut: cut.0,
        faces,
        recall: share(hits, faces),
        precision: share(hits, answers.len()),
        ap50: average_precision(&curve),
        // A sum of nothing is -0.
        mean_iou: ious.iter().fold(0.0, |sum, iou| sum + iou) / ious.len().max(1) as f64,
        false_alarms,
        without_face,
    }
}

/// Area under `(recall, precision)`, recall rising.
fn average_precision(curve: &[(f64, f64)]) -> f64 {
    let mut best = 0.0f64;
    let mut monotone: Vec<(f64, f64)> = curve
        .iter()
        .rev()
        .map(|&(recall, precision)| {
            best = best.max(precision);
            (recall, best)
        })
        .collect();
    monotone.reverse();
    let mut last = 0.0;
    monotone.iter().map(|&(recall, precision)| (recall - std::mem::replace(&mut last, recall)) * precision).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detection(x: f32, confidence: f32) -> Detection {
        Detection { bounds: PictureBox::new(x, 0.0, x + 10.0, 10.0), confidence: Confidence(confidence) }
    }

    #[test]
    fn figures_of_a_small_case() {
        let boxes = vec![PictureBox::new(0.0, 0.0, 10.0, 10.0), PictureBox::new(50.0, 0.0, 60.0, 10.0)];
        let rows = [&Labels { boxes, ignore: Vec::new() }, &Labels::default()];
        // A hit, a double of it (a miss: the label is taken), and a false alarm in the empty picture.
        let found = [vec![detection(0.0, 0.9), detection(1.0, 0.8)], vec![detection(0.0, 0.3)]];
        let all = evaluate(&rows, &found, FLOOR);
        assert_eq!((all.faces, all.false_alarms, all.without_face), (2, 1, 1));
        assert!((all.recall - 0.5).abs() < 1e-9 && (all.precision - 1.0 / 3.0).abs() < 1e-9);
        assert!((all.ap50 - 0.5).abs() < 1e-9 && (all.mean_iou - 1.0).abs() < 1e-6);
        let sure = evaluate(&rows, &found, Confidence(0.85));
        assert!((sure.precision - 1.0).abs() < 1e-9 && sure.false_alarms == 0);
    }

    #[test]
    fn what_lies_in_a_region_to_ignore_is_neither_right_nor_wrong() {
        let at = |x: f32| PictureBox::new(x, 0.0, x + 10.0, 10.0);
        let labels = Labels { boxes: vec![at(0.0)], ignore: vec![at(0.0), at(50.0)] };
        // A hit counts even there, a double of it and a box by half outside do not; one further out is wrong.
        let found = [vec![detection(0.0, 0.9), detection(1.0, 0.8), detection(55.0, 0.7), detection(56.0, 0.6)]];
        let figures = evaluate(&[&labels], &found, FLOOR);
        assert!((figures.recall - 1.0).abs() < 1e-9 && (figures.precision - 0.5).abs() < 1e-9, "{figures:?}");
        // A picture with nothing but such a region says nothing of false alarms.
        let only = Labels { ignore: vec![at(0.0)], ..Labels::default() };
        let figures = evaluate(&[&only], &[vec![detection(0.0, 0.9)]], FLOOR);
        assert_eq!((figures.false_alarms, figures.without_face), (0, 0));
    }

    #[test]
    fn precision_is_made_monotone() {
        assert!((average_precision(&[(0.0, 0.0), (0.5, 0.5), (1.0, 2.0 / 3.0)]) - 2.0 / 3.0).abs() < 1e-9);
        assert!(average_precision(&[]).abs() < 1e-9);
    }
}
