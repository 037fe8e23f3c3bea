//! What the panel shows. Pure.

use serenity::all::{
    ButtonStyle, ChannelId, CreateActionRow, CreateButton, CreateSelectMenu, CreateSelectMenuKind,
    CreateSelectMenuOption, RoleId,
};

use super::SHOWN;
use crate::discord::Lang;
use crate::discord::answer::Answer;
use crate::discord::commands::{CURATABLE, WATCHABLE};
use crate::discord::permissions::{self, Lack};
use crate::domain::{GuildSettings, PickStyle, SendFailure, TopShare};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::discord) enum Page {
    Channels,
    Picks,
    Learning,
}

impl Page {
    pub(super) const ALL: [Self; 3] = [Self::Channels, Self::Picks, Self::Learning];

    pub(super) fn of(number: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|page| page.number() == number)
    }

    fn number(self) -> &'static str {
        match self {
            Self::Channels => "1",
            Self::Picks => "2",
            Self::Learning => "3",
        }
    }

    fn beside(self, step: isize) -> Option<Self> {
        let at = Self::ALL.into_iter().position(|page| page == self)?;
        Self::ALL.get(at.checked_add_signed(step)?).copied()
    }
}

/// What the bot cannot do as it runs.
#[derive(Debug, Clone, Copy)]
pub(in crate::discord) struct Notes {
    /// Discord shows the bot what messages hold.
    pub(super) message_content: bool,
    /// The operator lets reactions be learnt from (`LEARN_FROM`).
    pub(super) operator_allows: bool,
    pub(super) failed: Option<Failed>,
}

/// Messages that Discord did not take lately.
#[derive(Debug, Clone, Copy)]
pub(in crate::discord) struct Failed {
    pub(super) count: usize,
    /// Of the newest: where it was to go, and why it did not.
    pub(super) channel: u64,
    pub(super) why: SendFailure,
}

#[derive(Debug, Clone, Copy)]
pub(in crate::discord) struct Panel<'a> {
    pub(super) lang: Lang,
    pub(super) page: Page,
    pub(super) settings: &'a GuildSettings,
    pub(super) watched: &'a [u64],
    pub(super) lacks: &'a [Lack],
    pub(super) notes: Notes,
}

pub(super) const STYLES: [PickStyle; 3] = [PickStyle::Crop, PickStyle::Forward, PickStyle::Picture];
const THRESHOLDS: [f32; 9] = [3.0, 3.25, 3.5, 3.75, 4.0, 4.25, 4.5, 4.75, 5.0];
const LIMITS: [u32; 9] = [0, 1, 2, 5, 10, 20, 30, 60, 100];
/// Percent and days.
const SHARES: [(u8, u16); 6] = [(1, 7), (5, 7), (10, 7), (20, 7), (5, 30), (10, 30)];
/// Lines of lacks that are shown; more are counted.
const LINES: usize = 12;

pub(super) fn style_value(style: PickStyle) -> &'static str {
    match style {
        PickStyle::Crop => "crop",
        PickStyle::Forward => "forward",
        PickStyle::Picture => "picture",
    }
}

pub(in crate::discord) fn style_name(lang: Lang, style: PickStyle) -> String {
    match style {
        PickStyle::Crop => tr!(lang, "discord.style.crop"),
        PickStyle::Forward => tr!(lang, "discord.style.forward"),
        PickStyle::Picture => tr!(lang, "discord.style.picture"),
    }
    .into_owned()
}

fn share_value(share: Option<TopShare>) -> String {
    share.map_or("all".into(), |s| format!("{:.0}/{}", s.share * 100.0, s.days))
}

/// Reads `PERCENT/DAYS`, or `all`.
#[expect(clippy::option_option, reason = "no share is a choice, too")]
pub(super) fn share_of(value: &str) -> Option<Option<TopShare>> {
    if value == "all" {
        return Some(None);
    }
    let (percent, days) = value.split_once('/')?;
    let (percent, days): (u8, u16) = (percent.parse().ok()?, days.parse().ok()?);
    (1..=100).contains(&percent).then(|| Some(TopShare { share: f32::from(percent) / 100.0, days }))
}

