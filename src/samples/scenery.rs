//! Places: sky, blossoms, sea, hills, rooms, cities. Units are picture pixels.

use super::background::Ground;
use super::palette::{Medium, WHITE};
use super::pen::{Path, Pt, blob, ellipse, lerp, polygon, rect, through};

/// Time of day over a city.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hour {
    Day,
    Dusk,
    Night,
}

fn cloud(ground: &mut Ground<'_>, at: Pt, size: f64, opacity: f64) {
    let shade = ground.colour(0xc8_dcf0);
    let mut puffs = Path::default();
    for i in 0..6 {
        let t = f64::from(i) / 5.0;
        let bulge = (std::f64::consts::PI * t).sin();
        let radius = size * (0.16 + 0.2 * bulge) * ground.dice.range(0.85, 1.15);
        puffs = puffs.and(&ellipse((at.0 + (t - 0.5) * size * 1.7, at.1 - bulge * size * 0.16), radius, radius * 0.86));
    }
    ground
        .canvas
        .moved(&format!("translate(0 {:.2})", size * 0.05), |canvas| canvas.glaze(&puffs, &shade, opacity * 0.9));
    ground.canvas.glaze(&puffs, &WHITE, opacity);
}

pub(super) fn sky(ground: &mut Ground<'_>) {
    ground.wash(&[0x4c_9ce8, 0x90_c8f4, 0xe4_f4fc]);
    let (w, h, unit) = (ground.w, ground.h, ground.unit());
    ground.glow((w * 0.82, h * 0.1), unit * 0.5, 0xff_fbe0, 0.8);
    for i in 0..6 {
        let y = h * (0.1 + 0.16 * f64::from(i));
        let at = (ground.dice.unit() * w, y + ground.dice.jitter(h * 0.05));
        let size = unit * ground.dice.range(0.14, 0.36);
        cloud(ground, at, size, 0.92);
    }
}

fn petal(at: Pt, size: f64, turn: f64) -> Path {
    let (sin, cos) = turn.sin_cos();
    let p = |x: f64, y: f64| (at.0 + (x * cos - y * sin) * size, at.1 + (x * sin + y * cos) * size);
    Path::at(p(0.0, 1.0))
        .cubic(p(-1.0, 0.4), p(-0.7, -0.8), p(-0.2, -1.0))
        .line(p(0.0, -0.75))
        .line(p(0.2, -1.0))
        .cubic(p(0.7, -0.8), p(1.0, 0.4), p(0.0, 1.0))
        .close()
}

pub(super) fn blossoms(ground: &mut Ground<'_>) {
    ground.wash(&[0xb4_dcf6, 0xe8_f0fa, 0xfd_e8ee]);
    let (w, h, unit) = (ground.w, ground.h, ground.unit());
    // A branch from each upper corner, hung with clusters.
    for side in [0.0, 1.0] {
        let x = |t: f64| if side < 0.5 { t * w } else { w - t * w };
        let points = [(x(-0.02), h * 0.05), (x(0.16), h * 0.1), (x(0.3), h * 0.07), (x(0.44), h * 0.13)];
        let branch = through(Path::at(points[0]), &points);
        let bark = ground.colour(0x6a_4a48);
        ground.canvas.stroke(&branch, &bark, unit * 0.014);
        for _ in 0..34 {
            let t = ground.dice.range(-0.02, 0.48);
            let at = (x(t), h * (0.075 + ground.dice.jitter(0.085)));
            let radius = unit * ground.dice.range(0.018, 0.036);
            let code = ground.dice.pick(&[0xfb_c8d8, 0xf8_b0c8, 0xfd_dfe8]);
            let (tint, heart) = (ground.colour(code), ground.colour(0xe0_6a90));
            for i in 0..5 {
                let angle = f64::from(i) * 1.2566;
                let centre = (at.0 + radius * 0.7 * angle.cos(), at.1 + radius * 0.7 * angle.sin());
                ground.canvas.fill(&ellipse(centre, radius * 0.56, radius * 0.56), &tint);
            }
            ground.canvas.fill(&ellipse(at, radius * 0.22, radius * 0.22), &heart);
        }
    }
    for _ in 0..46 {
        let at = ground.anywhere();
        let size = unit * ground.dice.range(0.008, 0.02);
        let turn = ground.dice.unit() * std::f64::consts::TAU;
        let code = ground.dice.pick(&[0xf8_b4ca, 0xfc_d4e0, 0xf4_9cb8]);
        let tint = ground.colour(code);
        ground.canvas.glaze(&petal(at, size, turn), &tint, 0.9);
    }
}

