//! Interactions as a plain serenity client meets them.

use std::time::Duration;

use serde_json::json;
use serenity::all::{
    ActionRowComponent, AutocompleteChoice, Command, CommandInteraction, CommandOptionType, Context, CreateActionRow,
    CreateAttachment, CreateAutocompleteResponse, CreateButton, CreateCommand, CreateCommandOption, CreateInputText,
    CreateInteractionResponse, CreateInteractionResponseFollowup, CreateInteractionResponseMessage, CreateModal,
    CreateSelectMenu, CreateSelectMenuKind, CreateSelectMenuOption, EventHandler, GatewayIntents, HttpBuilder,
    InputTextStyle, Interaction, Ready,
};
use serenity::async_trait;

use crate::discord::fake::{Asker, Discord, Draft, Limits, Picture, Place};

struct Bot;

impl Bot {
    async fn command(context: &Context, command: &CommandInteraction) {
        if command.data.name == "form" {
            let input = CreateInputText::new(InputTextStyle::Short, "Name", "name");
            let modal = CreateModal::new("form:1", "A form").components(vec![CreateActionRow::InputText(input)]);
            command.create_response(context, CreateInteractionResponse::Modal(modal)).await.unwrap();
            return;
        }
        let quietly = command.data.target_id.is_some();
        let defer = CreateInteractionResponseMessage::new().ephemeral(quietly);
        command.create_response(context, CreateInteractionResponse::Defer(defer)).await.unwrap();
        let picture = command.data.resolved.attachments.values().next();
        let size = picture.map_or(0, |attachment| attachment.size);
        let select = CreateSelectMenuKind::String { options: vec![CreateSelectMenuOption::new("five", "5")] };
        let answer = CreateInteractionResponseFollowup::new()
            .content(format!("{} bytes, {} messages", size, command.data.resolved.messages.len()))
            .add_file(CreateAttachment::bytes(b"text".to_vec(), "a.txt"))
            .components(vec![
                CreateActionRow::Buttons(vec![CreateButton::new("up:1").label("up")]),
                CreateActionRow::SelectMenu(CreateSelectMenu::new("rate:1", select)),
            ]);
        command.create_followup(context, answer).await.unwrap();
    }
}

#[async_trait]
impl EventHandler for Bot {
    async fn ready(&self, context: Context, _: Ready) {
        let image = CreateCommandOption::new(CommandOptionType::Attachment, "image", "a picture");
        let word = CreateCommandOption::new(CommandOptionType::String, "word", "a word").set_autocomplete(true);
        let commands = vec![
            CreateCommand::new("score").description("scores").add_option(image).add_option(word),
            CreateCommand::new("form").description("asks"),
            CreateCommand::new("Score").kind(serenity::all::CommandType::Message),
        ];
        Command::set_global_commands(&context, commands).await.unwrap();
    }

    async fn interaction_create(&self, context: Context, interaction: Interaction) {
        match interaction {
            Interaction::Command(command) => Self::command(&context, &command).await,
            Interaction::Autocomplete(typed) => {
                let choices = vec![AutocompleteChoice::new("one", "1")];
                let answer = CreateAutocompleteResponse::new().set_choices(choices);
                typed.create_response(&context, CreateInteractionResponse::Autocomplete(answer)).await.unwrap();
            }
            Interaction::Component(component) => {
                let text = format!("{} by {}", component.data.custom_id, component.user.name);
                let answer = CreateInteractionResponseMessage::new().content(text).ephemeral(true);
                component.create_response(&context, CreateInteractionResponse::Message(answer)).await.unwrap();
            }
            Interaction::Modal(modal) => {
                let ActionRowComponent::InputText(text) = &modal.data.components[0].components[0] else { panic!() };
                let answer = CreateInteractionResponseMessage::new().content(text.value.clone().unwrap());
                modal.create_response(&context, CreateInteractionResponse::Message(answer)).await.unwrap();
            }
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_menus_buttons_selects_and_forms_reach_a_client_and_are_answered() {
    let Some(discord) = Discord::start(3).await else { return };
    discord.check_answers();
    let ada = discord.user("ada");
    let guild = discord.guild(&[ada]);
    let channel = discord.channel(Place::text(guild), "art");
    let token = discord.world(|world| world.token.clone());
    let http = HttpBuilder::new(&token).proxy(&discord.base).ratelimiter_disabled(true).build();
    let builder = serenity::client::ClientBuilder::new_with_http(http, GatewayIntents::empty());
    let mut client = builder.event_handler(Bot).await.unwrap();
    let shards = std::sync::Arc::clone(&client.shard_manager);
    let running = tokio::spawn(async move { client.start_autosharded().await });
    discord.commands().await;

    let asker = Asker::new(ada, channel);
    let picture = Picture::scene(3);
    let size = picture.bytes.len();
    let asked = discord.slash_picture(asker, "score", picture);
    let (id, answer) = discord.answer(&asked).await;
    assert_eq!(answer.content(), format!("{size} bytes, 0 messages"));
    assert!(!answer.ephemeral && discord.acknowledged(&asked).await.original == Some(id));

    let post = discord.post(channel, Draft::by(ada).says("look"));
    let (_, answer) = discord.answer(&discord.menu(asker, "Score", post.1)).await;
    assert_eq!((answer.content(), answer.ephemeral), ("0 bytes, 1 messages", true));

    let (_, answer) = discord.answer(&discord.click(asker, id, "up:")).await;
    assert_eq!((answer.content(), answer.ephemeral), ("up:1 by ada", true));
    let (_, answer) = discord.answer(&discord.select(asker, id, "rate:", &["5"])).await;
    assert_eq!(answer.content(), "rate:1 by ada");
    let typed = json!([{ "name": "word", "type": 3, "value": "o", "focused": true }]);
    let suggested = discord.acknowledged(&discord.autocomplete(asker, "score", &typed)).await.callback.unwrap();
    assert_eq!((suggested.0, &suggested.1["choices"][0]["name"]), (8, &json!("one")));
    let form = discord.acknowledged(&discord.slash(asker, "form", json!([]))).await.callback.unwrap();
    assert_eq!((form.0, &form.1["custom_id"]), (9, &json!("form:1")));
    let (_, answer) = discord.answer(&discord.submit(asker, "form:1", &[("name", "ada")])).await;
    assert_eq!(answer.content(), "ada");
    shards.shutdown_all().await;
    running.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_tls_a_client_keeps_to_the_limits_and_waits_after_a_429() {
    let Some(discord) = Discord::start(4).await else { return };
    let ada = discord.user("ada");
    let guild = discord.guild(&[ada]);
    let channel = discord.channel(Place::text(guild), "art");
    let token = discord.world(|world| world.token.clone());
    let window = Duration::from_secs(1);
    let client = discord.behind_tls(Limits::new(3, window)).await;
    let http = HttpBuilder::new(&token).client(client).build();
    let began = std::time::Instant::now();
    for i in 0..7 {
        serenity::all::ChannelId::new(channel).say(&http, format!("{i}")).await.unwrap();
    }
    // Three a second: the seventh waits for two windows.
    assert!(began.elapsed() > window, "{:?}", began.elapsed());
    let path = format!("channels/{channel}/messages");
    discord.faults(|faults| faults.next.push(("POST".into(), path, crate::discord::fake::Fault::RateLimited)));
    let began = std::time::Instant::now();
    serenity::all::ChannelId::new(channel).say(&http, "later").await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(300), "{:?}", began.elapsed());
    assert_eq!(discord.said(channel).len(), 8);
}
