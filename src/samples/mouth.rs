//! Mouths.

use super::attributes::{Attributes, Expression};
use super::canvas::Canvas;
use super::head::Head;
use super::palette::{Look, Rgb, WHITE};
use super::pen::{Path, Pt, Taper, brush, ellipse, rect};

struct Mouth {
    x: f64,
    y: f64,
    /// How much of its width the turn leaves.
    across: f64,
}

impl Mouth {
    fn at(&self, x: f64, y: f64) -> Pt {
        (self.x + x * self.across, self.y + y)
    }

    fn line(&self, canvas: &mut Canvas, look: &Look, points: &[Pt]) {
        let points: Vec<Pt> = points.iter().map(|&(x, y)| self.at(x, y)).collect();
        canvas.fill(&brush(&points, look.line.max(3.6), Taper::Both), &look.skin_line);
    }

    /// A short shadow below the lower lip.
    fn lip_shadow(&self, canvas: &mut Canvas, look: &Look, y: f64) {
        canvas.fill(
            &brush(&[self.at(-6.0, y), self.at(0.0, y + 1.5), self.at(6.0, y)], 3.4, Taper::Both),
            &look.skin_shadow,
        );
    }

    /// An open mouth of half width `half`, its upper edge bent by `bow`, `deep` units tall, with teeth and tongue.
    fn open(&self, canvas: &mut Canvas, look: &Look, half: f64, bow: f64, deep: f64) {
        let shape = Path::at(self.at(-half, 0.0))
            .quad(self.at(0.0, bow), self.at(half, 0.0))
            .cubic(self.at(half * 0.85, deep * 0.95), self.at(half * 0.4, deep * 1.12), self.at(0.0, deep * 1.08))
            .cubic(self.at(-half * 0.4, deep * 1.12), self.at(-half * 0.85, deep * 0.95), self.at(-half, 0.0))
            .close();
        let inside = look.medium.tint(Rgb::hex(0x8e_2e3c));
        canvas.fill(&shape, &inside);
        canvas.inside(&shape, |canvas| {
            canvas.fill(
                &ellipse(self.at(0.0, deep * 1.05), half * 0.62, deep * 0.42),
                &look.medium.tint(Rgb::hex(0xee_7a80)),
            );
            if deep > 14.0 {
                canvas.fill(&rect(self.x - half, self.y - 8.0, half * 2.0, 8.0 + bow * 0.5 + deep * 0.16), &WHITE);
            }
        });
        canvas.stroke(&shape, &look.skin_line, look.line * 0.9);
        self.line(canvas, look, &[(-half - 2.0, -1.0), (0.0, bow * 0.5), (half + 2.0, -1.0)]);
    }
}

/// The mouth that goes with the expression; `variant` in 0–1 chooses among its forms.
pub(super) fn draw_mouth(canvas: &mut Canvas, head: &Head, look: &Look, attributes: &Attributes, variant: f64) {
    let mouth = Mouth { x: head.x(0.0, 29.0), y: head.mouth, across: 1.0 - 0.16 * head.turn.abs() };
    match attributes.expression {
        Expression::Smile if variant < 0.45 => {
            mouth.line(canvas, look, &[(-17.0, -3.0), (-9.0, 3.5), (0.0, 5.5), (9.0, 3.5), (17.0, -3.0)]);
            mouth.lip_shadow(canvas, look, 13.0);
        }
        Expression::Smile if variant < 0.62 => {
            mouth.line(canvas, look, &[(-17.0, -2.0), (-9.0, 5.0), (0.0, -0.5)]);
            mouth.line(canvas, look, &[(0.0, -0.5), (9.0, 5.0), (17.0, -2.0)]);
        }
        Expression::Smile => mouth.open(canvas, look, 15.0, 4.0, 13.0 + variant * 4.0),
        Expression::Laugh => mouth.open(canvas, look, 19.0 + variant * 4.0, 5.0, 18.0 + variant * 5.0),
        Expression::Neutral => {
            mouth.line(canvas, look, &[(-10.0, 0.5), (0.0, -0.5 + variant * 2.0), (10.0, 0.5)]);
            mouth.lip_shadow(canvas, look, 9.0);
        }
        Expression::Angry if variant < 0.5 => mouth.line(canvas, look, &[(-14.0, 5.0), (0.0, -1.0), (14.0, 5.0)]),
        Expression::Angry => mouth.open(canvas, look, 15.0, -8.0, 16.0),
        Expression::Sad => {
            mouth.line(canvas, look, &[(-13.0, 4.0), (-5.0, -1.0), (4.0, 1.0), (13.0, 4.5)]);
            mouth.lip_shadow(canvas, look, 10.0);
        }
        Expression::Surprised => {
            let inside = look.medium.tint(Rgb::hex(0x8e_2e3c));
            let ry = 8.0 + variant * 6.0;
            canvas.inked(&ellipse(mouth.at(0.0, 4.0), 7.5 * mouth.across, ry), &inside, look.skin_line, look.line);
            canvas.glaze(
                &ellipse(mouth.at(0.0, 4.0 + ry * 0.55), 4.5, ry * 0.35),
                &look.medium.tint(Rgb::hex(0xee_7a80)),
                0.9,
            );
        }
        Expression::Shy => {
            mouth.line(canvas, look, &[(-11.0, 1.0), (-5.0, -2.0), (0.0, 1.5), (5.0, -2.0), (11.0, 1.0)]);
        }
    }
}
