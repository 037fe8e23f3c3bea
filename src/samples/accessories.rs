//! What a character wears on the head.

use super::attributes::{Accessory, Attributes};
use super::canvas::Canvas;
use super::hair::CROWN;
use super::head::Head;
use super::palette::{Look, Rgb, WHITE};
use super::pen::{Path, Pt, Taper, blob, brush, ellipse, polygon};

/// Behind the head: ears that grow out of the hair, halo, horns.
pub(super) fn draw_behind(canvas: &mut Canvas, head: &Head, look: &Look, attributes: &Attributes) {
    let x = |x: f64| x - 8.0 * head.turn;
    for side in [-1.0, 1.0] {
        if attributes.wears(Accessory::RabbitEars) {
            let lean = if side < 0.0 { 16.0 } else { 44.0 };
            let outer = blob(&[
                (x(side * 30.0), -160.0),
                (x(side * (38.0 + lean * 0.2)), -270.0),
                (x(side * (52.0 + lean)), -330.0),
                (x(side * (84.0 + lean * 0.5)), -270.0),
                (x(side * 82.0), -150.0),
            ]);
            canvas.inked(&outer, &look.hair.light(0.5), look.hair_line, look.line);
            let inner = brush(
                &[
                    (x(side * 58.0), -170.0),
                    (x(side * (61.0 + lean * 0.35)), -250.0),
                    (x(side * (54.0 + lean * 0.9)), -308.0),
                ],
                24.0,
                Taper::Both,
            );
            canvas.fill(&inner, &look.blush.light(0.55));
        }
        if attributes.wears(Accessory::Horns) {
            let horn = Path::at((x(side * 52.0), -150.0))
                .cubic((x(side * 70.0), -220.0), (x(side * 110.0), -220.0), (x(side * 120.0), -268.0))
                .cubic((x(side * 136.0), -210.0), (x(side * 120.0), -170.0), (x(side * 88.0), -140.0))
                .close();
            canvas.inked(&horn, &look.medium.tint(Rgb::hex(0x6a_4a5a)), look.ink, look.line);
        }
    }
    if attributes.wears(Accessory::Halo) {
        let ring = ellipse((x(0.0), CROWN - 42.0), 84.0, 20.0);
        canvas.stroke(&ring, &look.medium.tint(Rgb::hex(0xf0_b840)), 15.0);
        canvas.stroke(&ring, &look.medium.tint(Rgb::hex(0xff_f2b8)), 9.0);
    }
}

/// In front of the hair.
pub(super) fn draw_front(canvas: &mut Canvas, head: &Head, look: &Look, attributes: &Attributes) {
    for &accessory in &attributes.accessories {
        match accessory {
            Accessory::Glasses => glasses(canvas, head, look),
            Accessory::Ribbon => ribbon(canvas, look, (74.0 - 9.0 * head.turn, -158.0), 1.0),
            Accessory::Hairclip => hairclip(canvas, head, look),
            Accessory::Flower => flower(canvas, look, (-88.0 - 9.0 * head.turn, -96.0)),
            Accessory::Hat => beret(canvas, head, look),
            Accessory::CatEars => cat_ears(canvas, head, look),
            Accessory::Headband => headband(canvas, head, look),
            Accessory::Headphones => headphones(canvas, head, look),
            Accessory::RabbitEars | Accessory::Horns | Accessory::Halo => {}
        }
    }
}

fn cat_ears(canvas: &mut Canvas, head: &Head, look: &Look) {
    for side in [-1.0, 1.0] {
        let x = |x: f64| side * x - 9.0 * head.turn;
        let outer = Path::at((x(26.0), -172.0))
            .quad((x(50.0), -246.0), (x(100.0), -262.0))
            .quad((x(132.0), -190.0), (x(116.0), -112.0))
            .quad((x(80.0), -160.0), (x(26.0), -172.0))
            .close();
        canvas.inked(&outer, &look.hair, look.hair_line, look.line);
        let inner = Path::at((x(48.0), -180.0))
            .quad((x(64.0), -226.0), (x(96.0), -240.0))
            .quad((x(114.0), -190.0), (x(106.0), -146.0))
            .quad((x(80.0), -172.0), (x(48.0), -180.0))
            .close();
        canvas.fill(&inner, &look.blush.light(0.55));
        for i in 0..3 {
            let root = x(56.0 + f64::from(i) * 18.0);
            let tuft = [
                (root, -160.0 + f64::from(i) * 9.0),
                (root + side * 8.0, -188.0 + f64::from(i) * 8.0),
                (root + side * 20.0, -206.0 + f64::from(i) * 10.0),
            ];
            canvas.fill(&brush(&tuft, 13.0, Taper::End), &look.hair_light);
        }
    }
}

fn glasses(canvas: &mut Canvas, head: &Head, look: &Look) {
    let frame = look.accent.shade(0.5);
    let y = head.eyes + 4.0;
    let mut inner = Vec::new();
    for side in [-1.0, 1.0] {
        let far = head.turn * side > 0.0;
        let rx = 38.0 * if far { 1.0 - 0.2 * head.turn.abs() } else { 1.0 };
        let cx = head.x(side * 46.0, 27.0);
        let ring = blob(&[
            (cx - rx, y - 22.0),
            (cx, y - 31.0),
            (cx + rx, y - 22.0),
            (cx + rx * 0.92, y + 20.0),
            (cx, y + 35.0),
            (cx - rx * 0.92, y + 20.0),
        ]);
        canvas.glaze(&ring, &WHITE, 0.16);
        canvas.stroke(&ring, &frame, look.line * 1.5);
        canvas.glaze(&brush(&[(cx - rx * 0.6, y - 10.0), (cx - rx * 0.25, y - 24.0)], 5.0, Taper::Both), &WHITE, 0.85);
        inner.push(cx - side * rx * 1.06);
        let temple = Path::at((cx + side * rx, y - 16.0)).line((side * 100.0 - head.turn * 6.0, y - 20.0));
        canvas.stroke(&temple, &frame, look.line * 1.2);
    }
    let bridge =
        Path::at((inner[0], y - 10.0)).quad((f64::midpoint(inner[0], inner[1]), y - 18.0), (inner[1], y - 10.0));
    canvas.stroke(&bridge, &frame, look.line * 1.5);
}

