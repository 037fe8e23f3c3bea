//! How people write an account.

use url::Url;

/// What to ask for: a DID or a handle. `None` where it can be neither.
pub(super) fn actor(written: &str) -> Option<String> {
    // Handles copied from an app come with marks of direction around them.
    let name: String = written.chars().filter(|c| !is_invisible(*c)).collect();
    let name = name.trim();
    if name.contains("://") {
        return from_link(name);
    }
    let name = name.strip_prefix('@').unwrap_or(name);
    if name.starts_with("did:") { did(name) } else { handle(name) }
}

/// `https://bsky.app/profile/NAME/…`, of any client that has taken over these addresses; `at://NAME/…`.
fn from_link(link: &str) -> Option<String> {
    let name = if let Some(rest) = link.strip_prefix("at://") {
        rest.split('/').next()?.to_owned()
    } else {
        let url = Url::parse(link).ok()?;
        let mut parts = url.path_segments()?.skip_while(|part| *part != "profile");
        parts.next()?;
        percent_decoded(parts.next()?)
    };
    if name.starts_with("did:") { did(&name) } else { handle(name.strip_prefix('@').unwrap_or(&name)) }
}

fn percent_decoded(part: &str) -> String {
    // Only `:` and `@` occur in what is allowed, and both only encoded by zealous clients.
    part.replace("%3A", ":").replace("%3a", ":").replace("%40", "@")
}

fn did(name: &str) -> Option<String> {
    let (method, id) = name.strip_prefix("did:")?.split_once(':')?;
    let known = matches!(method, "plc" | "web");
    let plain = |c: char| c.is_ascii_alphanumeric() || ".:_-%".contains(c);
    (known && !id.is_empty() && name.len() <= 2048 && id.chars().all(plain)).then(|| name.to_owned())
}

fn handle(name: &str) -> Option<String> {
    let mut name = name.to_ascii_lowercase();
    if !name.contains('.') {
        name.push_str(".bsky.social");
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    (name.len() <= 253 && name.split('.').all(label)).then_some(name)
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_it_is_written() {
        for (written, name) in [
            ("ai.example.com", "ai.example.com"),
            ("@ai.example.com", "ai.example.com"),
            ("  @Ai.Example.Com ", "ai.example.com"),
            ("\u{202a}@ai.example.com\u{202c}", "ai.example.com"),
            ("ai", "ai.bsky.social"),
            ("did:plc:z72i7hdynmk6r22z27h6tvur", "did:plc:z72i7hdynmk6r22z27h6tvur"),
            ("did:web:example.com", "did:web:example.com"),
            ("https://bsky.app/profile/ai.example.com", "ai.example.com"),
            ("https://bsky.app/profile/ai.example.com/", "ai.example.com"),
            ("https://bsky.app/profile/ai.example.com/post/3k2a?ref=x#y", "ai.example.com"),
            ("https://deer.social/profile/did:plc:abc/post/3k2a", "did:plc:abc"),
            ("https://bsky.app/profile/did%3Aplc%3Aabc", "did:plc:abc"),
            ("at://did:plc:abc/app.bsky.feed.post/3k2a", "did:plc:abc"),
        ] {
            assert_eq!(actor(written).as_deref(), Some(name), "{written}");
        }
    }

    #[test]
    fn what_is_no_account() {
        for written in [
            "",
            "@",
            ".",
            "a..b",
            "-a.b",
            "a b.c",
            "did:",
            "did:plc:",
            "did:key:abc",
            "did:plc:a/b",
            "あ.example.com",
            "https://bsky.app/",
            "https://bsky.app/profile/",
            "https://bsky.app/search?q=a",
            "https://",
            "at://",
            "a.b/../c",
            "a@b.c",
        ] {
            assert_eq!(actor(written), None, "{written}");
        }
    }
}
