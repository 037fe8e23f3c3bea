use std::collections::{BTreeMap, BTreeSet};

use secrecy::ExposeSecret;

use super::*;

fn variables(set: &[(&str, &str)]) -> HashMap<String, String> {
    set.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn config(set: &[(&str, &str)]) -> Config {
    Config::from_variables(&variables(set)).unwrap()
}

fn mistakes(set: &[(&str, &str)]) -> ConfigError {
    Config::from_variables(&variables(set)).unwrap_err()
}

#[test]
fn nothing_set_gives_the_documented_defaults() {
    let config = config(&[]);
    assert_eq!(config.data_dir, Path::new("./data"));
    assert_eq!(config.database_url, "sqlite:./data/mekiki.db");
    assert_eq!(config.listen.to_string(), "127.0.0.1:8017");
    assert!(config.web_token.is_none() && config.public_url.is_none() && config.ort_dylib_path.is_none());
    assert_eq!(config.device, Device::Auto);
    assert!((1..=8).contains(&config.threads.get()));
    assert_eq!((config.min_confidence, config.threshold), (crate::vision::DEFAULT_FLOOR, 4.0));
    assert_eq!((config.picks_per_hour, config.crops_mb, config.crops_days), (60, 512, 180));
    assert!(config.samples);
    assert_eq!(config.language, Language::Auto);
    assert_eq!(config.learn_from, [RatingSource::Local, RatingSource::Interaction]);
    assert!(config.hints.is_empty());
}

#[test]
fn the_desk_has_the_same_defaults() {
    let (config, rules) = (config(&[]), crate::domain::DeskRules::default());
    assert_eq!((config.threshold, config.picks_per_hour), (rules.threshold, rules.picks_per_hour));
}

#[test]
fn an_empty_value_counts_as_not_set() {
    let config = config(&[("MEKIKI_WEB_TOKEN", ""), ("MEKIKI_THREADS", " "), ("MEKIKI_LISTEN", "")]);
    assert!(config.web_token.is_none());
    assert_eq!(config.listen.port(), 8017);
}

#[test]
fn every_setting_is_read() {
    let config = config(&[
        ("MEKIKI_DATA_DIR", "/srv/mekiki"),
        ("DATABASE_URL", "sqlite:/srv/other.db"),
        ("MEKIKI_LISTEN", "0.0.0.0:80"),
        ("MEKIKI_WEB_TOKEN", "0123456789abcdef"),
        ("MEKIKI_PUBLIC_URL", "https://mekiki.example.org/eye/"),
        ("MEKIKI_DEVICE", "cuda"),
        ("MEKIKI_THREADS", "3"),
        ("MEKIKI_MIN_CONFIDENCE", "0.3"),
        ("MEKIKI_THRESHOLD", "3.5"),
        ("MEKIKI_PICKS_PER_HOUR", "0"),
        ("MEKIKI_CROPS_MB", "1"),
        ("MEKIKI_CROPS_DAYS", "7"),
        ("MEKIKI_SAMPLES", "false"),
        ("MEKIKI_LANG", "ja"),
        ("MEKIKI_LOG", "mekiki=debug"),
        ("LEARN_FROM", "timeline, local,local"),
        ("ORT_DYLIB_PATH", "/opt/libonnxruntime.so"),
    ]);
    assert_eq!(config.data_dir, Path::new("/srv/mekiki"));
    assert_eq!(config.database_url, "sqlite:/srv/other.db");
    assert_eq!(config.listen.to_string(), "0.0.0.0:80");
    assert_eq!(config.web_token.unwrap().expose_secret(), "0123456789abcdef");
    assert_eq!(config.public_url.as_deref(), Some("https://mekiki.example.org/eye"));
    assert_eq!((config.device, config.threads.get()), (Device::Cuda, 3));
    assert_eq!((config.min_confidence, config.threshold), (Confidence(0.3), 3.5));
    assert_eq!((config.picks_per_hour, config.crops_mb, config.crops_days), (0, 1, 7));
    assert!(!config.samples);
    assert_eq!((config.language, config.log.as_str()), (Language::Japanese, "mekiki=debug"));
    assert_eq!(config.learn_from, [RatingSource::Local, RatingSource::Timeline]);
    assert_eq!(config.ort_dylib_path.as_deref(), Some(Path::new("/opt/libonnxruntime.so")));
}

#[test]
fn all_mistakes_are_said_together_each_with_what_is_allowed() {
    let error = mistakes(&[
        ("MEKIKI_LISTEN", "localhost"),
        ("MEKIKI_THREADS", "0"),
        ("MEKIKI_DEVICE", "gpu"),
        ("MEKIKI_MIN_CONFIDENCE", "NaN"),
        ("MEKIKI_THRESHOLD", "6"),
        ("MEKIKI_SAMPLES", "yes"),
        ("MEKIKI_LANG", "de"),
        ("MEKIKI_LOG", "mekiki=loud"),
        ("MEKIKI_PUBLIC_URL", "mekiki.example.org"),
        ("LEARN_FROM", "local,everything"),
        ("MEKIKI_TRESHOLD", "3"),
    ]);
    let said = error.to_string();
    for (name, value) in [
        ("MEKIKI_LISTEN", "localhost"),
        ("MEKIKI_THREADS", "0"),
        ("MEKIKI_DEVICE", "gpu"),
        ("MEKIKI_MIN_CONFIDENCE", "NaN"),
        ("MEKIKI_THRESHOLD", "6"),
        ("MEKIKI_SAMPLES", "yes"),
        ("MEKIKI_LANG", "de"),
        ("MEKIKI_LOG", "mekiki=loud"),
        ("MEKIKI_PUBLIC_URL", "mekiki.example.org"),
        ("LEARN_FROM", "local,everything"),
    ] {
        let setting = all().into_iter().find(|setting| setting.name == name).unwrap();
        assert!(said.contains(&format!("{name}: {value:?} is not {}", setting.allowed)), "{name} in {said}");
    }
    assert_eq!(error.mistakes.len(), 10);
    assert!(said.contains("hint: MEKIKI_TRESHOLD is no setting; did you mean MEKIKI_THRESHOLD?"), "{said}");
}

#[test]
fn other_machines_are_let_in_with_a_token_only() {
    let error = mistakes(&[("MEKIKI_LISTEN", "0.0.0.0:8017")]).to_string();
    assert!(error.contains("MEKIKI_WEB_TOKEN: is needed") && error.contains("openssl rand"), "{error}");
    for local in ["127.0.0.1:1", "127.1.2.3:1", "[::1]:1"] {
        assert!(config(&[("MEKIKI_LISTEN", local)]).web_token.is_none());
    }
    let short = mistakes(&[("MEKIKI_LISTEN", "[::]:8017"), ("MEKIKI_WEB_TOKEN", "tooshort")]);
    assert_eq!(short.mistakes.len(), 1, "{short}");
}

#[test]
fn secrets_show_nowhere() {
    let secret = "correct-horse-battery";
    let debug = format!("{:?}", config(&[("MEKIKI_WEB_TOKEN", secret)]));
    assert!(!debug.contains(secret) && debug.contains("REDACTED"), "{debug}");

    let error = mistakes(&[("MEKIKI_WEB_TOKEN", "horse battery"), ("DATABASE_URL", "postgres://me:sesame@db/mekiki")]);
    let said = format!("{error} {error:?}");
    assert!(said.contains("DATABASE_URL: the value is not sqlite:FILE"), "{said}");
    assert!(!said.contains("horse") && !said.contains("sesame"), "{said}");
}

#[test]
fn unknown_names_are_hinted_at_and_stop_nothing() {
    let hints = config(&[
        ("MEKIKI_DATADIR", "x"),
        ("mekiki_lang", "ja"),
        ("MEKIKI_SERVICE_HOST", "10.0.0.1"),
        ("MEKIKI_REQUIRE_BROWSER", "1"),
        ("PATH", "/bin"),
    ])
    .hints;
    assert_eq!(
        hints,
        [
            "MEKIKI_DATADIR is no setting; did you mean MEKIKI_DATA_DIR?",
            "MEKIKI_SERVICE_HOST is no setting and is not read",
            "mekiki_lang is no setting; did you mean MEKIKI_LANG?",
        ]
    );
}

#[test]
fn a_public_address_is_one_that_links_can_start_with() {
    for bad in
        ["ftp://a.example", "https://", "https://a.example/?q=1", "https://a.example/#x", "https://u:p@a.example"]
    {
        assert_eq!(public_url(bad), None, "{bad}");
    }
    assert_eq!(public_url("http://[::1]:8017/"), Some("http://[::1]:8017".into()));
}

#[test]
fn a_file_is_read_and_its_bad_lines_are_named_without_their_values() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(".env");
    assert_eq!(read_file(&file), (HashMap::new(), Vec::new()));

    std::fs::write(&file, "MEKIKI_LANG=ja # comment\nMEKIKI_WEB_TOKEN=two words\nMEKIKI_THREADS='2'\n").unwrap();
    let (found, mistakes) = read_file(&file);
    assert_eq!(found, variables(&[("MEKIKI_LANG", "ja"), ("MEKIKI_THREADS", "2")]));
    assert_eq!(mistakes.len(), 1);
    let said = mistakes[0].to_string();
    assert!(said.contains(".env: line 2 is not NAME=value") && !said.contains("two"), "{said}");

    std::fs::write(&file, [b'A', b'=', 0xff]).unwrap();
    assert!(read_file(&file).1[0].to_string().contains("cannot be read"));
    std::fs::write(&file, "# none\nMEKIKI_LANG ja\nMEKIKI_LOG=\"open\nMEKIKI_THREADS=2\n").unwrap();
    let (found, mistakes) = read_file(&file);
    assert_eq!(mistakes.iter().map(|m| m.what.split(" is").next().unwrap()).collect::<Vec<_>>(), ["line 2", "line 3"]);
    assert!(found.is_empty());
}

