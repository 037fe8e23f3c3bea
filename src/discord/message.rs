//! What the bot says about scored pictures: the words, the card and the buttons. Pure; [`super::telling`] reads what
//! there is to tell.

use serenity::builder::{
    CreateActionRow, CreateAllowedMentions, CreateAttachment, CreateButton, CreateMessage, CreateSelectMenu,
    CreateSelectMenuKind, CreateSelectMenuOption, EditMessage,
};
use serenity::model::application::ButtonStyle;
use serenity::model::channel::{MessageFlags, ReactionType};

use super::Lang;
use super::markup::{escaped, link};
use crate::card::{CardFace, card};
use crate::domain::{CALIBRATED_AT, Calibration, FaceId, Origin, PostId, Score};

/// Faces that the "Rate a face" menu offers: Discord takes 25 options, five for each.
const RATEABLE: usize = 5;
/// Characters of an attachment's description that Discord takes.
const LONGEST_ALT: usize = 1024;
const CARD: &str = "mekiki.png";

/// A face to be told of.
#[derive(Debug, Clone, PartialEq)]
pub struct ToldFace {
    pub post: PostId,
    pub face: FaceId,
    /// `None` while there is no taste at all.
    pub score: Option<Score>,
    /// JPEG; `None` when it is no longer kept, or not to be shown here.
    pub crop: Option<Vec<u8>>,
}

/// All that there is to tell about the pictures of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Best first.
    pub faces: Vec<ToldFace>,
    pub calibration: Calibration,
    /// Where the picture was posted.
    pub link: Option<String>,
    /// The best face by the asker's own taste, for those who opted in.
    pub own: Option<Score>,
    /// The crops are not shown: this channel is not age-restricted, and what they are of is.
    pub hidden: bool,
    /// A picture's poster had covered it: the card is covered, too.
    pub spoilered: bool,
    /// Further lines for somebody who asked.
    pub notes: Vec<String>,
}

/// A message as the bot sends it.
#[derive(Debug, Clone)]
pub struct ScoreMessage {
    pub text: String,
    /// PNG.
    pub card: Option<Vec<u8>>,
    /// Shown only to who clicks on it.
    pub spoilered: bool,
    /// Describes the card to those who do not see it.
    pub alt: String,
    pub components: Vec<CreateActionRow>,
}

impl ScoreMessage {
    /// Words alone.
    pub fn words(text: String) -> Self {
        Self { text, card: None, spoilered: false, alt: String::new(), components: Vec::new() }
    }

    /// The card as Discord takes it.
    pub fn attachment(&self) -> Option<CreateAttachment> {
        self.card.as_ref().map(|png| described(png.clone(), &covered(CARD, self.spoilered), &self.alt))
    }

    /// Pings nobody.
    pub fn create(&self) -> CreateMessage {
        CreateMessage::new()
            .content(&self.text)
            .add_files(self.attachment())
            .components(self.components.clone())
            .allowed_mentions(nobody())
    }

    /// As [`Self::create`], without a sound: for what nobody asked for.
    pub fn create_quietly(&self) -> CreateMessage {
        self.create().flags(MessageFlags::SUPPRESS_NOTIFICATIONS)
    }

    /// Replaces the whole message, the card too.
    pub fn edit(&self) -> EditMessage {
        let edit = EditMessage::new().content(&self.text).components(self.components.clone());
        let edit = edit.allowed_mentions(nobody()).remove_all_attachments();
        match self.attachment() {
            Some(card) => edit.new_attachment(card),
            None => edit,
        }
    }
}

/// Mentions in the text ping nobody, and a reply does not ping whom it answers.
pub(super) fn nobody() -> CreateAllowedMentions {
    CreateAllowedMentions::new().empty_users().empty_roles().replied_user(false)
}

/// The name of a file, for one that is shown only to who clicks on it.
pub(super) fn covered(name: &str, is_covered: bool) -> String {
    if is_covered { format!("{}{name}", Origin::SPOILER) } else { name.to_owned() }
}

