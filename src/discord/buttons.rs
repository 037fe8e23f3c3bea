//! The buttons below what the bot says: votes, "Why?", "Not a face", "Remove". Each is answered to the one who pressed.

use anyhow::Context as _;
use poise::serenity_prelude as serenity;
use serenity::{
    ComponentInteraction, ComponentInteractionDataKind, CreateActionRow, CreateInteractionResponse, CreateSelectMenu,
    CreateSelectMenuKind, CreateSelectMenuOption, MessageInteractionMetadata, Permissions,
};

use super::answer::Answer;
use super::commands::sight::Sight;
use super::message::{covered, described};
use super::words::sentences;
use super::{App, Error, Lang, telling, why};
use crate::domain::{CALIBRATED_AT, Calibration, FaceId, Judgement, MessageKey, PostId, Rater, Scope, SendKind, Stars};
use crate::pipeline::{Pipeline, Vote};

/// Options that a select takes.
const MOST_OPTIONS: usize = 25;

/// What was pressed, told by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pressed {
    Vote(Judgement),
    RateFace,
    Why,
    NotAFace,
    Remove,
}

/// The button's kind and its post; `None` for what is not from here.
fn pressed(id: &str) -> Option<(Pressed, PostId)> {
    let (kind, post) = id.split_once(':')?;
    let kind = match kind {
        "up" => Pressed::Vote(Judgement::Up),
        "down" => Pressed::Vote(Judgement::Down),
        "rate" => Pressed::RateFace,
        "why" => Pressed::Why,
        "notface" => Pressed::NotAFace,
        "remove" => Pressed::Remove,
        _ => return None,
    };
    Some((kind, PostId(post.parse().ok()?)))
}

/// A face and the stars for it, as a select's option says them: `FACE:STARS`.
fn face_and_stars(value: &str) -> Option<(FaceId, Stars)> {
    let (face, stars) = value.split_once(':')?;
    Some((FaceId(face.parse().ok()?), Stars::try_from(stars.parse::<u8>().ok()?).ok()?))
}

/// A press on one message.
struct Press<'a> {
    ctx: &'a serenity::Context,
    click: &'a ComponentInteraction,
    pipeline: &'a Pipeline,
    lang: Lang,
    post: PostId,
}

/// Takes the press at once, does what it asks, and tells the one who pressed.
pub(super) async fn clicked(
    ctx: &serenity::Context,
    click: &ComponentInteraction,
    app: &App,
    lang: Lang,
) -> Result<(), Error> {
    let Some((kind, post)) = pressed(&click.data.custom_id) else { return Ok(()) };
    let _in_flight = app.in_flight.token();
    let press = Press { ctx, click, pipeline: &app.pipeline, lang, post };
    if kind != Pressed::Remove {
        click.defer_ephemeral(ctx).await?;
    }
    let answer = match kind {
        Pressed::Vote(judgement) => press.vote(judgement).await?,
        Pressed::RateFace => press.rate_face().await?,
        Pressed::Why => press.why().await?,
        Pressed::NotAFace => press.not_a_face().await?,
        // Tells only who may not.
        Pressed::Remove => return press.remove().await,
    };
    click.edit_response(ctx, answer.edit()).await?;
    Ok(())
}

