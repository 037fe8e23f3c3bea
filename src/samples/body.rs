//! Neck, shoulders and clothes, in head units, below an upright head.

use super::attributes::{Attributes, Figure, Framing, Outfit};
use super::canvas::Canvas;
use super::head::Head;
use super::palette::{Look, Medium};
use super::pen::{Path, Pt, Taper, blob, brush, ellipse, polygon, rect, through};

/// The body's lowest point in head units; what lies below the picture is cut off by it.
const HEM: f64 = 900.0;

/// Neck first, clothes over it; the head comes on top.
pub(super) fn draw_body(canvas: &mut Canvas, head: &Head, look: &Look, attributes: &Attributes) {
    if attributes.framing == Framing::Chibi {
        return draw_chibi(canvas, look, attributes);
    }
    let boy = attributes.figure == Figure::Boy;
    let neck = if boy { 34.0 } else { 25.0 };
    let x = head.turn * 9.0;
    let throat = Path::at((x - neck, 62.0))
        .quad((x - neck, 130.0), (-neck - 10.0, 150.0))
        .quad((-58.0, 168.0), (-96.0, 182.0))
        .line((0.0, 300.0))
        .line((96.0, 182.0))
        .quad((58.0, 168.0), (neck + 10.0, 150.0))
        .quad((x + neck, 130.0), (x + neck, 62.0))
        .close();
    canvas.inked(&throat, &look.skin, look.skin_line, look.line);
    canvas.inside(&throat, |canvas| {
        let drop: Vec<_> = head.contour().into_iter().map(|p| (p.0 + 5.0, p.1 + 20.0)).collect();
        canvas.fill(&blob(&drop), &look.skin_shadow);
    });
    for side in [-1.0, 1.0] {
        let bone = [(side * 8.0, 172.0), (side * 30.0, 168.0), (side * 58.0, 172.0)];
        canvas.fill(&brush(&bone, 3.2, Taper::Both), &look.skin_shadow.mix(look.skin_line, 0.4));
    }
    draw_torso(canvas, look, if boy { 176.0 } else { 148.0 }, neck);
    match attributes.outfit {
        Outfit::Sailor => sailor(canvas, look, boy),
        Outfit::Blazer => blazer(canvas, look, boy),
        Outfit::Hoodie => hoodie(canvas, look),
        Outfit::Kimono => kimono(canvas, look),
        Outfit::Sweater => sweater(canvas, look),
        Outfit::Dress => dress(canvas, look),
        Outfit::Gakuran => gakuran(canvas, look),
    }
}

/// Shoulders, arms and chest in the cloth's colour; `shoulder` is half their width.
fn draw_torso(canvas: &mut Canvas, look: &Look, shoulder: f64, neck: f64) {
    let s = shoulder;
    for side in [-1.0, 1.0] {
        let arm = Path::at((side * (s - 70.0), 175.0))
            .cubic((side * (s - 20.0), 184.0), (side * (s + 8.0), 196.0), (side * (s + 15.0), 250.0))
            .cubic((side * (s + 32.0), 350.0), (side * (s + 32.0), 480.0), (side * (s + 22.0), HEM))
            .line((side * (s - 34.0), HEM))
            .cubic((side * (s - 28.0), 500.0), (side * (s - 30.0), 400.0), (side * (s - 40.0), 290.0))
            .close();
        let sleeve = canvas.linear(
            (side * (s - 40.0), 0.0),
            (side * (s + 30.0), 0.0),
            &[(0.0, look.cloth, 1.0), (0.75, look.cloth, 1.0), (1.0, look.cloth_shadow, 1.0)],
        );
        canvas.inked(&arm, &sleeve, look.ink, look.line);
    }
    let waist = s * 0.66;
    let seam = |side: f64| -> [Pt; 4] {
        [(side * (s - 40.0), 290.0), (side * (waist + 16.0), 380.0), (side * waist, 480.0), (side * (s + 14.0), HEM)]
    };
    let (left, mut right) = (seam(-1.0), seam(1.0));
    right.reverse();
    let torso = Path::at((-neck - 14.0, 152.0))
        .quad((-neck - 40.0, 166.0), (-s + 70.0, 175.0))
        .quad((-s + 26.0, 182.0), (-s + 40.0, 290.0));
    let torso = through(torso, &left).line((s + 14.0, HEM));
    let torso = through(torso, &right)
        .quad((s - 26.0, 182.0), (s - 70.0, 175.0))
        .quad((neck + 40.0, 166.0), (neck + 14.0, 152.0))
        .quad((0.0, 214.0), (-neck - 14.0, 152.0))
        .close();
    canvas.fill(&torso, &look.cloth);
    canvas.inside(&torso, |canvas| {
        // Light from the left: the right side falls into shadow, and so does what lies under the chin.
        let dark = Path::at((s * 0.95, 200.0))
            .cubic((s * 0.4, 300.0), (s * 0.62, 420.0), (s * 0.3, HEM))
            .line((s * 2.0, HEM))
            .line((s * 2.0, 200.0))
            .close();
        canvas.glaze(&dark, &look.cloth_shadow, 0.75);
        canvas.glaze(&ellipse((0.0, 140.0), 96.0, 66.0), &look.cloth_shadow, 0.6);
        if look.medium == Medium::Manga {
            let hatching = canvas.hatching(look.ink, look.line * 3.2, 58.0);
            canvas.glaze(&dark, &hatching, 0.55);
        }
    });
    for side in [-1.0, 1.0] {
        let points = seam(side);
        canvas.stroke(&through(Path::at(points[0]), &points), &look.ink, look.line);
        let slope = [(side * (neck + 14.0), 152.0), (side * (neck + 38.0), 165.0), (side * (s - 70.0), 175.0)];
        canvas.stroke(&through(Path::at(slope[0]), &slope), &look.ink, look.line);
        let fold = look.cloth_shadow.mix(look.ink, 0.45);
        for line in [
            [(side * (s - 40.0), 290.0), (side * (s - 38.0), 262.0), (side * (s - 26.0), 236.0)],
            [(side * (s - 42.0), 300.0), (side * (s - 62.0), 290.0), (side * (s - 84.0), 286.0)],
            [(side * waist, 470.0), (side * (waist - 30.0), 456.0), (side * (waist - 56.0), 450.0)],
        ] {
            canvas.fill(&brush(&line, look.line * 1.7, Taper::End), &fold);
        }
    }
}

