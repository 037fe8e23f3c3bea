//! A scene in plain words, for alternative text.

use super::attributes::{Accessory, Attributes, Expression, EyeState, Figure, Framing};
use super::background::Backdrop;
use super::palette::Medium;

/// "Two girls and a boy, red and silver hair, city at night".
pub(super) fn title(people: &[&Attributes], backdrop: Backdrop, medium: Medium) -> String {
    let who = match people {
        [one] => single(one),
        many => {
            let mut colours: Vec<&str> = Vec::new();
            for colour in many.iter().map(|a| a.hair.colour.words()) {
                if !colours.contains(&colour) {
                    colours.push(colour);
                }
            }
            format!("{}, {} hair", group(many), list(&colours))
        }
    };
    let manga = if medium == Medium::Manga { ", in black and white" } else { "" };
    let text = format!("{who}, {}{manga}", backdrop.words());
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn single(a: &Attributes) -> String {
    let mood = match (a.eyes.state, a.expression) {
        (EyeState::Wink, _) => "winking",
        (_, expression) => expression.words(),
    };
    let article = if matches!(a.expression, Expression::Angry) && a.eyes.state != EyeState::Wink { "an" } else { "a" };
    let chibi = if a.framing == Framing::Chibi { "chibi " } else { "" };
    // "red straight hair", but "red hair in twin tails".
    let style = a.hair.style.words();
    let hair = if style.ends_with("hair") {
        format!("{} {style}", a.hair.colour.words())
    } else {
        format!("{} hair in {style}", a.hair.colour.words())
    };
    let worn: Vec<&str> = a.accessories.iter().map(|&accessory| Accessory::words(accessory)).collect();
    let worn = if worn.is_empty() { String::new() } else { format!(", wearing {}", list(&worn)) };
    format!("{article} {mood} {chibi}{} with {hair}{worn}", a.figure.words())
}

fn group(people: &[&Attributes]) -> String {
    let girls = people.iter().filter(|a| a.figure == Figure::Girl).count();
    let some = |n: usize, one: &str| match n {
        1 => format!("a {one}"),
        n => format!("{} {one}s", ["no", "one", "two", "three", "four", "five", "six"][n]),
    };
    match (girls, people.len() - girls) {
        (g, 0) => some(g, "girl"),
        (0, b) => some(b, "boy"),
        (g, b) => format!("{} and {}", some(g, "girl"), some(b, "boy")),
    }
}

/// "a", "a and b", "a, b and c".
fn list(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}