fn ribbon(canvas: &mut Canvas, look: &Look, at: Pt, size: f64) {
    canvas.moved(&format!("translate({:.2} {:.2}) rotate(24) scale({size:.2})", at.0, at.1), |canvas| {
        for side in [-1.0, 1.0] {
            let tail = polygon(&[(0.0, 0.0), (side * 26.0, 66.0), (side * 36.0, 52.0), (side * 50.0, 58.0)]);
            canvas.inked(&tail, &look.accent.shade(0.16), look.ink, look.line);
            let wing = Path::at((0.0, 0.0))
                .cubic((side * 30.0, -50.0), (side * 76.0, -44.0), (side * 74.0, -4.0))
                .cubic((side * 76.0, 34.0), (side * 34.0, 32.0), (0.0, 0.0))
                .close();
            canvas.inked(&wing, &look.accent, look.ink, look.line);
            canvas.glaze(
                &brush(&[(side * 12.0, -2.0), (side * 36.0, 4.0), (side * 58.0, 12.0)], 9.0, Taper::End),
                &look.accent.shade(0.4),
                0.8,
            );
            canvas.glaze(
                &brush(&[(side * 34.0, -26.0), (side * 58.0, -22.0)], 7.0, Taper::Both),
                &look.accent.light(0.6),
                0.8,
            );
        }
        canvas.inked(&ellipse((0.0, 0.0), 13.0, 15.0), &look.accent, look.ink, look.line);
    });
}

fn hairclip(canvas: &mut Canvas, head: &Head, look: &Look) {
    let (x, y) = (head.x(-70.0, 10.0), -72.0);
    for lean in [9.0, -9.0] {
        canvas.stroke(&Path::at((x - 16.0, y - lean)).line((x + 16.0, y + lean)), &look.ink, 11.0);
        canvas.stroke(&Path::at((x - 16.0, y - lean)).line((x + 16.0, y + lean)), &look.accent, 6.5);
    }
}

fn flower(canvas: &mut Canvas, look: &Look, at: Pt) {
    for i in 0..5 {
        let angle = (f64::from(i) * 72.0 - 90.0).to_radians();
        let centre = (at.0 + 19.0 * angle.cos(), at.1 + 19.0 * angle.sin());
        canvas.inked(&ellipse(centre, 15.0, 15.0), &look.accent.light(0.45), look.accent.shade(0.5), look.line * 0.9);
    }
    canvas.inked(
        &ellipse(at, 9.0, 9.0),
        &look.medium.tint(Rgb::hex(0xff_d860)),
        look.accent.shade(0.5),
        look.line * 0.9,
    );
}

fn beret(canvas: &mut Canvas, head: &Head, look: &Look) {
    let x = |x: f64| x - 9.0 * head.turn;
    let cap = blob(&[
        (x(-116.0), -112.0),
        (x(-138.0), -176.0),
        (x(-60.0), -232.0),
        (x(50.0), -226.0),
        (x(128.0), -180.0),
        (x(112.0), -120.0),
        (x(0.0), -146.0),
    ]);
    canvas.inked(&cap, &look.accent, look.ink, look.line);
    canvas.inside(&cap, |canvas| {
        canvas.glaze(&ellipse((x(40.0), -110.0), 130.0, 50.0), &look.accent.shade(0.35), 0.7);
        canvas.glaze(&ellipse((x(-50.0), -206.0), 50.0, 16.0), &look.accent.light(0.5), 0.6);
    });
    canvas.stroke(&Path::at((x(0.0), -230.0)).quad((x(4.0), -250.0), (x(14.0), -254.0)), &look.ink, 7.0);
}

fn headband(canvas: &mut Canvas, head: &Head, look: &Look) {
    let x = |x: f64| x - 9.0 * head.turn;
    let band = Path::at((x(-128.0), -66.0))
        .cubic((x(-104.0), -172.0), (x(104.0), -172.0), (x(128.0), -66.0))
        .line((x(131.0), -88.0))
        .cubic((x(108.0), -202.0), (x(-108.0), -202.0), (x(-131.0), -88.0))
        .close();
    canvas.inked(&band, &look.accent, look.ink, look.line);
    ribbon(canvas, look, (x(-66.0), -160.0), 0.62);
}

fn headphones(canvas: &mut Canvas, head: &Head, look: &Look) {
    let x = |x: f64| x - 9.0 * head.turn;
    let band = Path::at((x(-126.0), -20.0)).cubic((x(-150.0), -236.0), (x(150.0), -236.0), (x(126.0), -20.0));
    canvas.stroke(&band, &look.ink, 20.0);
    canvas.stroke(&band, &look.accent, 14.0);
    for side in [-1.0, 1.0] {
        let cup = ellipse((x(side * 126.0), 2.0), 22.0, 38.0);
        canvas.inked(&cup, &look.trim, look.ink, look.line);
        canvas.inked(&ellipse((x(side * 131.0), 2.0), 12.0, 24.0), &look.accent, look.ink, look.line);
    }
}