fn bow(canvas: &mut Canvas, look: &Look, y: f64, size: f64) {
    for side in [-1.0, 1.0] {
        let tail =
            polygon(&[(side * 4.0, y), (side * size * 0.7, y + size * 1.7), (side * size * 0.2, y + size * 1.6)]);
        canvas.inked(&tail, &look.accent.shade(0.14), look.ink, look.line);
    }
    for side in [-1.0, 1.0] {
        let loop_ = Path::at((0.0, y))
            .cubic(
                (side * size * 0.5, y - size * 0.8),
                (side * size * 1.3, y - size * 0.6),
                (side * size * 1.2, y + size * 0.1),
            )
            .cubic((side * size * 1.2, y + size * 0.7), (side * size * 0.5, y + size * 0.5), (0.0, y))
            .close();
        canvas.inked(&loop_, &look.accent, look.ink, look.line);
        let fold = [(side * size * 0.2, y), (side * size * 0.75, y - size * 0.05)];
        canvas.fill(&brush(&fold, look.line * 1.3, Taper::End), &look.accent.shade(0.5));
    }
    canvas.inked(
        &blob(&[(-9.0, y - 9.0), (9.0, y - 9.0), (9.0, y + 10.0), (-9.0, y + 10.0)]),
        &look.accent,
        look.ink,
        look.line,
    );
}

fn sailor(canvas: &mut Canvas, look: &Look, boy: bool) {
    let wide = if boy { 128.0 } else { 108.0 };
    for side in [-1.0, 1.0] {
        let flap = Path::at((side * 40.0, 146.0))
            .quad((side * 70.0, 164.0), (side * wide, 182.0))
            .quad((side * 96.0, 240.0), (0.0, 322.0))
            .quad((side * 20.0, 250.0), (side * 40.0, 146.0))
            .close();
        canvas.inked(&flap, &look.trim, look.ink, look.line);
        let line = Path::at((side * (wide - 14.0), 190.0)).quad((side * 84.0, 236.0), (side * 6.0, 302.0));
        canvas.stroke(&line, &look.accent, look.line * 1.3);
    }
    bow(canvas, look, 308.0, 40.0);
}

fn shirt(canvas: &mut Canvas, look: &Look) {
    let white = look.medium.tint(super::palette::Rgb::hex(0xfc_fbfa));
    let front = polygon(&[(-44.0, 150.0), (44.0, 150.0), (22.0, 360.0), (0.0, 420.0), (-22.0, 360.0)]);
    canvas.inked(&front, &white, look.ink, look.line);
    for side in [-1.0, 1.0] {
        let collar = polygon(&[(side * 42.0, 140.0), (0.0, 196.0), (side * 26.0, 226.0), (side * 58.0, 166.0)]);
        canvas.inked(&collar, &white, look.ink, look.line);
    }
}

