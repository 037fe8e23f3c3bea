//! What is behind the characters: plain grounds and patterns here, places in `scenery`. Units are picture pixels.

use super::canvas::Canvas;
use super::dice::Dice;
use super::palette::{Medium, Rgb};
use super::pen::{Path, Pt, ellipse, polygon, rect};
use super::scenery;

/// Where a scene plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Backdrop {
    Plain,
    Gradient,
    Bokeh,
    Pattern,
    FocusLines,
    Sky,
    Blossoms,
    Sea,
    Hills,
    Room,
    Classroom,
    CityByDay,
    CityAtDusk,
    CityAtNight,
    Stars,
}

impl Backdrop {
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Plain => "plain ground",
            Self::Gradient => "soft colours",
            Self::Bokeh => "soft lights",
            Self::Pattern => "patterned ground",
            Self::FocusLines => "focus lines",
            Self::Sky => "clouds and blue sky",
            Self::Blossoms => "cherry blossoms",
            Self::Sea => "by the sea",
            Self::Hills => "green hills",
            Self::Room => "room with a window",
            Self::Classroom => "classroom",
            Self::CityByDay => "city by day",
            Self::CityAtDusk => "city at dusk",
            Self::CityAtNight => "city at night",
            Self::Stars => "under the stars",
        }
    }

    pub(super) fn choose(dice: &mut Dice, medium: Medium) -> Self {
        match medium {
            Medium::Colour => dice.weighted(&[
                (Self::Plain, 6),
                (Self::Gradient, 7),
                (Self::Bokeh, 9),
                (Self::Pattern, 9),
                (Self::FocusLines, 3),
                (Self::Sky, 11),
                (Self::Blossoms, 9),
                (Self::Sea, 8),
                (Self::Hills, 7),
                (Self::Room, 8),
                (Self::Classroom, 6),
                (Self::CityByDay, 5),
                (Self::CityAtDusk, 7),
                (Self::CityAtNight, 7),
                (Self::Stars, 7),
            ]),
            Medium::Manga => dice.weighted(&[
                (Self::Plain, 3),
                (Self::Pattern, 3),
                (Self::FocusLines, 4),
                (Self::Sky, 2),
                (Self::Room, 2),
                (Self::Classroom, 2),
                (Self::CityByDay, 2),
                (Self::CityAtNight, 2),
                (Self::Stars, 1),
            ]),
        }
    }
}

/// The ground a background is painted on.
#[derive(Debug)]
pub(super) struct Ground<'a> {
    pub canvas: &'a mut Canvas,
    pub dice: &'a mut Dice,
    pub medium: Medium,
    pub w: f64,
    pub h: f64,
}

impl Ground<'_> {
    /// A colour as this medium shows it.
    pub(super) fn colour(&self, code: u32) -> Rgb {
        self.medium.tint(Rgb::hex(code))
    }

    pub(super) fn all(&self) -> Path {
        rect(0.0, 0.0, self.w, self.h)
    }

    /// The short side: the unit for things whose size goes with the picture's.
    pub(super) fn unit(&self) -> f64 {
        self.w.min(self.h)
    }

    /// The whole picture from top to bottom, evenly through `codes`.
    pub(super) fn wash(&mut self, codes: &[u32]) {
        let last = (codes.len() - 1).max(1) as f64;
        let stops: Vec<_> = codes.iter().enumerate().map(|(i, &c)| (i as f64 / last, self.colour(c), 1.0)).collect();
        let paint = self.canvas.linear((0.0, 0.0), (0.0, self.h), &stops);
        let all = self.all();
        self.canvas.fill(&all, &paint);
    }

    /// A soft round light.
    pub(super) fn glow(&mut self, at: Pt, radius: f64, code: u32, opacity: f64) {
        let colour = self.colour(code);
        let paint = self.canvas.radial(at, radius, &[(0.0, colour, opacity), (1.0, colour, 0.0)]);
        self.canvas.fill(&ellipse(at, radius, radius), &paint);
    }

    pub(super) fn anywhere(&mut self) -> Pt {
        (self.dice.unit() * self.w, self.dice.unit() * self.h)
    }
}

