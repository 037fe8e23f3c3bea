//! Eyes and brows: the part that makes a drawing look back.

use super::attributes::{Attributes, Expression, EyeShape, EyeState, Figure, Framing};
use super::canvas::Canvas;
use super::head::Head;
use super::palette::{Look, Medium, WHITE};
use super::pen::{Path, Pt, Taper, brush, ellipse};

/// One eye's proportions in head units, with x growing outwards from the nose.
#[derive(Debug, Clone, Copy)]
struct Eye {
    /// Where its centre lies, and how x is scaled: negative on the viewer's left, narrower on the far side.
    centre: Pt,
    across: f64,
    half: f64,
    upper: f64,
    lower: f64,
    /// How far the outer corner hangs (positive) or rises.
    droop: f64,
    iris: (f64, f64),
    /// Where it looks.
    gaze: Pt,
}

impl Eye {
    fn new(head: &Head, attributes: &Attributes, side: f64, gaze: Pt) -> Self {
        let (half, upper, lower, droop) = match attributes.eyes.shape {
            EyeShape::Round => (30.0, 39.0, 30.0, 1.0),
            EyeShape::Almond => (31.0, 34.0, 26.0, -3.0),
            EyeShape::Drooping => (30.0, 35.0, 28.0, 7.0),
            EyeShape::Sharp => (32.0, 28.0, 20.0, -8.0),
        };
        let boy = if attributes.figure == Figure::Boy { 0.86 } else { 1.0 };
        let chibi = if attributes.framing == Framing::Chibi { 1.14 } else { 1.0 };
        let open = match attributes.expression {
            Expression::Surprised => 1.12,
            Expression::Angry => 0.92,
            Expression::Sad | Expression::Shy => 0.94,
            Expression::Neutral if attributes.eyes.shape == EyeShape::Sharp => 0.9,
            _ => 1.0,
        };
        let far = head.turn * side > 0.0;
        let narrow = if far { 1.0 - 0.2 * head.turn.abs() } else { 1.0 - 0.03 * head.turn.abs() };
        let distance = if chibi > 1.0 { 48.0 } else { 45.0 };
        let (upper, lower) = (upper * boy * chibi * open, lower * boy * chibi * open);
        let shrink = if attributes.expression == Expression::Surprised { 0.86 } else { 1.0 };
        let tall = (upper + lower) * 0.75;
        Self {
            centre: (head.x(side * distance, 23.0), head.eyes),
            across: side * narrow,
            half: half * chibi,
            upper,
            lower,
            droop,
            iris: (half * chibi * 0.7 * shrink, tall * 0.55 * shrink),
            gaze: (gaze.0 * side, gaze.1),
        }
    }

    /// From eye coordinates to head units.
    fn at(&self, x: f64, y: f64) -> Pt {
        (self.centre.0 + x * self.across, self.centre.1 + y)
    }

    fn inner(&self) -> Pt {
        self.at(-self.half, 9.0)
    }

    fn outer(&self) -> Pt {
        self.at(self.half, self.droop)
    }

    fn white(&self) -> Path {
        let (h, u, l) = (self.half, self.upper, self.lower);
        Path::at(self.inner())
            .cubic(self.at(-h * 0.8, -u * 0.95), self.at(h * 0.55, -u * 1.12), self.outer())
            .cubic(self.at(h * 0.92, l * 0.95), self.at(-h * 0.55, l * 1.15), self.inner())
            .close()
    }

    /// The upper lashes: thin at the nose, heavy outside, with a wing.
    fn upper_lash(&self, weight: f64) -> Path {
        let (h, u) = (self.half, self.upper);
        Path::at(self.at(-h - 3.0, 12.0))
            .cubic(
                self.at(-h * 0.85, -u * 0.95 - weight * 0.65),
                self.at(h * 0.6, -u * 1.15 - weight * 1.05),
                self.at(h + weight * 0.75, self.droop - weight * 0.3),
            )
            .quad(self.at(h + weight * 0.5, self.droop + 1.0), self.at(h + weight * 1.05, self.droop + 3.0))
            .quad(self.at(h + weight * 0.3, self.droop + 7.0), self.at(h - 3.0, self.droop + 5.0))
            .cubic(self.at(h * 0.55, -u * 1.06), self.at(-h * 0.76, -u * 0.88), self.at(-h - 1.0, 11.0))
            .close()
    }