/// A file with words for those who do not see it.
pub(super) fn described(bytes: Vec<u8>, name: &str, alt: &str) -> CreateAttachment {
    let file = CreateAttachment::bytes(bytes, name);
    if alt.is_empty() { file } else { file.description(alt.chars().take(LONGEST_ALT).collect::<String>()) }
}

/// The score message; `None` when there is neither a face nor anything else to say.
pub fn compose(lang: Lang, told: &Told) -> Option<ScoreMessage> {
    let mut lines = Vec::new();
    match told.faces.first() {
        Some(best) => lines.push(headline(lang, best, told)),
        None if told.notes.is_empty() => return None,
        None => {}
    }
    if let Some(own) = &told.own {
        lines.push(tr!(lang, "discord.score.own", score = words(own)).into_owned());
    }
    if !told.faces.is_empty() {
        lines.extend(uncalibrated(lang, told.calibration).map(|line| quiet(&line)));
    }
    if told.hidden {
        lines.push(quiet(&tr!(lang, "discord.score.hidden")));
    }
    lines.extend(told.notes.iter().map(|note| if told.faces.is_empty() { note.clone() } else { quiet(note) }));
    Some(ScoreMessage {
        text: lines.join("\n"),
        card: draw(told),
        spoilered: told.spoilered,
        alt: alt(lang, &told.faces),
        components: components(lang, &told.faces),
    })
}

fn headline(lang: Lang, best: &ToldFace, told: &Told) -> String {
    let n = told.faces.len();
    let what = match (&best.score, n) {
        (Some(score), 1) => words(score).into(),
        (Some(score), _) => tr!(lang, "discord.score.many", score = words(score), faces = n),
        (None, 1) => tr!(lang, "discord.score.unscored_one"),
        (None, _) => tr!(lang, "discord.score.unscored_many", faces = n),
    };
    match told.link.as_deref().and_then(|url| link(&tr!(lang, "discord.score.source"), url)) {
        Some(source) => format!("{what} · {source}"),
        None => what.into_owned(),
    }
}

/// "**4.2** ± 0.4"
pub(super) fn words(score: &Score) -> String {
    format!("**{:.1}** ± {:.1}", score.mean(), score.spread())
}

/// Nothing once calibrated.
fn uncalibrated(lang: Lang, calibration: Calibration) -> Option<String> {
    match calibration {
        Calibration::Calibrated { .. } => None,
        Calibration::Uncalibrated { ratings } => {
            Some(tr!(lang, "discord.score.uncalibrated", ratings = ratings, of = CALIBRATED_AT).into_owned())
        }
    }
}

/// Small print.
fn quiet(line: &str) -> String {
    format!("-# {line}")
}

/// The card: best six faces. None when their crops are not to be shown here.
fn draw(told: &Told) -> Option<Vec<u8>> {
    if told.hidden || told.faces.is_empty() {
        return None;
    }
    let faces: Vec<CardFace> = (1..)
        .zip(&told.faces)
        .map(|(number, face)| CardFace {
            number,
            crop: face.crop.as_deref().and_then(|jpeg| {
                let crop = image::load_from_memory_with_format(jpeg, image::ImageFormat::Jpeg).ok()?;
                Some(crop.into_rgb8())
            }),
            score: face.score,
        })
        .collect();
    Some(card(&faces, 0))
}

pub(super) fn alt(lang: Lang, faces: &[ToldFace]) -> String {
    let each = (1..).zip(faces).map(|(number, face)| match &face.score {
        Some(score) => {
            let (mean, spread) = (format!("{:.1}", score.mean()), format!("{:.1}", score.spread()));
            tr!(lang, "discord.score.alt_face", number = number, mean = mean, spread = spread).into_owned()
        }
        None => tr!(lang, "discord.score.alt_unscored", number = number).into_owned(),
    });
    std::iter::once(tr!(lang, "discord.score.alt").into_owned()).chain(each).collect::<Vec<_>>().join(" ")
}

