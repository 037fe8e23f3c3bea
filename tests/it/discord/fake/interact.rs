//! What people do with the bot's commands and buttons.

use std::time::Instant;

use serde_json::{Value, json};

use super::shapes::GONE;
use super::world::{Interaction, Message, World, id};
use super::{At, Discord, Picture};

/// Names an interaction.
pub(crate) type Token = String;

/// Who uses a command or a button, and where.
#[derive(Clone, Copy)]
pub(crate) struct Asker {
    pub(crate) user: u64,
    pub(crate) channel: u64,
    /// As Discord writes it: `en-US`, `ja`.
    pub(crate) locale: &'static str,
    /// Of the member in the guild.
    pub(crate) moderator: bool,
}

impl Asker {
    pub(crate) fn new(user: u64, channel: u64) -> Self {
        Self { user, channel, locale: "en-US", moderator: false }
    }

    pub(crate) fn in_japanese(self) -> Self {
        Self { locale: "ja", ..self }
    }

    pub(crate) fn moderating(self) -> Self {
        Self { moderator: true, ..self }
    }
}

/// Numbers of Discord's interaction types.
mod kind {
    pub(super) const COMMAND: u8 = 2;
    pub(super) const COMPONENT: u8 = 3;
    pub(super) const AUTOCOMPLETE: u8 = 4;
    pub(super) const MODAL: u8 = 5;
}

impl Discord {
    /// A slash command, with options as Discord sends them: `[{"name", "type", "value"}]`, or subcommands.
    pub(crate) fn slash(&self, asker: Asker, name: &str, options: Value) -> Token {
        self.slash_with(asker, name, options, None)
    }

    /// A slash command with a picture in the option `image`.
    pub(crate) fn slash_picture(&self, asker: Asker, name: &str, picture: Picture) -> Token {
        self.slash_with(asker, name, json!([]), Some(picture))
    }

    fn slash_with(&self, asker: Asker, name: &str, mut options: Value, picture: Option<Picture>) -> Token {
        self.world(|world| {
            let mut resolved = json!({});
            if let Some(picture) = picture {
                let file = world.add_file(asker.channel, &picture.name, picture.bytes, None);
                resolved["attachments"] = json!({ file.to_string(): world.attachment_json(file) });
                let option = json!({ "name": "image", "type": 11, "value": file.to_string() });
                options.as_array_mut().expect("a list").push(option);
            }
            let command = world.command(name, 1);
            check_options(&command["options"], &options);
            world.resolve(asker, &options, &mut resolved);
            let data =
                json!({ "id": command["id"], "name": name, "type": 1, "options": options, "resolved": resolved });
            world.ask(asker, "INTERACTION_CREATE#slash", kind::COMMAND, &data, None)
        })
    }

    /// A command of a message's menu.
    pub(crate) fn menu(&self, asker: Asker, name: &str, message: u64) -> Token {
        self.world(|world| {
            let command = world.command(name, 3);
            let target = world.message_json(asker.channel, message);
            let data = json!({
                "id": command["id"], "name": name, "type": 3, "target_id": message.to_string(),
                "resolved": { "messages": { message.to_string(): target } },
            });
            world.ask(asker, "INTERACTION_CREATE#messagecontext", kind::COMMAND, &data, None)
        })
    }

    /// Types into an option that suggests.
    pub(crate) fn autocomplete(&self, asker: Asker, name: &str, options: &Value) -> Token {
        self.world(|world| {
            let command = world.command(name, 1);
            let data = json!({ "id": command["id"], "name": name, "type": 1, "options": options });
            world.ask(asker, "INTERACTION_CREATE#autocomplete", kind::AUTOCOMPLETE, &data, None)
        })
    }

    /// Clicks the button of a message whose `custom_id` starts so.
    pub(crate) fn click(&self, asker: Asker, message: u64, button: &str) -> Token {
        self.component(asker, message, button, &[])
    }

    /// Chooses in the select whose `custom_id` starts so.
    pub(crate) fn select(&self, asker: Asker, message: u64, select: &str, values: &[&str]) -> Token {
        self.component(asker, message, select, values)
    }

    fn component(&self, asker: Asker, message: u64, start: &str, values: &[&str]) -> Token {
        self.world(|world| {
            let found = world.message(asker.channel, message).expect("the message of the button");
            let component = found.component(start).unwrap_or_else(|| {
                panic!("no {start} among {:?}", found.components());
            });
            assert_ne!(component["disabled"], true, "{component} cannot be used");
            let mut data = json!({
                "id": component["id"], "custom_id": component["custom_id"], "component_type": component["type"],
            });
            if component["type"] == 3 {
                data["values"] = json!(values);
            }
            let shape = if component["type"] == 3 { "INTERACTION_CREATE#select" } else { "INTERACTION_CREATE#button" };
            world.ask(asker, shape, kind::COMPONENT, &data, Some(message))
        })
    }

    /// Sends a form in: the texts by their `custom_id`.
    pub(crate) fn submit(&self, asker: Asker, custom_id: &str, texts: &[(&str, &str)]) -> Token {
        self.world(|world| {
            let row = |(i, (id, text)): (usize, &(&str, &str))| {
                let input = json!({ "type": 4, "id": 2 * i + 2, "custom_id": id, "value": text });
                json!({ "type": 1, "id": 2 * i + 1, "components": [input] })
            };
            let rows: Vec<Value> = texts.iter().enumerate().map(row).collect();
            let data = json!({ "custom_id": custom_id, "components": rows });
            world.ask(asker, "INTERACTION_CREATE#modal", kind::MODAL, &data, None)
        })
    }

