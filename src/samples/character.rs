//! One character: what it is like, where it stands, and the order in which its parts are painted.

use super::accessories;
use super::attributes::{
    Accessory, Attributes, Bangs, Expression, EyeColour, EyeShape, EyeState, Eyes, FaceShape, Facing, Figure, Framing,
    Hair, HairColour, HairLength, HairStyle, Outfit, Pose, SkinTone,
};
use super::body::draw_body;
use super::canvas::Canvas;
use super::dice::Dice;
use super::eyes::{draw_brows, draw_eyes};
use super::hair::{FrontHair, draw_ahoge, draw_side_locks};
use super::hair_back::{draw_back, draw_over_shoulders};
use super::head::{Head, draw_cheeks, draw_nose, draw_skin};
use super::mouth::draw_mouth;
use super::palette::{Look, Medium};
use super::pen::Pt;
use crate::domain::PictureBox;

/// y of the joint about which the head tilts, in head units.
const NECK: f64 = 96.0;

/// Where a character stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The head's origin in picture pixels.
    pub at: Pt,
    /// Pixels a head unit; a face is about 200 units wide.
    pub scale: f64,
}

#[derive(Debug)]
pub(super) struct Character {
    pub attributes: Attributes,
    pub place: Place,
    head: Head,
    dice: Dice,
}

impl Character {
    pub(super) fn new(attributes: Attributes, place: Place, dice: Dice) -> Self {
        let head = Head::new(&attributes);
        Self { attributes, place, head, dice }
    }

    fn to_picture(&self, p: Pt) -> Pt {
        let (sin, cos) = self.attributes.pose.tilt_degrees.to_radians().sin_cos();
        let (x, y) = (p.0, p.1 - NECK);
        let turned = (x * cos - y * sin, x * sin + y * cos + NECK);
        (self.place.at.0 + turned.0 * self.place.scale, self.place.at.1 + turned.1 * self.place.scale)
    }

    /// The face's box in picture pixels, not clipped to the picture.
    pub(super) fn bounds(&self) -> PictureBox {
        let points: Vec<Pt> = self.head.bounds().into_iter().map(|p| self.to_picture(p)).collect();
        let low = points.iter().fold((f64::MAX, f64::MAX), |m, p| (m.0.min(p.0), m.1.min(p.1)));
        let high = points.iter().fold((f64::MIN, f64::MIN), |m, p| (m.0.max(p.0), m.1.max(p.1)));
        PictureBox::new(low.0 as f32, low.1 as f32, high.0 as f32, high.1 as f32)
    }

    pub(super) fn draw(&self, canvas: &mut Canvas, medium: Medium) {
        let mut dice = self.dice.clone();
        let look = Look::new(&self.attributes, medium, self.place.scale, &mut dice);
        let (head, attributes) = (&self.head, &self.attributes);
        let tilt = format!("rotate({:.2} 0 {NECK})", attributes.pose.tilt_degrees);
        // A head is big on its shoulders in this style, and sits low on its neck.
        let body = match attributes.framing {
            Framing::Chibi => "translate(0 0)".to_owned(),
            _ => format!("translate(0 {:.2}) scale(0.97)", head.chin - 124.0),
        };
        let (x, y) = self.place.at;
        canvas.moved(&format!("translate({x:.2} {y:.2}) scale({:.4})", self.place.scale), |canvas| {
            canvas.moved(&tilt, |canvas| {
                accessories::draw_behind(canvas, head, &look, attributes);
                draw_back(canvas, head, &look, attributes, &mut dice);
            });
            canvas.moved(&body, |canvas| draw_body(canvas, head, &look, attributes));
            canvas.moved(&tilt, |canvas| draw_head(canvas, head, &look, attributes, &mut dice));
        });
    }
}

