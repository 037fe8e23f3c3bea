//! Colours: names to paint, shadows and lights that go with them, and the greys of a printed page.

use std::fmt;

use super::attributes::{Attributes, EyeColour, HairColour, SkinTone};
use super::dice::Dice;

/// sRGB, 8 bits a channel; prints as `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rgb(pub u8, pub u8, pub u8);

pub(super) const WHITE: Rgb = Rgb(255, 255, 255);
pub(super) const BLACK: Rgb = Rgb(24, 18, 28);

impl fmt::Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

impl Rgb {
    pub(super) const fn hex(code: u32) -> Self {
        Self((code >> 16) as u8, (code >> 8) as u8, code as u8)
    }

    /// `self` at 0, `other` at 1.
    pub(super) fn mix(self, other: Self, t: f64) -> Self {
        let channel = |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * t).round() as u8;
        Self(channel(self.0, other.0), channel(self.1, other.1), channel(self.2, other.2))
    }

    /// Towards a cool dark violet: drawn shadows that only lose light look dirty.
    pub(super) fn shade(self, t: f64) -> Self {
        self.mix(Self::hex(0x2b_1540), t)
    }

    pub(super) fn light(self, t: f64) -> Self {
        self.mix(WHITE, t)
    }

    /// Rec. 601 luma, 0–255.
    pub(super) fn luma(self) -> f64 {
        0.299 * f64::from(self.0) + 0.587 * f64::from(self.1) + 0.114 * f64::from(self.2)
    }

    pub(super) fn grey(self) -> Self {
        let y = self.luma().round() as u8;
        Self(y, y, y)
    }
}

/// Whether the picture is painted or printed like a manga page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Medium {
    Colour,
    Manga,
}

impl Medium {
    pub(super) fn tint(self, colour: Rgb) -> Rgb {
        match self {
            Self::Colour => colour,
            Self::Manga => colour.grey(),
        }
    }
}

/// The paints of one character.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    pub medium: Medium,
    pub skin: Rgb,
    pub skin_shadow: Rgb,
    pub skin_line: Rgb,
    pub blush: Rgb,
    pub lips: Rgb,
    pub hair: Rgb,
    pub hair_shadow: Rgb,
    pub hair_deep: Rgb,
    pub hair_light: Rgb,
    pub hair_shine: Rgb,
    pub hair_line: Rgb,
    pub eye_dark: Rgb,
    pub eye: Rgb,
    pub eye_light: Rgb,
    pub lash: Rgb,
    pub cloth: Rgb,
    pub cloth_shadow: Rgb,
    pub trim: Rgb,
    pub accent: Rgb,
    pub ink: Rgb,
    /// Width of an ordinary outline, in head units.
    pub line: f64,
}

fn hair(colour: HairColour) -> Rgb {
    Rgb::hex(match colour {
        HairColour::Black => 0x43_3d52,
        HairColour::Brown => 0x8f_5d45,
        HairColour::Blonde => 0xf7_d27a,
        HairColour::Red => 0xd2_4448,
        HairColour::Orange => 0xf2_9a4e,
        HairColour::Pink => 0xf6_a3bd,
        HairColour::Purple => 0x96_78c8,
        HairColour::Blue => 0x5c_8fdc,
        HairColour::Teal => 0x55_bfc0,
        HairColour::Green => 0x78_b878,
        HairColour::Silver => 0xb9_bdd2,
        HairColour::White => 0xec_e8f1,
    })
}

fn eye(colour: EyeColour) -> Rgb {
    Rgb::hex(match colour {
        EyeColour::Brown => 0x95_5a3c,
        EyeColour::Amber => 0xe8_9a2c,
        EyeColour::Red => 0xd8_3a4a,
        EyeColour::Pink => 0xe8_6a9e,
        EyeColour::Purple => 0x8f_5fd0,
        EyeColour::Blue => 0x35_84e4,
        EyeColour::Teal => 0x22_b0b4,
        EyeColour::Green => 0x48_a860,
        EyeColour::Grey => 0x80_8aa0,
    })
}

fn skin(tone: SkinTone) -> Rgb {
    Rgb::hex(match tone {
        SkinTone::Porcelain => 0xff_f1e8,
        SkinTone::Fair => 0xff_e6d6,
        SkinTone::Peach => 0xfd_d9bf,
        SkinTone::Tan => 0xec_bd96,
        SkinTone::Brown => 0xc4_8d65,
        SkinTone::Dark => 0x96_6547,
    })
}

const CLOTHS: [u32; 12] = [
    0x34_4a78, 0x2c_3350, 0x8a_3a4c, 0x4a_7a6a, 0xf3_efe6, 0xe8_b7c4, 0x6a_5a98, 0xd9_c4a0, 0x50_525e, 0x3c_8098,
    0xe0_8860, 0x9a_c4e0,
];
const ACCENTS: [u32; 7] = [0xd8_3848, 0xe8_6a90, 0x3a_70c8, 0xf0_b840, 0x48_a080, 0x86_58b8, 0xf4_f0ea];

impl Look {
    pub(super) fn new(attributes: &Attributes, medium: Medium, scale: f64, dice: &mut Dice) -> Self {
        let skin = match medium {
            Medium::Colour => skin(attributes.skin),
            Medium::Manga => skin(attributes.skin).light(0.72),
        };
        let hair = hair(attributes.hair.colour);
        let eye = eye(attributes.eyes.colour);
        let cloth = Rgb::hex(dice.pick(&CLOTHS));
        let mut accent = Rgb::hex(dice.pick(&ACCENTS));
        if (accent.luma() - cloth.luma()).abs() < 40.0 {
            accent = if cloth.luma() > 128.0 { Rgb::hex(0xb8_3048) } else { Rgb::hex(0xf4_d8a0) };
        }
        let trim = if cloth.luma() > 150.0 { cloth.shade(0.62) } else { Rgb::hex(0xf8_f4ee) };
        let dark = attributes.hair.colour == HairColour::Black;
        let t = |colour: Rgb| medium.tint(colour);
        Self {
            medium,
            skin: t(skin),
            skin_shadow: t(skin.mix(Rgb::hex(0xd0_6070), 0.3).shade(0.06)),
            skin_line: t(skin.mix(Rgb::hex(0x6a_2028), 0.66)),
            blush: t(Rgb::hex(0xf4_6a72)),
            lips: t(Rgb::hex(0xc0_4a50)),
            hair: t(hair),
            hair_shadow: t(hair.shade(0.24)),
            hair_deep: t(hair.shade(0.42)),
            hair_light: t(hair.light(if dark { 0.2 } else { 0.32 })),
            hair_shine: t(hair.light(if dark { 0.5 } else { 0.72 })),
            hair_line: t(hair.shade(0.7)),
            eye_dark: t(eye.shade(0.68)),
            eye: t(eye),
            eye_light: t(eye.mix(Rgb::hex(0xff_fbe8), 0.62)),
            lash: t(hair.shade(0.82).mix(BLACK, 0.35)),
            cloth: t(cloth),
            cloth_shadow: t(cloth.shade(0.22)),
            trim: t(trim),
            accent: t(accent),
            ink: t(Rgb::hex(0x3a_2838)),
            line: (0.8 / scale).max(2.6),
        }
    }
}
