//! Text in Discord's Markdown: other people's words must stay words.

/// Somebody's words so that nothing in them is formatted, mentions or links; on one line.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().filter(|&c| !c.is_control() && !turns_text(c)) {
        if c.is_ascii_punctuation() && !matches!(c, '.' | ',' | '\'' | '"' | '!' | '?' | '&' | '%' | '/' | ';' | '=') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Invisible characters that change the direction of what follows them, beyond the name that holds them.
fn turns_text(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A masked link without a preview; `None` when the address is none of the web's.
pub(super) fn link(words: &str, address: &str) -> Option<String> {
    let url = url::Url::parse(address).ok()?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return None;
    }
    // Parsed and written again, it has no space, quote or angle bracket; a bracket would end the mask.
    let url = url.as_str().replace('(', "%28").replace(')', "%29");
    Some(format!("[{}](<{url}>)", escaped(words)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_peoples_words_are_only_words() {
        assert_eq!(escaped("Aoi"), "Aoi");
        assert_eq!(
            escaped("**@everyone** <@&5> `x`\n# y"),
            r"\*\*\@everyone\*\* \<\@\&5\> \`x\`\# y".replace(r"\&", "&")
        );
        assert_eq!(escaped("青い鳥 (仮)"), r"青い鳥 \(仮\)");
        assert_eq!(escaped("ליאור\u{202e}gnp.\u{2067}a"), "ליאורgnp.a", "a name turns nothing but itself");
    }

    #[test]
    fn only_the_web_is_linked_to() {
        assert_eq!(link("a]b", "https://example.org/x").unwrap(), r"[a\]b](<https://example.org/x>)");
        assert_eq!(link("a", "https://example.org/x) [b](c>").unwrap(), "[a](<https://example.org/x%29%20[b]%28c%3E>)");
        assert_eq!(link("a", "javascript:alert(1)"), None);
        assert_eq!(link("a", "discord://x"), None);
        assert_eq!(link("a", "not a link"), None);
    }
}