    /// Waits for the first answer to an interaction: its type and data.
    pub(crate) async fn acknowledged(&self, token: &Token) -> Interaction {
        self.wait("an answer to an interaction", |world| {
            world.interactions.get(token).filter(|interaction| interaction.callback.is_some()).cloned()
        })
        .await
    }

    /// Waits for the first message that answers an interaction.
    pub(crate) async fn answer(&self, token: &Token) -> (u64, Message) {
        self.wait("a message that answers an interaction", |world| {
            let found = world.interactions.get(token)?;
            let id = *found.messages.first()?;
            Some((id, world.message(found.channel, id)?.clone()))
        })
        .await
    }

    /// Waits for the bot to have registered its commands.
    pub(crate) async fn commands(&self) -> Vec<Value> {
        self.wait("the bot's commands", |world| (!world.commands.is_empty()).then(|| world.commands.clone())).await
    }

    /// Somebody clicks a button of this message, and the bot takes it.
    pub(crate) async fn vote(&self, (channel, message): At, user: u64, button: &str) {
        let token = self.click(Asker::new(user, channel), message, button);
        self.acknowledged(&token).await;
    }
}

impl World {
    fn command(&self, name: &str, kind: u8) -> Value {
        let found = self.commands.iter().find(|c| c["name"] == name && c["type"] == kind);
        found.cloned().unwrap_or_else(|| {
            let names: Vec<&Value> = self.commands.iter().map(|c| &c["name"]).collect();
            panic!("no command {name} of type {kind} among {names:?}")
        })
    }

    /// What the options name: channels, people, roles.
    fn resolve(&self, asker: Asker, options: &Value, into: &mut Value) {
        for option in options.as_array().into_iter().flatten() {
            let named = id(&option["value"]);
            let key = named.to_string();
            match option["type"].as_u64() {
                Some(6) => into["users"][key] = self.user_json(named),
                Some(7) => {
                    let mut channel = self.channel_json(self.channel(named));
                    channel["permissions"] = json!(self.permissions(asker.user, named).bits().to_string());
                    into["channels"][key] = channel;
                }
                Some(8) => {
                    let guild = self.channel(asker.channel).guild.expect("roles are of guilds");
                    let role = self.guilds[&guild].roles.iter().find(|role| role.id == named).expect("the role");
                    into["roles"][key] = self.role_json(guild, role);
                }
                _ => self.resolve(asker, &option["options"], into),
            }
        }
    }

    fn ask(&mut self, asker: Asker, shape: &str, kind: u8, data: &Value, message: Option<u64>) -> Token {
        let Asker { user, channel, .. } = asker;
        let own = self.ids.next();
        let token = format!("interaction-{own}");
        let guild = self.channel(channel).guild;
        let may = self.permissions(self.bot, channel).bits().to_string();
        let mut with = json!({
            "id": own.to_string(), "application_id": self.bot.to_string(), "token": token, "type": kind,
            "channel_id": channel.to_string(), "channel": self.channel_json(self.channel(channel)),
            "locale": asker.locale, "app_permissions": may, "data": data,
        });
        if let Some(guild) = guild.filter(|guild| self.guilds[guild].members.contains_key(&user)) {
            let installed = self.guilds[&guild].members.contains_key(&self.bot);
            let mut member = self.member_json(guild, user);
            let mut own = self.permissions(user, channel);
            if asker.moderator {
                own |= serenity::all::Permissions::MANAGE_GUILD | serenity::all::Permissions::MANAGE_MESSAGES;
            }
            member["permissions"] = json!(own.bits().to_string());
            with["member"] = member;
            with["guild_id"] = json!(guild.to_string());
            with["guild"] = json!({ "id": guild.to_string(), "locale": self.guilds[&guild].locale, "features": [] });
            with["guild_locale"] = json!(self.guilds[&guild].locale);
            with["channel"]["permissions"] = json!(own.bits().to_string());
            with["authorizing_integration_owners"] =
                if installed { json!({ "0": guild.to_string() }) } else { json!({ "1": user.to_string() }) };
        } else {
            with["user"] = self.user_json(user);
            with["context"] = json!(1);
            for absent in ["member", "guild_id", "guild", "guild_locale"] {
                with[absent] = json!(GONE);
            }
            with["authorizing_integration_owners"] = json!({ "0": "0" });
        }
        if let Some(message) = message {
            with["message"] = self.message_json(channel, message);
        }
        let event = self.shapes.make(shape, with);
        let interaction = Interaction { channel, message, asked: Some(Instant::now()), ..Interaction::default() };
        self.interactions.insert(token.clone(), interaction);
        // Interactions need no intent and no sight of the channel.
        let reached = guild.filter(|guild| self.guilds[guild].members.contains_key(&self.bot));
        self.gateway.dispatch(reached, serenity::all::GatewayIntents::empty(), "INTERACTION_CREATE", &event);
        token
    }
}

/// Discord sends only options that were registered.
fn check_options(registered: &Value, given: &Value) {
    for option in given.as_array().into_iter().flatten() {
        let known = registered.as_array().into_iter().flatten().find(|o| o["name"] == option["name"]);
        let known = known.unwrap_or_else(|| panic!("no option {} among {registered}", option["name"]));
        assert_eq!(known["type"], option["type"], "{option}");
        if option["options"].is_array() {
            check_options(&known["options"], &option["options"]);
        }
    }
}
