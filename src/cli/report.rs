//! `mekiki score --html OUT`: one page that holds everything, written as the pictures come.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use image::RgbImage;
use maud::{Markup, PreEscaped, html};

use super::score::{Scored, ScoredFace};
use crate::vision::{jpeg, thumbnail};

const STYLE: &str = "body{margin:2rem;font:16px/1.5 system-ui,sans-serif;color-scheme:light dark}\
main{display:grid;grid-template-columns:repeat(auto-fill,minmax(20rem,1fr));gap:1.5rem}\
figure{margin:0}figure>svg{width:100%;height:auto;border-radius:8px}ul{display:flex;flex-wrap:wrap;gap:.5rem;padding:0;\
margin:.5rem 0;list-style:none}li{text-align:center;font-size:.85rem}li img{display:block;width:72px;border-radius:6px}\
figcaption{overflow-wrap:anywhere;font-size:.85rem;opacity:.8}.error{color:#c33}";

/// The page that is being written; whole only after [`Report::finish`].
pub(super) struct Report {
    path: PathBuf,
    file: BufWriter<tempfile::NamedTempFile<File>>,
}

impl Report {
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        // A page to be shown around, so with the permissions of an ordinary new file.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.tempfile_in(folder).with_context(|| format!("cannot write into {}", folder.display()))?;
        let mut report = Self { path: path.to_owned(), file: BufWriter::new(file) };
        write!(
            report.file,
            "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>\
             <title>Mekiki</title><style>{STYLE}</style><h1>Mekiki 目利き</h1><main>"
        )?;
        Ok(report)
    }

    pub(super) fn add(&mut self, scored: &Scored, picture: Option<&RgbImage>) -> anyhow::Result<()> {
        let figure = html! {
            figure {
                @if let (Some(picture), Some(width), Some(height)) = (picture, scored.width, scored.height) {
                    (boxed(picture, (width, height), &scored.faces))
                }
                @if !scored.faces.is_empty() {
                    ul { @for face in &scored.faces { li {
                        img src=(data_url(&face.crop)) alt="";
                        (reading(face))
                    } } }
                }
                figcaption {
                    (scored.path.display())
                    @if let Some(error) = &scored.error { " " span.error { (error) } }
                    @else if scored.faces.is_empty() { " – no face" }
                }
            }
        };
        self.file.write_all(figure.into_string().as_bytes())?;
        Ok(())
    }

    pub(super) fn finish(mut self) -> anyhow::Result<PathBuf> {
        write!(self.file, "</main></html>")?;
        let file = self.file.into_inner().context("cannot write the page")?;
        file.persist(&self.path).with_context(|| format!("cannot write {}", self.path.display()))?;
        Ok(self.path)
    }
}

fn reading(face: &ScoredFace) -> String {
    match (face.score, face.spread) {
        (Some(score), Some(spread)) => format!("{score:.1} ± {spread:.1}"),
        _ => format!("confidence {:.2}", face.confidence),
    }
}

fn boxed(picture: &RgbImage, (width, height): (u32, u32), faces: &[ScoredFace]) -> Markup {
    html! {
        svg viewBox=(format!("0 0 {width} {height}")) xmlns="http://www.w3.org/2000/svg" {
            image href=(data_url(&thumbnail(picture, 640))) width=(width) height=(height) {}
            @for face in faces {
                rect x=(face.bounds.x1) y=(face.bounds.y1) width=(face.bounds.width()) height=(face.bounds.height())
                    fill="none" stroke="#f5a623" stroke-width=(width.max(height) / 200 + 1) {
                    title { (reading(face)) }
                }
            }
        }
    }
}

fn data_url(picture: &RgbImage) -> PreEscaped<String> {
    PreEscaped(format!("data:image/jpeg;base64,{}", BASE64_STANDARD.encode(jpeg(picture))))
}
