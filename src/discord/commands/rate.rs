//! `/rate`: five faces that teach most, one after the other. What is still to come is in the buttons, so nothing is kept
//! meanwhile. Scores are shown only after the vote.

use poise::serenity_prelude as serenity;
use serenity::{
    ButtonStyle, ComponentInteraction, CreateActionRow, CreateAttachment, CreateButton, CreateInteractionResponse,
    UserId,
};

use super::sight::Sight;
use super::{Answer, App, Context, Error, Lang, joined_guild, lang, say};
use crate::discord::message::{covered, described, words};
use crate::domain::{FaceId, Judgement, PostId, Rater, Rating, RatingSource, Scope, Score, Stars, Target};
use crate::pipeline::{Asked, Pipeline, ToAsk};

#[poise::command(
    slash_command,
    prefix_command,
    ephemeral,
    install_context = "Guild|User",
    interaction_context = "Guild|BotDm"
)]
pub(super) async fn rate(ctx: Context<'_>) -> Result<(), Error> {
    let (lang, person) = (lang(ctx), ctx.author().id);
    let pipeline = &ctx.data().pipeline;
    let scope = Pipeline::scope_of(joined_guild(ctx).map(serenity::GuildId::get), person.get());
    let sight = Sight::of(ctx).await?;
    // What they may not see is no question to them, nor does it count as one.
    let hidden = sight.hidden(pipeline.source_channels(scope).await?);
    let faces = match pipeline.ask(scope, person.get(), sight.restricted, &hidden, ctx.id()).await? {
        ToAsk::Faces(faces) => faces,
        ToAsk::Enough => return say(ctx, tr!(lang, "discord.ask_rate.enough")).await,
        ToAsk::NothingLeft => return say(ctx, tr!(lang, "discord.ask_rate.nothing")).await,
    };
    let round = Round { person, faces };
    say(ctx, question(pipeline, scope, round, lang, Vec::new()).await?).await
}

/// Whose round it is, and what is left of it; the first one is asked about now.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Round {
    person: UserId,
    faces: Vec<Asked>,
}

impl Round {
    /// `ask:WHAT:PERSON:POST-FACE.POST-FACE…`, numbers in base 36: an id has room for 100 characters.
    fn id(&self, what: &str) -> String {
        let number = |id: i64| base36(id.cast_unsigned());
        let faces: Vec<String> =
            self.faces.iter().map(|asked| format!("{}-{}", number(asked.post.0), number(asked.face.0))).collect();
        format!("ask:{what}:{}:{}", base36(self.person.get()), faces.join("."))
    }

    /// Reads what stands behind `ask:`.
    fn read(rest: &str) -> Option<(&str, Self)> {
        let number = |text: &str| u64::from_str_radix(text, 36).ok();
        let mut parts = rest.split(':');
        let (what, person, faces) = (parts.next()?, parts.next()?, parts.next()?);
        let person = number(person).filter(|id| *id > 0).map(UserId::new)?;
        let asked = |pair: &str| {
            let (post, face) = pair.split_once('-')?;
            Some(Asked { post: PostId(number(post)?.cast_signed()), face: FaceId(number(face)?.cast_signed()) })
        };
        let faces = faces.split('.').map(asked).collect::<Option<Vec<_>>>()?;
        Some((what, Self { person, faces }))
    }
}

