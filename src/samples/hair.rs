//! The hair in front: the cap over the skull, bangs, side locks, shine.

use super::attributes::{Attributes, Bangs, Figure, HairLength, HairStyle};
use super::canvas::Canvas;
use super::dice::Dice;
use super::head::Head;
use super::palette::{Look, Medium};
use super::pen::{Path, Pt, Taper, Tooth, between, brush, lerp, through};

/// y of the top of the hair.
pub(super) const CROWN: f64 = -184.0;

/// The front hair's shape, decided before the face is painted because its shadow falls on the face.
#[derive(Debug)]
pub(super) struct FrontHair {
    outline: Path,
    teeth: Vec<Tooth>,
    crown: Pt,
}

/// A tip of the bangs: where it ends, how it bends, and how high the valley on its left goes.
struct Tip {
    at: Pt,
    bend: f64,
    valley: f64,
}

/// `count` tips from the viewer's right to the left, as the outline runs.
fn row(dice: &mut Dice, count: u32, mut tip: impl FnMut(f64, &mut Dice) -> Tip) -> Vec<Tip> {
    (0..count).map(|i| tip(lerp(74.0, -74.0, f64::from(i) / f64::from(count - 1)), dice)).collect()
}

fn tips(bangs: Bangs, dice: &mut Dice) -> Vec<Tip> {
    match bangs {
        Bangs::Straight => row(dice, 9, |x, dice| Tip {
            at: (x * 1.04 + dice.jitter(3.0), -31.0 + dice.jitter(4.0) + x * x * 0.0012),
            bend: x * 0.04,
            valley: -44.0 + dice.jitter(5.0),
        }),
        Bangs::Choppy => row(dice, 6, |x, dice| Tip {
            at: (x + dice.jitter(7.0), dice.range(-36.0, -12.0) + x * x * 0.003),
            bend: x * 0.09 + dice.jitter(6.0),
            valley: dice.range(-76.0, -58.0),
        }),
        Bangs::Tousled => row(dice, 7, |x, dice| Tip {
            at: (x + dice.jitter(11.0), dice.range(-46.0, -8.0) + x * x * 0.003),
            bend: dice.sign() * dice.range(5.0, 12.0),
            valley: dice.range(-88.0, -64.0),
        }),
        Bangs::Swept => {
            let flow = dice.sign();
            let mut tips = row(dice, 6, |x, dice| {
                // 0 at the parting, 1 at the far end of the sweep.
                let along = (x * flow + 74.0) / 148.0;
                Tip {
                    at: (x + flow * 10.0, lerp(-58.0, -2.0, along) + dice.jitter(5.0)),
                    bend: flow * 9.0,
                    valley: lerp(-92.0, -58.0, along) + dice.jitter(4.0),
                }
            });
            let parting = if flow > 0.0 { tips.len() - 1 } else { 0 };
            tips[parting].at = (-flow * 82.0, -18.0);
            tips[parting].bend = -flow * 8.0;
            let valley = if flow > 0.0 { parting - 1 } else { parting };
            tips[valley].valley = -112.0;
            tips
        }
        Bangs::Parted => {
            let mut tips = row(dice, 6, |x, dice| {
                let out = x.abs() / 74.0;
                Tip {
                    at: (x * 1.1 + dice.jitter(3.0), lerp(-72.0, 10.0, out) + dice.jitter(5.0)),
                    bend: x.signum() * 10.0,
                    valley: lerp(-104.0, -52.0, out),
                }
            });
            tips[2].valley = -122.0;
            tips
        }
    }
}

impl FrontHair {
    pub(super) fn new(head: &Head, attributes: &Attributes, dice: &mut Dice) -> Self {
        let t = head.turn;
        let skull = |x: f64| if x * t > 0.0 { x * (1.0 - 0.06 * t.abs()) - 3.0 * t } else { x - 11.0 * t };
        let hang = match (attributes.figure, attributes.hair.style) {
            (Figure::Boy, _) | (_, HairStyle::Short | HairStyle::Spiky) => dice.range(18.0, 34.0),
            _ => dice.range(44.0, 66.0),
        };
        let (left, right) = ((skull(-118.0), 16.0), (skull(118.0), 16.0));
        let crown = (-9.0 * t, CROWN);
        let mut teeth = Vec::new();
        let row = tips(attributes.hair.bangs, dice);
        let valley_right = (head.x(84.0, 16.0), -52.0);
        let valley_left = (head.x(-84.0, 16.0), -52.0);
        teeth.push(Tooth { from: right, tip: (skull(103.0), hang), to: valley_right, bend: 5.0 });
        let mut from = valley_right;
        for (i, tip) in row.iter().enumerate() {
            let to = match row.get(i + 1) {
                Some(next) => (head.x(f64::midpoint(tip.at.0, next.at.0) + dice.jitter(3.0), 20.0), tip.valley),
                None => valley_left,
            };
            teeth.push(Tooth { from, tip: (head.x(tip.at.0, 24.0), tip.at.1), to, bend: tip.bend });
            from = to;
        }
        teeth.push(Tooth { from: valley_left, tip: (skull(-103.0), hang + dice.jitter(5.0)), to: left, bend: -5.0 });
        let cap = if attributes.hair.style == HairStyle::Spiky {
            spiky_cap(left, right, crown, dice)
        } else {
            Path::at(left).cubic((skull(-146.0), -62.0), (skull(-118.0), CROWN), crown).cubic(
                (skull(118.0), CROWN),
                (skull(146.0), -62.0),
                right,
            )
        };
        let outline = teeth.iter().fold(cap, |path, tooth| tooth.trace(path)).close();
        Self { outline, teeth, crown }
    }

