use serenity::all::{ChannelId, Permissions};

use super::panel::{agreement, share_of};
use super::*;

fn shown(lang: Lang, page: Page, settings: &GuildSettings, lacks: &[Lack], notes: Notes) -> String {
    Panel { lang, page, settings, watched: &[20, 21], lacks, notes }.answer().shown()
}

const ALL_WELL: Notes = Notes { message_content: true, operator_allows: true, failed: None };

#[test]
fn the_panel_in_both_languages() {
    for lang in Lang::ALL {
        let fresh = GuildSettings::default();
        let settled = GuildSettings {
            curated: Some(30),
            curated_announces: true,
            subscribers: Some(40),
            threshold: 4.1,
            top_share: Some(TopShare { share: 0.05, days: 7 }),
            picks_per_hour: 7,
            style: PickStyle::Forward,
            age_gate: false,
            learn_from_reactions: true,
            replies: false,
            up: "mekiki_up:123".into(),
            ..fresh.clone()
        };
        let missing = Permissions::SEND_MESSAGES | Permissions::ATTACH_FILES;
        let lacks = [
            Lack::InChannel { channel: ChannelId::new(20), missing },
            Lack::NoChannel(ChannelId::new(21)),
            Lack::ManageRoles,
            Lack::RoleTooHigh(40.into()),
            Lack::NoRole(40.into()),
        ];
        let failed = Failed { count: 3, channel: 20, why: SendFailure::Permission };
        let off = Notes { message_content: false, operator_allows: false, failed: Some(failed) };
        let mut pages = Vec::new();
        for page in Page::ALL {
            pages.push(shown(lang, page, &fresh, &[], ALL_WELL));
            pages.push(shown(lang, page, &settled, &lacks, off));
        }
        pages.push(shown(lang, Page::Learning, &settled, &[], ALL_WELL));
        for (count, why) in (1..).step_by(19).zip(SendFailure::ALL) {
            let notes = Notes { failed: Some(Failed { count, channel: 30, why }), ..ALL_WELL };
            let page = shown(lang, Page::Picks, &fresh, &[], notes);
            let line = page.lines().find(|line| line.contains("<#30>")).expect("says where").to_owned();
            pages.push(line);
        }
        pages.push(agreement(lang, true).shown());
        pages.push(agreement(lang, false).shown());
        insta::assert_snapshot!(format!("panel_{}", lang.code()), pages.join("\n\n----\n\n"));
    }
}

#[test]
fn a_page_fits_into_a_message_with_many_channels_and_lacks() {
    let watched: Vec<u64> = (0..40).map(|n| 1_234_567_890_123_456_000 + n).collect();
    let lacks: Vec<Lack> = watched
        .iter()
        .map(|id| Lack::InChannel { channel: ChannelId::new(*id), missing: Permissions::all() })
        .collect();
    let settings = GuildSettings::default();
    let failed = Some(Failed { count: 20, channel: watched[0], why: SendFailure::AgeGate });
    let notes = Notes { message_content: false, failed, ..ALL_WELL };
    for lang in Lang::ALL {
        for page in Page::ALL {
            let panel = Panel { lang, page, settings: &settings, watched: &watched, lacks: &lacks, notes };
            let answer = panel.answer();
            assert!(answer.rows.len() <= 5);
            let edit = serde_json::to_value(answer.edit()).unwrap();
            assert!(edit["content"].as_str().unwrap().chars().count() <= 2000);
            for row in edit["components"].as_array().unwrap() {
                for part in row["components"].as_array().unwrap() {
                    assert!(part["options"].as_array().is_none_or(|o| o.len() <= 25));
                    assert!(part["default_values"].as_array().is_none_or(|d| d.len() <= 25));
                    assert!(part["label"].as_str().is_none_or(|l| l.chars().count() <= 80));
                    assert!(part["placeholder"].as_str().is_none_or(|l| l.chars().count() <= 150));
                }
            }
        }
    }
}

#[test]
fn everything_that_the_panel_offers_is_understood() {
    let settings = GuildSettings { threshold: 4.1, ..GuildSettings::default() };
    let mut read_back = 0;
    for settings in
        [settings.clone(), GuildSettings { learn_from_reactions: true, age_gate: false, replies: false, ..settings }]
    {
        for page in Page::ALL {
            let panel =
                Panel { lang: Lang::En, page, settings: &settings, watched: &[20], lacks: &[], notes: ALL_WELL };
            let rows = [panel.answer().rows, agreement(Lang::En, true).rows].concat();
            for row in rows {
                for part in serde_json::to_value(row).unwrap()["components"].as_array().unwrap() {
                    let id = part["custom_id"].as_str().unwrap();
                    assert!(id.len() <= 100);
                    let options = part["options"].as_array().map_or(vec![vec!["20".to_owned()]], |options| {
                        options.iter().map(|o| vec![o["value"].as_str().unwrap().to_owned()]).collect()
                    });
                    for values in options {
                        assert!(read(id, &values).is_some(), "{id} {values:?}");
                        read_back += 1;
                    }
                }
            }
        }
    }
    assert!(read_back > 50);
}

#[test]
fn what_nobody_offered_is_no_step() {
    for id in ["setup:9:show", "setup:1:fly", "setup:2:threshold", "up:3", "setup:3:learn"] {
        assert_eq!(read(id, &[]), None, "{id}");
    }
    assert_eq!(read("setup:2:threshold", &["6".into()]), None);
    assert_eq!(read("setup:2:share", &["0/7".into()]), None);
    assert_eq!(share_of("5/30"), Some(Some(TopShare { share: 0.05, days: 30 })));
}

#[test]
fn a_click_changes_that_one_setting() {
    let mut settings = GuildSettings::default();
    for (id, value) in [("setup:2:threshold", "3.5"), ("setup:3:learn:on", ""), ("setup:1:role", "40")] {
        let values: Vec<String> = Some(value.to_owned()).filter(|v| !v.is_empty()).into_iter().collect();
        match read(id, &values) {
            Some((_, Step::Set(change))) => apply(&mut settings, &change),
            other => panic!("{id} is {other:?}"),
        }
    }
    let expected =
        GuildSettings { threshold: 3.5, learn_from_reactions: true, subscribers: Some(40), ..GuildSettings::default() };
    assert_eq!(settings, expected);
    assert_eq!(read("setup:1:curated", &[]), Some((Page::Channels, Step::Set(Change::Curated(None)))));
}

#[test]
fn a_select_that_cannot_show_all_watched_channels_leaves_the_rest_alone() {
    assert_eq!(changes(&[1, 2, 3], &[2, 4]), (vec![4], vec![1, 3]));
    let many: Vec<u64> = (1..=30).collect();
    let chosen: Vec<u64> = (2..=25).collect();
    assert_eq!(changes(&many, &chosen), (vec![], vec![1]));
    assert_eq!(changes(&many, &[30]), (vec![], (1..=25).collect()));
}

#[test]
fn an_emoji_is_a_symbol_or_a_guilds_own() {
    for (given, kept) in [
        ("👍", "👍"),
        (" ❤️ ", "❤️"),
        ("👍🏽", "👍🏽"),
        ("🏳️‍🌈", "🏳️‍🌈"),
        ("1️⃣", "1️⃣"),
        ("<:up:123>", "up:123"),
        ("<a:dance:456>", "dance:456"),
    ] {
        assert_eq!(emoji(given).as_deref(), Some(kept));
    }
    for given in ["", "yes", "1", "<@123>", "<:up:0>", "<:bad name:1>", "好き", "👍 👎", "x:1"] {
        assert_eq!(emoji(given), None, "{given}");
    }
}
