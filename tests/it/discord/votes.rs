//! Reactions, buttons and selects are ratings.

use mekiki::domain::{Scope, Target};

use super::fake::{Asker, At, Draft, Reaction};
use super::stage::{Stage, key, standing};
use super::watching::{ONE, OTHER};

/// A post with its reply.
async fn replied(stage: &Stage, seed: u64) -> (At, At) {
    let at = stage.discord.post(stage.art, Draft::by(stage.ada).scenes(&[seed]));
    let (reply, _) = stage.discord.reply_to(at).await;
    (at, (at.0, reply))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reaction_on_the_post_or_the_reply_is_a_rating_until_it_is_taken_back() {
    let Some(mut stage) = Stage::watching(301).await else { return };
    stage.start().await;
    let (post, reply) = replied(&stage, ONE).await;
    let (ben, cleo) = (stage.ben, stage.cleo);
    stage.discord.react(post, ben, "👍");
    stage.discord.react(reply, cleo, "👎");
    stage.judged(post, &[(ben, "up"), (cleo, "down")]).await;
    // The newest wins, and taken back, the one before stands again.
    stage.discord.react(reply, ben, "4️⃣");
    stage.judged(post, &[(ben, "4"), (cleo, "down")]).await;
    stage.discord.unreact(reply, ben, "4️⃣");
    stage.judged(post, &[(ben, "up"), (cleo, "down")]).await;
    stage.discord.super_react(post, cleo, "❤️");
    stage.judged(post, &[(ben, "up"), (cleo, "5")]).await;
    // What means nothing changes nothing; a bot and the poster have no vote in the guild's taste.
    stage.discord.react(post, ben, "🍣");
    let machine = stage.discord.other_bot("machine");
    stage.discord.join(stage.guild, machine);
    stage.discord.react(post, machine, "👎");
    stage.discord.react(post, stage.ada, "👍");
    stage.discord.unreact(post, ben, "👍");
    stage.judged(post, &[(cleo, "5")]).await;
    stage
        .until("the poster's own vote", async |store| {
            let post = *store.message_posts(key(post), false).await.unwrap().first()?;
            let picture = store.post(post).await.unwrap()?.picture?;
            let own = standing(store, Scope::User(stage.ada), Target::Picture(picture)).await;
            (own == [(stage.ada, "up".to_owned())]).then_some(())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reactions_cleared_by_a_moderator_are_taken_back() {
    let Some(mut stage) = Stage::watching(302).await else { return };
    stage.start().await;
    let (post, reply) = replied(&stage, ONE).await;
    let (ben, cleo) = (stage.ben, stage.cleo);
    stage.discord.react(post, ben, "👍");
    stage.discord.react(post, cleo, "👎");
    stage.discord.react(reply, cleo, "❤️");
    stage.judged(post, &[(ben, "up"), (cleo, "5")]).await;
    // One emoji: the event that serenity does not know in its documented shape.
    stage.discord.clear(reply, Some("❤️"));
    stage.judged(post, &[(ben, "up"), (cleo, "down")]).await;
    stage.discord.clear(post, None);
    stage.judged(post, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn buttons_and_the_select_rate_and_say_so_to_the_voter_alone() {
    let Some(mut stage) = Stage::curating(303).await else { return };
    stage.start().await;
    let (post, reply) = replied(&stage, ONE).await;
    let (pick, _) = stage.pick_of(post).await;
    let (ben, cleo) = (stage.ben, stage.cleo);
    stage.discord.vote(reply, ben, "up:").await;
    stage.discord.vote((stage.picks, pick), cleo, "down:").await;
    stage.judged(post, &[(ben, "up"), (cleo, "down")]).await;
    stage.discord.vote(reply, ben, "down:").await;
    stage.judged(post, &[(ben, "down"), (cleo, "down")]).await;

    let select = stage.discord.world(|world| world.message(reply.0, reply.1).unwrap().component("rate:").cloned());
    let options = select.unwrap()["options"].clone();
    let five = options.as_array().unwrap().iter().filter_map(|o| o["value"].as_str()).find(|v| v.ends_with(":5"));
    let asker = Asker::new(ben, stage.art);
    let token = stage.discord.select(asker, reply.1, "rate:", &[five.unwrap()]);
    stage.discord.acknowledged(&token).await;
    stage
        .until("a face's rating", async |store| {
            let rated = store.ledger().await.unwrap();
            let is = |r: &mekiki::domain::Rating| {
                matches!(r.target, Target::Face(_))
                    && r.rater.discord_id() == Some(ben)
                    && r.judgement.is_some_and(|j| j.to_string() == "5")
            };
            rated.iter().any(is).then_some(())
        })
        .await;

    let token = stage.discord.click(Asker::new(ben, stage.art), reply.1, "why:");
    let (_, why) = stage.discord.answer(&token).await;
    assert!(why.ephemeral && !why.text().is_empty(), "{}", why.said);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_poster_may_have_it_removed_and_others_may_not() {
    let Some(mut stage) = Stage::watching(304).await else { return };
    stage.start().await;
    let post = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[OTHER]));
    let (reply, _) = stage.discord.reply_to(post).await;
    let token = stage.discord.click(Asker::new(stage.cleo, stage.art), reply, "remove:");
    let (_, refusal) = stage.discord.answer(&token).await;
    assert!(refusal.ephemeral);
    assert_eq!(stage.discord.world(|world| world.replies_to(post)).len(), 1);
    let token = stage.discord.click(Asker::new(stage.ben, stage.art), reply, "remove:");
    stage.discord.acknowledged(&token).await;
    stage.discord.wait("no reply", |world| world.replies_to(post).is_empty().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reactions_missed_while_away_are_looked_up() {
    let Some(mut stage) = Stage::watching(305).await else { return };
    stage.start().await;
    let (post, reply) = replied(&stage, ONE).await;
    let (ben, cleo) = (stage.ben, stage.cleo);
    stage.discord.react(post, ben, "👍");
    stage.judged(post, &[(ben, "up")]).await;
    stage.kill();
    stage.discord.unreact(post, ben, "👍");
    stage.discord.react(reply, cleo, "5️⃣");
    let dana = stage.discord.user("dana");
    stage.discord.join(stage.guild, dana);
    stage.discord.super_react(reply, dana, "👎");
    stage.start().await;
    stage.judged(post, &[(cleo, "5"), (dana, "down")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_reactions_within_a_second_end_as_the_truth() {
    let Some(mut stage) = Stage::curating(306).await else { return };
    stage.start().await;
    let post = stage.discord.post(stage.art, Draft::by(stage.ada).scenes(&[ONE]));
    stage.discord.reply_to(post).await;
    let (pick, _) = stage.pick_of(post).await;
    let pick = (stage.picks, pick);
    let mut dice = super::fake::Dice::new(306);
    let people: Vec<u64> = (0..60)
        .map(|i| {
            let user = stage.discord.user(&format!("person {i}"));
            stage.discord.join(stage.guild, user);
            user
        })
        .collect();
    let began = std::time::Instant::now();
    let (mut told, mut doubled) = (0, 0);
    while told < 1000 {
        let user = people[dice.below(people.len())];
        let emoji = ["👍", "👎", "❤️", "1️⃣", "2️⃣", "3️⃣", "4️⃣", "5️⃣", "🍣"][dice.below(9)];
        let reaction = Reaction { user, emoji: emoji.into(), burst: false };
        let twice = dice.chance(0.1);
        stage.discord.world(|world| {
            let stands = world.standing(pick).iter().any(|r| r.user == user && r.emoji == emoji);
            world.set_reaction(pick.0, pick.1, &reaction, !stands);
            if twice {
                world.tell_reaction(pick.0, pick.1, &reaction, !stands);
            }
        });
        told += 1 + usize::from(twice);
        doubled += usize::from(twice);
    }
    assert!(doubled > 50 && began.elapsed() < std::time::Duration::from_secs(1), "{:?}", began.elapsed());
    // Somebody whose newest standing reaction means something has that judgement.
    let mut truth = std::collections::BTreeMap::new();
    for Reaction { user, emoji, .. } in stage.discord.world(|world| world.standing(pick)) {
        let judgement = match emoji.as_str() {
            "👍" => "up",
            "👎" => "down",
            "❤️" => "5",
            digit if digit.ends_with('\u{20e3}') => &digit[..1],
            _ => continue,
        };
        truth.insert(user, judgement.to_owned());
    }
    let wanted: Vec<(u64, &str)> = truth.iter().map(|(user, what)| (*user, what.as_str())).collect();
    stage.judged(post, &wanted).await;
}
