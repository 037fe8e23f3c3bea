//! People of Discord and artists elsewhere, as far as they told the bot what they want.

/// What a person of Discord has settled with the bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Person {
    /// Wants a taste of their own beside the guilds'.
    pub personal_taste: bool,
    /// Wants their posts neither picked nor answered, and their reactions not counted.
    pub opted_out: bool,
}

/// An artist's place on the web, in one spelling: `https`, lower case, no `www.`, no query, no slash at the end.
/// Everything below it is the artist's, too.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ArtistLink(String);

/// Places that many artists share: the place alone is nobody's.
const SHARED: [&str; 12] = [
    "x.com",
    "bsky.app",
    "pixiv.net",
    "discord.com",
    "cdn.discordapp.com",
    "media.discordapp.net",
    "instagram.com",
    "deviantart.com",
    "artstation.com",
    "tumblr.com",
    "mastodon.social",
    "facebook.com",
];

/// Why a text names no artist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadArtistLink {
    #[error("this is no link to a page; it begins with https://")]
    NoLink,
    #[error("many artists share this place: give the link of the artist's own page on it")]
    Shared,
}

impl std::str::FromStr for ArtistLink {
    type Err = BadArtistLink;

    fn from_str(link: &str) -> Result<Self, BadArtistLink> {
        let (host, path) = parts(link).ok_or(BadArtistLink::NoLink)?;
        // What stands before a person's name, like `/profile/` and `/en/users/`, is shared as well.
        let named = path.iter().any(|p| !COMMON.contains(&p.as_str()));
        if !named && SHARED.contains(&host.as_str()) {
            return Err(BadArtistLink::Shared);
        }
        Ok(Self(joined(&host, &path)))
    }
}

/// Parts of paths that name nobody.
const COMMON: [&str; 8] = ["profile", "users", "user", "en", "ja", "i", "home", "channels"];

impl ArtistLink {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The link and all that it lies below, each in the one spelling: an artist opted out by any of them owns it.
    pub fn above(link: &str) -> Vec<String> {
        let Some((host, path)) = parts(link) else { return Vec::new() };
        (0..=path.len()).map(|n| joined(&host, &path[..n])).collect()
    }
}

fn joined(host: &str, path: &[String]) -> String {
    let mut link = format!("https://{host}");
    for part in path {
        link.push('/');
        link.push_str(part);
    }
    link
}

/// Host and parts of the path.
fn parts(link: &str) -> Option<(String, Vec<String>)> {
    let lower = link.trim().to_lowercase();
    let rest = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://"))?;
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    // A name before `@` is no part of the place.
    let host = host.rsplit('@').next().unwrap_or_default();
    let host = host.strip_prefix("www.").or_else(|| host.strip_prefix("mobile.")).unwrap_or(host);
    let host = match host {
        "twitter.com" | "fxtwitter.com" | "vxtwitter.com" | "fixupx.com" => "x.com",
        other => other,
    };
    if !host.contains('.') || host.contains(char::is_whitespace) {
        return None;
    }
    Some((host.to_owned(), path.split('/').filter(|p| !p.is_empty()).map(ToOwned::to_owned).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(s: &str) -> Result<String, BadArtistLink> {
        s.parse::<ArtistLink>().map(|l| l.0)
    }

    #[test]
    fn an_artist_has_one_spelling() {
        for s in [
            "https://x.com/Some_One",
            "http://www.twitter.com/some_one/?s=20",
            " https://mobile.twitter.com/some_one# ",
            "https://fxtwitter.com/some_one",
        ] {
            assert_eq!(link(s).as_deref(), Ok("https://x.com/some_one"), "{s}");
        }
        assert_eq!(link("https://artist.example/").as_deref(), Ok("https://artist.example"));
        assert_eq!(link("https://bsky.app/profile/a.example").as_deref(), Ok("https://bsky.app/profile/a.example"));
    }

    #[test]
    fn nobody_can_take_a_whole_site_along() {
        for s in
            ["https://x.com", "https://twitter.com/", "https://bsky.app/profile", "https://www.pixiv.net/en/users/"]
        {
            assert_eq!(link(s), Err(BadArtistLink::Shared), "{s}");
        }
        for s in ["", "x.com/a", "ftp://a.example/b", "https://", "https:///a", "https://nowhere"] {
            assert_eq!(link(s), Err(BadArtistLink::NoLink), "{s}");
        }
    }

    #[test]
    fn what_lies_below_an_artist_is_the_artists() {
        let above = ArtistLink::above("https://twitter.com/Some_One/status/12?x=1");
        assert!(above.contains(&link("https://x.com/some_one").expect("is one")));
        assert!(!above.contains(&link("https://x.com/some").expect("is one")), "a longer name is another one");
        assert!(ArtistLink::above("no link").is_empty());
    }
}
