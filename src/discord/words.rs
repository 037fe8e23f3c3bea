//! The bot's words, in the languages of `locales/discord.yml`, and which of them somebody gets.

use crate::domain::Lang;

impl Lang {
    /// Of a Discord locale, like `en-GB` or `ja`; `None`: the bot does not speak it.
    pub fn of_locale(locale: &str) -> Option<Self> {
        let primary = locale.split('-').next().unwrap_or_default();
        Self::ALL.into_iter().find(|lang| lang.code() == primary)
    }

    /// The person's, else the guild's, else English.
    pub fn of_person(person: Option<&str>, guild: Option<&str>) -> Self {
        person.and_then(Self::of_locale).or_else(|| guild.and_then(Self::of_locale)).unwrap_or_default()
    }
}

/// One after the other; Japanese has no space between them.
pub(super) fn sentences<S: AsRef<str>>(lang: Lang, said: &[S]) -> String {
    let said: Vec<&str> = said.iter().map(AsRef::as_ref).collect();
    said.join(match lang {
        Lang::En => " ",
        Lang::Ja => "",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_spoken_to_in_their_language_and_else_in_their_guilds() {
        assert_eq!(Lang::of_person(Some("ja"), Some("en-US")), Lang::Ja);
        assert_eq!(Lang::of_person(Some("en-GB"), Some("ja")), Lang::En);
        assert_eq!(Lang::of_person(Some("fr"), Some("ja")), Lang::Ja);
        assert_eq!(Lang::of_person(None, Some("ja")), Lang::Ja);
        assert_eq!(Lang::of_person(Some("fr"), None), Lang::En);
        assert_eq!(Lang::of_person(None, None), Lang::En);
    }
}
