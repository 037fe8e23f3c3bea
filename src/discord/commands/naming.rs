//! Names and descriptions of the commands, put on them from `locales/discord.yml` in every language.

use std::borrow::Cow;

use super::Command;
use crate::discord::Lang;

type Localised = Cow<'static, [(Cow<'static, str>, Cow<'static, str>)]>;

/// Languages beside English, by the names Discord has for them.
const OTHERS: [(&str, Lang); 1] = [("ja", Lang::Ja)];

/// Gives commands, subcommands and options their names and descriptions.
pub(super) fn localise(commands: &mut [Command]) {
    for command in commands {
        name(command, "discord.cmd");
    }
}

fn name(command: &mut Command, above: &str) {
    if command.slash_action.is_none() {
        return;
    }
    let key = format!("{above}.{}", command.name);
    command.description = Some(text(Lang::En, &about_key(&key)).into());
    command.name_localizations = others(&name_key(&key));
    command.description_localizations = others(&about_key(&key));
    // What a command with subcommands takes itself, only its prefix form sees.
    if command.subcommands.is_empty() {
        for option in &mut command.parameters {
            let key = format!("{key}.{}", option.name);
            option.description = Some(text(Lang::En, &about_key(&key)).into());
            option.name_localizations = others(&name_key(&key));
            option.description_localizations = others(&about_key(&key));
        }
    }
    for subcommand in &mut command.subcommands {
        name(subcommand, &key);
    }
}

fn name_key(key: &str) -> String {
    format!("{key}.name")
}

fn about_key(key: &str) -> String {
    format!("{key}.about")
}

fn text(lang: Lang, key: &str) -> String {
    rust_i18n::t!(key, locale = lang.code()).into_owned()
}

fn others(key: &str) -> Localised {
    OTHERS.iter().map(|(locale, lang)| (Cow::Borrowed(*locale), text(*lang, key).into())).collect()
}

/// The keys that the commands' names and descriptions have.
#[cfg(test)]
pub(crate) fn keys() -> Vec<String> {
    fn collect(command: &Command, above: &str, keys: &mut Vec<String>) {
        if command.slash_action.is_none() {
            return;
        }
        let key = format!("{above}.{}", command.name);
        keys.extend([name_key(&key), about_key(&key)]);
        if command.subcommands.is_empty() {
            for option in &command.parameters {
                let key = format!("{key}.{}", option.name);
                keys.extend([name_key(&key), about_key(&key)]);
            }
        }
        for subcommand in &command.subcommands {
            collect(subcommand, &key, keys);
        }
    }
    let mut keys = Vec::new();
    for command in &super::all() {
        collect(command, "discord.cmd", &mut keys);
    }
    keys.extend(choices::<super::look::Period>().chain(choices::<super::channels::Style>()));
    keys.extend(choices::<super::follow::Kind>().chain(choices::<super::follow::Source>()));
    keys
}