fn draw_head(canvas: &mut Canvas, head: &Head, look: &Look, attributes: &Attributes, dice: &mut Dice) {
    let hair = FrontHair::new(head, attributes, dice);
    draw_skin(canvas, head, look, &hair.shadow(15.0));
    draw_cheeks(canvas, head, look, attributes);
    draw_nose(canvas, head, look, attributes.figure);
    draw_mouth(canvas, head, look, attributes, dice.unit());
    let gaze = (dice.jitter(2.0) + head.turn * 3.0, dice.range(-1.0, 2.0));
    draw_eyes(canvas, head, look, attributes, gaze);
    draw_brows(canvas, head, look, attributes, 1.0);
    draw_over_shoulders(canvas, head, look, attributes, dice);
    draw_side_locks(canvas, head, look, attributes, dice);
    hair.draw(canvas, look, dice);
    draw_brows(canvas, head, look, attributes, 0.4);
    if attributes.hair.ahoge {
        draw_ahoge(canvas, head, look, dice);
    }
    accessories::draw_front(canvas, head, look, attributes);
}

/// Throws what a character is like.
pub(super) fn cast(dice: &mut Dice, framing: Framing) -> Attributes {
    let figure = dice.weighted(&[(Figure::Girl, 7), (Figure::Boy, 3)]);
    let hair = cast_hair(dice, figure);
    let expression = dice.weighted(&[
        (Expression::Smile, 34),
        (Expression::Laugh, 14),
        (Expression::Neutral, 20),
        (Expression::Angry, 8),
        (Expression::Sad, 7),
        (Expression::Surprised, 8),
        (Expression::Shy, 9),
    ]);
    let state = match expression {
        Expression::Smile | Expression::Laugh => {
            dice.weighted(&[(EyeState::Open, 78), (EyeState::Closed, 12), (EyeState::Wink, 10)])
        }
        Expression::Neutral | Expression::Sad | Expression::Shy => {
            dice.weighted(&[(EyeState::Open, 92), (EyeState::Closed, 8)])
        }
        Expression::Angry | Expression::Surprised => EyeState::Open,
    };
    let eyes = Eyes {
        colour: dice.pick(EyeColour::ALL),
        shape: match figure {
            Figure::Girl => dice.weighted(&[
                (EyeShape::Round, 40),
                (EyeShape::Almond, 34),
                (EyeShape::Drooping, 18),
                (EyeShape::Sharp, 8),
            ]),
            Figure::Boy => dice.weighted(&[(EyeShape::Round, 20), (EyeShape::Almond, 45), (EyeShape::Sharp, 35)]),
        },
        state,
    };
    let face_shape = match figure {
        Figure::Girl => dice.weighted(&[(FaceShape::Round, 4), (FaceShape::Oval, 4), (FaceShape::Pointed, 3)]),
        Figure::Boy => dice.weighted(&[(FaceShape::Oval, 3), (FaceShape::Pointed, 3), (FaceShape::Angular, 4)]),
    };
    let outfit = match figure {
        Figure::Girl => dice.pick(&[
            Outfit::Sailor,
            Outfit::Sailor,
            Outfit::Blazer,
            Outfit::Hoodie,
            Outfit::Kimono,
            Outfit::Sweater,
            Outfit::Dress,
            Outfit::Dress,
        ]),
        Figure::Boy => dice.pick(&[
            Outfit::Gakuran,
            Outfit::Gakuran,
            Outfit::Blazer,
            Outfit::Hoodie,
            Outfit::Sweater,
            Outfit::Kimono,
        ]),
    };
    Attributes {
        figure,
        framing,
        hair,
        eyes,
        expression,
        blush: expression == Expression::Shy || dice.chance(0.2),
        face_shape,
        pose: cast_pose(dice, framing),
        accessories: cast_accessories(dice, figure, hair.style),
        skin: dice.weighted(&[
            (SkinTone::Porcelain, 24),
            (SkinTone::Fair, 32),
            (SkinTone::Peach, 20),
            (SkinTone::Tan, 12),
            (SkinTone::Brown, 7),
            (SkinTone::Dark, 5),
        ]),
        outfit,
    }
}