const PAIRS: [(u32, u32); 10] = [
    (0xfd_e2e8, 0xc9_d8f8),
    (0xff_f0d0, 0xf8_c8c0),
    (0xd8_f0e8, 0xa8_d0e8),
    (0xe8_dcf8, 0xb8_c0f0),
    (0xfc_f6ec, 0xe8_d8c8),
    (0xbc_e4f4, 0xf8_e8f0),
    (0x58_6090, 0xc8_90b0),
    (0x30_3a60, 0x68_88b8),
    (0xf8_d890, 0xf0_9880),
    (0x90_c8b0, 0xf0_f0c8),
];

pub(super) fn draw(ground: &mut Ground<'_>, backdrop: Backdrop) {
    match backdrop {
        Backdrop::Plain => plain(ground),
        Backdrop::Gradient => gradient(ground),
        Backdrop::Bokeh => bokeh(ground),
        Backdrop::Pattern => pattern(ground),
        Backdrop::FocusLines => focus_lines(ground),
        Backdrop::Sky => scenery::sky(ground),
        Backdrop::Blossoms => scenery::blossoms(ground),
        Backdrop::Sea => scenery::sea(ground),
        Backdrop::Hills => scenery::hills(ground),
        Backdrop::Room => scenery::room(ground),
        Backdrop::Classroom => scenery::classroom(ground),
        Backdrop::CityByDay => scenery::city(ground, scenery::Hour::Day),
        Backdrop::CityAtDusk => scenery::city(ground, scenery::Hour::Dusk),
        Backdrop::CityAtNight => scenery::city(ground, scenery::Hour::Night),
        Backdrop::Stars => scenery::stars(ground),
    }
}

fn plain(ground: &mut Ground<'_>) {
    let code = if ground.medium == Medium::Manga {
        0xff_ffff
    } else {
        ground.dice.pick(&[0xff_ffff, 0xfa_f4ec, 0xe4_eef6, 0xf8_e4e8, 0xe8_f0e0, 0xd8_d4e8, 0x8c_a0b8])
    };
    ground.wash(&[code, code]);
    // A disc or a slanted band keeps a plain ground from looking unfinished.
    let tone = ground.colour(code).mix(ground.colour(0xe8_8098), 0.3);
    let (w, h, u) = (ground.w, ground.h, ground.unit());
    if ground.dice.chance(0.5) {
        ground.canvas.fill(&ellipse((w / 2.0, h * 0.48), u * 0.43, u * 0.43), &tone);
        ground.canvas.stroke(&ellipse((w / 2.0, h * 0.48), u * 0.46, u * 0.46), &tone, u * 0.006);
    } else {
        ground.canvas.fill(&polygon(&[(0.0, h * 0.62), (w, h * 0.3), (w, h * 0.62), (0.0, h * 0.94)]), &tone);
        ground.canvas.stroke(&Path::at((0.0, h * 0.58)).line((w, h * 0.26)), &tone, u * 0.008);
    }
}

fn gradient(ground: &mut Ground<'_>) {
    let (top, bottom) = ground.dice.pick(&PAIRS);
    ground.wash(&[top, bottom]);
    let u = ground.unit();
    for _ in 0..3 {
        let at = ground.anywhere();
        ground.glow(at, u * 0.5, 0xff_ffff, 0.35);
    }
}

fn bokeh(ground: &mut Ground<'_>) {
    let (top, bottom) = ground.dice.pick(&PAIRS);
    ground.wash(&[top, bottom]);
    let u = ground.unit();
    for _ in 0..26 {
        let at = ground.anywhere();
        let radius = u * ground.dice.range(0.015, 0.085);
        let tint = Rgb::hex(ground.dice.pick(&[0xff_ffff, 0xff_f4d0, 0xff_e0ea, 0xe0_f0ff]));
        let tint = ground.medium.tint(tint);
        let opacity = ground.dice.range(0.14, 0.45);
        ground.canvas.glaze(&ellipse(at, radius, radius), &tint, opacity);
        ground.canvas.glaze(&ellipse(at, radius * 0.82, radius * 0.82), &tint, opacity * 0.5);
    }
}

