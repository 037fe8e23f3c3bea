//! `/taste`: what a taste was taught and what it makes of it; a taste of one's own; forgetting one.

use anyhow::Context as _;
use poise::serenity_prelude as serenity;
use serenity::{
    ButtonStyle, ComponentInteraction, CreateActionRow, CreateAttachment, CreateButton, CreateInteractionResponse,
    Permissions,
};

use super::sight::Sight;
use super::{Answer, App, Context, Error, Lang, joined_guild, lang, say};
use crate::card::{CardFace, Row, calibration, card};
use crate::discord::message::described;
use crate::domain::{CALIBRATED_AT, Person, Rater, Scope};
use crate::pipeline::{Pipeline, TasteView};

/// Numbers of ratings worth looking forward to.
const MILESTONES: [u32; 5] = [10, 30, 100, 300, 1000];
/// Characters of the bar to the next one.
const BAR: u32 = 12;
/// Faces that are shown as liked.
const LIKED: usize = 6;

#[poise::command(
    slash_command,
    prefix_command,
    subcommands("show", "mine", "reset"),
    install_context = "Guild|User",
    interaction_context = "Guild|BotDm|PrivateChannel"
)]
pub(super) async fn taste(ctx: Context<'_>) -> Result<(), Error> {
    // Without a subcommand, after the prefix.
    shown(ctx).await
}

#[poise::command(slash_command, prefix_command, ephemeral)]
async fn show(ctx: Context<'_>) -> Result<(), Error> {
    shown(ctx).await
}

async fn shown(ctx: Context<'_>) -> Result<(), Error> {
    let (lang, person) = (lang(ctx), ctx.author().id.get());
    let guild = joined_guild(ctx);
    let scope = Pipeline::scope_of(guild.map(serenity::GuildId::get), person);
    let pipeline = &ctx.data().pipeline;
    let taste = pipeline.taste_view(scope, &Rater::discord(person)).await?;
    let own = match scope {
        Scope::User(_) => None,
        _ if pipeline.person(person).await?.personal_taste => {
            Some(pipeline.calibration(Scope::User(person)).await?.ratings())
        }
        _ => None,
    };
    let files = [calibration_picture(&taste, lang).await?, liked(ctx, &taste, lang).await?];
    let text = taste_words(lang, scope, &taste, own);
    say(ctx, Answer::text(text).with_files(files.into_iter().flatten().collect())).await
}

/// `own`: how many ratings a taste of the asker's own has learnt from.
pub(super) fn taste_words(lang: Lang, scope: Scope, taste: &TasteView, own: Option<u32>) -> String {
    let title = if matches!(scope, Scope::User(_)) {
        tr!(lang, "discord.taste.title_mine")
    } else {
        tr!(lang, "discord.taste.title")
    };
    let ratings = taste.calibration.ratings();
    let mut lines = vec![title.into_owned()];
    lines.push(match ratings {
        0 => tr!(lang, "discord.taste.none", of = CALIBRATED_AT).into_owned(),
        _ => tr!(lang, "discord.taste.ratings", n = ratings, kinds = kinds(taste)).into_owned(),
    });
    lines.push(milestone(lang, ratings));
    if let Some((rank, n)) = taste.held_out {
        let how = if rank >= 0.7 {
            tr!(lang, "discord.taste.rank_strong")
        } else if rank >= 0.4 {
            tr!(lang, "discord.taste.rank_fair")
        } else if rank >= 0.2 {
            tr!(lang, "discord.taste.rank_weak")
        } else {
            tr!(lang, "discord.taste.rank_none")
        };
        lines.push(tr!(lang, "discord.taste.rank", how = how, rank = format!("{rank:.2}"), n = n).into_owned());
    }
    if ratings > 0 {
        lines.push(tr!(lang, "discord.taste.pictures").into_owned());
    }
    if let Some(n) = own {
        lines.push(tr!(lang, "discord.taste.own", n = n).into_owned());
    }
    lines.join("\n")
}

fn kinds(taste: &TasteView) -> String {
    let stars = (1..=5u8).zip(taste.stars).rev().map(|(stars, n)| (format!("★{stars}"), n));
    let thumbs = [("👍".to_owned(), taste.ups), ("👎".to_owned(), taste.downs)];
    let all = thumbs.into_iter().chain(stars).filter(|(_, n)| *n > 0);
    all.map(|(kind, n)| format!("{kind} {n}")).collect::<Vec<_>>().join(" · ")
}

/// A bar to the next number worth looking forward to.
pub(super) fn milestone(lang: Lang, ratings: u32) -> String {
    let Some(next) = MILESTONES.into_iter().find(|m| *m > ratings) else {
        return tr!(lang, "discord.taste.beyond").into_owned();
    };
    let full = ratings * BAR / next;
    let bar = "▰".repeat(full as usize) + &"▱".repeat((BAR - full) as usize);
    tr!(lang, "discord.taste.next", bar = bar, ratings = ratings, next = next).into_owned()
}