    /// The shadow it throws on the forehead, to be clipped to the skin.
    pub(super) fn shadow(&self, depth: f64) -> Path {
        let drop = |p: Pt| (p.0 + depth * 0.3, p.1 + depth);
        let start = drop(self.teeth[0].from);
        let path = self.teeth.iter().fold(Path::at(start), |path, tooth| {
            Tooth { from: drop(tooth.from), tip: drop(tooth.tip), to: drop(tooth.to), bend: tooth.bend }.trace(path)
        });
        path.line((-150.0, -150.0)).line((150.0, -150.0)).close()
    }

    pub(super) fn draw(&self, canvas: &mut Canvas, look: &Look, dice: &mut Dice) {
        let paint = canvas.linear(
            (0.0, CROWN),
            (0.0, 20.0),
            &[
                (0.0, look.hair.mix(look.hair_shadow, 0.55), 1.0),
                (0.45, look.hair, 1.0),
                (1.0, look.hair.mix(look.hair_light, 0.7), 1.0),
            ],
        );
        canvas.fill(&self.outline, &paint);
        tone(canvas, look, &self.outline);
        let crown = self.crown;
        canvas.inside(&self.outline, |canvas| {
            for tooth in &self.teeth {
                canvas.glaze(&tooth.dark_side(), &look.hair_shadow, 0.75);
            }
            shine(canvas, look, crown.0 * -1.2, dice);
        });
        canvas.stroke(&self.outline, &look.hair_line, look.line);
        // Strands run from the valleys towards the crown.
        for tooth in &self.teeth[..self.teeth.len() - 1] {
            let root = (crown.0 + (tooth.to.0 - crown.0) * 0.25, crown.1 + 30.0);
            let reach = dice.range(0.45, 0.8);
            let end = between(tooth.to, root, reach);
            let middle = between(tooth.to, root, reach * 0.5);
            let middle = (middle.0 + (tooth.to.0 - crown.0) * 0.16, middle.1);
            canvas.fill(&brush(&[tooth.to, middle, end], look.line * 1.25, Taper::End), &look.hair_line);
        }
        for _ in 0..4 {
            let x = dice.jitter(92.0);
            let line = [(x, -66.0 - dice.unit() * 26.0), (x * 0.9, -112.0), (x * 0.66, -146.0)];
            canvas.glaze(&brush(&line, look.line * 0.9, Taper::Both), &look.hair_deep, 0.7);
        }
    }
}

/// From `left` over the crown to `right` in spikes.
fn spiky_cap(left: Pt, right: Pt, crown: Pt, dice: &mut Dice) -> Path {
    let count = 9;
    let lean = dice.sign();
    let at = |turn: f64, radius: f64| {
        let angle = lerp(-212.0, 32.0, turn).to_radians();
        (crown.0 + radius * angle.cos(), -54.0 + radius * angle.sin())
    };
    let mut path = Path::at(left);
    let mut from = left;
    for i in 0..count {
        let share = |k: f64| (f64::from(i) + k) / f64::from(count);
        let tip = at(share(0.5 + lean * 0.34), dice.range(158.0, 186.0));
        let to = if i + 1 == count { right } else { at(share(1.0), dice.range(116.0, 128.0)) };
        path = Tooth { from, tip, to, bend: lean * 9.0 }.trace(path);
        from = to;
    }
    path
}

/// Screentone over what was just filled, on a manga page.
pub(super) fn tone(canvas: &mut Canvas, look: &Look, path: &Path) {
    if look.medium == Medium::Manga && (90.0..215.0).contains(&look.hair.luma()) {
        let dots = canvas.dots(look.hair_deep, look.line * 2.6, 0.3);
        canvas.fill(path, &dots);
    }
}