/// Buttons and the rating menu. They name the post of the best face; the message leads to the others.
pub(super) fn components(lang: Lang, faces: &[ToldFace]) -> Vec<CreateActionRow> {
    let Some(best) = faces.first() else { return Vec::new() };
    let post = best.post.0;
    let button = |id: &str| CreateButton::new(format!("{id}:{post}")).style(ButtonStyle::Secondary);
    let thumb = |id: &str, emoji: &str| button(id).emoji(ReactionType::Unicode(emoji.to_owned()));
    vec![
        CreateActionRow::Buttons(vec![
            thumb("up", "👍"),
            thumb("down", "👎"),
            button("why").label(tr!(lang, "discord.button.why")),
            button("notface").label(tr!(lang, "discord.button.not_a_face")),
            button("remove").label(tr!(lang, "discord.button.remove")),
        ]),
        rating_menu(lang, post, faces),
    ]
}

fn rating_menu(lang: Lang, post: i64, faces: &[ToldFace]) -> CreateActionRow {
    let options = (1..).zip(faces.iter().take(RATEABLE)).flat_map(|(number, face)| {
        let several = faces.len() > 1;
        (1..=5usize).rev().map(move |n| {
            let stars = format!("{}{}", "★".repeat(n), "☆".repeat(5 - n));
            let label = if several {
                tr!(lang, "discord.rate.option", number = number, stars = stars).into_owned()
            } else {
                stars
            };
            CreateSelectMenuOption::new(label, format!("{}:{n}", face.face.0))
        })
    });
    let kind = CreateSelectMenuKind::String { options: options.collect() };
    let placeholder = if faces.len() > RATEABLE {
        tr!(lang, "discord.rate.best_faces", faces = RATEABLE)
    } else {
        tr!(lang, "discord.rate.faces")
    };
    CreateActionRow::SelectMenu(CreateSelectMenu::new(format!("rate:{post}"), kind).placeholder(placeholder))
}

/// Who made a picture and where it was posted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Credit {
    pub author: Option<String>,
    pub author_link: Option<String>,
    pub link: Option<String>,
}

