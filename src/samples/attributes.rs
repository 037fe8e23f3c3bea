//! What a drawn character is like, in words: exact labels for free.

use serde::Serialize;

macro_rules! choices {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $words:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($variant),+ }

        impl $name {
            /// Every one of them, in the order of declaration.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Plain words, for titles.
            pub const fn words(self) -> &'static str {
                match self { $(Self::$variant => $words),+ }
            }
        }
    };
}

choices! {
    /// Build of the body and the shape of lashes and clothes that goes with it.
    Figure { Girl = "girl", Boy = "boy" }
}
choices! {
    /// How much of the character is shown.
    Framing { CloseUp = "close-up", Bust = "bust", HalfBody = "half body", Chibi = "chibi" }
}
choices! {
    HairColour {
        Black = "black", Brown = "brown", Blonde = "blonde", Red = "red", Orange = "orange", Pink = "pink",
        Purple = "purple", Blue = "blue", Teal = "teal", Green = "green", Silver = "silver", White = "white",
    }
}
choices! {
    HairLength { Short = "short", Medium = "shoulder-length", Long = "long" }
}
choices! {
    HairStyle {
        Short = "short hair", Spiky = "spiky hair", Bob = "a bob", Straight = "straight hair", Wavy = "wavy hair",
        Ponytail = "a ponytail", SideTail = "a side ponytail", TwinTails = "twin tails", Braids = "braids",
        Buns = "two buns",
    }
}
choices! {
    /// The hair over the forehead.
    Bangs {
        Straight = "straight bangs", Choppy = "choppy bangs", Swept = "swept bangs", Parted = "parted bangs",
        Tousled = "tousled bangs",
    }
}
choices! {
    EyeColour {
        Brown = "brown", Amber = "amber", Red = "red", Pink = "pink", Purple = "purple", Blue = "blue", Teal = "teal",
        Green = "green", Grey = "grey",
    }
}
choices! {
    EyeShape { Round = "round", Almond = "almond", Drooping = "drooping", Sharp = "sharp" }
}
choices! {
    EyeState { Open = "open", Closed = "closed", Wink = "winking" }
}
choices! {
    Expression {
        Smile = "smiling", Laugh = "laughing", Neutral = "calm", Angry = "angry", Sad = "sad",
        Surprised = "surprised", Shy = "blushing",
    }
}
choices! {
    FaceShape { Round = "round", Oval = "oval", Pointed = "pointed", Angular = "angular" }
}
choices! {
    /// Which way the face looks, seen by the viewer.
    Facing { Front = "front", ThreeQuarterLeft = "three-quarter left", ThreeQuarterRight = "three-quarter right" }
}
choices! {
    Accessory {
        Glasses = "glasses", Ribbon = "a ribbon", Hairclip = "a hairclip", Flower = "a flower", Hat = "a beret",
        CatEars = "cat ears", RabbitEars = "rabbit ears", Headband = "a headband", Headphones = "headphones",
        Horns = "horns", Halo = "a halo",
    }
}
choices! {
    SkinTone { Porcelain = "porcelain", Fair = "fair", Peach = "peach", Tan = "tan", Brown = "brown", Dark = "dark" }
}
choices! {
    Outfit {
        Sailor = "sailor uniform", Blazer = "blazer", Hoodie = "hoodie", Kimono = "kimono", Sweater = "sweater",
        Dress = "dress", Gakuran = "school jacket",
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Hair {
    pub colour: HairColour,
    pub length: HairLength,
    pub style: HairStyle,
    pub bangs: Bangs,
    /// One lock that stands up from the crown.
    pub ahoge: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Eyes {
    pub colour: EyeColour,
    pub shape: EyeShape,
    pub state: EyeState,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Pose {
    pub facing: Facing,
    /// Turn of the head in degrees, positive to the viewer's right.
    pub yaw_degrees: f64,
    /// Tilt of the head in degrees, positive clockwise.
    pub tilt_degrees: f64,
}

/// Everything that was decided about one character before it was drawn.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Attributes {
    pub figure: Figure,
    pub framing: Framing,
    pub hair: Hair,
    pub eyes: Eyes,
    pub expression: Expression,
    pub blush: bool,
    pub face_shape: FaceShape,
    pub pose: Pose,
    pub accessories: Vec<Accessory>,
    pub skin: SkinTone,
    pub outfit: Outfit,
}

impl Attributes {
    pub fn wears(&self, accessory: Accessory) -> bool {
        self.accessories.contains(&accessory)
    }
}

impl Attributes {
    /// Takes off what would cover the face of someone who stands behind.
    pub(super) fn hide_nobody(&mut self) {
        self.accessories.retain(|a| {
            !matches!(
                a,
                Accessory::Hat | Accessory::CatEars | Accessory::RabbitEars | Accessory::Horns | Accessory::Halo
            )
        });
    }
}
