//! What people write for an account or a list of X.

use url::Url;

const HOSTS: [&str; 6] = ["x.com", "www.x.com", "mobile.x.com", "twitter.com", "www.twitter.com", "mobile.twitter.com"];
/// First parts of paths that are no accounts.
const PAGES: [&str; 9] =
    ["i", "home", "explore", "search", "settings", "messages", "notifications", "hashtag", "intent"];

/// `name` of `@name`, `name`, or a link to the account's page or one of its posts.
pub fn handle(text: &str) -> Option<String> {
    let text = text.trim();
    if let Some(path) = path(text) {
        let name = path.first()?;
        return (is_handle(name) && !PAGES.contains(&name.to_lowercase().as_str())).then(|| name.clone());
    }
    let name = text.strip_prefix('@').unwrap_or(text);
    is_handle(name).then(|| name.to_owned())
}

/// The number of a list in a link to its page.
pub fn list(text: &str) -> Option<String> {
    let path = path(text.trim())?;
    match path.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["i", "lists", id, ..] => super::wire::number(id).map(|_| id.to_owned()),
        _ => None,
    }
}

/// The path's parts of a link to X, with or without `https://`.
fn path(text: &str) -> Option<Vec<String>> {
    let url =
        if text.contains("://") { Url::parse(text).ok()? } else { Url::parse(&format!("https://{text}")).ok()? };
    HOSTS.contains(&url.host_str()?).then_some(())?;
    let parts: Vec<String> = url.path_segments()?.filter(|part| !part.is_empty()).map(str::to_owned).collect();
    Some(parts)
}

fn is_handle(name: &str) -> bool {
    (1..=15).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
