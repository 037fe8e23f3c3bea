//! `cargo run --example draw -- OUTDIR FIRST COUNT` draws the scenes of COUNT seeds from FIRST on into OUTDIR, as PNG
//! files and a `scenes.jsonl` that lists file, size, face boxes and attributes, one scene a line.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;
use mekiki::domain::PictureBox;
use mekiki::samples::{Attributes, Scene};
use serde::Serialize;

/// A line of `scenes.jsonl`; boxes are x1, y1, x2, y2 in pixels, in the order of `attributes`.
#[derive(Serialize)]
struct Line<'a> {
    file: String,
    width: u32,
    height: u32,
    source: &'static str,
    seed: u64,
    title: &'a str,
    boxes: Vec<PictureBox>,
    attributes: Vec<&'a Attributes>,
}

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let (Some(dir), Some(first), Some(count)) = (args.next(), args.next(), args.next()) else {
        anyhow::bail!("usage: draw OUTDIR FIRST COUNT");
    };
    let dir = PathBuf::from(dir);
    let first: u64 = first.parse().context("FIRST is a seed: a whole number")?;
    let count: u64 = count.parse().context("COUNT is a whole number")?;
    fs::create_dir_all(&dir).with_context(|| format!("cannot make the folder {}", dir.display()))?;
    let index = dir.join("scenes.jsonl");
    let mut index = BufWriter::new(File::create(&index).with_context(|| format!("cannot write {}", index.display()))?);
    for seed in first..first + count {
        let scene = Scene::new(seed);
        let file = format!("scene-{seed:06}.png");
        fs::write(dir.join(&file), scene.png()?).with_context(|| format!("cannot write {file}"))?;
        let line = Line {
            file,
            width: scene.size.width,
            height: scene.size.height,
            source: "mekiki samples",
            seed,
            title: scene.title(),
            boxes: scene.faces.iter().map(|f| f.bounds).collect(),
            attributes: scene.faces.iter().map(|f| &f.attributes).collect(),
        };
        serde_json::to_writer(&mut index, &line)?;
        index.write_all(b"\n")?;
    }
    index.flush()?;
    Ok(())
}
