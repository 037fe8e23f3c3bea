//! The figures as a table, as JSON and as the story's picture: for each true rating, where the scores fell.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use anyhow::Context;
use plotters::prelude::*;
use serde_json::{Value, json};

use crate::taste::trial::{Estimate, Figures, Plan, Size};

type Table = BTreeMap<Size, Figures>;
type Figure = fn(&Figures) -> Option<Estimate>;

const FIGURES: [(&str, &str, Figure); 6] = [
    ("spearman", "rank agreement (Spearman)", |f| f.spearman),
    ("kappa", "quadratic-weighted kappa", |f| f.kappa),
    ("mae", "mean absolute error, stars", |f| f.mean_absolute_error),
    ("auc", "AUC after so many thumbs", |f| f.auc),
    ("precision_top_5_percent", "rated 4 or 5 among the top 5 %", |f| f.precision_top_5_percent),
    ("coverage_80", "ratings inside 80 % intervals", |f| f.coverage),
];

/// One object on one line.
pub(super) fn json(table: &Table, faces: usize, groups: usize, plan: Plan) -> String {
    let mut out =
        json!({ "faces": faces, "groups": groups, "splits": plan.splits, "held_out_groups": plan.held_out_groups });
    let by_size = |of: &dyn Fn(&Figures) -> Option<Value>| -> Value {
        table.iter().filter_map(|(size, f)| Some((size.to_string(), of(f)?))).collect::<serde_json::Map<_, _>>().into()
    };
    for (key, _, figure) in FIGURES {
        out[key] = by_size(&|f| figure(f).map(|e| json!(e)));
    }
    out["calibration"] = by_size(&|f| {
        let bins = f.calibration.iter().filter(|bin| bin.0 > 0);
        Some(bins.map(|(faces, score, rating)| json!({ "faces": faces, "score": score, "rating": rating })).collect())
    });
    out["histogram"] = by_size(&|f| Some(json!(f.histogram)));
    out.to_string()
}

pub(super) fn text(table: &Table, plan: Plan) -> String {
    let mut out = format!(
        "mean of {} splits, {} groups held out in each [95 % bootstrap interval over groups]\n\n",
        plan.splits, plan.held_out_groups
    );
    let line = |out: &mut String, name: &str, cells: Vec<String>| {
        let cells: Vec<String> = cells.into_iter().map(|cell| format!("{cell:>17}")).collect();
        let _ = writeln!(out, "{name:<31} {}", cells.concat());
    };
    line(&mut out, "ratings learnt from", table.keys().map(ToString::to_string).collect());
    for (_, name, figure) in FIGURES {
        let cell = |f: &Figures| {
            figure(f).map_or_else(|| "–".to_owned(), |e| format!("{:.3} [{:.2} {:.2}]", e.mean, e.low, e.high))
        };
        line(&mut out, name, table.values().map(cell).collect());
    }
    let Some(all) = table.get(&Size::All) else { return out };
    out.push_str("\nscores of held-out faces by their true rating, all ratings learnt from\n");
    for (row, counts) in (1..).zip(all.histogram) {
        let _ = writeln!(out, "  rated {row}  1 {} 5", bars(&counts));
    }
    out.push_str("\nscore   rated on average\n");
    for (faces, score, rating) in all.calibration.iter().filter(|bin| bin.0 > 0) {
        let _ = writeln!(out, "  {score:.2}  {rating:.2}  ({faces})");
    }
    out
}

/// A histogram in one line, as high as its fullest bin.
fn bars(counts: &[usize]) -> String {
    const STEPS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = counts.iter().max().copied().unwrap_or(0).max(1);
    counts.iter().map(|count| STEPS[(count * 8).div_ceil(most)]).collect()
}

/// Five panels, one below the other, as an SVG file.
pub(super) fn plot(out: &Path, histogram: &[[usize; 16]; 5]) -> anyhow::Result<()> {
    let root = SVGBackend::new(out, (640, 720)).into_drawing_area();
    root.fill(&WHITE)?;
    for ((rating, counts), panel) in (1..).zip(histogram).zip(root.split_evenly((5, 1))) {
        let all = counts.iter().sum::<usize>().max(1) as f64;
        let most = counts.iter().max().copied().unwrap_or(0) as f64 / all;
        let mut chart = ChartBuilder::on(&panel)
            .margin(8)
            .x_label_area_size(20)
            .y_label_area_size(60)
            .build_cartesian_2d(1.0..5.0, 0.0..(most * 1.1).max(0.01))?;
        chart
            .configure_mesh()
            .disable_mesh()
            .x_labels(9)
            .y_labels(3)
            .y_label_formatter(&|share| format!("{:.0} %", share * 100.0))
            .y_desc(format!("rated {rating}"))
            .draw()?;
        chart.draw_series(counts.iter().enumerate().map(|(bin, count)| {
            let left = 1.0 + bin as f64 / 4.0;
            Rectangle::new([(left + 0.01, 0.0), (left + 0.24, *count as f64 / all)], RGBColor(214, 93, 122).filled())
        }))?;
    }
    root.present().context("the file cannot be written")
}
