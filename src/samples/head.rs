//! The head's geometry in head units (half a face is 100 wide, y grows downwards, 0,0 lies between the eyes' lids),
//! and the bare face: skin, ears, nose, shadows and blush.

use super::attributes::{Attributes, Expression, FaceShape, Figure, Framing};
use super::canvas::Canvas;
use super::palette::{Look, Medium};
use super::pen::{Path, Pt, Taper, blob, brush, ellipse};

/// The yaw, in degrees, at which a head is turned "fully" three-quarter: `turn` is ±1 there.
pub(super) const FULL_TURN_DEGREES: f64 = 34.0;

/// Proportions of one head.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    /// −1 looks to the viewer's left, 0 at the viewer, 1 to the right.
    pub turn: f64,
    /// y of the chin's tip.
    pub chin: f64,
    /// Half width of the jaw at its corner, and of the chin.
    jaw: f64,
    chin_width: f64,
    cheek: f64,
    /// y of the eyes' centres and of the brows' rest.
    pub eyes: f64,
    pub brows: f64,
    /// y of the nose's tip and of the mouth.
    pub nose: f64,
    pub mouth: f64,
}

impl Head {
    pub(super) fn new(attributes: &Attributes) -> Self {
        let turn = attributes.pose.yaw_degrees / FULL_TURN_DEGREES;
        let (chin, jaw, chin_width, cheek) = match attributes.face_shape {
            FaceShape::Round => (106.0, 80.0, 38.0, 102.0),
            FaceShape::Oval => (113.0, 73.0, 32.0, 99.0),
            FaceShape::Pointed => (117.0, 66.0, 24.0, 99.0),
            FaceShape::Angular => (121.0, 77.0, 33.0, 96.0),
        };
        let boy = attributes.figure == Figure::Boy;
        let chibi = attributes.framing == Framing::Chibi;
        let chin = chin + if boy { 5.0 } else { 0.0 } - if chibi { 12.0 } else { 0.0 };
        Self {
            turn,
            chin,
            jaw: jaw + if chibi { 8.0 } else { 0.0 },
            chin_width,
            cheek,
            eyes: if boy && !chibi { 12.0 } else { 18.0 },
            brows: if boy { -38.0 } else { -42.0 },
            nose: chin * 0.5 + 3.0,
            mouth: chin * 0.5 + 21.0,
        }
    }

    /// Where a feature at `x` that stands `depth` in front of the ears lands after the turn.
    pub(super) fn x(&self, x: f64, depth: f64) -> f64 {
        x * (1.0 - 0.13 * self.turn.abs()) + depth * self.turn
    }

    /// The outline of face and forehead, clockwise from the top of the skull.
    pub(super) fn contour(&self) -> Vec<Pt> {
        let right = [
            (70.0, -122.0),
            (98.0, -62.0),
            (self.cheek, -6.0),
            (self.cheek * 0.965, 36.0),
            (self.jaw, self.chin - 36.0),
            (self.chin_width, self.chin - 7.0),
        ];
        let place = |side: f64| {
            move |(x, y): Pt| {
                let far = self.turn * side > 0.0;
                let t = self.turn.abs();
                // The far side narrows, with a hollow beside the eye over a full cheek; the chin goes with the turn.
                let squeeze = if far { 1.0 - 0.15 * t } else { 1.0 + 0.015 * t };
                let hollow = if far && (-20.0..10.0).contains(&y) { -7.0 * t } else { 0.0 };
                let shift = self.turn * (4.0 + 22.0 * (y / self.chin).clamp(0.0, 1.0).powi(2));
                (side * (x * squeeze + hollow) + shift, y)
            }
        };
        let mut points = vec![(self.turn * 4.0, -142.0)];
        points.extend(right.iter().copied().map(place(1.0)));
        points.push((self.turn * 27.0, self.chin));
        points.extend(right.iter().rev().copied().map(place(-1.0)));
        points
    }

    /// The points that bound the face as iCartoonFace boxes it: chin to just above the brows, cheek to cheek.
    pub(super) fn bounds(&self) -> Vec<Pt> {
        let top = self.brows - 12.0;
        let mut points: Vec<Pt> = self.contour().into_iter().filter(|p| p.1 > top).collect();
        points.push((self.x(-70.0, 10.0), top));
        points.push((self.x(70.0, 10.0), top));
        points
    }

    pub(super) fn skin(&self) -> Path {
        blob(&self.contour())
    }
}

