//! The hair behind the head and what is tied from it: manes, tails, braids, buns.

use super::attributes::{Attributes, Framing, HairLength, HairStyle};
use super::canvas::Canvas;
use super::dice::Dice;
use super::hair::{lock, tone};
use super::head::Head;
use super::palette::Look;
use super::pen::{Path, Pt, Taper, Tooth, brush, ellipse, lerp, through};

/// A mane's measures: y of its lowest tips, half width there, and how much its sides wave.
#[derive(Debug, Clone, Copy)]
struct Mane {
    bottom: f64,
    half: f64,
    wave: f64,
    teeth: u32,
}

fn mane(attributes: &Attributes, dice: &mut Dice) -> Mane {
    let chibi = attributes.framing == Framing::Chibi;
    let (bottom, half, wave) = match (attributes.hair.style, attributes.hair.length) {
        (HairStyle::Short | HairStyle::Spiky, _) => (dice.range(70.0, 92.0), 98.0, 0.0),
        (HairStyle::Bob, _) => (dice.range(112.0, 138.0), 128.0, 0.0),
        (HairStyle::Straight | HairStyle::Wavy, HairLength::Long) => {
            (if chibi { dice.range(190.0, 250.0) } else { dice.range(380.0, 560.0) }, 162.0, 0.0)
        }
        (HairStyle::Straight | HairStyle::Wavy, _) => (dice.range(170.0, 215.0), 138.0, 0.0),
        _ => (dice.range(76.0, 98.0), 100.0, 0.0),
    };
    let wave = if attributes.hair.style == HairStyle::Wavy { 17.0 } else { wave };
    Mane { bottom, half, wave, teeth: dice.whole(6, 9) }
}

/// Everything that hangs behind the neck and the shoulders.
pub(super) fn draw_back(canvas: &mut Canvas, head: &Head, look: &Look, attributes: &Attributes, dice: &mut Dice) {
    match attributes.hair.style {
        HairStyle::TwinTails => {
            for side in [-1.0, 1.0] {
                let reach = tail_reach(attributes, dice);
                let x = -8.0 * head.turn;
                let spine = [
                    (x + side * 104.0, -104.0),
                    (x + side * 172.0, -92.0),
                    (x + side * 196.0, lerp(-92.0, reach, 0.4)),
                    (x + side * 176.0, lerp(-92.0, reach, 0.75)),
                    (x + side * 196.0, reach),
                ];
                tail(canvas, look, &spine, 66.0, side);
            }
        }
        HairStyle::Ponytail => {
            let side = if head.turn.abs() > 0.2 { -head.turn.signum() } else { dice.sign() };
            let reach = tail_reach(attributes, dice);
            let spine = [
                (side * 60.0, -150.0),
                (side * 150.0, -140.0),
                (side * 184.0, -20.0),
                (side * 158.0, lerp(-20.0, reach, 0.6)),
                (side * 182.0, reach),
            ];
            tail(canvas, look, &spine, 84.0, side);
        }
        HairStyle::Buns => {
            for side in [-1.0, 1.0] {
                bun(canvas, look, (side * 92.0 - 8.0 * head.turn, -158.0), side);
            }
        }
        _ => {}
    }
    draw_mane(canvas, head, look, mane(attributes, dice), dice);
}

fn tail_reach(attributes: &Attributes, dice: &mut Dice) -> f64 {
    match (attributes.framing, attributes.hair.length) {
        (Framing::Chibi, _) => dice.range(130.0, 190.0),
        (_, HairLength::Long) => dice.range(270.0, 380.0),
        _ => dice.range(120.0, 180.0),
    }
}

