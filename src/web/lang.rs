//! The page's languages: which one a visitor gets, and the switch.

use axum::Form;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect};
use serde::Deserialize;

use super::security;
use crate::domain::Lang;

impl Lang {
    /// The language's own name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::Ja => "日本語",
        }
    }

    /// The visitor's choice (cookie), else the operator's, else the browser's, else English.
    pub(super) fn of(headers: &HeaderMap, operator: Option<Self>) -> Self {
        security::cookie(headers, COOKIE)
            .and_then(|c| c.parse().ok())
            .or(operator)
            .or_else(|| accepted(headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?))
            .unwrap_or_default()
    }
}

const COOKIE: &str = "lang";

/// The language of ours that an `Accept-Language` header likes most.
fn accepted(header: &str) -> Option<Lang> {
    let mut best: Option<(f32, Lang)> = None;
    for range in header.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let primary = parts.next().and_then(|tag| tag.split('-').next()).unwrap_or_default().to_ascii_lowercase();
        let weight = parts.find_map(|p| p.strip_prefix("q=")).map_or(1.0, |q| q.parse::<f32>().unwrap_or(0.0));
        if let Ok(lang) = primary.parse()
            && weight > best.map_or(0.0, |(w, _)| w)
        {
            best = Some((weight, lang));
        }
    }
    best.map(|(_, lang)| lang)
}

#[derive(Deserialize)]
pub(super) struct Choice {
    lang: String,
}

/// `POST /lang`: remembers the choice for a year.
pub(super) async fn choose(headers: HeaderMap, Form(choice): Form<Choice>) -> impl IntoResponse {
    let lang: Lang = choice.lang.parse().unwrap_or_default();
    let cookie = format!("{COOKIE}={}; Path=/; Max-Age=31536000; SameSite=Lax", lang.code());
    ([(header::SET_COOKIE, cookie)], Redirect::to(&security::back(&headers)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_is_heard_by_weight() {
        assert_eq!(accepted("ja,en-US;q=0.7,en;q=0.3"), Some(Lang::Ja));
        assert_eq!(accepted("fr, ja;q=0.2, en-GB;q=0.4"), Some(Lang::En));
        assert_eq!(accepted("JA-jp"), Some(Lang::Ja));
        assert_eq!(accepted("ja;q=0"), None);
        assert_eq!(accepted("ja;q=much, de"), None);
    }

    #[test]
    fn the_cookie_wins_over_the_operator_and_the_operator_over_the_browser() {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, "ja".parse().unwrap());
        assert_eq!(Lang::of(&headers, None), Lang::Ja);
        assert_eq!(Lang::of(&headers, Some(Lang::En)), Lang::En);
        headers.insert(header::COOKIE, "a=b; lang=ja".parse().unwrap());
        assert_eq!(Lang::of(&headers, Some(Lang::En)), Lang::Ja);
        headers.insert(header::COOKIE, "lang=xx".parse().unwrap());
        assert_eq!(Lang::of(&headers, None), Lang::Ja);
    }
}
