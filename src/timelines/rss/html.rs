//! What HTML shows: the pictures in an entry's text, and the feeds that a page names.

use html5gum::{StartTag, Token, Tokenizer};
use url::Url;

/// Smaller pictures, by their own word, are counters and icons.
const SMALLEST: u32 = 64;

/// A picture in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Inline {
    pub(super) url: Url,
    pub(super) alt: Option<String>,
}

/// The pictures of a text, in order; addresses are taken from `base` on.
pub(super) fn pictures(html: &str, base: &Url) -> Vec<Inline> {
    tags(html, "img")
        .filter(|tag| {
            let is_small = |name| attribute(tag, name).and_then(|n| n.parse().ok()).is_some_and(|n: u32| n < SMALLEST);
            !is_small("width") && !is_small("height")
        })
        .filter_map(|tag| {
            let largest = attribute(&tag, "srcset").and_then(|set| largest(&set));
            let url = base.join(&largest.or_else(|| attribute(&tag, "src"))?).ok()?;
            Some(Inline { url, alt: attribute(&tag, "alt").filter(|alt| !alt.trim().is_empty()) })
        })
        .collect()
}

/// The first feed that a page says is another form of itself.
pub(super) fn feed_of(html: &str, base: &Url) -> Option<Url> {
    const KINDS: [&str; 3] = ["application/rss+xml", "application/atom+xml", "application/feed+json"];
    tags(html, "link")
        .filter(|tag| {
            let is = |name, of: &str| {
                attribute(tag, name).is_some_and(|v| v.to_lowercase().split_whitespace().any(|word| word == of))
            };
            is("rel", "alternate") && KINDS.iter().any(|kind| is("type", kind))
        })
        .find_map(|tag| base.join(&attribute(&tag, "href")?).ok())
}

fn tags<'a>(html: &'a str, name: &'a str) -> impl Iterator<Item = StartTag<()>> + 'a {
    Tokenizer::new(html).filter_map(move |token| match token {
        Ok(Token::StartTag(tag)) if tag.name.as_slice() == name.as_bytes() => Some(tag),
        _ => None,
    })
}

fn attribute(tag: &StartTag<()>, name: &str) -> Option<String> {
    let value = tag.attributes.get(name.as_bytes())?;
    String::from_utf8(value.to_vec()).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// Of `a.jpg 1x, b.jpg 2x` or `a.jpg 320w, b.jpg 1280w`.
fn largest(set: &str) -> Option<String> {
    let candidates = set.split(", ").filter_map(|candidate| {
        let (url, size) = candidate.trim().rsplit_once(' ')?;
        let size: f64 = size.strip_suffix(['w', 'x'])?.parse().ok()?;
        Some((url.trim().to_owned(), size))
    });
    candidates.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(url, _)| url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Url {
        "https://blog.example/2026/post".parse().unwrap()
    }

    fn found(html: &str) -> Vec<String> {
        pictures(html, &base()).into_iter().map(|p| p.url.to_string()).collect()
    }

    #[test]
    fn pictures_of_a_text_and_nothing_else() {
        let html = r#"<p>new &amp; old<img src="/a.png" alt="A &quot;girl&quot;"><IMG SRC='b.png' width=1200>
            <!-- <img src="no.png"> --><script>"<img src=no.png>"</script><img src="dot.gif" width="1" height="1">
            <img srcset="s.jpg 320w, l.jpg 1280w" src="s.jpg"><img alt="x"><img src="">"#;
        assert_eq!(found(html)[..2], ["https://blog.example/a.png", "https://blog.example/2026/b.png"]);
        assert!(found(html).contains(&"https://blog.example/2026/l.jpg".to_owned()));
        assert!(!found(html).iter().any(|url| url.contains("dot.gif")));
        assert_eq!(pictures(html, &base())[0].alt.as_deref(), Some("A \"girl\""));
        assert_eq!(found("<img src=\"http://["), [""; 0]);
    }

    #[test]
    fn a_page_names_its_feed() {
        let page = r#"<head><link rel="stylesheet" href="a.css"><link rel="alternate" type="application/atom+xml"
            href="/feed.atom"></head>"#;
        assert_eq!(feed_of(page, &base()).unwrap().as_str(), "https://blog.example/feed.atom");
        assert_eq!(feed_of("<p>no feed</p>", &base()), None);
    }
}