#[cfg(test)]
fn choices<T: poise::ChoiceParameter>() -> impl Iterator<Item = String> {
    (0..).map_while(T::from_index).map(|choice| choice.name().to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::registration;
    use super::*;

    /// A command or option as Discord gets it, and all below it.
    fn flat(value: &Value, found: &mut Vec<Value>) {
        found.push(value.clone());
        for option in value["options"].as_array().into_iter().flatten() {
            flat(option, found);
        }
    }

    fn everything() -> Vec<Value> {
        let mut found = Vec::new();
        for command in registration(&super::super::all()) {
            flat(&serde_json::to_value(command).unwrap(), &mut found);
        }
        found
    }

    fn is_name(name: &str) -> bool {
        let length = name.chars().count();
        let fits = |c: char| c.is_alphanumeric() || "-_'ー".contains(c);
        (1..=32).contains(&length) && name.chars().all(fits) && name.to_lowercase() == name
    }

    #[test]
    fn names_and_descriptions_keep_discords_limits_in_every_language() {
        const MESSAGE_MENU: u64 = 3;
        for value in everything() {
            let name = value["name"].as_str().unwrap();
            let names = value["name_localizations"].as_object().unwrap();
            let menu = value["type"] == MESSAGE_MENU && value.get("description").is_none();
            if menu {
                assert!((1..=32).contains(&name.chars().count()));
                continue;
            }
            assert!(is_name(name), "{name}");
            assert_eq!(names.len(), OTHERS.len(), "{name} has its name in each language");
            let about = value["description"].as_str().unwrap();
            let abouts = value["description_localizations"].as_object().unwrap();
            assert_eq!(abouts.len(), OTHERS.len(), "{name} is described in each language");
            for (_, name) in names {
                assert!(is_name(name.as_str().unwrap()), "{name}");
            }
            for about in abouts.values().map(|a| a.as_str().unwrap()).chain([about]) {
                assert!((1..=100).contains(&about.chars().count()), "{about}");
                assert!(!about.starts_with("discord.cmd"), "{about} has no text");
            }
            assert!(value["options"].as_array().is_none_or(|options| options.len() <= 25), "{name}");
            assert!(value["choices"].as_array().is_none_or(|choices| choices.len() <= 25), "{name}");
        }
    }

    #[test]
    fn names_beside_each_other_differ_in_every_language() {
        let differ = |values: &[Value]| {
            for locale in [None, Some("ja")] {
                let name = |v: &Value| match locale {
                    Some(locale) => v["name_localizations"][locale].as_str().unwrap_or_default().to_owned(),
                    None => v["name"].as_str().unwrap().to_owned(),
                };
                // A context menu's name lives apart from the commands'.
                let mut names: Vec<_> = values.iter().map(|v| (v["type"].clone().to_string(), name(v))).collect();
                let all = names.len();
                names.sort();
                names.dedup();
                assert_eq!(names.len(), all, "{names:?}");
            }
        };
        for value in everything() {
            differ(value["options"].as_array().map(Vec::as_slice).unwrap_or_default());
        }
        let top: Vec<_> = registration(&super::super::all()).iter().map(|c| serde_json::to_value(c).unwrap()).collect();
        differ(&top);
    }

    #[test]
    fn the_english_names_are_those_of_the_code() {
        for command in &super::super::all() {
            if command.slash_action.is_some() {
                assert_eq!(text(Lang::En, &format!("discord.cmd.{}.name", command.name)), command.name);
            }
        }
    }

    #[test]
    fn a_whole_command_stays_below_discords_8000_characters() {
        for command in registration(&super::super::all()) {
            let mut found = Vec::new();
            flat(&serde_json::to_value(command).unwrap(), &mut found);
            let longest = |v: &Value, key: &str| {
                let other = v[format!("{key}_localizations")]["ja"].as_str().unwrap_or_default().chars().count();
                v[key].as_str().unwrap_or_default().chars().count().max(other)
            };
            let total: usize = found.iter().map(|v| longest(v, "name") + longest(v, "description")).sum();
            assert!(total < 8_000);
        }
    }

    #[test]
    fn moderators_commands_need_manage_guild_and_stay_in_guilds() {
        const MANAGE_GUILD: &str = "32";
        for command in registration(&super::super::all()) {
            let value = serde_json::to_value(command).unwrap();
            let name = value["name"].as_str().unwrap();
            let moderators = ["setup", "watch", "curate", "follow", "unfollow", "following", "account"].contains(&name);
            assert_eq!(value["default_member_permissions"] == MANAGE_GUILD, moderators, "{value}");
            assert_eq!(value["contexts"] == serde_json::json!([0]), moderators || name == "subscribe", "{value}");
        }
    }

    #[test]
    fn score_works_where_the_bot_is_no_member() {
        for command in registration(&super::super::all()) {
            let value = serde_json::to_value(command).unwrap();
            if value["name"].as_str().unwrap().to_lowercase() == "score" {
                assert_eq!(value["integration_types"], serde_json::json!([0, 1]));
                assert_eq!(value["contexts"], serde_json::json!([0, 1, 2]));
            }
        }
    }
}