impl Press<'_> {
    fn person(&self) -> u64 {
        self.click.user.id.get()
    }

    fn message(&self) -> MessageKey {
        MessageKey { channel: self.click.channel_id.get(), message: self.click.message.id.get() }
    }

    /// The first value of a select.
    fn value(&self) -> Option<&str> {
        match &self.click.data.kind {
            ComponentInteractionDataKind::StringSelect { values } => values.first().map(String::as_str),
            _ => None,
        }
    }

    /// All that the message shows; the button's own post where the message is not known.
    async fn posts(&self) -> Result<Vec<PostId>, Error> {
        let posts = self.pipeline.posts_of(self.message()).await?;
        Ok(if posts.is_empty() { vec![self.post] } else { posts })
    }

    async fn vote(&self, judgement: Judgement) -> Result<Answer, Error> {
        let vote = self.pipeline.vote(&self.posts().await?, self.person(), judgement).await?;
        let sign = if judgement == Judgement::Up { "👍" } else { "👎" };
        self.voted(sign, vote).await
    }

    async fn rate_face(&self) -> Result<Answer, Error> {
        let (face, stars) = self.value().and_then(face_and_stars).context("a select without a face and stars")?;
        let vote = self.pipeline.vote_on_face(self.post, face, self.person(), stars).await?;
        let n = usize::from(stars.get());
        self.voted(&format!("{}{}", "★".repeat(n), "☆".repeat(5 - n)), vote).await
    }

    async fn voted(&self, sign: &str, vote: Option<Vote>) -> Result<Answer, Error> {
        let Some(vote) = vote else { return Ok(self.gone()) };
        let calibration = self.pipeline.calibration(vote.scope).await?;
        let learns = match vote.scope {
            Scope::User(id) => self.pipeline.person(id).await?.personal_taste,
            Scope::Guild(_) | Scope::Local => true,
        };
        let words = voted_words(self.lang, sign, vote, learns.then_some(calibration), self.value().is_none());
        Ok(Answer::text(words))
    }

    fn gone(&self) -> Answer {
        Answer::text(tr!(self.lang, "discord.press.gone"))
    }

    async fn why(&self) -> Result<Answer, Error> {
        let (pipeline, lang) = (self.pipeline, self.lang);
        let Some((scope, _)) = pipeline.post_place(self.post).await? else { return Ok(self.gone()) };
        let view = pipeline.post_view(scope, &Rater::discord(self.person()), self.post).await?;
        let Some(view) = view else { return Ok(self.gone()) };
        let Some(best) = view.faces.first() else {
            return Ok(Answer::text(tr!(lang, "discord.score.no_face")));
        };
        let guild = self.click.guild_id.filter(|id| self.ctx.cache.guild(*id).is_some());
        let sight = Sight::at(self.ctx, self.click.user.id, guild, self.click.channel_id).await?;
        let Some(why) = pipeline.why(scope, best.id, sight.restricted).await? else { return Ok(self.gone()) };
        let (mut liked, mut disliked) = (None, None);
        for (found, alike) in [(&mut liked, &why.liked), (&mut disliked, &why.disliked)] {
            for alike in alike {
                // What somebody may not see elsewhere is not shown here.
                let seen = match pipeline.post_showing(scope, alike.face).await? {
                    Some(post) => sight.sees(pipeline, post).await?,
                    None => false,
                };
                if seen {
                    *found = Some(*alike);
                    break;
                }
            }
        }
        let threshold = match scope {
            Scope::Guild(guild) => {
                Some(pipeline.guild(guild).await?).filter(|s| s.curated.is_some()).map(|s| s.threshold)
            }
            Scope::Local | Scope::User(_) => None,
        };
        let (verdict, made_of) = (view.verdict, why.made_of);
        let hidden = !sight.restricted && pipeline.is_age_restricted(self.post).await?;
        let told = why::Told { score: why.score, made_of, threshold, liked, disliked, verdict, hidden };
        let text = why::words(lang, &told);
        if hidden {
            return Ok(Answer::text(text));
        }
        let mut crops = Vec::new();
        for face in [Some(best.id), liked.map(|alike| alike.face), disliked.map(|alike| alike.face)] {
            crops.push(match face {
                Some(face) => pipeline.crop(face).await?,
                None => None,
            });
        }
        let drawn = told;
        let card = tokio::task::spawn_blocking(move || {
            why::draw(&drawn, crops[0].as_deref(), crops[1].as_deref(), crops[2].as_deref())
        })
        .await?;
        let alt = why::alt(lang, &told);
        let covers = pipeline.is_spoilered(self.post).await?;
        Ok(Answer::text(text).with_files(vec![described(card, &covered("why.png", covers), &alt)]))
    }

    async fn not_a_face(&self) -> Result<Answer, Error> {
        let lang = self.lang;
        if let Some(value) = self.value() {
            let face = FaceId(value.parse().context("a select without a face")?);
            return self.report(face).await;
        }
        let Some((scope, _)) = self.pipeline.post_place(self.post).await? else { return Ok(self.gone()) };
        let viewer = Rater::discord(self.person());
        let mut views = Vec::new();
        for post in self.posts().await? {
            views.extend(self.pipeline.post_view(scope, &viewer, post).await?);
        }
        let faces = telling::faces(&views);
        match faces.as_slice() {
            [] => Ok(Answer::text(tr!(lang, "discord.score.no_face"))),
            [only] => self.report(only.face).await,
            several => {
                let options = (1..).zip(several).take(MOST_OPTIONS).map(|(number, face)| {
                    let label = tr!(lang, "discord.not_a_face.option", number = number);
                    CreateSelectMenuOption::new(label, face.face.0.to_string())
                });
                let kind = CreateSelectMenuKind::String { options: options.collect() };
                let menu = CreateSelectMenu::new(format!("notface:{}", self.post.0), kind);
                let menu = menu.placeholder(tr!(lang, "discord.not_a_face.which"));
                let words = Answer::text(tr!(lang, "discord.not_a_face.ask"));
                Ok(words.with_rows(vec![CreateActionRow::SelectMenu(menu)]))
            }
        }
    }

    async fn report(&self, face: FaceId) -> Result<Answer, Error> {
        let new = self.pipeline.report_not_a_face(face, &Rater::discord(self.person())).await?;
        Ok(match new {
            Some(_) => Answer::text(tr!(self.lang, "discord.not_a_face.done")),
            None => self.gone(),
        })
    }

    async fn remove(&self) -> Result<(), Error> {
        let pipeline = self.pipeline;
        let place = pipeline.post_place(self.post).await?.and_then(|(_, place)| place);
        let who = Remover {
            poster: place.as_ref().is_some_and(|p| !p.asked && p.author.discord_id() == Some(self.person())),
            asker: asker(&self.click.message) == Some(self.click.user.id),
            moderator: self
                .click
                .member
                .as_ref()
                .and_then(|m| m.permissions)
                .is_some_and(|p| p.intersects(Permissions::MANAGE_MESSAGES | Permissions::ADMINISTRATOR)),
        };
        let sent = pipeline.sent_as(self.message()).await?;
        let is_answer = sent.as_ref().is_none_or(|s| s.kind == SendKind::Answer);
        match removal(who, is_answer) {
            Removal::Refused => {
                let poster = place.filter(|p| !p.asked).and_then(|p| p.author.discord_id());
                let words = refusal_words(self.lang, poster, is_answer);
                let whisper = CreateInteractionResponse::Message(Answer::text(words).whisper());
                self.click.create_response(self.ctx, whisper).await?;
                return Ok(());
            }
            Removal::All => {
                self.click.create_response(self.ctx, CreateInteractionResponse::Acknowledge).await?;
                match sent.as_ref().map(|sent| sent.source) {
                    Some(Some(source)) => pipeline.withdraw_message(source).await?,
                    Some(None) => pipeline.withdraw_post(self.post).await?,
                    None => {}
                }
            }
            Removal::This => {
                self.click.create_response(self.ctx, CreateInteractionResponse::Acknowledge).await?;
                if let Some(sent) = &sent {
                    pipeline.withdraw_send(sent.id).await?;
                }
            }
        }
        if is_answer {
            // Where only the person has installed the bot, it may not delete messages, but it may take back its answer.
            if let Err(error) = self.click.delete_response(self.ctx).await {
                tracing::debug!(%error, "an answer could not be taken back by the press; it is deleted as a message");
            }
        }
        Ok(())
    }
}