    fn draw_iris(&self, canvas: &mut Canvas, look: &Look) {
        let (rx, ry) = (self.iris.0 * self.across.abs(), self.iris.1);
        let centre = self.at(self.gaze.0, self.gaze.1 - 2.0);
        let (cx, cy) = centre;
        let colour = canvas.linear(
            (cx, cy - ry),
            (cx, cy + ry),
            &[
                (0.0, look.eye_dark, 1.0),
                (0.38, look.eye, 1.0),
                (0.72, look.eye.mix(look.eye_light, 0.5), 1.0),
                (1.0, look.eye_light, 1.0),
            ],
        );
        let iris = ellipse(centre, rx, ry);
        canvas.inked(&iris, &colour, look.eye_dark, 3.0);
        canvas.inside(&iris, |canvas| {
            // Light that gathers at the bottom, rays, the pupil, the lid's shadow.
            canvas.glaze(&ellipse((cx, cy + ry * 0.78), rx * 0.72, ry * 0.42), &look.eye_light.light(0.3), 0.8);
            for i in -3..=3 {
                let a = f64::from(i) * 0.34;
                let from = (cx + a.sin() * rx * 0.35, cy + a.cos() * ry * 0.35);
                let to = (cx + a.sin() * rx * 0.92, cy + a.cos() * ry * 0.92);
                canvas.glaze(&brush(&[from, to], 2.2, Taper::Both), &look.eye_dark, 0.35);
            }
            canvas.fill(&ellipse((cx, cy + ry * 0.02), rx * 0.4, ry * 0.42), &look.eye_dark);
            canvas.glaze(&ellipse((cx, cy - ry * 0.95), rx * 1.3, ry * 0.62), &look.eye_dark, 0.6);
        });
        // The light comes from the upper left on both eyes.
        canvas.fill(&ellipse((cx - rx * 0.38, cy - ry * 0.42), rx * 0.34, ry * 0.27), &WHITE);
        canvas.fill(&ellipse((cx + rx * 0.42, cy + ry * 0.38), rx * 0.17, ry * 0.14), &WHITE);
        canvas.glaze(&ellipse((cx - rx * 0.5, cy + ry * 0.28), rx * 0.1, ry * 0.08), &WHITE, 0.8);
    }

    fn draw_open(&self, canvas: &mut Canvas, look: &Look, weight: f64) {
        let white = self.white();
        canvas.fill(&white, &WHITE);
        canvas.inside(&white, |canvas| {
            let shade =
                if look.medium == Medium::Colour { look.skin_shadow.mix(look.lash, 0.25) } else { look.skin_shadow };
            let (h, u) = (self.half, self.upper);
            let lid = Path::at(self.at(-h, -u))
                .line(self.at(h, -u))
                .line(self.at(h, self.droop + 4.0))
                .cubic(self.at(h * 0.5, -u * 0.62), self.at(-h * 0.6, -u * 0.5), self.at(-h, 12.0))
                .close();
            canvas.glaze(&lid, &shade, 0.55);
            self.draw_iris(canvas, look);
        });
        canvas.fill(&self.upper_lash(weight), &look.lash);
        let (h, u, l) = (self.half, self.upper, self.lower);
        // Lower lashes, heavier outside.
        let lower = [
            self.at(h * 0.98, self.droop + 6.0),
            self.at(h * 0.62, l * 0.62),
            self.at(h * 0.05, l * 0.82),
            self.at(-h * 0.4, l * 0.72),
        ];
        canvas.fill(&brush(&lower, 3.6, Taper::Both), &look.lash.mix(look.skin_line, 0.35));
        // The fold of the lid.
        let fold = [
            self.at(-h * 0.62, -u * 0.78 - weight),
            self.at(h * 0.1, -u * 0.94 - weight * 1.35),
            self.at(h * 0.82, -u * 0.5 - weight * 1.3),
        ];
        canvas.fill(&brush(&fold, 2.8, Taper::Both), &look.skin_line);
        if weight > 8.0 {
            for (x, y, lift) in [(0.86, -0.34, 9.0), (1.02, -0.02, 8.0)] {
                let root = self.at(h * x, u * y);
                let tip = self.at(h * x + lift, u * y - lift * 0.75);
                canvas.fill(&brush(&[root, between_up(root, tip), tip], 4.6, Taper::End), &look.lash);
            }
        }
    }