/// Ears, skin and the shadows on it: everything that lies below eyes and hair.
pub(super) fn draw_skin(canvas: &mut Canvas, head: &Head, look: &Look, shadow_of_hair: &Path) {
    for side in [-1.0, 1.0] {
        // The far ear is hidden once the head turns.
        if head.turn * side > 0.35 {
            continue;
        }
        let x = side * 101.0 - head.turn * 10.0;
        let ear = blob(&[(x - side * 8.0, -14.0), (x + side * 12.0, -16.0), (x + side * 15.0, 12.0), (x, 40.0)]);
        canvas.inked(&ear, &look.skin, look.skin_line, look.line);
        let fold = [(x + side * 8.0, -6.0), (x + side * 7.0, 10.0), (x, 20.0)];
        canvas.fill(&brush(&fold, 6.0, Taper::Both), &look.skin_shadow);
    }
    let skin = head.skin();
    canvas.inked(&skin, &look.skin, look.skin_line, look.line);
    canvas.inside(&skin, |canvas| {
        if look.medium == Medium::Colour {
            let warm =
                canvas.radial((head.x(0.0, 25.0), 30.0), 150.0, &[(0.5, look.skin, 0.0), (1.0, look.skin_shadow, 0.8)]);
            canvas.fill(&skin, &warm);
        }
        canvas.fill(shadow_of_hair, &look.skin_shadow);
    });
}

/// Nose and cheeks.
pub(super) fn draw_nose(canvas: &mut Canvas, head: &Head, look: &Look, figure: Figure) {
    let x = head.x(0.0, 33.0);
    let lean = if head.turn.abs() < 0.2 { 1.0 } else { head.turn.signum() };
    if figure == Figure::Boy {
        let line = [(x - lean * 3.0, head.nose - 20.0), (x + lean * 3.0, head.nose - 4.0), (x, head.nose + 2.0)];
        canvas.fill(&brush(&line, 3.4, Taper::Both), &look.skin_line);
    }
    let shadow = Path::at((x - 1.0, head.nose - 8.0))
        .quad((x + lean * 7.0, head.nose), (x + lean * 1.0, head.nose + 3.0))
        .quad((x - lean * 2.0, head.nose), (x - 1.0, head.nose - 8.0))
        .close();
    canvas.fill(&shadow, &look.skin_shadow);
    let tip = [(x - 3.5, head.nose + 1.5), (x + lean, head.nose + 3.5), (x + 3.5, head.nose + 1.0)];
    canvas.fill(&brush(&tip, look.line.max(3.4), Taper::Both), &look.skin_line);
    canvas.glaze(&ellipse((x - lean * 2.0, head.nose - 6.0), 2.2, 3.0), &look.skin.light(0.8), 0.9);
}

/// Red cheeks; strong when `blush`, with the slanted strokes that mark it.
pub(super) fn draw_cheeks(canvas: &mut Canvas, head: &Head, look: &Look, attributes: &Attributes) {
    let strong = attributes.blush || attributes.expression == Expression::Shy;
    if look.medium == Medium::Manga && !strong {
        return;
    }
    let skin = head.skin();
    canvas.inside(&skin, |canvas| {
        for side in [-1.0, 1.0] {
            let centre = (head.x(side * 60.0, 24.0), head.eyes + 45.0);
            if look.medium == Medium::Colour {
                let opacity = if strong { 0.62 } else { 0.26 };
                let glow = canvas.radial(centre, 34.0, &[(0.0, look.blush, opacity), (1.0, look.blush, 0.0)]);
                canvas.fill(&ellipse(centre, 34.0, 20.0), &glow);
            }
            if strong {
                for i in -1..=1 {
                    let x = centre.0 + f64::from(i) * 10.0;
                    let line = [(x + 4.0, centre.1 - 6.0), (x - 4.0, centre.1 + 6.0)];
                    let tone = look.skin.mix(look.lips, 0.75);
                    canvas.fill(&brush(&line, 3.4, Taper::Both), &tone);
                }
            }
        }
    });
    if attributes.expression == Expression::Shy && look.medium == Medium::Colour {
        let centre = (head.x(0.0, 30.0), head.nose - 2.0);
        let glow = canvas.radial(centre, 46.0, &[(0.0, look.blush, 0.3), (1.0, look.blush, 0.0)]);
        canvas.fill(&ellipse(centre, 46.0, 12.0), &glow);
    }
}