fn blazer(canvas: &mut Canvas, look: &Look, boy: bool) {
    shirt(canvas, look);
    if boy {
        canvas.inked(
            &polygon(&[(-12.0, 196.0), (12.0, 196.0), (8.0, 216.0), (-8.0, 216.0)]),
            &look.accent,
            look.ink,
            look.line,
        );
        let tie = polygon(&[(-8.0, 216.0), (8.0, 216.0), (18.0, 350.0), (0.0, 376.0), (-18.0, 350.0)]);
        canvas.inked(&tie, &look.accent, look.ink, look.line);
        for y in [244.0, 282.0, 320.0] {
            canvas.stroke(&Path::at((-10.0, y)).line((11.0, y - 14.0)), &look.accent.light(0.5), 5.0);
        }
    } else {
        bow(canvas, look, 206.0, 32.0);
    }
    for side in [-1.0, 1.0] {
        let lapel = Path::at((side * 52.0, 154.0))
            .line((side * 86.0, 176.0))
            .line((side * 92.0, 250.0))
            .line((side * 66.0, 258.0))
            .line((side * 74.0, 276.0))
            .line((0.0, 430.0))
            .quad((side * 30.0, 300.0), (side * 52.0, 154.0))
            .close();
        canvas.inked(&lapel, &look.cloth.light(0.08), look.ink, look.line);
    }
    for y in [450.0, 520.0] {
        canvas.inked(&ellipse((0.0, y), 9.0, 9.0), &look.trim, look.ink, look.line);
    }
}

fn hoodie(canvas: &mut Canvas, look: &Look) {
    for side in [-1.0, 1.0] {
        let hood = Path::at((side * 46.0, 128.0))
            .cubic((side * 100.0, 128.0), (side * 122.0, 172.0), (side * 96.0, 196.0))
            .cubic((side * 70.0, 220.0), (side * 20.0, 240.0), (0.0, 248.0))
            .quad((side * 40.0, 190.0), (side * 46.0, 128.0))
            .close();
        canvas.inked(&hood, &look.cloth.light(0.1), look.ink, look.line);
        let string = [(side * 20.0, 230.0), (side * 26.0, 280.0), (side * 20.0, 326.0)];
        canvas.fill(&brush(&string, 7.0, Taper::Both), &look.trim);
        canvas.inked(&rect(side * 20.0 - 4.0, 318.0, 8.0, 18.0), &look.accent, look.ink, look.line * 0.8);
    }
    canvas.stroke(&Path::at((0.0, 248.0)).line((0.0, HEM)), &look.ink, look.line);
}

fn kimono(canvas: &mut Canvas, look: &Look) {
    // The wearer's right side first, the left one over it; both bands end in the sash.
    for side in [1.0, -1.0] {
        let end = if side > 0.0 { (4.0, 296.0) } else { (62.0, 444.0) };
        for (inset, paint) in [(0.0, look.trim), (14.0, look.accent)] {
            let from = (side * (38.0 + inset), 146.0);
            let to = (side * (70.0 + inset), 164.0);
            let low = (end.0 + side * inset, end.1);
            let band = Path::at(from)
                .quad((side * (26.0 + inset), 220.0), low)
                .line((low.0 + side * 30.0, low.1 + 8.0))
                .quad((side * (60.0 + inset), 240.0), to)
                .close();
            canvas.inked(&band, &paint, look.ink, look.line);
        }
    }
    for (x, y) in [(-108.0, 250.0), (112.0, 280.0), (-70.0, 350.0), (128.0, 400.0), (-132.0, 420.0), (60.0, 330.0)] {
        for petal in 0..5 {
            let angle = f64::from(petal) * 1.2566;
            let at = (x + 10.0 * angle.cos(), y + 10.0 * angle.sin());
            canvas.glaze(&ellipse(at, 7.0, 7.0), &look.accent.light(0.35), 0.95);
        }
        canvas.fill(&ellipse((x, y), 4.0, 4.0), &look.trim);
    }
    canvas.inked(&rect(-130.0, 440.0, 260.0, 96.0), &look.accent, look.ink, look.line);
    canvas.inked(&rect(-130.0, 478.0, 260.0, 16.0), &look.trim, look.ink, look.line);
}

fn sweater(canvas: &mut Canvas, look: &Look) {
    let collar = blob(&[(-44.0, 122.0), (0.0, 138.0), (44.0, 122.0), (52.0, 160.0), (0.0, 186.0), (-52.0, 160.0)]);
    canvas.inked(&collar, &look.cloth.light(0.12), look.ink, look.line);
    for x in [-30.0, -15.0, 0.0, 15.0, 30.0] {
        canvas.stroke(&Path::at((x, 136.0)).line((x * 1.1, 172.0)), &look.cloth_shadow, look.line);
    }
    for x in [-46.0, 0.0, 46.0] {
        for i in 0..9 {
            let y = 220.0 + f64::from(i) * 34.0;
            canvas.glaze(
                &brush(&[(x - 10.0, y), (x, y + 14.0), (x + 10.0, y)], 5.0, Taper::Both),
                &look.cloth_shadow,
                0.9,
            );
        }
    }
}