pub(in crate::discord) fn share_words(lang: Lang, share: Option<TopShare>) -> String {
    match share {
        None => tr!(lang, "discord.setup.share_all").into_owned(),
        Some(s) => {
            tr!(lang, "discord.setup.share", percent = format!("{:.0}", s.share * 100.0), days = s.days).into_owned()
        }
    }
}

impl Panel<'_> {
    pub(super) fn answer(&self) -> Answer {
        let body = match self.page {
            Page::Channels => self.channels(),
            Page::Picks => self.picks(),
            Page::Learning => self.learning(),
        };
        let text = [body, self.permissions()].join("\n\n");
        let mut rows = match self.page {
            Page::Channels => self.channel_rows(),
            Page::Picks => self.pick_rows(),
            Page::Learning => self.learning_rows(),
        };
        rows.push(self.navigation());
        Answer::text(text).with_rows(rows)
    }

    fn channels(&self) -> String {
        let lang = self.lang;
        let watched: Vec<String> = self.watched.iter().map(|id| format!("<#{id}>")).collect();
        let watched = if watched.is_empty() {
            tr!(lang, "discord.setup.watched_none").into_owned()
        } else {
            tr!(lang, "discord.setup.watched", channels = watched.join(" ")).into_owned()
        };
        let curated = match self.settings.curated {
            None => tr!(lang, "discord.setup.curated_none"),
            Some(id) if self.settings.curated_announces => tr!(lang, "discord.setup.curated_announces", channel = id),
            Some(id) => tr!(lang, "discord.setup.curated", channel = id),
        };
        let role = match self.settings.subscribers {
            None => tr!(lang, "discord.setup.role_none"),
            Some(id) => tr!(lang, "discord.setup.role", role = id),
        };
        [tr!(lang, "discord.setup.page.channels").as_ref(), &watched, &curated, &role].join("\n")
    }

    fn picks(&self) -> String {
        let lang = self.lang;
        let (settings, head) = (self.settings, tr!(lang, "discord.setup.page.picks"));
        let threshold = tr!(lang, "discord.setup.threshold", score = trimmed(settings.threshold));
        let share = share_words(lang, settings.top_share);
        let limit = tr!(lang, "discord.setup.limit", n = settings.picks_per_hour);
        let style = tr!(lang, "discord.setup.style", style = style_name(lang, settings.style));
        [head.as_ref(), &threshold, &share, &limit, &style].join("\n")
    }

    fn learning(&self) -> String {
        let (lang, settings) = (self.lang, self.settings);
        let learn = match (settings.learn_from_reactions, self.notes.operator_allows) {
            (false, _) => tr!(lang, "discord.setup.learn_off"),
            (true, true) => tr!(lang, "discord.setup.learn_on"),
            (true, false) => tr!(lang, "discord.setup.learn_waits"),
        };
        let gate =
            if settings.age_gate { tr!(lang, "discord.setup.gate_on") } else { tr!(lang, "discord.setup.gate_off") };
        let replies = if settings.replies {
            tr!(lang, "discord.setup.replies_on")
        } else {
            tr!(lang, "discord.setup.replies_off")
        };
        let emoji = tr!(lang, "discord.setup.emoji", up = shown(&settings.up), down = shown(&settings.down));
        [tr!(lang, "discord.setup.page.learning").as_ref(), &learn, &gate, &replies, &emoji].join("\n")
    }

    fn permissions(&self) -> String {
        let lang = self.lang;
        let mut lines = Vec::new();
        if !self.notes.message_content {
            lines.push(tr!(lang, "discord.setup.no_message_content").into_owned());
        }
        lines.extend(self.notes.failed.map(|failed| failed_words(lang, failed)));
        if self.lacks.is_empty() {
            lines.push(tr!(lang, "discord.setup.nothing_missing").into_owned());
        } else {
            lines.push(tr!(lang, "discord.setup.missing").into_owned());
            lines.extend(self.lacks.iter().take(LINES).map(|lack| format!("- {}", permissions::words(lang, lack))));
            if self.lacks.len() > LINES {
                lines.push(tr!(lang, "discord.setup.more_missing", n = self.lacks.len() - LINES).into_owned());
            }
        }
        lines.join("\n")
    }

    fn id(&self, what: &str) -> String {
        format!("setup:{}:{what}", self.page.number())
    }

    fn channel_rows(&self) -> Vec<CreateActionRow> {
        let lang = self.lang;
        let chosen: Vec<ChannelId> = self.watched.iter().take(SHOWN).map(|id| ChannelId::new(*id)).collect();
        let watched =
            CreateSelectMenuKind::Channel { channel_types: Some(WATCHABLE.into()), default_channels: Some(chosen) };
        let curated = CreateSelectMenuKind::Channel {
            channel_types: Some(CURATABLE.into()),
            default_channels: Some(self.settings.curated.map(ChannelId::new).into_iter().collect()),
        };
        let role = CreateSelectMenuKind::Role {
            default_roles: Some(self.settings.subscribers.map(RoleId::new).into_iter().collect()),
        };
        vec![
            self.select("watched", watched, &tr!(lang, "discord.setup.choose_watched"), SHOWN as u8),
            self.select("curated", curated, &tr!(lang, "discord.setup.choose_curated"), 1),
            self.select("role", role, &tr!(lang, "discord.setup.choose_role"), 1),
        ]
    }

    /// A select that may also be left empty.
    fn select(&self, what: &str, kind: CreateSelectMenuKind, placeholder: &str, most: u8) -> CreateActionRow {
        let menu = CreateSelectMenu::new(self.id(what), kind).placeholder(placeholder).min_values(0).max_values(most);
        CreateActionRow::SelectMenu(menu)
    }

    fn pick_rows(&self) -> Vec<CreateActionRow> {
        let (lang, settings) = (self.lang, self.settings);
        let thresholds = with(THRESHOLDS.to_vec(), settings.threshold, f32::total_cmp)
            .into_iter()
            .map(|t| (trimmed(t), tr!(lang, "discord.setup.threshold_choice", score = trimmed(t)).into_owned()));
        let limits = with(LIMITS.to_vec(), settings.picks_per_hour, Ord::cmp)
            .into_iter()
            .map(|n| (n.to_string(), tr!(lang, "discord.setup.limit_choice", n = n).into_owned()));
        let styles = STYLES.into_iter().map(|s| (style_value(s).to_owned(), style_name(lang, s)));
        let share = |(percent, days): (u8, u16)| TopShare { share: f32::from(percent) / 100.0, days };
        let mut shares: Vec<_> = std::iter::once(None).chain(SHARES.map(share).map(Some)).collect();
        if !shares.iter().any(|s| share_value(*s) == share_value(settings.top_share)) {
            shares.push(settings.top_share);
        }
        let shares = shares.into_iter().map(|s| (share_value(s), share_words(lang, s)));
        vec![
            self.choice("threshold", thresholds, &trimmed(settings.threshold)),
            self.choice("share", shares, &share_value(settings.top_share)),
            self.choice("limit", limits, &settings.picks_per_hour.to_string()),
            self.choice("style", styles, style_value(settings.style)),
        ]
    }

    /// A select of one of these values with their labels.
    fn choice(&self, what: &str, choices: impl Iterator<Item = (String, String)>, now: &str) -> CreateActionRow {
        let options = choices
            .map(|(value, label)| {
                let chosen = value == now;
                CreateSelectMenuOption::new(label, value).default_selection(chosen)
            })
            .collect();
        CreateActionRow::SelectMenu(CreateSelectMenu::new(self.id(what), CreateSelectMenuKind::String { options }))
    }

    fn learning_rows(&self) -> Vec<CreateActionRow> {
        let (lang, settings) = (self.lang, self.settings);
        let button = |what: &str, label: &str, style| CreateButton::new(self.id(what)).label(label).style(style);
        let learn = if settings.learn_from_reactions {
            button("learn:off", &tr!(lang, "discord.setup.stop_learning"), ButtonStyle::Danger)
        } else {
            button("ask", &tr!(lang, "discord.setup.start_learning"), ButtonStyle::Primary)
        };
        let gate = if settings.age_gate {
            button("gate:off", &tr!(lang, "discord.setup.gate_to_off"), ButtonStyle::Secondary)
        } else {
            button("gate:on", &tr!(lang, "discord.setup.gate_to_on"), ButtonStyle::Primary)
        };
        let replies = if settings.replies {
            button("replies:off", &tr!(lang, "discord.setup.replies_to_off"), ButtonStyle::Secondary)
        } else {
            button("replies:on", &tr!(lang, "discord.setup.replies_to_on"), ButtonStyle::Primary)
        };
        vec![CreateActionRow::Buttons(vec![learn, gate, replies])]
    }

    fn navigation(&self) -> CreateActionRow {
        let lang = self.lang;
        let to = |page: Page, label: &str| {
            let id = format!("setup:{}:show", page.number());
            CreateButton::new(id).label(label).style(ButtonStyle::Secondary)
        };
        let back = self.page.beside(-1).map(|page| to(page, &tr!(lang, "discord.setup.back")));
        let next = self.page.beside(1).map(|page| to(page, &tr!(lang, "discord.setup.next")));
        let check = to(self.page, &tr!(lang, "discord.setup.check"));
        CreateActionRow::Buttons([back, next, Some(check)].into_iter().flatten().collect())
    }
}