/// A pick's line: score, author, post.
pub fn pick_line(lang: Lang, score: f32, credit: &Credit) -> String {
    let score = format!("**{score:.1}**");
    let post = credit.link.as_deref().and_then(|url| link(&tr!(lang, "discord.pick.post"), url));
    let post = post.unwrap_or_else(|| tr!(lang, "discord.pick.post").into_owned());
    let Some(name) = credit.author.as_deref().map(str::trim).filter(|name| !name.is_empty()) else {
        return tr!(lang, "discord.pick.line", score = score, post = post).into_owned();
    };
    let author = credit.author_link.as_deref().and_then(|url| link(name, url)).unwrap_or_else(|| escaped(name));
    tr!(lang, "discord.pick.line_by", score = score, post = post, author = author).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(scores: &[Option<f32>], ratings: u32) -> Told {
        let calibration = Calibration::from_ratings(ratings);
        let face = |(i, mean): (i64, &Option<f32>)| ToldFace {
            post: PostId(7 + i / 3),
            face: FaceId(40 + i),
            score: mean.map(|mean| Score::new(mean, 0.4, calibration)),
            crop: None,
        };
        Told {
            faces: (0..).zip(scores).map(face).collect(),
            calibration,
            link: Some("https://discord.com/channels/1/20/1000".into()),
            own: None,
            hidden: false,
            spoilered: false,
            notes: Vec::new(),
        }
    }

    /// All that is said, as Discord gets it.
    fn said(lang: Lang, told: &Told) -> String {
        let message = compose(lang, told).expect("there is something to say");
        let rows = serde_json::to_value(&message.components).expect("is JSON");
        let labels: Vec<String> = rows
            .as_array()
            .expect("rows")
            .iter()
            .flat_map(|row| row["components"].as_array().expect("components"))
            .map(|c| {
                let face = c["label"].as_str().or(c["emoji"]["name"].as_str()).or(c["placeholder"].as_str());
                let options = c["options"].as_array().map(|all| {
                    let ends = [&all[0], &all[all.len() - 1]].map(|o| format!("{} = {}", o["label"], o["value"]));
                    format!(", {} options, {}", all.len(), ends.join(" … "))
                });
                format!("[{}] {}{}", face.unwrap_or("?"), c["custom_id"], options.unwrap_or_default())
            })
            .collect();
        let card = if message.card.is_some() { format!("(card: {})\n", message.alt) } else { String::new() };
        format!("{}\n{card}{}\n", message.text, labels.join("\n"))
    }

    #[test]
    fn every_message_in_both_languages() {
        let cases = [
            ("one calibrated face", told(&[Some(4.6)], 40)),
            ("three faces, three ratings", told(&[Some(4.1), Some(3.3), Some(2.0)], 3)),
            ("nine faces", told(&[4.9, 4.5, 4.1, 3.8, 3.0, 2.5, 2.2, 1.6, 1.0].map(Some), 40)),
            ("no taste yet", told(&[None, None], 0)),
            ("a taste of one's own", {
                let own = Some(Score::new(2.5, 0.7, Calibration::from_ratings(12)));
                Told { own, ..told(&[Some(4.6)], 40) }
            }),
            ("behind the age gate", Told { hidden: true, ..told(&[Some(4.6)], 40) }),
            ("asked about what has no face", Told { notes: vec!["(a note)".into()], ..told(&[], 40) }),
            ("asked, with a note", Told { notes: vec!["(a note)".into()], ..told(&[Some(3.1)], 40) }),
        ];
        for lang in Lang::ALL {
            let all: Vec<String> =
                cases.iter().map(|(what, told)| format!("## {what}\n{}", said(lang, told))).collect();
            insta::assert_snapshot!(format!("score_message_{}", lang.code()), all.join("\n"));
        }
        assert!(compose(Lang::En, &told(&[], 40)).is_none(), "nobody asked, and there is nothing to say");
    }

    #[test]
    fn what_was_covered_is_shown_covered() {
        let crop = Some(crate::vision::jpeg(&image::RgbImage::new(224, 224)));
        let name = |spoilered| {
            let mut told = Told { spoilered, ..told(&[Some(4.6)], 40) };
            told.faces[0].crop.clone_from(&crop);
            compose(Lang::En, &told).and_then(|m| m.attachment()).map(|file| file.filename)
        };
        assert_eq!((name(true).as_deref(), name(false).as_deref()), (Some("SPOILER_mekiki.png"), Some("mekiki.png")));
    }

    #[test]
    fn picks_in_both_languages() {
        let credit = Credit {
            author: Some("Aoi [draws]".into()),
            author_link: Some("https://example.org/aoi".into()),
            link: Some("https://discord.com/channels/1/20/1000".into()),
        };
        let all: Vec<String> = Lang::ALL
            .iter()
            .flat_map(|&lang| {
                let unlinked = Credit { author_link: None, ..credit.clone() };
                [&credit, &unlinked, &Credit::default()].map(|credit| pick_line(lang, 4.649, credit))
            })
            .collect();
        insta::assert_snapshot!(all.join("\n"));
    }

    #[test]
    fn discords_limits_are_kept() {
        let message = compose(Lang::Ja, &told(&[Some(3.0); 60], 40)).expect("says something");
        assert!(message.text.chars().count() < 2000);
        let rows = serde_json::to_value(&message.components).expect("is JSON");
        assert_eq!(rows[1]["components"][0]["options"].as_array().map(Vec::len), Some(25));
        let file = serde_json::to_value(message.attachment()).expect("is JSON");
        assert_eq!(file["description"].as_str().map(|d| d.chars().count()), Some(LONGEST_ALT));
    }
}
