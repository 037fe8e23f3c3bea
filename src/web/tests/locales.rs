//! Every text the code asks for exists in both languages, and none lies unused.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Keys of `locales/*.yml` with the languages they have.
fn written() -> BTreeMap<String, BTreeSet<String>> {
    let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in std::fs::read_dir(Path::new(ROOT).join("locales")).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let mut key = String::new();
        // Lines further in go on with the words above them.
        let is_entry = |l: &&str| !l.is_empty() && !l.starts_with('#') && !l.starts_with("    ");
        for line in text.lines().filter(|l| is_entry(l) && !l.starts_with("_version")) {
            match line.strip_prefix("  ") {
                None => key = line.trim_end_matches(':').to_owned(),
                Some(text) => {
                    let (lang, words) = text.split_once(": ").expect("a language and its words");
                    assert!(!words.trim().is_empty(), "{key} is empty in {lang}");
                    assert!(keys.entry(key.clone()).or_default().insert(lang.to_owned()), "{key} twice in {lang}");
                }
            }
        }
    }
    keys
}

/// Keys in `t!("key"` and `tr!(lang, "key"` of all sources.
fn asked() -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    let sources = walkdir::WalkDir::new(Path::new(ROOT).join("src")).into_iter().map(Result::unwrap);
    for source in sources.filter(|f| f.path().extension().is_some_and(|e| e == "rs")) {
        let text = std::fs::read_to_string(source.path()).unwrap();
        let text = text.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        if source.path().ends_with("tests/locales.rs") {
            continue;
        }
        let calls = text.match_indices("t!(").chain(text.match_indices("tr!("));
        for (at, name) in calls {
            let before = text[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let rest = text[at + name.len()..].trim_start();
            let rest =
                if name == "tr!(" { rest.split_once(',').map_or("", |(_, rest)| rest.trim_start()) } else { rest };
            if let Some(key) = rest.strip_prefix('"').and_then(|r| r.split_once('"')) {
                keys.insert(key.0.to_owned());
            }
        }
    }
    // Names and descriptions of commands are looked up by the commands' names.
    keys.extend(crate::discord::keys());
    keys
}

#[test]
fn texts_and_code_agree() {
    let (written, asked) = (written(), asked());
    assert!(asked.len() > 100, "only {} keys were found in the code", asked.len());
    let missing: Vec<_> = asked.iter().filter(|k| !written.contains_key(*k)).collect();
    assert!(missing.is_empty(), "asked for but not in locales: {missing:?}");
    let unused: Vec<_> = written.keys().filter(|k| !asked.contains(*k)).collect();
    assert!(unused.is_empty(), "in locales but not asked for: {unused:?}");
    let half: Vec<_> = written.iter().filter(|(_, langs)| !langs.iter().eq(["en", "ja"])).collect();
    assert!(half.is_empty(), "not in both languages: {half:?}");
}

#[test]
fn both_languages_fill_in_the_same_things() {
    let fills = |key: &str, lang: &str| -> BTreeSet<String> {
        let text = rust_i18n::t!(key, locale = lang).into_owned();
        let found: BTreeSet<_> =
            text.split("%{").skip(1).map(|t| t.split('}').next().unwrap_or_default().to_owned()).collect();
        assert_ne!(text, key, "{key} has no text in {lang}");
        found
    };
    for key in written().keys() {
        assert_eq!(fills(key, "en"), fills(key, "ja"), "{key}");
    }
}
