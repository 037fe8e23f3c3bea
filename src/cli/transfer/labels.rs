//! Boxes by hand with their pictures, for detectors: ours (`training/`), YOLO, COCO. The pictures are the previews that are
//! kept, and the boxes are in their pixels.

use std::fmt::Write;
use std::fs;
use std::io::Cursor;
use std::path::Path;

use anyhow::Context;
use serde::Serialize;
use serde_json::json;

use super::{Format, Home, Lines, progress, write};
use crate::domain::{PictureBox, PictureId, Size};
use crate::store::{BlobKind, LabelledPicture};

/// A labelled picture as it is written; in `boxes.jsonl` a line.
#[derive(Debug, Serialize)]
struct Labelled {
    /// Of the original.
    sha256: PictureId,
    /// `images/….jpg`
    file: String,
    width: u32,
    height: u32,
    boxes: Vec<[f32; 4]>,
    /// Faces neither to train on nor to be measured by.
    ignore: Vec<[f32; 4]>,
    tags: [&'static str; 0],
}

impl Labelled {
    fn stem(&self) -> String {
        self.sha256.to_string()[..16].to_owned()
    }
}

pub(super) async fn export(home: &Home, format: Format, out: &Path) -> anyhow::Result<()> {
    let labelled = home.store.labelled_pictures().await?;
    let images = out.join("images");
    fs::create_dir_all(&images).with_context(|| format!("cannot make {}", images.display()))?;
    let bar = progress(labelled.len());
    let mut written = Vec::new();
    for one in &labelled {
        bar.inc(1);
        if let Some(row) = with_picture(home, one, out).await? {
            written.push(row);
        }
    }
    bar.finish_and_clear();
    match format {
        Format::Yolo => yolo(&written, out)?,
        Format::Coco => write(&out.join("annotations.json"), coco(&written).to_string().as_bytes())?,
        _ => {
            let mut lines = Lines::create(&out.join("boxes.jsonl"))?;
            for row in &written {
                lines.write(row)?;
            }
            lines.finish()?;
        }
    }
    let faces: usize = written.iter().map(|row| row.boxes.len()).sum();
    println!("{} pictures with {faces} boxes are in {}.", written.len(), out.display());
    if written.len() < labelled.len() {
        println!("{} are left out: their previews are no longer kept.", labelled.len() - written.len());
    }
    Ok(())
}

/// Writes the preview; `None` when there is none any more.
async fn with_picture(home: &Home, labelled: &LabelledPicture, out: &Path) -> anyhow::Result<Option<Labelled>> {
    let Some(picture) = home.store.picture(labelled.picture).await? else { return Ok(None) };
    let Some(preview) = home.blobs.get(BlobKind::Crop, picture.preview)? else { return Ok(None) };
    let (width, height) = image::ImageReader::with_format(Cursor::new(&preview), image::ImageFormat::Jpeg)
        .into_dimensions()
        .with_context(|| format!("the preview of {} is damaged", labelled.picture))?;
    let scaled =
        |boxes: &[PictureBox]| boxes.iter().map(|b| scale(*b, picture.size, Size::new(width, height))).collect();
    let row = Labelled {
        sha256: labelled.picture,
        file: format!("images/{}.jpg", &labelled.picture.to_string()[..16]),
        width,
        height,
        boxes: scaled(&labelled.labels.boxes),
        ignore: scaled(&labelled.labels.ignore),
        tags: [],
    };
    write(&out.join(&row.file), &preview)?;
    Ok(Some(row))
}

/// To the pixels of the picture's smaller copy, with one decimal.
fn scale(bounds: PictureBox, from: Size, to: Size) -> [f32; 4] {
    let (x, y) = (to.width as f32 / from.width as f32, to.height as f32 / from.height as f32);
    let tenths = |v: f32| (v * 10.0).round() / 10.0;
    [bounds.x1 * x, bounds.y1 * y, bounds.x2 * x, bounds.y2 * y].map(tenths)
}

/// `labels/….txt`: class, centre and size of a box a line, as shares of the picture. What is to be ignored has no place in
/// that format, so it is left out.
fn yolo(rows: &[Labelled], out: &Path) -> anyhow::Result<()> {
    let labels = out.join("labels");
    fs::create_dir_all(&labels).with_context(|| format!("cannot make {}", labels.display()))?;
    for row in rows {
        write(&labels.join(format!("{}.txt", row.stem())), yolo_lines(row).as_bytes())?;
    }
    write(&out.join("data.yaml"), b"path: .\ntrain: images\nval: images\nnames:\n  0: face\n")
}

fn yolo_lines(row: &Labelled) -> String {
    let (width, height) = (row.width as f32, row.height as f32);
    row.boxes.iter().fold(String::new(), |mut lines, &[x1, y1, x2, y2]| {
        let (cx, cy) = (f32::midpoint(x1, x2) / width, f32::midpoint(y1, y2) / height);
        let (w, h) = ((x2 - x1) / width, (y2 - y1) / height);
        writeln!(lines, "0 {cx:.6} {cy:.6} {w:.6} {h:.6}").expect("a string takes all");
        lines
    })
}

/// What is to be ignored is a crowd, as COCO says it.
fn coco(rows: &[Labelled]) -> serde_json::Value {
    let images: Vec<_> = rows
        .iter()
        .zip(1..)
        .map(|(row, id)| json!({ "id": id, "file_name": row.file, "width": row.width, "height": row.height }))
        .collect();
    let boxes = rows.iter().zip(1..).flat_map(|(row, image)| {
        let of = move |boxes: &[[f32; 4]], crowd| boxes.iter().map(move |b| (image, *b, crowd)).collect::<Vec<_>>();
        [of(&row.boxes, 0), of(&row.ignore, 1)].concat()
    });
    let annotations: Vec<_> = boxes
        .zip(1..)
        .map(|((image, [x1, y1, x2, y2], crowd), id)| {
            json!({
                "id": id, "image_id": image, "category_id": 1, "iscrowd": crowd,
                "bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1),
            })
        })
        .collect();
    json!({ "images": images, "annotations": annotations, "categories": [{ "id": 1, "name": "face" }] })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Labelled {
        Labelled {
            sha256: PictureId([0xab; 32]),
            file: "images/abababababababab.jpg".into(),
            width: 400,
            height: 200,
            boxes: vec![[100.0, 50.0, 200.0, 150.0]],
            ignore: vec![[0.0, 0.0, 40.0, 20.0]],
            tags: [],
        }
    }

    #[test]
    fn boxes_are_written_as_each_tool_wants_them() {
        assert_eq!(yolo_lines(&row()), "0 0.375000 0.500000 0.250000 0.500000\n");
        let coco = coco(&[row(), row()]);
        assert_eq!(coco["images"][1]["id"], 2);
        assert_eq!(coco["annotations"][0]["bbox"], json!([100.0, 50.0, 100.0, 100.0]));
        let said: Vec<_> =
            coco["annotations"].as_array().unwrap().iter().map(|a| (&a["id"], &a["image_id"], &a["iscrowd"])).collect();
        let n = |n: i32| json!(n);
        assert_eq!(said, [(&n(1), &n(1), &n(0)), (&n(2), &n(1), &n(1)), (&n(3), &n(2), &n(0)), (&n(4), &n(2), &n(1))]);
        let line: serde_json::Value = serde_json::to_value(row()).unwrap();
        assert_eq!(line["file"], "images/abababababababab.jpg");
        assert_eq!(
            (&line["boxes"], &line["ignore"]),
            (&json!([[100.0, 50.0, 200.0, 150.0]]), &json!([[0.0, 0.0, 40.0, 20.0]]))
        );
    }

    #[test]
    fn boxes_follow_the_picture_to_its_preview() {
        let bounds = PictureBox::new(200.0, 100.0, 400.0, 300.04);
        let scaled = scale(bounds, Size::new(2560, 1280), Size::new(1280, 640));
        assert_eq!(format!("{scaled:?}"), "[100.0, 50.0, 200.0, 150.0]");
    }
}
