//! The gateway: hello, heartbeats, identify, resume with replay, and what can go wrong with it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use axum::extract::ws::{CloseFrame, Message as Frame, WebSocket};
use serde_json::{Value, json};
use serenity::all::GatewayIntents;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::Inner;
use super::faults::Dice;
use super::world::{World, id};

/// Dispatches kept for a resume.
const REPLAY: usize = 5_000;

pub(crate) enum Out {
    Frame(String),
    Close(u16),
    /// The connection is cut without a close frame.
    Cut,
}

/// What the bot and Discord remember of a connection.
pub(crate) struct Session {
    intents: GatewayIntents,
    shard: (u64, u64),
    seq: u64,
    sent: VecDeque<(u64, String)>,
    live: Option<UnboundedSender<Out>>,
    /// Held back to come after the next one.
    held: Option<(String, Value)>,
}

pub(crate) struct Gateway {
    pub(crate) bot: u64,
    pub(crate) sessions: BTreeMap<String, Session>,
    made: u64,
    /// Neither beats nor events are answered.
    pub(crate) deaf: bool,
    /// Connections are refused.
    pub(crate) down: bool,
    /// Milliseconds.
    pub(crate) heartbeat: u64,
    /// Closes so many identifies with this code.
    pub(crate) refuse: (u32, u16),
    /// So many connections are taken and never answered.
    pub(crate) hold: u32,
    /// Shards that a bot is advised to use; doubled when it is told that one is not enough (4011).
    pub(crate) advised: u32,
    pub(crate) identifies: u64,
    pub(crate) resumes: u64,
    pub(crate) beats: u64,
    /// Share of events that come twice, and of those that come after their successor.
    pub(crate) disorder: (f64, f64),
    pub(crate) dice: Dice,
}

/// A message as a bot gets it that may not read along: empty, unless it is its own or speaks to it.
pub(crate) fn bare(data: &Value, bot: u64) -> Value {
    let mut data = data.clone();
    let mentioned = data["mentions"].as_array().is_some_and(|all| all.iter().any(|user| id(&user["id"]) == bot));
    if data["content"].is_string() && id(&data["author"]["id"]) != bot && !mentioned {
        data["content"] = json!("");
        for part in ["embeds", "attachments", "components"] {
            data[part] = json!([]);
        }
        if let Some(fields) = data.as_object_mut() {
            fields.remove("message_snapshots");
        }
    }
    data
}

impl Session {
    fn dispatch(&mut self, event: &str, data: &Value, deaf: bool) {
        self.seq += 1;
        let frame = json!({ "op": 0, "s": self.seq, "t": event, "d": data }).to_string();
        if let (Some(live), false) = (&self.live, deaf) {
            // A connection that has ended gets it at the resume.
            let _ = live.send(Out::Frame(frame.clone()));
        }
        self.sent.push_back((self.seq, frame));
        if self.sent.len() > REPLAY {
            self.sent.pop_front();
        }
    }

    fn out(&self, out: Out) {
        if let Some(live) = &self.live {
            let _ = live.send(out);
        }
    }

    fn is_live(&self) -> bool {
        self.live.as_ref().is_some_and(|live| !live.is_closed())
    }
}

impl Gateway {
    pub(crate) fn of(bot: u64) -> Self {
        Self {
            bot,
            sessions: BTreeMap::new(),
            made: 0,
            deaf: false,
            down: false,
            heartbeat: 41_250,
            refuse: (0, 0),
            hold: 0,
            advised: 1,
            identifies: 0,
            resumes: 0,
            beats: 0,
            disorder: (0.0, 0.0),
            dice: Dice::new(0),
        }
    }

    /// Sends an event to every session that asked for its kind; without message content, without it.
    pub(crate) fn dispatch(&mut self, guild: Option<u64>, needed: GatewayIntents, event: &str, data: &Value) {
        let disorderly = event.starts_with("MESSAGE");
        let (twice, late) = if disorderly { self.disorder } else { (0.0, 0.0) };
        let (twice, late) = (self.dice.chance(twice), self.dice.chance(late));
        for session in self.sessions.values_mut() {
            let of_shard = guild.map_or(0, |guild| (guild >> 22) % session.shard.1) == session.shard.0;
            if !of_shard || !session.intents.contains(needed) {
                continue;
            }
            let blind = !session.intents.contains(GatewayIntents::MESSAGE_CONTENT);
            let bare = (blind && guild.is_some()).then(|| bare(data, self.bot));
            let data = bare.as_ref().unwrap_or(data);
            if late && session.held.is_none() {
                session.held = Some((event.to_owned(), data.clone()));
                continue;
            }
            for _ in 0..=u8::from(twice) {
                session.dispatch(event, data, self.deaf);
            }
            if let Some((event, data)) = session.held.take() {
                session.dispatch(&event, &data, self.deaf);
            }
        }
    }

    /// Lets go what was held back.
    pub(crate) fn settle(&mut self) {
        for session in self.sessions.values_mut() {
            if let Some((event, data)) = session.held.take() {
                session.dispatch(&event, &data, self.deaf);
            }
        }
    }

    /// Whether this connection is one that is never answered.
    pub(crate) fn holds(&mut self) -> bool {
        let holds = self.hold > 0;
        self.hold = self.hold.saturating_sub(1);
        holds
    }

    /// (shard, of how many) of every connection, in order.
    pub(crate) fn shards(&self) -> Vec<(u64, u64)> {
        let live = self.sessions.values().filter(|session| session.is_live());
        let mut shards: Vec<(u64, u64)> = live.map(|session| session.shard).collect();
        shards.sort_unstable();
        shards
    }

    pub(crate) fn connected(&self) -> usize {
        self.sessions.values().filter(|session| session.is_live()).count()
    }