fn cast_hair(dice: &mut Dice, figure: Figure) -> Hair {
    let style = match figure {
        Figure::Girl => dice.weighted(&[
            (HairStyle::Short, 6),
            (HairStyle::Bob, 18),
            (HairStyle::Straight, 22),
            (HairStyle::Wavy, 14),
            (HairStyle::Ponytail, 11),
            (HairStyle::SideTail, 8),
            (HairStyle::TwinTails, 13),
            (HairStyle::Braids, 8),
            (HairStyle::Buns, 6),
        ]),
        Figure::Boy => dice.weighted(&[
            (HairStyle::Short, 10),
            (HairStyle::Spiky, 8),
            (HairStyle::Bob, 2),
            (HairStyle::Ponytail, 2),
        ]),
    };
    let length = match style {
        HairStyle::Short | HairStyle::Spiky | HairStyle::Buns => HairLength::Short,
        HairStyle::Bob => HairLength::Medium,
        HairStyle::Braids => HairLength::Long,
        _ => dice.weighted(&[(HairLength::Medium, 1), (HairLength::Long, 2)]),
    };
    let bangs = match figure {
        Figure::Girl => dice.weighted(&[
            (Bangs::Straight, 24),
            (Bangs::Choppy, 30),
            (Bangs::Swept, 22),
            (Bangs::Parted, 18),
            (Bangs::Tousled, 6),
        ]),
        Figure::Boy => dice.weighted(&[(Bangs::Choppy, 3), (Bangs::Swept, 4), (Bangs::Parted, 2), (Bangs::Tousled, 6)]),
    };
    Hair { colour: dice.pick(HairColour::ALL), length, style, bangs, ahoge: dice.chance(0.22) }
}

fn cast_pose(dice: &mut Dice, framing: Framing) -> Pose {
    let facing = dice.weighted(&[(Facing::Front, 46), (Facing::ThreeQuarterLeft, 27), (Facing::ThreeQuarterRight, 27)]);
    let yaw = match facing {
        Facing::Front => dice.jitter(5.0),
        Facing::ThreeQuarterLeft => dice.range(-34.0, -16.0),
        Facing::ThreeQuarterRight => dice.range(16.0, 34.0),
    };
    let tilt = dice.jitter(if framing == Framing::CloseUp { 7.0 } else { 12.0 });
    let tenth = |degrees: f64| (degrees * 10.0).round() / 10.0;
    Pose { facing, yaw_degrees: tenth(yaw), tilt_degrees: tenth(tilt) }
}

fn cast_accessories(dice: &mut Dice, figure: Figure, style: HairStyle) -> Vec<Accessory> {
    let mut worn = Vec::new();
    if dice.chance(0.14) {
        worn.push(Accessory::Glasses);
    }
    let on_top: &[(Option<Accessory>, u32)] = match (figure, style) {
        (Figure::Boy, _) => {
            &[(None, 16), (Some(Accessory::Headphones), 2), (Some(Accessory::Horns), 1), (Some(Accessory::Hairclip), 1)]
        }
        (_, HairStyle::Buns) => &[(None, 5), (Some(Accessory::Flower), 2), (Some(Accessory::Hairclip), 2)],
        _ => &[
            (None, 34),
            (Some(Accessory::Ribbon), 14),
            (Some(Accessory::Hairclip), 12),
            (Some(Accessory::Flower), 9),
            (Some(Accessory::Hat), 7),
            (Some(Accessory::CatEars), 8),
            (Some(Accessory::RabbitEars), 4),
            (Some(Accessory::Headband), 8),
            (Some(Accessory::Headphones), 4),
            (Some(Accessory::Horns), 3),
            (Some(Accessory::Halo), 3),
        ],
    };
    worn.extend(dice.weighted(on_top));
    worn
}
