//! How people write an account.

use url::Url;

/// What may be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meant {
    /// `name` or `name@server`, without `@` before it.
    pub(super) acct: Option<String>,
    /// The page, where that was given.
    pub(super) link: Option<String>,
}

/// `None` where it can be no account.
pub(super) fn meant(written: &str, own: &str) -> Option<Meant> {
    let written = written.trim();
    if written.contains("://") {
        let url = Url::parse(written).ok().filter(|url| url.scheme() == "https" || url.scheme() == "http")?;
        return Some(Meant { acct: of_page(&url, own), link: Some(url.into()) });
    }
    let name = written.strip_prefix("acct:").unwrap_or(written);
    let acct = acct(name.strip_prefix('@').unwrap_or(name), own)?;
    Some(Meant { acct: Some(acct), link: None })
}

/// `name@server`, or `name` for accounts of the server that is asked.
fn acct(name: &str, own: &str) -> Option<String> {
    let is_name = |name: &str| {
        let plain = |c: char| c.is_alphanumeric() || "_.-".contains(c);
        !name.is_empty() && name.chars().count() <= 255 && name.chars().all(plain)
    };
    let is_server = |server: &str| {
        let plain = |c: char| c.is_alphanumeric() || ".-:".contains(c);
        (server.contains('.') || server.contains(':')) && server.len() <= 255 && server.chars().all(plain)
    };
    match name.split_once('@') {
        None => is_name(name).then(|| name.to_owned()),
        Some((name, server)) if is_name(name) && server.eq_ignore_ascii_case(own) => Some(name.to_owned()),
        Some((name, server)) => {
            (is_name(name) && is_server(server)).then(|| format!("{name}@{}", server.to_ascii_lowercase()))
        }
    }
}

/// `https://server/@name`, `…/@name@other`, `…/users/name`, `…/web/@name`, each with more behind it.
fn of_page(url: &Url, own: &str) -> Option<String> {
    let host = url.host_str()?;
    let server = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let mut parts = url.path_segments()?.map(|part| part.replace("%40", "@")).skip_while(|part| part == "web");
    let first = parts.next()?;
    let name = match (first.strip_prefix('@'), first.as_str()) {
        (Some(name), _) => name.to_owned(),
        (None, "users" | "u" | "profile") => parts.next()?,
        _ => return None,
    };
    if name.contains('@') { acct(&name, own) } else { acct(&format!("{name}@{server}"), own) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_it_is_written() {
        for (written, acct) in [
            ("ai", "ai"),
            ("@ai", "ai"),
            (" @ai@Other.Example ", "ai@other.example"),
            ("acct:ai@other.example", "ai@other.example"),
            ("ai@own.example", "ai"),
            ("https://other.example/@ai", "ai@other.example"),
            ("https://own.example/@ai/110", "ai"),
            ("https://own.example/@ai@other.example", "ai@other.example"),
            ("https://own.example/web/@ai@other.example", "ai@other.example"),
            ("https://other.example/users/ai", "ai@other.example"),
            ("https://own.example/%40ai", "ai"),
        ] {
            let meant = meant(written, "own.example");
            assert_eq!(meant.and_then(|meant| meant.acct).as_deref(), Some(acct), "{written}");
        }
        // Any page may be an account's: the server can tell.
        let page = meant("https://other.example/author/ai", "own.example").unwrap();
        assert_eq!(page, Meant { acct: None, link: Some("https://other.example/author/ai".into()) });
    }

    #[test]
    fn what_is_no_account() {
        for written in ["", "@", "a b", "@a@", "a@b@c.d", "a@localhost", "a/b", "ftp://a.b/@c", "https://"] {
            assert_eq!(meant(written, "own.example"), None, "{written}");
        }
    }
}