pub(super) fn sea(ground: &mut Ground<'_>) {
    let (w, h, unit) = (ground.w, ground.h, ground.unit());
    let sunset = ground.dice.chance(0.5);
    if sunset {
        ground.wash(&[0x6a_68b0, 0xf0_98a0, 0xff_d8a0]);
        let x = w * ground.dice.range(0.2, 0.8);
        ground.glow((x, h * 0.5), unit * 0.6, 0xff_f4c0, 0.9);
        let sun = ground.colour(0xff_f4d8);
        ground.canvas.fill(&ellipse((x, h * 0.5), unit * 0.09, unit * 0.09), &sun);
    } else {
        ground.wash(&[0x50_a8ec, 0xa8_dcf8, 0xea_f8fc]);
        for _ in 0..3 {
            let at = (ground.dice.unit() * w, h * ground.dice.range(0.08, 0.4));
            let size = unit * ground.dice.range(0.12, 0.26);
            cloud(ground, at, size, 0.9);
        }
    }
    let line = h * 0.55;
    let (far, near) = if sunset { (0xd8_8898, 0x5a_5a98) } else { (0x38_90d0, 0x40_c0d0) };
    let water = [(0.0, ground.colour(far), 1.0), (1.0, ground.colour(near), 1.0)];
    let water = ground.canvas.linear((0.0, line), (0.0, h * 0.85), &water);
    ground.canvas.fill(&rect(0.0, line, w, h - line), &water);
    for _ in 0..40 {
        let y = line + (h * 0.3) * ground.dice.unit().powi(2);
        let length = unit * ground.dice.range(0.02, 0.1);
        let x = ground.dice.unit() * w;
        ground.canvas.glaze(&rect(x, y, length, unit * 0.004), &WHITE, 0.55);
    }
    let shore = [(0.0, h * 0.86), (w * 0.3, h * 0.83), (w * 0.65, h * 0.88), (w, h * 0.84)];
    let sand = ground.colour(if sunset { 0xc8_9890 } else { 0xf6_e4c0 });
    let beach = through(Path::at(shore[0]), &shore);
    ground.canvas.fill(&beach.clone().line((w, h)).line((0.0, h)).close(), &sand);
    ground.canvas.stroke(&beach, &WHITE, unit * 0.012);
}

pub(super) fn hills(ground: &mut Ground<'_>) {
    ground.wash(&[0x78_c0f0, 0xc8_e8f8, 0xf8_fbe8]);
    let (w, h, unit) = (ground.w, ground.h, ground.unit());
    for _ in 0..4 {
        let at = (ground.dice.unit() * w, h * ground.dice.range(0.06, 0.36));
        let size = unit * ground.dice.range(0.12, 0.28);
        cloud(ground, at, size, 0.9);
    }
    for (level, code) in [(0.52, 0xa8_d0c8), (0.62, 0x90_c890), (0.76, 0x78_b868)] {
        let points: Vec<Pt> =
            (0..=5).map(|i| (w * f64::from(i) / 5.0, h * (level + ground.dice.jitter(0.05)))).collect();
        let tint = ground.colour(code);
        let ridge = through(Path::at(points[0]), &points).line((w, h)).line((0.0, h)).close();
        ground.canvas.fill(&ridge, &tint);
    }
    for _ in 0..60 {
        let at = (ground.dice.unit() * w, h * ground.dice.range(0.8, 1.0));
        let radius = unit * ground.dice.range(0.004, 0.01);
        let code = ground.dice.pick(&[0xff_ffff, 0xff_e070, 0xf8_a8c0]);
        let tint = ground.colour(code);
        ground.canvas.fill(&ellipse(at, radius, radius), &tint);
    }
}