/// The ring of light around the skull, as short strokes along the strands.
fn shine(canvas: &mut Canvas, look: &Look, shift: f64, dice: &mut Dice) {
    let mut ring = Path::default();
    let gap = dice.jitter(40.0);
    for i in -8..=8 {
        let x = f64::from(i) * 12.0;
        if (x - gap).abs() < 8.0 {
            continue;
        }
        // Longest in the middle of each half, fading to the sides.
        let length = (1.0 - (x / 112.0).powi(2)) * dice.range(12.0, 34.0) + 2.0;
        let at = |along: f64| (x * (1.0 + along * 0.0022) + shift, -117.0 + x * x * 0.0046 + along);
        ring = ring.and(&brush(&[at(-length * 0.65), at(0.0), at(length)], 19.0, Taper::Both));
    }
    canvas.glaze(&ring, &look.hair_shine, if look.medium == Medium::Manga { 1.0 } else { 0.72 });
}

/// One free lock of hair along `spine`, with outline, shadow and a light.
pub(super) fn lock(canvas: &mut Canvas, look: &Look, spine: &[Pt], width: f64) {
    let shape = brush(spine, width, Taper::Lock);
    canvas.inked(&shape, &look.hair, look.hair_line, look.line);
    tone(canvas, look, &shape);
    let aside = |by: f64| -> Vec<Pt> { spine.iter().map(|p| (p.0 + by, p.1)).collect() };
    canvas.inside(&shape, |canvas| {
        canvas.glaze(&brush(&aside(width * 0.3), width * 0.5, Taper::Lock), &look.hair_shadow, 0.85);
        canvas.glaze(&brush(&aside(-width * 0.2), width * 0.16, Taper::Both), &look.hair_light, 0.9);
    });
    canvas.fill(&brush(&aside(width * 0.05)[1..], look.line * 0.8, Taper::Both), &look.hair_line);
}

/// The locks beside the cheeks, in front of face and shoulders.
pub(super) fn draw_side_locks(canvas: &mut Canvas, head: &Head, look: &Look, attributes: &Attributes, dice: &mut Dice) {
    let reach = match (attributes.figure, attributes.hair.length, attributes.hair.style) {
        (Figure::Boy, HairLength::Short, _) | (_, _, HairStyle::Spiky) => return,
        (_, _, HairStyle::Short) => dice.range(60.0, 80.0),
        (_, HairLength::Short, _) => dice.range(80.0, 104.0),
        (_, HairLength::Medium, _) => dice.range(104.0, 150.0),
        (_, HairLength::Long, _) => dice.range(130.0, 220.0),
    };
    let wave = if attributes.hair.style == HairStyle::Wavy { 9.0 } else { 3.0 };
    for side in [-1.0, 1.0] {
        let far = head.turn * side > 0.0;
        let x = |x: f64| {
            let x = side * x;
            if far { x * (1.0 - 0.13 * head.turn.abs()) } else { x - 8.0 * head.turn }
        };
        let reach = reach + dice.jitter(8.0);
        let width = dice.range(30.0, 38.0) * if far { 0.8 } else { 1.0 };
        let spine = [
            (x(104.0), -78.0),
            (x(112.0), -10.0),
            (x(108.0 + wave), lerp(-10.0, reach, 0.4)),
            (x(106.0 - wave), lerp(-10.0, reach, 0.72)),
            (x(100.0 + wave * 0.6), reach),
        ];
        lock(canvas, look, &spine, width);
        if attributes.hair.length != HairLength::Short {
            let spine: Vec<Pt> = spine[..4].iter().map(|p| (p.0 - side * 15.0, p.1 + 6.0)).collect();
            canvas.inked(&brush(&spine, width * 0.45, Taper::Lock), &look.hair, look.hair_line, look.line * 0.9);
        }
    }
}

/// One lock that stands up.
pub(super) fn draw_ahoge(canvas: &mut Canvas, head: &Head, look: &Look, dice: &mut Dice) {
    let side = dice.sign();
    let x = -9.0 * head.turn;
    let lift = dice.range(36.0, 52.0);
    let path = Path::at((x - side * 9.0, CROWN + 6.0));
    let path = through(
        path,
        &[
            (x - side * 9.0, CROWN + 6.0),
            (x - side * 4.0, CROWN - lift * 0.7),
            (x + side * 22.0, CROWN - lift),
            (x + side * 46.0, CROWN - lift * 0.45),
        ],
    );
    let path = path.quad((x + side * 18.0, CROWN - lift * 0.75), (x + side * 9.0, CROWN + 5.0)).close();
    canvas.inked(&path, &look.hair, look.hair_line, look.line);
    tone(canvas, look, &path);
}
