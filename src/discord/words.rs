//! The bot's words, in the languages of `locales/discord.yml`, and which of them somebody gets.

/// A text of `locales/` in a [`Lang`]: `tr!(lang, "key", name = value)`.
macro_rules! tr {
    ($lang:expr, $key:tt $(, $name:ident = $value:expr)* $(,)?) => {
        rust_i18n::t!($key, locale = $lang.code() $(, $name = $value)*)
    };
}

/// A language that the bot speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    #[default]
    En,
    Ja,
}

impl Lang {
    pub const ALL: [Self; 2] = [Self::En, Self::Ja];

    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ja => "ja",
        }
    }

    /// Of a Discord locale, like `en-GB` or `ja`; `None`: the bot does not speak it.
    pub fn of_locale(locale: &str) -> Option<Self> {
        let primary = locale.split('-').next().unwrap_or_default();
        Self::ALL.into_iter().find(|lang| lang.code() == primary)
    }

    /// The person's, else the guild's, else English.
    pub fn of(person: Option<&str>, guild: Option<&str>) -> Self {
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
        assert_eq!(Lang::of(Some("ja"), Some("en-US")), Lang::Ja);
        assert_eq!(Lang::of(Some("en-GB"), Some("ja")), Lang::En);
        assert_eq!(Lang::of(Some("fr"), Some("ja")), Lang::Ja);
        assert_eq!(Lang::of(None, Some("ja")), Lang::Ja);
        assert_eq!(Lang::of(Some("fr"), None), Lang::En);
        assert_eq!(Lang::of(None, None), Lang::En);
    }
}