fn dress(canvas: &mut Canvas, look: &Look) {
    let white = look.medium.tint(super::palette::Rgb::hex(0xfd_fbf8));
    for side in [-1.0, 1.0] {
        let collar = Path::at((side * 38.0, 144.0))
            .cubic((side * 96.0, 160.0), (side * 110.0, 200.0), (side * 88.0, 222.0))
            .cubic((side * 60.0, 240.0), (side * 20.0, 226.0), (0.0, 196.0))
            .quad((side * 26.0, 176.0), (side * 38.0, 144.0))
            .close();
        canvas.inked(&collar, &white, look.ink, look.line);
        canvas.stroke(
            &Path::at((side * 84.0, 206.0)).quad((side * 50.0, 222.0), (side * 12.0, 200.0)),
            &look.accent,
            look.line,
        );
    }
    for y in [270.0, 310.0, 350.0] {
        canvas.inked(&ellipse((0.0, y), 7.0, 7.0), &look.trim, look.ink, look.line);
    }
    canvas.inked(&rect(-112.0, 452.0, 224.0, 34.0), &look.accent, look.ink, look.line);
    bow(canvas, look, 210.0, 30.0);
}

fn gakuran(canvas: &mut Canvas, look: &Look) {
    for side in [-1.0, 1.0] {
        let collar = polygon(&[(side * 50.0, 118.0), (side * 60.0, 160.0), (0.0, 202.0), (0.0, 160.0)]);
        canvas.inked(&collar, &look.cloth.light(0.1), look.ink, look.line);
    }
    canvas.stroke(&Path::at((0.0, 196.0)).line((0.0, HEM)), &look.ink, look.line);
    for y in [240.0, 310.0, 380.0, 450.0] {
        canvas.inked(
            &ellipse((0.0, y), 10.0, 10.0),
            &look.medium.tint(super::palette::Rgb::hex(0xf0_c860)),
            look.ink,
            look.line,
        );
    }
}

/// A small body under a big head.
fn draw_chibi(canvas: &mut Canvas, look: &Look, attributes: &Attributes) {
    let boy = attributes.figure == Figure::Boy;
    for side in [-1.0, 1.0] {
        let leg = blob(&[(side * 12.0, 220.0), (side * 46.0, 220.0), (side * 42.0, 300.0), (side * 14.0, 300.0)]);
        canvas.inked(&leg, if boy { &look.cloth_shadow } else { &look.skin }, look.ink, look.line);
        let shoe = blob(&[(side * 8.0, 296.0), (side * 44.0, 292.0), (side * 56.0, 316.0), (side * 8.0, 318.0)]);
        canvas.inked(&shoe, &look.trim.shade(0.4), look.ink, look.line);
        let hand = ellipse((side * 92.0, 208.0), 17.0, 17.0);
        canvas.inked(&hand, &look.skin, look.skin_line, look.line);
        let sleeve = blob(&[
            (side * 30.0, 116.0),
            (side * 66.0, 128.0),
            (side * 104.0, 190.0),
            (side * 78.0, 212.0),
            (side * 42.0, 172.0),
        ]);
        canvas.inked(&sleeve, &look.cloth, look.ink, look.line);
    }
    let hem = if boy { 58.0 } else { 92.0 };
    let body = Path::at((-42.0, 100.0))
        .cubic((-54.0, 150.0), (-56.0, 200.0), (-hem, 248.0))
        .quad((0.0, 270.0), (hem, 248.0))
        .cubic((56.0, 200.0), (54.0, 150.0), (42.0, 100.0))
        .close();
    canvas.inked(&body, &look.cloth, look.ink, look.line);
    canvas.inside(&body, |canvas| {
        canvas.glaze(&ellipse((0.0, 94.0), 80.0, 38.0), &look.cloth_shadow, 0.8);
        canvas.stroke(&Path::at((-hem, 234.0)).quad((0.0, 256.0), (hem, 234.0)), &look.trim, 7.0);
    });
    let collar = Path::at((-44.0, 100.0)).quad((-40.0, 150.0), (0.0, 164.0)).quad((40.0, 150.0), (44.0, 100.0)).close();
    canvas.inked(&collar, &look.trim, look.ink, look.line);
    canvas.moved("translate(0 64) scale(.62)", |canvas| bow(canvas, look, 160.0, 42.0));
}