    /// To every connection.
    pub(crate) fn control(&mut self, out: impl Fn() -> Out) {
        for session in self.sessions.values() {
            session.out(out());
        }
    }

    /// Connections end and nothing can be resumed: what is missed has to be looked up.
    pub(crate) fn lose_sessions(&mut self) {
        self.control(|| Out::Cut);
        self.sessions.clear();
    }

    pub(crate) fn send_op(&mut self, op: u8, data: &Value) {
        let frame = json!({ "op": op, "d": data, "s": null, "t": null }).to_string();
        self.control(|| Out::Frame(frame.clone()));
    }
}

/// One connection, to its end.
pub(crate) async fn serve(inner: Arc<Inner>, mut socket: WebSocket) {
    let (out, mut outgoing) = unbounded_channel();
    let hello = inner.world(|world| json!({ "op": 10, "d": { "heartbeat_interval": world.gateway.heartbeat } }));
    if socket.send(Frame::text(hello.to_string())).await.is_err() {
        return;
    }
    loop {
        tokio::select! {
            frame = socket.recv() => {
                let Some(Ok(frame)) = frame else { return };
                if let Frame::Text(text) = frame {
                    match serde_json::from_str(&text) {
                        Ok(payload) => inner.world(|world| receive(world, &payload, &out)),
                        Err(_) => { let _ = out.send(Out::Close(4002)); }
                    }
                }
                inner.touch();
            }
            next = outgoing.recv() => match next {
                Some(Out::Frame(text)) => if socket.send(Frame::text(text)).await.is_err() { return },
                Some(Out::Close(code)) => {
                    let _ = socket.send(Frame::Close(Some(CloseFrame { code, reason: "".into() }))).await;
                    return;
                }
                Some(Out::Cut) | None => return,
            }
        }
    }
}

fn receive(world: &mut World, payload: &Value, out: &UnboundedSender<Out>) {
    let data = &payload["d"];
    let close = |code| drop(out.send(Out::Close(code)));
    let op = |op: u8, data: Value| drop(out.send(Out::Frame(json!({ "op": op, "d": data }).to_string())));
    match payload["op"].as_u64() {
        Some(1) if world.gateway.deaf => {}
        Some(1) => {
            world.gateway.beats += 1;
            op(11, Value::Null);
        }
        Some(2) => match identify(world, data, out) {
            Ok(()) => {}
            Err(code) => close(code),
        },
        Some(3 | 4 | 8 | 31 | 43) => {}
        Some(6) => {
            if !resume(world, data, out) {
                op(9, json!(false));
            }
        }
        _ => close(4001),
    }
}

fn token_is_right(world: &World, data: &Value) -> bool {
    data["token"].as_str().is_some_and(|token| token.trim_start_matches("Bot ") == world.token)
}

fn identify(world: &mut World, data: &Value, out: &UnboundedSender<Out>) -> Result<(), u16> {
    world.gateway.identifies += 1;
    let (times, code) = world.gateway.refuse;
    if times > 0 {
        world.gateway.refuse.0 -= 1;
        world.gateway.advised *= if code == 4011 { 2 } else { 1 };
        return Err(code);
    }
    if !token_is_right(world, data) {
        return Err(4004);
    }
    let intents = GatewayIntents::from_bits(data["intents"].as_u64().ok_or(4013u16)?).ok_or(4013u16)?;
    if intents.contains(GatewayIntents::MESSAGE_CONTENT) && !world.message_content {
        return Err(4014);
    }
    let shard = match &data["shard"] {
        Value::Null => (0, 1),
        shard => (shard[0].as_u64().unwrap_or(0), shard[1].as_u64().unwrap_or(1)),
    };
    if shard.0 >= shard.1 {
        return Err(4010);
    }
    world.gateway.sessions.retain(|_, session| session.shard != shard || session.is_live());
    world.gateway.made += 1;
    let name = format!("session-{}", world.gateway.made);
    let of_shard = |guild: &&u64| (**guild >> 22) % shard.1 == shard.0;
    let guilds: Vec<u64> = world.guilds.keys().filter(of_shard).copied().collect();
    let unavailable: Vec<Value> =
        guilds.iter().map(|guild| json!({ "id": guild.to_string(), "unavailable": true })).collect();
    let ready = world.shapes.make(
        "READY",
        json!({
            "user": world.user_json(world.bot), "guilds": unavailable, "session_id": name,
            "resume_gateway_url": world.base.replace("http://", "ws://"), "shard": [shard.0, shard.1],
            "application": { "id": world.bot.to_string(), "flags": 565_248 },
        }),
    );
    let mut session = Session { intents, shard, seq: 0, sent: VecDeque::new(), live: Some(out.clone()), held: None };
    session.dispatch("READY", &ready, false);
    for guild in guilds {
        session.dispatch("GUILD_CREATE", &world.guild_json(guild), false);
    }
    world.gateway.sessions.insert(name, session);
    Ok(())
}

fn resume(world: &mut World, data: &Value, out: &UnboundedSender<Out>) -> bool {
    if !token_is_right(world, data) {
        return false;
    }
    let resumed = world.shapes.make("RESUMED", json!({}));
    world.gateway.resumes += 1;
    let Some(session) = data["session_id"].as_str().and_then(|name| world.gateway.sessions.get_mut(name)) else {
        return false;
    };
    let seq = id(&data["seq"]);
    let oldest = session.sent.front().map_or(1, |(seq, _)| *seq);
    if seq > session.seq || seq + 1 < oldest {
        return false;
    }
    session.live = Some(out.clone());
    for (_, frame) in session.sent.iter().filter(|(sent, _)| *sent > seq) {
        let _ = out.send(Out::Frame(frame.clone()));
    }
    session.dispatch("RESUMED", &resumed, false);
    true
}