/// For each rating, where the scores of what was rated so would lie, had it not been; `None` before there is something to
/// show.
async fn calibration_picture(taste: &TasteView, lang: Lang) -> Result<Option<CreateAttachment>, Error> {
    let rows: Vec<Row> = taste.by_rating.iter().map(|row| Row { judgement: row.judgement, bins: row.bins }).collect();
    if rows.is_empty() {
        return Ok(None);
    }
    let n: u32 = rows.iter().flat_map(|row| row.bins).sum();
    let png = tokio::task::spawn_blocking(move || calibration(&rows)).await?;
    Ok(Some(described(png, "calibration.png", &tr!(lang, "discord.taste.calibration_alt", n = n))))
}

/// The best faces that the asker may see here, side by side.
async fn liked(ctx: Context<'_>, taste: &TasteView, lang: Lang) -> Result<Option<CreateAttachment>, Error> {
    let pipeline = &ctx.data().pipeline;
    let sight = Sight::of(ctx).await?;
    let mut faces = Vec::new();
    for found in &taste.best {
        if faces.len() == LIKED || (found.over_age_gate && !sight.restricted) {
            continue;
        }
        if !sight.sees(pipeline, found.post).await? {
            continue;
        }
        if let Some(jpeg) = pipeline.crop(found.face.id).await? {
            faces.push((jpeg, found.face.score));
        }
    }
    if faces.is_empty() {
        return Ok(None);
    }
    let png = tokio::task::spawn_blocking(move || {
        let faces: Vec<CardFace> = (1..)
            .zip(faces)
            .map(|(number, (jpeg, score))| {
                let crop = image::load_from_memory_with_format(&jpeg, image::ImageFormat::Jpeg).ok();
                CardFace { number, crop: crop.map(image::DynamicImage::into_rgb8), score }
            })
            .collect();
        card(&faces, 0)
    })
    .await?;
    Ok(Some(described(png, "liked.png", &tr!(lang, "discord.taste.liked_alt"))))
}

#[poise::command(slash_command, prefix_command, ephemeral)]
async fn mine(ctx: Context<'_>, on: Option<bool>) -> Result<(), Error> {
    let (lang, person) = (lang(ctx), ctx.author().id.get());
    let pipeline = &ctx.data().pipeline;
    let before = pipeline.person(person).await?;
    let on = on.unwrap_or(!before.personal_taste);
    pipeline.set_person(person, &Person { personal_taste: on, ..before }).await?;
    let words = if on {
        let ratings = pipeline.calibration(Scope::User(person)).await?.ratings();
        tr!(lang, "discord.taste.mine_on", n = ratings, of = CALIBRATED_AT)
    } else {
        tr!(lang, "discord.taste.mine_off")
    };
    say(ctx, words).await
}

#[poise::command(slash_command, ephemeral)]
async fn reset(ctx: Context<'_>) -> Result<(), Error> {
    let lang = lang(ctx);
    let moderates = match ctx {
        poise::Context::Application(slash) => may_moderate(slash.interaction.member.as_deref()),
        poise::Context::Prefix(_) => false,
    };
    say(ctx, reset_question(lang, joined_guild(ctx).is_some() && moderates)).await
}

pub(super) fn may_moderate(member: Option<&serenity::Member>) -> bool {
    let may = member.and_then(|member| member.permissions).unwrap_or(Permissions::empty());
    may.intersects(Permissions::MANAGE_GUILD | Permissions::ADMINISTRATOR)
}

/// `guild`: the asker may also reset the guild's taste.
pub(super) fn reset_question(lang: Lang, guild: bool) -> Answer {
    let button = |id: &str, label: &str| CreateButton::new(id).label(label).style(ButtonStyle::Danger);
    let mut buttons = vec![button("reset:mine", &tr!(lang, "discord.reset.mine"))];
    let mut text = tr!(lang, "discord.reset.question_mine").into_owned();
    if guild {
        buttons.insert(0, button("reset:guild", &tr!(lang, "discord.reset.guild")));
        text = tr!(lang, "discord.reset.question").into_owned();
    }
    Answer::text(text).with_rows(vec![CreateActionRow::Buttons(buttons)])
}

/// The second click.
pub(super) async fn reset_clicked(
    ctx: &serenity::Context,
    click: &ComponentInteraction,
    app: &App,
    what: &str,
    lang: Lang,
) -> Result<(), Error> {
    let scope = match what {
        "mine" => Scope::User(click.user.id.get()),
        "guild" if may_moderate(click.member.as_ref()) => {
            Scope::Guild(click.guild_id.context("a guild's taste was to be reset outside of one")?.get())
        }
        _ => {
            let answer = Answer::text(tr!(lang, "discord.setup.moderators_only"));
            click.create_response(ctx, CreateInteractionResponse::Message(answer.whisper())).await?;
            return Ok(());
        }
    };
    click.create_response(ctx, CreateInteractionResponse::Acknowledge).await?;
    app.pipeline.reset_taste(scope).await?;
    click.edit_response(ctx, Answer::text(tr!(lang, "discord.reset.done")).edit()).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_grows_to_the_next_milestone() {
        assert!(milestone(Lang::En, 0).contains("▱▱▱▱▱▱▱▱▱▱▱▱"));
        assert!(milestone(Lang::En, 9).contains("▰▰▰▰▰▰▰▰▰▰▱▱"));
        assert!(milestone(Lang::En, 10).contains("30"));
        assert_eq!(milestone(Lang::En, 1000), milestone(Lang::En, 5000));
    }
}