fn failed_words(lang: Lang, Failed { count, channel, why }: Failed) -> String {
    let why = match why {
        SendFailure::CannotSee => tr!(lang, "discord.setup.failed_why.cannot_see"),
        SendFailure::Permission => tr!(lang, "discord.setup.failed_why.permission"),
        SendFailure::AgeGate => tr!(lang, "discord.setup.failed_why.age_gate"),
        SendFailure::NotTaken => tr!(lang, "discord.setup.failed_why.not_taken"),
        SendFailure::GivenUp => tr!(lang, "discord.setup.failed_why.given_up"),
    };
    match count {
        1 => tr!(lang, "discord.setup.failed_one", channel = channel, why = why),
        // As many as are looked at.
        20.. => tr!(lang, "discord.setup.failed", n = "20+", channel = channel, why = why),
        n => tr!(lang, "discord.setup.failed", n = n, channel = channel, why = why),
    }
    .into_owned()
}

/// What a moderator agrees to before reactions are learnt from, in plain words.
pub(super) fn agreement(lang: Lang, operator_allows: bool) -> Answer {
    let mut text = tr!(lang, "discord.setup.agreement").into_owned();
    if !operator_allows {
        text.push_str("\n\n");
        text.push_str(&tr!(lang, "discord.setup.operator_first"));
    }
    let page = Page::Learning.number();
    let agree = CreateButton::new(format!("setup:{page}:learn:on"))
        .label(tr!(lang, "discord.setup.agree"))
        .style(ButtonStyle::Success);
    let not_now = CreateButton::new(format!("setup:{page}:show"))
        .label(tr!(lang, "discord.setup.not_now"))
        .style(ButtonStyle::Secondary);
    Answer::text(text).with_rows(vec![CreateActionRow::Buttons(vec![agree, not_now])])
}

/// The choices with the one in use, which may be none of them, in order.
fn with<T: Copy + PartialEq>(mut choices: Vec<T>, now: T, order: impl Fn(&T, &T) -> std::cmp::Ordering) -> Vec<T> {
    if !choices.contains(&now) {
        choices.push(now);
        choices.sort_by(order);
    }
    choices
}

/// An emoji as a message shows it.
fn shown(emoji: &str) -> String {
    if emoji.contains(':') { format!("<:{emoji}>") } else { emoji.to_owned() }
}

/// At least one decimal, at most two.
pub(in crate::discord) fn trimmed(score: f32) -> String {
    let two = format!("{score:.2}");
    two.strip_suffix('0').unwrap_or(&two).to_owned()
}
