//! Reads settings one by one and collects every mistake.

use std::collections::HashMap;
use std::fmt;

/// One setting: its variable, its default as it would be written, and what may be written there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    pub(super) name: &'static str,
    /// Empty where the default is computed, or where there is none.
    pub(super) default: &'static str,
    pub(super) allowed: &'static str,
    /// The value is never shown.
    pub(super) secret: bool,
}

impl Setting {
    pub(super) const fn new(name: &'static str, default: &'static str, allowed: &'static str) -> Self {
        Self { name, default, allowed, secret: false }
    }

    pub(super) const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }
}

/// What is wrong with one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The variable, or the file.
    pub name: String,
    pub what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.what)
    }
}

/// All that is wrong with the settings, and hints at names that were probably meant otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    pub mistakes: Vec<Mistake>,
    pub hints: Vec<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings (.env and environment) need a correction:")?;
        self.mistakes.iter().try_for_each(|mistake| write!(f, "\n  - {mistake}"))?;
        self.hints.iter().try_for_each(|hint| write!(f, "\n  hint: {hint}"))?;
        f.write_str("\n.env.example explains every setting.")
    }
}

/// Reads variables; a mistake is noted and the default takes its place, so that the next one is found, too.
pub(super) struct Reader<'a> {
    variables: &'a HashMap<String, String>,
    pub(super) mistakes: Vec<Mistake>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(variables: &'a HashMap<String, String>) -> Self {
        Self { variables, mistakes: Vec::new() }
    }

    /// What is written for the setting; nothing but spaces counts as not set.
    pub(super) fn text(&self, setting: Setting) -> Option<&'a str> {
        self.variables.get(setting.name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    pub(super) fn mistake(&mut self, setting: Setting, what: impl Into<String>) {
        self.mistakes.push(Mistake { name: setting.name.to_owned(), what: what.into() });
    }

    /// The parsed value; `None` where nothing is set or where it is a mistake.
    pub(super) fn optional<T>(&mut self, setting: Setting, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.text(setting)?;
        let value = parse(text);
        if value.is_none() {
            let what = if setting.secret {
                format!("the value is not {}", setting.allowed)
            } else {
                format!("{text:?} is not {}", setting.allowed)
            };
            self.mistake(setting, what);
        }
        value
    }

    /// The parsed value, or the parsed default.
    pub(super) fn required<T>(&mut self, setting: Setting, parse: impl Fn(&str) -> Option<T>) -> T {
        self.optional(setting, &parse)
            .or_else(|| parse(setting.default))
            .expect("every default is a legal value, which a test checks")
    }
}

/// Hints for variables that start like ours and are none of `known`.
pub(super) fn unknown_names(variables: &HashMap<String, String>, known: &[&str]) -> Vec<String> {
    /// Read by the tests alone.
    const ELSEWHERE: [&str; 1] = ["MEKIKI_REQUIRE_BROWSER"];
    const ALIKE: f64 = 0.75;

    let mut unknown: Vec<&String> = variables
        .keys()
        .filter(|name| name.to_uppercase().starts_with("MEKIKI"))
        .filter(|name| !known.contains(&name.as_str()) && !ELSEWHERE.contains(&name.as_str()))
        .collect();
    unknown.sort();
    let hint = |name: &String| {
        let nearest = known
            .iter()
            .map(|other| (strsim::normalized_damerau_levenshtein(&name.to_uppercase(), other), other))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        match nearest {
            Some((likeness, other)) if likeness >= ALIKE => format!("{name} is no setting; did you mean {other}?"),
            _ => format!("{name} is no setting and is not read"),
        }
    };
    unknown.into_iter().map(hint).collect()
}
