//! Every answer of the commands, in both languages.

use std::time::Duration;

use poise::serenity_prelude::{ChannelId, Permissions};

use super::*;
use crate::discord::permissions::Lack;

/// Every message with its name.
fn messages(lang: Lang) -> Vec<(&'static str, Answer)> {
    let missing = Permissions::SEND_MESSAGES | Permissions::ATTACH_FILES;
    let lacks = [Lack::InChannel { channel: ChannelId::new(21), missing }, Lack::NoChannel(ChannelId::new(22))];
    vec![
        ("help", about::help_words(lang, "!").into()),
        ("ping before the first heartbeat", about::ping_words(lang, Duration::ZERO).into()),
        ("ping", about::ping_words(lang, Duration::from_micros(41_500)).into()),
        ("privacy", own_data::privacy_words(lang, 180).into()),
        ("watch list", channels::list_words(lang, &[20, 21, 22], &lacks).into()),
        ("watch list, empty", channels::list_words(lang, &[], &[]).into()),
    ]
}

#[test]
fn every_answer_in_both_languages() {
    for lang in Lang::ALL {
        let shown: Vec<String> =
            messages(lang).iter().map(|(name, answer)| format!("# {name}\n\n{}", answer.shown())).collect();
        insta::assert_snapshot!(format!("answers_{}", lang.code()), shown.join("\n\n----\n\n"));
    }
}

#[test]
fn every_answer_fits_into_a_message() {
    for lang in Lang::ALL {
        for (name, answer) in messages(lang) {
            let length = answer.text.chars().count();
            assert!(length <= 2000, "{name} has {length} characters in {}", lang.code());
            assert!(!answer.text.contains("%{"), "{name} has a gap in {}", lang.code());
        }
    }
}

#[test]
fn a_choice_is_found_by_its_name_in_any_language_and_by_its_place() {
    use poise::ChoiceParameter;
    assert!(channels::Style::from_name("Forward").is_some());
    assert!(channels::Style::from_name("転送").is_some());
    assert!(channels::Style::from_name("sideways").is_none());
    assert_eq!(channels::Style::list().len(), 3);
    assert!(channels::Style::from_index(3).is_none());
}