#[test]
fn the_example_documents_each_setting_with_its_default() {
    let text = include_str!("../../.env.example");
    let documented: BTreeMap<&str, &str> = text
        .lines()
        .filter_map(|line| line.trim_start_matches('#').split_once('='))
        .filter(|(name, _)| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'))
        .collect();
    let known: BTreeMap<&str, &str> = all().iter().map(|setting| (setting.name, setting.default)).collect();
    assert_eq!(documented, known);
    let names: BTreeSet<&str> = all().iter().map(|setting| setting.name).collect();
    assert_eq!(names.len(), all().len());
}

#[test]
fn the_example_as_it_stands_changes_nothing_and_is_valid() {
    let text = include_str!("../../.env.example");
    let set: String =
        text.lines().map(|line| line.strip_prefix('#').unwrap_or(line)).fold(String::new(), |set, line| {
            let is_setting = line.split('=').next().is_some_and(|n| all().iter().any(|setting| setting.name == n));
            if is_setting { set + line + "\n" } else { set }
        });
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(".env");
    std::fs::write(&file, set).unwrap();
    let (found, mistakes) = read_file(&file);
    assert_eq!((found.len(), mistakes), (all().len(), Vec::new()));
    assert_eq!(format!("{:?}", Config::from_variables(&found).unwrap()), format!("{:?}", config(&[])));
}

#[test]
fn a_timeline_is_set_up_where_its_account_is_named() {
    let none = config(&[]).timelines;
    assert!(none.bluesky.is_none() && none.mastodon.is_none() && none.x.is_none() && none.bases.is_empty());
    let all = config(&[
        ("BLUESKY_HANDLE", "@ada.bsky.social"),
        ("BLUESKY_APP_PASSWORD", "abcd-efgh-ijkl-mnop"),
        ("MASTODON_SERVER", "mastodon.example"),
        ("MASTODON_TOKEN", "token"),
        ("X_CLIENT_ID", "id"),
        ("X_BUDGET_USD", "12.5"),
        ("X_BASE", "http://127.0.0.1:9"),
        ("MEKIKI_CONTACT", "art@mekiki.example"),
    ]);
    assert_eq!(all.contact.as_deref(), Some("art@mekiki.example"));
    let (bluesky, mastodon) = (all.timelines.bluesky.unwrap(), all.timelines.mastodon.unwrap());
    assert_eq!((bluesky.handle.as_str(), bluesky.server.as_str()), ("ada.bsky.social", "https://bsky.social/"));
    assert_eq!(mastodon.server.as_str(), "https://mastodon.example/");
    let x = all.timelines.x.unwrap();
    assert_eq!((x.budget, x.price_post, x.price_user), (12_500_000, 5_000, 10_000));
    assert_eq!((x.base.as_ref(), all.timelines.bases.len()), (all.timelines.bases.first(), 1));
}

#[test]
fn half_of_an_account_and_a_base_that_is_not_here_are_mistakes() {
    for (set, wanted) in [
        (("BLUESKY_HANDLE", "ada.example"), "BLUESKY_APP_PASSWORD: is needed with BLUESKY_HANDLE"),
        (("MASTODON_TOKEN", "token"), "MASTODON_SERVER: is needed with MASTODON_TOKEN"),
        (("MASTODON_SERVER", "http://m.example"), "MASTODON_SERVER"),
        (("MASTODON_SERVER", "https://10.0.0.1"), "MASTODON_SERVER"),
        (("X_BASE", "https://api.x.com"), "X_BASE"),
        (("X_BUDGET_USD", "-1"), "X_BUDGET_USD"),
        (("X_PRICE_POST", "NaN"), "X_PRICE_POST"),
        (("MEKIKI_SECRET", "short"), "MEKIKI_SECRET: the value is not"),
        (("MEKIKI_CONTACT", "two\nlines"), "MEKIKI_CONTACT"),
    ] {
        let error = mistakes(&[set]).to_string();
        assert!(error.contains(wanted), "{error}");
    }
    let said = format!("{:?}", config(&[("MASTODON_SERVER", "m.example"), ("MASTODON_TOKEN", "sesame")]));
    assert!(!said.contains("sesame"));
}