/// A window with the sky in it: left, top, width, height.
fn window(ground: &mut Ground<'_>, x: f64, y: f64, w: f64, h: f64, evening: bool) {
    let unit = ground.unit();
    let (top, bottom) = if evening { (0x50_4888, 0xf8_a880) } else { (0x80_c4f4, 0xe8_f8ff) };
    let sky = [(0.0, ground.colour(top), 1.0), (1.0, ground.colour(bottom), 1.0)];
    let sky = ground.canvas.linear((0.0, y), (0.0, y + h), &sky);
    let pane = rect(x, y, w, h);
    ground.canvas.fill(&pane, &sky);
    let leaf = ground.colour(if evening { 0x48_4068 } else { 0x88_c490 });
    let bush = blob(&[
        (x, y + h),
        (x, y + h * 0.8),
        (x + w * 0.3, y + h * 0.72),
        (x + w * 0.6, y + h * 0.82),
        (x + w, y + h * 0.7),
        (x + w, y + h),
    ]);
    ground.canvas.inside(&pane, |canvas| canvas.fill(&bush, &leaf));
    let frame = ground.colour(0xf8_f2ea);
    ground.canvas.stroke(&pane, &frame, unit * 0.022);
    ground.canvas.stroke(&Path::at((x + w / 2.0, y)).line((x + w / 2.0, y + h)), &frame, unit * 0.013);
    ground.canvas.stroke(&Path::at((x, y + h * 0.45)).line((x + w, y + h * 0.45)), &frame, unit * 0.013);
}

pub(super) fn room(ground: &mut Ground<'_>) {
    let wall = ground.dice.pick(&[0xf4_e8d8, 0xe8_ecf4, 0xf4_e2e2, 0xe4_eee2]);
    ground.wash(&[wall, wall]);
    let (w, h, unit) = (ground.w, ground.h, ground.unit());
    let evening = ground.dice.chance(0.35);
    let left = ground.dice.chance(0.5);
    let (ww, wh) = (w * 0.36, h * 0.46);
    let x = if left { w * 0.07 } else { w * 0.57 };
    window(ground, x, h * 0.1, ww, wh, evening);
    let curtain = ground.dice.pick(&[0xf0_b8c0, 0xb8_d0e8, 0xf0_dca8, 0xc4_e0c8]);
    let (cloth, fold) = (ground.colour(curtain), ground.colour(curtain).shade(0.16));
    for (at, dir) in [(x - unit * 0.03, 1.0), (x + ww + unit * 0.03, -1.0)] {
        let drape = Path::at((at, h * 0.06))
            .line((at + dir * ww * 0.3, h * 0.06))
            .cubic((at + dir * ww * 0.26, h * 0.3), (at + dir * ww * 0.06, h * 0.42), (at + dir * ww * 0.12, h * 0.66))
            .line((at - dir * ww * 0.05, h * 0.66))
            .close();
        ground.canvas.fill(&drape, &cloth);
        for t in [0.06, 0.13, 0.2] {
            let crease = Path::at((at + dir * ww * t, h * 0.07))
                .quad((at + dir * ww * t, h * 0.4), (at + dir * ww * t * 0.4, h * 0.64));
            ground.canvas.stroke(&crease, &fold, unit * 0.005);
        }
    }
    let rod = ground.colour(0xa8_7858);
    ground.canvas.stroke(
        &Path::at((x - unit * 0.06, h * 0.06)).line((x + ww + unit * 0.06, h * 0.06)),
        &rod,
        unit * 0.014,
    );
    // A shelf with books on the other side.
    let shelf = if left { w * 0.6 } else { w * 0.06 };
    for row in [0.2, 0.42] {
        let mut at = shelf;
        while at < shelf + w * 0.3 {
            let (bw, bh) = (unit * ground.dice.range(0.016, 0.034), unit * ground.dice.range(0.08, 0.13));
            let code = ground.dice.pick(&[0xc8_6868, 0x68_90b8, 0xd8_b060, 0x78_a880, 0x88_78a8, 0xe8_dcc8]);
            let tint = ground.colour(code);
            ground.canvas.fill(&rect(at, h * row - bh, bw * 0.9, bh), &tint);
            at += bw;
        }
        ground.canvas.fill(&rect(shelf - unit * 0.02, h * row, w * 0.3 + unit * 0.05, unit * 0.018), &rod);
    }
    let floor = ground.colour(0xc8_a080);
    ground.canvas.fill(&rect(0.0, h * 0.84, w, h * 0.16), &floor);
    let skirting = ground.colour(0xf8_f4ee);
    ground.canvas.fill(&rect(0.0, h * 0.82, w, h * 0.024), &skirting);
}

