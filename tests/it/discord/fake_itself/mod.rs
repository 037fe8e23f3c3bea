//! The loopback Discord itself: a plain serenity client finds in it what it would find on Discord.

mod interactions;

use std::sync::Arc;
use std::time::Duration;

use serenity::all::{
    ChannelId, Client, Context, CreateAttachment, CreateMessage, EventHandler, GatewayIntents, GetMessages,
    HttpBuilder, Message, MessageId, Reaction, ReactionType, Ready, ResumedEvent,
};
use serenity::async_trait;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::fake::{Discord, Draft, Out, Place};

#[derive(Debug)]
enum Seen {
    Ready,
    Resumed,
    Message(Box<Message>),
    Reaction(u64, bool),
}

struct Watcher(UnboundedSender<Seen>);

#[async_trait]
impl EventHandler for Watcher {
    async fn ready(&self, _: Context, _: Ready) {
        let _ = self.0.send(Seen::Ready);
    }

    async fn resume(&self, _: Context, _: ResumedEvent) {
        let _ = self.0.send(Seen::Resumed);
    }

    async fn message(&self, _: Context, message: Message) {
        let _ = self.0.send(Seen::Message(Box::new(message)));
    }

    async fn reaction_add(&self, _: Context, reaction: Reaction) {
        let _ = self.0.send(Seen::Reaction(reaction.user_id.unwrap().get(), true));
    }

    async fn reaction_remove(&self, _: Context, reaction: Reaction) {
        let _ = self.0.send(Seen::Reaction(reaction.user_id.unwrap().get(), false));
    }
}

async fn next(seen: &mut UnboundedReceiver<Seen>) -> Seen {
    tokio::time::timeout(Duration::from_secs(30), seen.recv()).await.expect("an event").expect("the client runs")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_sees_what_people_do_and_people_see_what_it_does() {
    let Some(discord) = Discord::start(1).await else { return };
    discord.check_answers();
    let ada = discord.user("ada");
    let guild = discord.guild(&[ada]);
    let channel = discord.channel(Place::text(guild), "art");
    let token = discord.world(|world| world.token.clone());
    let http = Arc::new(HttpBuilder::new(&token).proxy(&discord.base).ratelimiter_disabled(true).build());
    let intents = GatewayIntents::non_privileged() | GatewayIntents::MESSAGE_CONTENT;
    let (send, mut seen) = unbounded_channel();
    let mut client = serenity::client::ClientBuilder::new_with_http(
        HttpBuilder::new(&token).proxy(&discord.base).ratelimiter_disabled(true).build(),
        intents,
    )
    .event_handler(Watcher(send))
    .await
    .unwrap();
    let shards = Arc::clone(&client.shard_manager);
    let running = tokio::spawn(async move { Client::start_autosharded(&mut client).await });
    assert!(matches!(next(&mut seen).await, Seen::Ready));

    // A picture, and what the API says of it.
    let at = discord.post(channel, Draft::by(ada).says("look").scenes(&[3]));
    let Seen::Message(message) = next(&mut seen).await else { panic!() };
    assert_eq!((message.content.as_str(), message.attachments.len()), ("look", 1));
    let picture = reqwest::Client::new().get(&message.attachments[0].url).send().await.unwrap();
    assert_eq!(picture.status(), 200);
    discord.expire_links();
    let dead = reqwest::Client::new().get(&message.attachments[0].url).send().await.unwrap();
    assert_eq!(dead.status(), 404);
    let place = ChannelId::new(channel);
    let fresh = place.message(&http, MessageId::new(at.1)).await.unwrap();
    assert_eq!(reqwest::Client::new().get(&fresh.attachments[0].url).send().await.unwrap().status(), 200);

    // The same nonce is the same message.
    let answer = || {
        let file = CreateAttachment::bytes(b"not a picture".to_vec(), "a.txt");
        CreateMessage::new()
            .content("4.2")
            .reference_message(&fresh)
            .add_file(file)
            .nonce(serenity::all::Nonce::String("mk1".into()))
            .enforce_nonce(true)
    };
    let one = place.send_message(&http, answer()).await.unwrap();
    let two = place.send_message(&http, answer()).await.unwrap();
    assert_eq!(one.id, two.id);
    assert!(matches!(next(&mut seen).await, Seen::Message(_)));
    let (id, reply) = discord.reply_to(at).await;
    assert_eq!((id, reply.pings.clone(), discord.said(channel).len()), (one.id.get(), vec![ada], 1));
    assert_eq!(place.messages(&http, GetMessages::new().after(MessageId::new(at.1))).await.unwrap().len(), 1);

    // Reactions come, are missed, are replayed, are listed.
    let star = ReactionType::Unicode("⭐".into());
    discord.react(at, ada, "⭐");
    assert!(matches!(next(&mut seen).await, Seen::Reaction(user, true) if user == ada));
    discord.gateway(|gateway| {
        gateway.control(|| Out::Cut);
        gateway.down = true;
    });
    discord.unreact(at, ada, "⭐");
    discord.super_react(at, ada, "⭐");
    discord.gateway(|gateway| gateway.down = false);
    let mut came = Vec::new();
    while came.len() < 2 {
        match next(&mut seen).await {
            Seen::Reaction(_, add) => came.push(add),
            Seen::Resumed => {}
            other => panic!("{other:?}"),
        }
    }
    came.sort_unstable();
    assert_eq!(came, [false, true]);
    place.create_reaction(&http, fresh.id, star.clone()).await.unwrap();
    let page = place.reaction_users(&http, fresh.id, star.clone(), Some(1), None).await.unwrap();
    assert_eq!(page.len(), 1);

    // The bot's own message can be edited and deleted, another's cannot be edited.
    assert!(place.edit_message(&http, fresh.id, serenity::all::EditMessage::new().content("x")).await.is_err());
    place.edit_message(&http, one.id, serenity::all::EditMessage::new().content("4.3")).await.unwrap();
    assert_eq!(discord.said(channel)[0].1.content(), "4.3");
    place.delete_message(&http, one.id).await.unwrap();
    assert!(discord.said(channel).is_empty());

    shards.shutdown_all().await;
    running.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_not_as_described_is_told() {
    let Some(discord) = Discord::start(2).await else { return };
    let ada = discord.user("ada");
    let guild = discord.guild(&[ada]);
    let channel = discord.channel(Place::text(guild), "art");
    let token = discord.world(|world| world.token.clone());
    let url = format!("{}/api/v10/channels/{channel}/messages", discord.base);
    let post = |body: &'static str| {
        let request = reqwest::Client::new().post(&url).header("authorization", format!("Bot {token}"));
        request.header("content-type", "application/json").body(body).send()
    };
    post(r#"{"content": "fine"}"#).await.unwrap();
    assert_eq!(discord.breaches(), Vec::<String>::new());
    post(r#"{"content": 5}"#).await.unwrap();
    let told = discord.breaches();
    assert!(told.len() == 1 && told[0].contains("/content"), "{told:?}");
    discord.forgive();
}