fn draw_mane(canvas: &mut Canvas, head: &Head, look: &Look, mane: Mane, dice: &mut Dice) {
    let shift = -9.0 * head.turn;
    let edge = |side: f64| -> Vec<Pt> {
        let mut points = vec![(shift + side * 96.0, -130.0), (shift + side * 126.0, -60.0)];
        let steps = ((mane.bottom + 60.0) / 62.0).ceil().max(2.0) as u32;
        for i in 1..=steps {
            let t = f64::from(i) / f64::from(steps);
            let wave = if i % 2 == 0 { mane.wave } else { -mane.wave };
            // Out at once, then down: hair has a body.
            points.push((shift + side * (lerp(126.0, mane.half, t.sqrt()) + wave), lerp(-60.0, mane.bottom - 26.0, t)));
        }
        points
    };
    let (left, mut right) = (edge(-1.0), edge(1.0));
    let path = through(Path::at(left[0]), &left);
    let mut from = left[left.len() - 1];
    let mut teeth = Vec::new();
    let end = right[right.len() - 1];
    for i in 0..mane.teeth {
        let at = |k: f64| lerp(left[left.len() - 1].0, end.0, k / f64::from(mane.teeth));
        let tip = (at(f64::from(i) + 0.5) + dice.jitter(5.0), mane.bottom + dice.range(-4.0, 16.0));
        let to = if i + 1 == mane.teeth { end } else { (at(f64::from(i) + 1.0), mane.bottom - dice.range(14.0, 34.0)) };
        teeth.push(Tooth { from, tip, to, bend: (tip.0 - shift) * -0.05 });
        from = to;
    }
    let path = teeth.iter().fold(path, |path, tooth| tooth.trace(path));
    right.reverse();
    let path = through(path, &right).close();
    let paint = canvas.linear(
        (0.0, -60.0),
        (0.0, mane.bottom),
        &[(0.0, look.hair_deep, 1.0), (0.45, look.hair_shadow, 1.0), (1.0, look.hair.mix(look.hair_shadow, 0.3), 1.0)],
    );
    canvas.fill(&path, &paint);
    tone(canvas, look, &path);
    canvas.inside(&path, |canvas| {
        // Dark behind the neck, light along the outer strands.
        canvas.glaze(&ellipse((shift, 70.0), 88.0, 110.0), &look.hair_deep, 0.8);
        for tooth in &teeth {
            canvas.glaze(&tooth.dark_side(), &look.hair_deep, 0.5);
            let x = tooth.to.0;
            let line = [tooth.to, (x * 1.01, lerp(mane.bottom, -60.0, 0.4)), (x * 0.92, lerp(mane.bottom, -60.0, 0.8))];
            canvas.fill(&brush(&line, look.line * 1.2, Taper::End), &look.hair_line);
        }
        for (side, x) in [(-1.0, 0.86), (1.0, 0.86), (-1.0, 0.7), (1.0, 0.7)] {
            let x = shift + side * mane.half * x;
            let line = [
                (x * 0.95, 0.0),
                (x + side * mane.wave, mane.bottom * 0.4),
                (x - side * mane.wave, mane.bottom * 0.75),
                (x, mane.bottom),
            ];
            canvas.glaze(&brush(&line, 15.0, Taper::Both), &look.hair, 0.85);
        }
    });
    canvas.stroke(&path, &look.hair_line, look.line);
}

/// A bundle of hair along `spine`: two thin locks behind a full one, and the tie at its root.
fn tail(canvas: &mut Canvas, look: &Look, spine: &[Pt], width: f64, side: f64) {
    let bundle = |dx: f64, shorten: f64| -> Vec<Pt> {
        let last = spine.len() - 1;
        spine
            .iter()
            .enumerate()
            .map(|(i, p)| {
                let t = i as f64 / last as f64;
                (p.0 + side * dx * t, lerp(p.1, spine[0].1, shorten * t))
            })
            .collect()
    };
    lock(canvas, look, &bundle(30.0, 0.18), width * 0.62);
    lock(canvas, look, &bundle(-30.0, 0.1), width * 0.62);
    lock(canvas, look, spine, width);
    lock(canvas, look, &bundle(14.0, 0.3), width * 0.4);
    let tie = ellipse((spine[0].0 + side * 10.0, spine[0].1 + 1.0), 13.0, 21.0);
    canvas.inked(&tie, &look.accent, look.ink, look.line);
}

