//! Against a plain model: whatever is seen in whatever order, what stands in the end is the truth.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Change(ReactionChange),
    Press { person: u64, judgement: Option<&'static str> },
    Sync,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let message = prop_oneof![Just(SOURCE), Just(REPLY), Just(PICK)];
    let emoji = prop_oneof![Just("👍"), Just("👎"), Just("❤️"), Just("4️⃣"), Just("😀")];
    let change = (message, 8u64..11, emoji, 0..12).prop_map(|(message, person, emoji, kind)| match kind {
        0 => ReactionChange::Clear { message },
        1 => ReactionChange::ClearEmoji { message, emoji: emoji.into() },
        2..6 => removed(message, person, emoji),
        _ => added(message, person, emoji),
    });
    let press = (8u64..11, prop_oneof![Just(Some("up")), Just(Some("1")), Just(None)]);
    let step = prop_oneof![
        10 => change.prop_map(Step::Change),
        1 => press.prop_map(|(person, judgement)| Step::Press { person, judgement }),
        1 => Just(Step::Sync),
    ];
    prop::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever was missed, doubled or seen in another order: after a look at Discord's own lists, what stands is there,
    /// and each person's judgement is the newest thing they said.
    #[test]
    fn after_a_sync_what_stands_is_the_truth(seen in steps(), truth in prop::collection::btree_set(
        (0usize..3, 8u64..11, prop_oneof![Just("👍"), Just("3️⃣"), Just("😀")]), 0..12)) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("builds").block_on(async {
            let home = Home::new().await;
            let [first, second] = home.message().await;
            let messages = [SOURCE, REPLY, PICK];
            let mut pressed: std::collections::HashMap<u64, (i64, Option<&str>)> = std::collections::HashMap::new();
            let mut seconds = 0;
            for step in seen {
                seconds += 1;
                match step {
                    Step::Change(change) => drop(home.react(seconds, &[change]).await),
                    Step::Press { person, judgement } => {
                        home.press(person, first, judgement, seconds).await;
                        pressed.insert(person, (seconds, judgement));
                    }
                    Step::Sync => sync(&home, SOURCE, 0, &truth, seconds).await,
                }
            }
            for (i, &message) in messages.iter().enumerate() {
                seconds += 1;
                sync(&home, message, i, &truth, seconds).await;
            }
            for (i, &message) in messages.iter().enumerate() {
                let expected: BTreeSet<_> =
                    truth.iter().filter(|t| t.0 == i).map(|t| (t.1, emoji_key(t.2))).collect();
                prop_assert_eq!(home.store.reactions_on(message).await.expect("reads"), expected);
            }
            for person in 8..11 {
                let newest = home.newest_meaningful(person, &[SOURCE, REPLY]).await.map(|n| n.1);
                prop_assert_eq!(home.stands(GUILD, person, second).await, newest);
                // The first picture is on the pick as well, and had buttons.
                let reaction = home.newest_meaningful(person, &messages).await;
                let expected = match (reaction, pressed.get(&person)) {
                    (Some((at, _)), Some(&(pressed, judgement))) if pressed >= at => judgement.map(str::to_owned),
                    (None, Some(&(_, judgement))) => judgement.map(str::to_owned),
                    (reaction, _) => reaction.map(|n| n.1),
                };
                prop_assert_eq!(home.stands(GUILD, person, first).await, expected);
            }
            // Settled once, settled for good.
            let lines = home.lines().await.len();
            for (i, &message) in messages.iter().enumerate() {
                sync(&home, message, i, &truth, seconds + 1).await;
            }
            prop_assert_eq!(home.lines().await.len(), lines);
            Ok(())
        })?;
    }
}

async fn sync(
    home: &Home,
    message: MessageKey,
    which: usize,
    truth: &BTreeSet<(usize, u64, &'static str)>,
    seconds: i64,
) {
    let standing: Vec<_> = truth.iter().filter(|t| t.0 == which).map(|t| (t.1, t.2.to_owned())).collect();
    home.store.sync_reactions(message, &standing, NOW + Duration::seconds(seconds)).await.expect("writes");
}

impl Home {
    /// Second and judgement of the newest reaction that means something, read from the table alone.
    async fn newest_meaningful(&self, person: u64, messages: &[MessageKey]) -> Option<(i64, String)> {
        let rows: Vec<(i64, String, i64)> =
            sqlx::query_as("SELECT message, emoji, at FROM reactions WHERE person = ? ORDER BY at DESC, rowid DESC")
                .bind(person.cast_signed())
                .fetch_all(&self.store.pool)
                .await
                .expect("reads");
        rows.into_iter().find_map(|(message, emoji, at)| {
            let judgement = meaning(&emoji, &GuildSettings::default())?;
            let of = messages.iter().any(|m| m.message.cast_signed() == message);
            of.then(|| (at / 1000 - NOW.unix_timestamp(), judgement.to_string()))
        })
    }
}