/// Who asked for the answer that this message is.
fn asker(message: &serenity::Message) -> Option<serenity::UserId> {
    let by_command = message.interaction_metadata.as_deref().and_then(|metadata| match metadata {
        MessageInteractionMetadata::Command(command) => Some(command.user.id),
        MessageInteractionMetadata::Component(component) => Some(component.user.id),
        MessageInteractionMetadata::ModalSubmit(modal) => Some(modal.user.id),
        _ => None,
    });
    by_command.or_else(|| Some(message.referenced_message.as_deref()?.author.id))
}

/// What somebody is to a message of the bot's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Remover {
    poster: bool,
    asker: bool,
    moderator: bool,
}

/// What goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Removal {
    Refused,
    /// This answer.
    This,
    /// Reply, pick and answers about the source.
    All,
}

fn removal(who: Remover, is_answer: bool) -> Removal {
    match (who, is_answer) {
        (Remover { poster: true, .. } | Remover { moderator: true, .. }, false) => Removal::All,
        (Remover { poster: false, asker: false, moderator: false }, _) | (_, false) => Removal::Refused,
        (_, true) => Removal::This,
    }
}

fn refusal_words(lang: Lang, poster: Option<u64>, is_answer: bool) -> String {
    match poster {
        _ if is_answer => tr!(lang, "discord.remove.only_asker"),
        Some(id) => tr!(lang, "discord.remove.only_poster", poster = format!("<@{id}>")),
        None => tr!(lang, "discord.remove.only_moderators"),
    }
    .into_owned()
}