fn bun(canvas: &mut Canvas, look: &Look, centre: Pt, side: f64) {
    let (x, y) = centre;
    let ball = ellipse(centre, 46.0, 44.0);
    canvas.inked(&ball, &look.hair, look.hair_line, look.line);
    tone(canvas, look, &ball);
    canvas.inside(&ball, |canvas| {
        canvas.glaze(&ellipse((x + side * 10.0, y + 24.0), 48.0, 34.0), &look.hair_shadow, 0.8);
        canvas.glaze(
            &brush(&[(x - 26.0, y - 14.0), (x - 8.0, y - 26.0), (x + 14.0, y - 25.0)], 10.0, Taper::Both),
            &look.hair_shine,
            0.8,
        );
    });
    for scale in [0.35, 0.7] {
        let line = [
            (x - side * 40.0 * scale, y + 8.0),
            (x, y - 34.0 * scale),
            (x + side * 38.0 * scale, y),
            (x + side * 8.0, y + 30.0 * scale),
        ];
        canvas.fill(&brush(&line, look.line * 1.1, Taper::Both), &look.hair_line);
    }
}

/// What falls over the shoulders: braids, side tail, the front strands of long hair.
pub(super) fn draw_over_shoulders(
    canvas: &mut Canvas,
    head: &Head,
    look: &Look,
    attributes: &Attributes,
    dice: &mut Dice,
) {
    let chibi = attributes.framing == Framing::Chibi;
    let shift = -6.0 * head.turn;
    match attributes.hair.style {
        HairStyle::Braids => {
            for side in [-1.0, 1.0] {
                let end = if chibi { 190.0 } else { dice.range(250.0, 310.0) };
                braid(
                    canvas,
                    look,
                    (shift + side * 104.0, 44.0),
                    (shift + side * if chibi { 92.0 } else { 108.0 }, end),
                );
            }
        }
        HairStyle::SideTail => {
            let side = if head.turn.abs() > 0.2 { -head.turn.signum() } else { dice.sign() };
            let reach = tail_reach(attributes, dice) * 0.9;
            let x = shift + side * 112.0;
            let spine = [
                (x, 20.0),
                (x + side * 26.0, 70.0),
                (x + side * 16.0, lerp(70.0, reach, 0.5)),
                (x - side * 4.0, lerp(70.0, reach, 0.8)),
                (x + side * 10.0, reach),
            ];
            tail(canvas, look, &spine, 62.0, side);
        }
        HairStyle::Straight | HairStyle::Wavy if attributes.hair.length == HairLength::Long => {
            let wave = if attributes.hair.style == HairStyle::Wavy { 14.0 } else { 4.0 };
            for side in [-1.0, 1.0] {
                let reach = if chibi { 170.0 } else { dice.range(290.0, 400.0) };
                let x = |x: f64| shift + side * x;
                let spine = [
                    (x(116.0), -30.0),
                    (x(128.0), 60.0),
                    (x(126.0 + wave), lerp(60.0, reach, 0.4)),
                    (x(128.0 - wave), lerp(60.0, reach, 0.75)),
                    (x(132.0 + wave), reach),
                ];
                lock(canvas, look, &spine, 40.0);
            }
        }
        _ => {}
    }
}

fn braid(canvas: &mut Canvas, look: &Look, from: Pt, to: Pt) {
    let count = ((to.1 - from.1) / 30.0).round().max(3.0) as u32;
    for i in 0..count {
        let t = f64::from(i) / f64::from(count);
        let (x, y) = (lerp(from.0, to.0, t), lerp(from.1, to.1, t));
        let half = lerp(21.0, 14.0, t);
        for side in if i % 2 == 0 { [-1.0, 1.0] } else { [1.0, -1.0] } {
            let knot = Path::at((x - side * half * 0.5, y + 14.0))
                .cubic((x + side * half * 0.4, y - 16.0), (x + side * half * 1.7, y - 8.0), (x + side * half, y + 12.0))
                .quad((x + side * half * 0.5, y + 30.0), (x - side * half * 0.5, y + 36.0))
                .close();
            canvas.inked(&knot, &look.hair, look.hair_line, look.line * 0.9);
            tone(canvas, look, &knot);
            let shine = [(x + side * half * 0.25, y + 6.0), (x + side * half * 0.75, y + 6.0)];
            canvas.glaze(&brush(&shine, 7.0, Taper::Both), &look.hair_light, 0.9);
        }
    }
    let (x, y) = (to.0, to.1 + 10.0);
    lock(canvas, look, &[(x, y), (x + 3.0, y + 22.0), (x - 2.0, y + 48.0)], 24.0);
    canvas.inked(&ellipse((x, y + 4.0), 14.0, 8.0), &look.accent, look.ink, look.line);
}
