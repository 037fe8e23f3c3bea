//! Lines and shapes as SVG path data: smooth curves, brush strokes that taper, locks of hair.

use std::fmt::Write as _;

/// A point; units are those of the drawing it is in (picture pixels or head units).
pub(super) type Pt = (f64, f64);

pub(super) fn lerp(a: f64, b: f64, t: f64) -> f64 {
    a + (b - a) * t
}

pub(super) fn between(a: Pt, b: Pt, t: f64) -> Pt {
    (lerp(a.0, b.0, t), lerp(a.1, b.1, t))
}

/// SVG path data.
#[derive(Debug, Clone, Default)]
pub(super) struct Path(pub String);

impl Path {
    pub(super) fn at(p: Pt) -> Self {
        Self::default().push('M', &[p])
    }

    fn push(mut self, command: char, points: &[Pt]) -> Self {
        self.0.push(command);
        for (i, p) in points.iter().enumerate() {
            let gap = if i == 0 { "" } else { " " };
            write!(self.0, "{gap}{:.2},{:.2}", p.0, p.1).expect("a String takes every write");
        }
        self
    }

    pub(super) fn line(self, p: Pt) -> Self {
        self.push('L', &[p])
    }

    pub(super) fn quad(self, control: Pt, p: Pt) -> Self {
        self.push('Q', &[control, p])
    }

    pub(super) fn cubic(self, c1: Pt, c2: Pt, p: Pt) -> Self {
        self.push('C', &[c1, c2, p])
    }

    pub(super) fn close(mut self) -> Self {
        self.0.push('Z');
        self
    }

    /// Both shapes in one path.
    pub(super) fn and(mut self, other: &Self) -> Self {
        self.0.push_str(&other.0);
        self
    }
}

pub(super) fn polygon(points: &[Pt]) -> Path {
    points[1..].iter().fold(Path::at(points[0]), |path, &p| path.line(p)).close()
}

pub(super) fn rect(x: f64, y: f64, w: f64, h: f64) -> Path {
    polygon(&[(x, y), (x + w, y), (x + w, y + h), (x, y + h)])
}

pub(super) fn ellipse(centre: Pt, rx: f64, ry: f64) -> Path {
    let (x, y) = centre;
    let (kx, ky) = (rx * 0.5523, ry * 0.5523);
    Path::at((x - rx, y))
        .cubic((x - rx, y - ky), (x - kx, y - ry), (x, y - ry))
        .cubic((x + kx, y - ry), (x + rx, y - ky), (x + rx, y))
        .cubic((x + rx, y + ky), (x + kx, y + ry), (x, y + ry))
        .cubic((x - kx, y + ry), (x - rx, y + ky), (x - rx, y))
        .close()
}

/// A closed curve through all points (Catmull–Rom).
pub(super) fn blob(points: &[Pt]) -> Path {
    let n = points.len();
    let at = |i: usize| points[i % n];
    let mut path = Path::at(points[0]);
    for i in 0..n {
        let (before, from, to, after) = (at(i + n - 1), at(i), at(i + 1), at(i + 2));
        path = path.cubic(
            (from.0 + (to.0 - before.0) / 6.0, from.1 + (to.1 - before.1) / 6.0),
            (to.0 - (after.0 - from.0) / 6.0, to.1 - (after.1 - from.1) / 6.0),
            to,
        );
    }
    path.close()
}

/// Goes on from the end of `path`, which must be the first of `points`, through the rest of them in a smooth curve.
pub(super) fn through(mut path: Path, points: &[Pt]) -> Path {
    let last = points.len() - 1;
    for i in 0..last {
        let (before, from, to, after) =
            (points[i.saturating_sub(1)], points[i], points[i + 1], points[(i + 2).min(last)]);
        path = path.cubic(
            (from.0 + (to.0 - before.0) / 6.0, from.1 + (to.1 - before.1) / 6.0),
            (to.0 - (after.0 - from.0) / 6.0, to.1 - (after.1 - from.1) / 6.0),
            to,
        );
    }
    path
}

/// Points on the open Catmull–Rom curve through `points`, `steps` for each piece.
fn sample(points: &[Pt], steps: usize) -> Vec<Pt> {
    let last = points.len() - 1;
    let mut out = Vec::with_capacity(last * steps + 1);
    for i in 0..last {
        let (before, from, to, after) =
            (points[i.saturating_sub(1)], points[i], points[i + 1], points[(i + 2).min(last)]);
        for step in 0..steps {
            let t = step as f64 / steps as f64;
            let axis = |p0: f64, p1: f64, p2: f64, p3: f64| {
                0.5 * (2.0 * p1
                    + (p2 - p0) * t
                    + (2.0 * p0 - 5.0 * p1 + 4.0 * p2 - p3) * t * t
                    + (3.0 * p1 - p0 - 3.0 * p2 + p3) * t * t * t)
            };
            out.push((axis(before.0, from.0, to.0, after.0), axis(before.1, from.1, to.1, after.1)));
        }
    }
    out.push(points[last]);
    out
}

/// How a stroke's width runs from its start to its end.
#[derive(Debug, Clone, Copy)]
pub(super) enum Taper {
    Both,
    /// Full at the start, a point at the end.
    End,
    /// A ribbon of hair: narrow at the root, full in the middle, a point at the end.
    Lock,
}

impl Taper {
    fn width(self, t: f64) -> f64 {
        match self {
            Self::Both => (std::f64::consts::PI * t).sin().max(0.0).powf(0.7),
            Self::End => (1.0 - t).max(0.0).powf(0.75),
            Self::Lock => (0.62 + 0.75 * t - 1.37 * t * t * t).max(0.0),
        }
    }
}

/// A stroke of a brush through `points`, at its widest `width` across.
pub(super) fn brush(points: &[Pt], width: f64, taper: Taper) -> Path {
    let line = sample(points, 7);
    let last = line.len() - 1;
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for (i, p) in line.iter().enumerate() {
        let (a, b) = (line[i.saturating_sub(1)], line[(i + 1).min(last)]);
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let length = dx.hypot(dy).max(1e-6);
        let half = width / 2.0 * taper.width(i as f64 / last as f64);
        left.push((p.0 - dy / length * half, p.1 + dx / length * half));
        right.push((p.0 + dy / length * half, p.1 - dx / length * half));
    }
    right.reverse();
    left.append(&mut right);
    polygon(&left)
}

/// One tooth of a hair edge: from the valley it comes from over its tip to the next valley.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tooth {
    pub from: Pt,
    pub tip: Pt,
    pub to: Pt,
    /// Sideways bulge of both edges, in units: blades of hair curve one way.
    pub bend: f64,
}

impl Tooth {
    fn controls(self) -> (Pt, Pt) {
        let a = between(self.from, self.tip, 0.55);
        let b = between(self.to, self.tip, 0.55);
        ((a.0 + self.bend, a.1 + self.bend.abs() * 0.15), (b.0 + self.bend * 0.8, b.1 + self.bend.abs() * 0.15))
    }

    pub(super) fn trace(self, path: Path) -> Path {
        let (a, b) = self.controls();
        path.quad(a, self.tip).quad(b, self.to)
    }

    /// The side of the tooth that lies in shadow.
    pub(super) fn dark_side(self) -> Path {
        let (a, b) = self.controls();
        let inner = between(a, b, 0.42);
        Path::at(self.from).quad(a, self.tip).quad(inner, self.from).close()
    }
}
