//! An SVG document that grows: shapes in the order they are painted, and the gradients and clips they use.

use std::fmt::{self, Display, Write as _};

use super::palette::Rgb;
use super::pen::{Path, Pt};

/// A reference to a gradient or pattern of the same canvas.
#[derive(Debug, Clone)]
pub(super) struct Paint(String);

impl Display for Paint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A gradient's stop: offset 0–1, colour, opacity 0–1.
pub(super) type Stop = (f64, Rgb, f64);

#[derive(Debug, Default)]
pub(super) struct Canvas {
    body: String,
    defs: String,
    used_ids: u32,
}

macro_rules! put {
    ($to:expr, $($arg:tt)*) => { write!($to, $($arg)*).expect("a String takes every write") };
}

impl Canvas {
    fn next_id(&mut self) -> u32 {
        self.used_ids += 1;
        self.used_ids
    }

    pub(super) fn fill(&mut self, path: &Path, paint: &impl Display) {
        put!(self.body, r#"<path d="{}" fill="{paint}"/>"#, path.0);
    }

    /// A fill that lets through what is below; `opacity` 0–1.
    pub(super) fn glaze(&mut self, path: &Path, paint: &impl Display, opacity: f64) {
        put!(self.body, r#"<path d="{}" fill="{paint}" opacity="{opacity:.2}"/>"#, path.0);
    }

    pub(super) fn stroke(&mut self, path: &Path, paint: &impl Display, width: f64) {
        put!(
            self.body,
            r#"<path d="{}" fill="none" stroke="{paint}" stroke-width="{width:.2}" stroke-linecap="round" stroke-linejoin="round"/>"#,
            path.0
        );
    }

    /// Filled, with an outline.
    pub(super) fn inked(&mut self, path: &Path, paint: &impl Display, ink: Rgb, width: f64) {
        put!(
            self.body,
            r#"<path d="{}" fill="{paint}" stroke="{ink}" stroke-width="{width:.2}" stroke-linejoin="round"/>"#,
            path.0
        );
    }

    /// Paints `draw` only where `clip` is.
    pub(super) fn inside(&mut self, clip: &Path, draw: impl FnOnce(&mut Self)) {
        let id = self.next_id();
        put!(self.defs, r#"<clipPath id="c{id}"><path d="{}"/></clipPath>"#, clip.0);
        put!(self.body, r#"<g clip-path="url(#c{id})">"#);
        draw(self);
        self.body.push_str("</g>");
    }

    /// Paints `draw` in coordinates of its own; `transform` as SVG writes it.
    pub(super) fn moved(&mut self, transform: &str, draw: impl FnOnce(&mut Self)) {
        put!(self.body, r#"<g transform="{transform}">"#);
        draw(self);
        self.body.push_str("</g>");
    }

    pub(super) fn linear(&mut self, from: Pt, to: Pt, stops: &[Stop]) -> Paint {
        let id = self.next_id();
        put!(
            self.defs,
            r#"<linearGradient id="g{id}" gradientUnits="userSpaceOnUse" x1="{:.2}" y1="{:.2}" x2="{:.2}" y2="{:.2}">"#,
            from.0,
            from.1,
            to.0,
            to.1
        );
        self.stops(stops);
        self.defs.push_str("</linearGradient>");
        Paint(format!("url(#g{id})"))
    }

    pub(super) fn radial(&mut self, centre: Pt, radius: f64, stops: &[Stop]) -> Paint {
        let id = self.next_id();
        put!(
            self.defs,
            r#"<radialGradient id="g{id}" gradientUnits="userSpaceOnUse" cx="{:.2}" cy="{:.2}" r="{radius:.2}">"#,
            centre.0,
            centre.1
        );
        self.stops(stops);
        self.defs.push_str("</radialGradient>");
        Paint(format!("url(#g{id})"))
    }

    fn stops(&mut self, stops: &[Stop]) {
        for (offset, colour, opacity) in stops {
            put!(self.defs, r#"<stop offset="{offset:.3}" stop-color="{colour}" stop-opacity="{opacity:.2}"/>"#);
        }
    }

    /// Screentone: dots of `ink` at 45°, `pitch` units apart, their radius as a share of the pitch.
    pub(super) fn dots(&mut self, ink: Rgb, pitch: f64, share: f64) -> Paint {
        let id = self.next_id();
        put!(
            self.defs,
            r#"<pattern id="g{id}" patternUnits="userSpaceOnUse" width="{pitch:.2}" height="{pitch:.2}" patternTransform="rotate(45)"><circle cx="{:.2}" cy="{:.2}" r="{:.2}" fill="{ink}"/></pattern>"#,
            pitch / 2.0,
            pitch / 2.0,
            pitch * share
        );
        Paint(format!("url(#g{id})"))
    }

    /// Hatching: parallel lines of `ink`, `pitch` units apart.
    pub(super) fn hatching(&mut self, ink: Rgb, pitch: f64, degrees: f64) -> Paint {
        let id = self.next_id();
        put!(
            self.defs,
            r#"<pattern id="g{id}" patternUnits="userSpaceOnUse" width="{pitch:.2}" height="{pitch:.2}" patternTransform="rotate({degrees:.1})"><rect width="{pitch:.2}" height="{:.2}" fill="{ink}"/></pattern>"#,
            pitch * 0.22
        );
        Paint(format!("url(#g{id})"))
    }

    /// The whole document, `width` × `height` pixels.
    pub(super) fn finish(self, width: u32, height: u32) -> String {
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"><defs>{}</defs>{}</svg>"#,
            self.defs, self.body
        )
    }
}