/// `learning`: how far the taste is that it goes to; `None` where it is a person's who has none. `again`: the same press
/// takes it back.
fn voted_words(lang: Lang, sign: &str, vote: Vote, learning: Option<Calibration>, again: bool) -> String {
    if vote.taken_back {
        return tr!(lang, "discord.vote.taken_back", sign = sign).into_owned();
    }
    let what = match (vote.own, learning) {
        (true, Some(_)) => tr!(lang, "discord.vote.own"),
        (true, None) => tr!(lang, "discord.vote.own_off"),
        (false, None) => tr!(lang, "discord.vote.private_off"),
        (false, Some(Calibration::Uncalibrated { ratings })) => {
            tr!(lang, "discord.vote.uncalibrated", ratings = ratings, of = CALIBRATED_AT)
        }
        (false, Some(Calibration::Calibrated { ratings })) => tr!(lang, "discord.vote.calibrated", ratings = ratings),
    };
    let mut said = vec![tr!(lang, "discord.vote.noted", sign = sign), what];
    if again {
        said.push(tr!(lang, "discord.vote.again"));
    }
    sentences(lang, &said)
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    #[test]
    fn a_button_is_told_by_its_id() {
        assert_eq!(pressed("up:12"), Some((Pressed::Vote(Judgement::Up), PostId(12))));
        assert_eq!(pressed("remove:1"), Some((Pressed::Remove, PostId(1))));
        for id in ["up", "up:", "up:x", "setup:12", "", ":1", "ask:5:7"] {
            assert_eq!(pressed(id), None, "{id}");
        }
        assert_eq!(face_and_stars("7:5").map(|(f, s)| (f, s.get())), Some((FaceId(7), 5)));
        for value in ["7:6", "7:0", "7", "x:1", "7:"] {
            assert_eq!(face_and_stars(value), None, "{value}");
        }
    }

    #[test]
    fn who_may_remove_what() {
        let nobody = Remover { poster: false, asker: false, moderator: false };
        let (poster, asker) = (Remover { poster: true, ..nobody }, Remover { asker: true, ..nobody });
        let moderator = Remover { moderator: true, ..nobody };
        let both = |who| (removal(who, false), removal(who, true));
        assert_eq!(both(nobody), (Removal::Refused, Removal::Refused));
        assert_eq!(both(poster), (Removal::All, Removal::This));
        assert_eq!(both(moderator), (Removal::All, Removal::This));
        assert_eq!(both(asker), (Removal::Refused, Removal::This), "a reply is nobody's who only asked");
    }

    #[test]
    fn each_press_is_answered_in_plain_words() {
        let vote = Vote { scope: Scope::Guild(1), taken_back: false, own: false };
        let say = |lang| {
            let young = Calibration::from_ratings(4);
            let old = Calibration::from_ratings(42);
            [
                voted_words(lang, "👍", vote, Some(young), true),
                voted_words(lang, "★★★★☆", vote, Some(old), false),
                voted_words(lang, "👎", Vote { taken_back: true, ..vote }, Some(old), true),
                voted_words(lang, "👍", Vote { own: true, ..vote }, Some(old), true),
                voted_words(lang, "👍", Vote { own: true, ..vote }, None, true),
                voted_words(lang, "👍", vote, None, true),
                refusal_words(lang, Some(5), false),
                refusal_words(lang, None, false),
                refusal_words(lang, Some(5), true),
            ]
            .join("\n")
        };
        assert_snapshot!(say(Lang::En));
        assert_snapshot!(say(Lang::Ja));
    }
}