fn star(at: Pt, radius: f64) -> Path {
    let points: Vec<Pt> = (0..10)
        .map(|i| {
            let r = if i % 2 == 0 { radius } else { radius * 0.46 };
            let angle = (f64::from(i) * 36.0 - 90.0).to_radians();
            (at.0 + r * angle.cos(), at.1 + r * angle.sin())
        })
        .collect();
    polygon(&points)
}

fn heart(at: Pt, r: f64) -> Path {
    Path::at((at.0, at.1 + r))
        .cubic((at.0 - r * 1.7, at.1 - r * 0.2), (at.0 - r * 0.8, at.1 - r * 1.3), (at.0, at.1 - r * 0.4))
        .cubic((at.0 + r * 0.8, at.1 - r * 1.3), (at.0 + r * 1.7, at.1 - r * 0.2), (at.0, at.1 + r))
        .close()
}

fn pattern(ground: &mut Ground<'_>) {
    let (base, mark) = ground.dice.pick(&[
        (0xfc_e8ec, 0xf8_c4d0),
        (0xe4_f0fa, 0xb8_d4f0),
        (0xf4_f0d8, 0xe8_d8a0),
        (0xe4_f4e8, 0xb4_dcc0),
        (0xee_e6f8, 0xcc_b8ec),
        (0x40_4a6c, 0x58_6490),
    ]);
    ground.wash(&[base, base]);
    let mark = ground.colour(mark);
    let (w, h) = (ground.w, ground.h);
    let pitch = ground.unit() * ground.dice.range(0.09, 0.15);
    let kind = ground.dice.whole(0, 4);
    if kind == 0 {
        let mut x = -h;
        while x < w {
            ground
                .canvas
                .fill(&polygon(&[(x, h), (x + pitch * 0.5, h), (x + pitch * 0.5 + h, 0.0), (x + h, 0.0)]), &mark);
            x += pitch;
        }
        return;
    }
    let (columns, rows) = ((w / pitch) as u32 + 2, (h / pitch) as u32 + 2);
    for row in 0..rows {
        for column in 0..columns {
            let offset = if row % 2 == 0 { 0.0 } else { 0.5 };
            let at = ((f64::from(column) + offset) * pitch, f64::from(row) * pitch);
            let shape = match kind {
                1 => ellipse(at, pitch * 0.2, pitch * 0.2),
                2 => star(at, pitch * 0.26),
                3 => heart(at, pitch * 0.2),
                _ => polygon(&[
                    (at.0, at.1 - pitch * 0.5),
                    (at.0 + pitch * 0.5, at.1),
                    (at.0, at.1 + pitch * 0.5),
                    (at.0 - pitch * 0.5, at.1),
                ]),
            };
            if kind < 4 || (row + column) % 2 == 0 {
                ground.canvas.fill(&shape, &mark);
            }
        }
    }
}

/// The lines of a manga page that run to the middle.
fn focus_lines(ground: &mut Ground<'_>) {
    let (base, line) = if ground.medium == Medium::Manga {
        (0xff_ffff, 0x2a_2a2a)
    } else {
        ground.dice.pick(&[(0xff_f6dc, 0xf4_b860), (0xe6_f2ff, 0x80_b0e8), (0xff_e8ec, 0xf0_8ca0)])
    };
    ground.wash(&[base, base]);
    let line = ground.colour(line);
    let middle = (ground.w / 2.0, ground.h * 0.46);
    let reach = ground.w.hypot(ground.h);
    let inner = ground.unit();
    for i in 0..110 {
        let angle = (f64::from(i) / 110.0 * 360.0 + ground.dice.jitter(1.6)).to_radians();
        let half = ground.dice.range(0.12, 0.75).to_radians();
        let from = inner * ground.dice.range(0.4, 0.6);
        let at = |angle: f64, radius: f64| (middle.0 + radius * angle.cos(), middle.1 + radius * angle.sin());
        ground.canvas.fill(&polygon(&[at(angle, from), at(angle - half, reach), at(angle + half, reach)]), &line);
    }
}