fn base36(mut n: u64) -> String {
    let mut digits = Vec::new();
    loop {
        digits.extend(char::from_digit((n % 36) as u32, 36));
        n /= 36;
        if n == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

/// The next face with its buttons, under what was said of the last one; the end, when none is left.
async fn question(
    pipeline: &Pipeline,
    scope: Scope,
    mut round: Round,
    lang: Lang,
    mut lines: Vec<String>,
) -> Result<Answer, Error> {
    let viewer = Rater::discord(round.person.get());
    while let Some(&asked) = round.faces.first() {
        if let Some(crop) = pipeline.crop(asked.face).await?
            && let Some(view) = pipeline.post_view(scope, &viewer, asked.post).await?
        {
            let spoilered = pipeline.is_spoilered(asked.post).await?;
            let name = |name| covered(name, spoilered);
            let mut files = vec![described(crop, &name("face.jpg"), &tr!(lang, "discord.ask_rate.alt_face"))];
            if let Some(picture) = &view.picture
                && let Some(preview) = pipeline.preview(picture.id).await?
            {
                files.push(described(preview, &name("picture.jpg"), &tr!(lang, "discord.ask_rate.alt_picture")));
            }
            lines.push(tr!(lang, "discord.ask_rate.question", left = round.faces.len()).into_owned());
            return Ok(asking(lang, &round, &lines, files));
        }
        // It is gone meanwhile.
        round.faces.remove(0);
    }
    let ratings = pipeline.calibration(scope).await?.ratings();
    lines.push(tr!(lang, "discord.ask_rate.thanks").into_owned());
    lines.push(super::taste::milestone(lang, ratings));
    Ok(Answer::text(lines.join("\n")))
}

fn asking(lang: Lang, round: &Round, lines: &[String], files: Vec<CreateAttachment>) -> Answer {
    let stars = (1..=5u8).map(|n| CreateButton::new(round.id(&n.to_string())).label(format!("★{n}")));
    let stars = stars.map(|button| button.style(ButtonStyle::Primary)).collect();
    let skip = CreateButton::new(round.id("skip")).label(tr!(lang, "discord.ask_rate.skip"));
    let rows =
        vec![CreateActionRow::Buttons(stars), CreateActionRow::Buttons(vec![skip.style(ButtonStyle::Secondary)])];
    Answer::text(lines.join("\n")).with_rows(rows).with_files(files)
}

/// A vote, or a face that somebody would rather not judge.
pub(super) async fn clicked(
    ctx: &serenity::Context,
    click: &ComponentInteraction,
    app: &App,
    rest: &str,
    lang: Lang,
) -> Result<(), Error> {
    let Some((what, mut round)) = Round::read(rest) else { return Ok(()) };
    if round.person != click.user.id {
        let answer = Answer::text(tr!(lang, "discord.ask_rate.not_yours"));
        click.create_response(ctx, CreateInteractionResponse::Message(answer.whisper())).await?;
        return Ok(());
    }
    click.create_response(ctx, CreateInteractionResponse::Acknowledge).await?;
    let pipeline = &app.pipeline;
    let guild = click.guild_id.filter(|id| ctx.cache.guild(*id).is_some());
    let scope = Pipeline::scope_of(guild.map(serenity::GuildId::get), round.person.get());
    let asked = round.faces.remove(0);
    let mut lines = Vec::new();
    if let Some(stars) = what.parse::<u8>().ok().and_then(|n| Stars::try_from(n).ok()) {
        lines.push(vote(pipeline, scope, round.person, asked, stars, lang).await?);
    }
    let answer = question(pipeline, scope, round, lang, lines).await?;
    click.edit_response(ctx, answer.edit()).await?;
    Ok(())
}

/// Keeps a vote; answers what is said of it.
async fn vote(
    pipeline: &Pipeline,
    scope: Scope,
    person: UserId,
    asked: Asked,
    stars: Stars,
    lang: Lang,
) -> Result<String, Error> {
    let rater = Rater::discord(person.get());
    // Before the vote is learnt from: this is what was thought of it.
    let view = pipeline.post_view(scope, &rater, asked.post).await?;
    let rating = Rating {
        scope,
        rater,
        target: Target::Face(asked.face),
        judgement: Some(Judgement::Stars(stars)),
        source: RatingSource::Interaction,
        at: pipeline.now(),
        score_visible: false,
    };
    if !pipeline.rate(&rating).await? {
        return Ok(tr!(lang, "discord.ask_rate.gone").into_owned());
    }
    let score = view.as_ref().and_then(|view| view.faces.iter().find(|face| face.id == asked.face)?.score);
    Ok(verdict(lang, stars, score.as_ref(), view.and_then(|view| view.link).as_deref()))
}

/// What they said, and what was expected; with the link, now that it can sway nobody.
pub(super) fn verdict(lang: Lang, stars: Stars, score: Option<&Score>, link: Option<&str>) -> String {
    let stars = format!("★{}", stars.get());
    let said = if let Some(score) = score {
        tr!(lang, "discord.ask_rate.said", stars = stars, score = words(score))
    } else {
        tr!(lang, "discord.ask_rate.said_unscored", stars = stars)
    };
    match link.and_then(|url| crate::discord::markup::link(&tr!(lang, "discord.score.source"), url)) {
        Some(source) => format!("{said} · {source}"),
        None => said.into_owned(),
    }
}

#[cfg(test)]
pub(super) fn example(lang: Lang) -> Answer {
    let faces = (1..=2).map(|n| Asked { post: PostId(n), face: FaceId(10 * n) }).collect();
    let round = Round { person: UserId::new(7), faces };
    let lines = vec![tr!(lang, "discord.ask_rate.question", left = 2).into_owned()];
    let file = described(vec![0], "face.jpg", &tr!(lang, "discord.ask_rate.alt_face"));
    asking(lang, &round, &lines, vec![file])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::ASKED_AT_ONCE;

    #[test]
    fn the_round_is_read_from_its_buttons_and_fits_into_an_id() {
        let face = |n: i64| Asked { post: PostId(10_000_000 + n), face: FaceId(50_000_000 + n) };
        let faces = (0..i64::try_from(ASKED_AT_ONCE).unwrap()).map(face).collect();
        let round = Round { person: UserId::new(u64::MAX), faces };
        let id = round.id("skip");
        assert!(id.len() <= 100, "{id}");
        assert_eq!(Round::read(id.strip_prefix("ask:").unwrap()), Some(("skip", round)));
        for broken in ["3:0:1-2", "3:7:", "3:7:1", "3:7:1-2.3", "3:!:1-2", "3"] {
            assert_eq!(Round::read(broken), None, "{broken}");
        }
    }
}