pub(super) fn classroom(ground: &mut Ground<'_>) {
    let evening = ground.dice.chance(0.4);
    let wall = if evening { 0xf0_d0a8 } else { 0xf2_ecdc };
    ground.wash(&[wall, wall]);
    let (w, h, unit) = (ground.w, ground.h, ground.unit());
    if ground.dice.chance(0.5) {
        let (frame, board, chalk) = (ground.colour(0xb0_8458), ground.colour(0x3c_6a58), ground.colour(0xe8_f0e8));
        ground.canvas.fill(&rect(w * 0.08, h * 0.1, w * 0.84, h * 0.44), &frame);
        ground.canvas.fill(
            &rect(w * 0.08 + unit * 0.02, h * 0.1 + unit * 0.02, w * 0.84 - unit * 0.04, h * 0.44 - unit * 0.04),
            &board,
        );
        for _ in 0..9 {
            let (x, y) = (w * ground.dice.range(0.12, 0.8), h * ground.dice.range(0.16, 0.46));
            let length = unit * ground.dice.range(0.04, 0.12);
            ground.canvas.glaze(&rect(x, y, length, unit * 0.005), &chalk, 0.6);
        }
    } else {
        for i in 0..3 {
            window(ground, w * (0.04 + 0.325 * f64::from(i)), h * 0.08, w * 0.27, h * 0.5, evening);
        }
    }
    let panel = ground.colour(0xc8_a078);
    ground.canvas.fill(&rect(0.0, h * 0.7, w, h * 0.3), &panel);
    let edge = ground.colour(0x98_7450);
    let mut x = 0.0;
    while x < w {
        ground.canvas.stroke(&Path::at((x, h * 0.7)).line((x, h)), &edge, unit * 0.004);
        x += unit * 0.1;
    }
    ground.canvas.fill(&rect(0.0, h * 0.69, w, unit * 0.018), &edge);
}

fn night_sky(ground: &mut Ground<'_>, count: u32) {
    let (w, h, unit) = (ground.w, ground.h, ground.unit());
    for _ in 0..count {
        let at = (ground.dice.unit() * w, ground.dice.unit() * h * 0.9);
        let radius = unit * ground.dice.range(0.0015, 0.005);
        let opacity = ground.dice.range(0.4, 1.0);
        ground.canvas.glaze(&ellipse(at, radius, radius), &WHITE, opacity);
    }
    let at = (w * ground.dice.range(0.12, 0.88), h * ground.dice.range(0.08, 0.2));
    let moon = ground.colour(0xff_f6d4);
    ground.glow(at, unit * 0.24, 0xff_f6d4, 0.5);
    ground.canvas.fill(&ellipse(at, unit * 0.065, unit * 0.065), &moon);
}