    fn draw_closed(&self, canvas: &mut Canvas, look: &Look, weight: f64, glad: bool) {
        let h = self.half;
        // A glad eye is an arch, a sleeping one a bowl.
        let (corner, middle) = if glad { (12.0, -10.0) } else { (2.0, 15.0) };
        let line = [
            self.at(-h, corner),
            self.at(-h * 0.5, corner + (middle - corner) * 0.78),
            self.at(h * 0.05, middle),
            self.at(h * 0.6, corner + (middle - corner) * 0.72),
            self.at(h + 3.0, corner - 1.0),
        ];
        canvas.fill(&brush(&line, weight * 0.95, Taper::Both), &look.lash);
        for x in [0.55, 0.85] {
            let root = self.at(h * x, corner + (middle - corner) * (1.0 - x * x));
            let tip = self.at(h * x + 9.0, corner + (middle - corner) * (1.0 - x * x) + if glad { -3.0 } else { 8.0 });
            canvas.fill(&brush(&[root, tip], 4.2, Taper::End), &look.lash);
        }
        let fold = [
            self.at(-h * 0.5, middle - 12.0 - f64::from(u8::from(!glad)) * 22.0),
            self.at(h * 0.1, middle - 15.0 - f64::from(u8::from(!glad)) * 22.0),
            self.at(h * 0.7, middle - 8.0 - f64::from(u8::from(!glad)) * 22.0),
        ];
        canvas.fill(&brush(&fold, 2.4, Taper::Both), &look.skin_line);
    }
}

fn between_up(a: Pt, b: Pt) -> Pt {
    (f64::midpoint(a.0, b.0), f64::midpoint(a.1, b.1) + 1.5)
}

/// Both eyes, looking a little towards `gaze` (head units from straight ahead).
pub(super) fn draw_eyes(canvas: &mut Canvas, head: &Head, look: &Look, attributes: &Attributes, gaze: Pt) {
    let weight = if attributes.figure == Figure::Boy { 7.0 } else { 9.0 };
    let glad = matches!(attributes.expression, Expression::Smile | Expression::Laugh | Expression::Shy);
    for side in [-1.0, 1.0] {
        let eye = Eye::new(head, attributes, side, gaze);
        let closed = match attributes.eyes.state {
            EyeState::Open => false,
            EyeState::Closed => true,
            EyeState::Wink => side > 0.0,
        };
        if closed {
            eye.draw_closed(canvas, look, weight, glad);
        } else {
            eye.draw_open(canvas, look, weight);
        }
    }
}

/// Both brows; they show through the hair, so they are painted twice, the second time with less `opacity` (0–1).
pub(super) fn draw_brows(canvas: &mut Canvas, head: &Head, look: &Look, attributes: &Attributes, opacity: f64) {
    // Heights of the inner end, the arch and the outer end.
    let (inner, arch, outer) = match attributes.expression {
        Expression::Smile | Expression::Shy => (-1.0, -7.0, 1.0),
        Expression::Laugh => (-5.0, -11.0, -2.0),
        Expression::Neutral => (0.0, -4.0, 1.0),
        Expression::Angry => (11.0, -1.0, -7.0),
        Expression::Sad => (-9.0, -6.0, 6.0),
        Expression::Surprised => (-11.0, -17.0, -7.0),
    };
    let thick = if attributes.figure == Figure::Boy { 7.5 } else { 5.0 };
    for side in [-1.0, 1.0] {
        let x = |x: f64| head.x(side * x, 26.0);
        let line = [(x(20.0), head.brows + inner), (x(42.0), head.brows + arch), (x(70.0), head.brows + outer)];
        canvas.glaze(&brush(&line, thick, Taper::Both), &look.lash.mix(look.hair_deep, 0.4), opacity);
    }
}