pub(super) fn stars(ground: &mut Ground<'_>) {
    ground.wash(&[0x14_1c44, 0x3c_3c80, 0x8c_6ca8]);
    let (w, h, unit) = (ground.w, ground.h, ground.unit());
    for i in 0..5 {
        let t = f64::from(i) / 4.0;
        let at = (w * lerp(0.1, 0.9, t), h * lerp(0.75, 0.2, t));
        ground.glow(at, unit * 0.34, 0xa8_90f0, 0.3);
    }
    night_sky(ground, 150);
}

pub(super) fn city(ground: &mut Ground<'_>, hour: Hour) {
    let (sky, layers, lit): (&[u32], [u32; 3], u32) = match hour {
        Hour::Day => (&[0x68_b4ec, 0xb0_dcf6, 0xec_f6fa], [0xb4_cce0, 0x94_b0cc, 0x78_94b4], 0xe4_f2fa),
        Hour::Dusk => (&[0x5c_5494, 0xe0_8898, 0xfc_cc90], [0xa8_6c90, 0x78_5080, 0x4c_3a64], 0xff_e0a0),
        Hour::Night => (&[0x0e_1434, 0x28_3468, 0x5c_5c98], [0x30_3c70, 0x20_2a54, 0x14_1a3a], 0xff_dc88),
    };
    ground.wash(sky);
    let (w, h, unit) = (ground.w, ground.h, ground.unit());
    match hour {
        Hour::Night => night_sky(ground, 70),
        Hour::Dusk => ground.glow((w * 0.5, h * 0.72), unit * 0.7, 0xff_ecb0, 0.7),
        Hour::Day => {
            for _ in 0..3 {
                let at = (ground.dice.unit() * w, h * ground.dice.range(0.06, 0.3));
                let size = unit * ground.dice.range(0.12, 0.26);
                cloud(ground, at, size, 0.9);
            }
        }
    }
    for (depth, code) in layers.into_iter().enumerate() {
        let tint = ground.colour(code);
        let depth = depth as f64;
        let mut x = -unit * 0.05;
        while x < w {
            let width = unit * ground.dice.range(0.09, 0.19) * (1.0 + depth * 0.2);
            let top = h * (ground.dice.range(0.3, 0.56) + depth * 0.12);
            ground.canvas.fill(&rect(x, top, width, h - top), &tint);
            if ground.dice.chance(0.25) {
                ground.canvas.fill(
                    &polygon(&[(x + width * 0.46, top), (x + width * 0.5, top - unit * 0.08), (x + width * 0.54, top)]),
                    &tint,
                );
            }
            windows(ground, (x, top), width, lit, if hour == Hour::Day { 0.9 } else { 0.34 + depth * 0.06 });
            x += width * ground.dice.range(0.9, 1.25);
        }
    }
    if ground.medium == Medium::Manga {
        let tone = ground.canvas.dots(ground.medium.tint(super::palette::BLACK), unit * 0.012, 0.22);
        ground.canvas.glaze(&ground.all(), &tone, 0.5);
    }
}

/// Rows of windows; `share` of them are lit.
fn windows(ground: &mut Ground<'_>, corner: Pt, width: f64, code: u32, share: f64) {
    let pitch = ground.unit() * 0.026;
    let tint = ground.colour(code);
    let columns = ((width / pitch) as u32).saturating_sub(1);
    let mut lit = Path::default();
    for row in 0..9 {
        for column in 0..columns {
            if ground.dice.chance(share) {
                let at =
                    (corner.0 + pitch * (f64::from(column) + 0.75), corner.1 + pitch * (f64::from(row) * 1.3 + 0.8));
                lit = lit.and(&rect(at.0, at.1, pitch * 0.5, pitch * 0.7));
            }
        }
    }
    if !lit.0.is_empty() {
        ground.canvas.glaze(&lit, &tint, 0.75);
    }
}
