//! `.env` and the environment → one typed, validated [`Config`]. Read once, at the start; `.env.example` explains each.

mod reader;
#[cfg(test)]
mod tests;
mod timelines;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use secrecy::SecretString;
use tracing_subscriber::EnvFilter;
use url::Url;

use crate::domain::{Confidence, RatingSource};
use crate::vision::runtime::Device;
pub use reader::{ConfigError, Mistake};
use reader::{Reader, Setting, unknown_names};
pub use timelines::{BlueskyConfig, MastodonConfig, TimelinesConfig, XConfig};

const DATA_DIR: Setting = Setting::new("MEKIKI_DATA_DIR", "./data", "a folder");
const DATABASE: Setting = Setting::new("DATABASE_URL", "", "sqlite:FILE (no other database yet)").secret();
const LISTEN: Setting = Setting::new("MEKIKI_LISTEN", "127.0.0.1:8017", "IP-ADDRESS:PORT, like 127.0.0.1:8017");
const WEB_TOKEN: Setting =
    Setting::new("MEKIKI_WEB_TOKEN", "", "at least 16 visible ASCII characters without spaces").secret();
const PUBLIC_URL: Setting =
    Setting::new("MEKIKI_PUBLIC_URL", "", "an http or https address without ? or #, like https://mekiki.example.org");
const DEVICE: Setting = Setting::new("MEKIKI_DEVICE", "auto", "auto, cpu, cuda or tensorrt");
const THREADS: Setting = Setting::new("MEKIKI_THREADS", "", "a whole number from 1 to 256");
const MIN_CONFIDENCE: Setting = Setting::new("MEKIKI_MIN_CONFIDENCE", "0.5", "a number from 0 to 1");
const THRESHOLD: Setting = Setting::new("MEKIKI_THRESHOLD", "4.0", "a score from 1 to 5");
const EXPLORATION: Setting = Setting::new("MEKIKI_EXPLORATION", "0.05", "a part from 0 to 0.1");
const PICKS_PER_HOUR: Setting = Setting::new("MEKIKI_PICKS_PER_HOUR", "60", "a whole number from 0 to 3600");
const CROPS_MB: Setting = Setting::new("MEKIKI_CROPS_MB", "512", "a whole number of MiB from 1 to 1000000");
const CROPS_DAYS: Setting = Setting::new("MEKIKI_CROPS_DAYS", "180", "a whole number of days from 1 to 36500");
const SAMPLES: Setting = Setting::new("MEKIKI_SAMPLES", "true", "true or false");
const LANG: Setting = Setting::new("MEKIKI_LANG", "auto", "auto, en or ja");
const LOG: Setting = Setting::new("MEKIKI_LOG", "info,ort=warn", "a tracing filter, like info or mekiki=debug,info");
const LEARN_FROM: Setting =
    Setting::new("LEARN_FROM", "local,interaction", "a list, with commas, of local, interaction, channel and timeline");
const DISCORD_TOKEN: Setting =
    Setting::new("DISCORD_TOKEN", "", "a bot's token from Discord's developer portal").secret();
const DISCORD_BASE: Setting = Setting::new("DISCORD_BASE", "", "http://127.0.0.1:PORT, a Discord on this machine");
const PREFIX: Setting = Setting::new("MEKIKI_PREFIX", "!", "1 to 5 visible characters");
const BOTS: Setting = Setting::new("MEKIKI_BOTS", "false", "true or false");
const WEBHOOKS: Setting = Setting::new("MEKIKI_WEBHOOKS", "true", "true or false");
const ORT_DYLIB_PATH: Setting = Setting::new("ORT_DYLIB_PATH", "", "ONNX Runtime's library file");

/// Every setting there is.
fn all() -> Vec<Setting> {
    OWN.into_iter().chain(timelines::ALL).collect()
}

/// Those that are read here.
const OWN: [Setting; 23] = [
    DATA_DIR,
    DATABASE,
    LISTEN,
    WEB_TOKEN,
    PUBLIC_URL,
    DEVICE,
    THREADS,
    MIN_CONFIDENCE,
    THRESHOLD,
    EXPLORATION,
    PICKS_PER_HOUR,
    CROPS_MB,
    CROPS_DAYS,
    SAMPLES,
    LANG,
    LOG,
    LEARN_FROM,
    DISCORD_TOKEN,
    DISCORD_BASE,
    PREFIX,
    BOTS,
    WEBHOOKS,
    ORT_DYLIB_PATH,
];

/// The language of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// What the visitor's browser asks for.
    Auto,
    English,
    Japanese,
}

/// How the bot is on Discord.
#[derive(Debug, Clone)]
pub struct DiscordConfig {
    pub token: SecretString,
    /// A Discord on this machine, for tests; `None`: the real one. No slash at the end.
    pub base: Option<Url>,
    /// Before the everyday commands in messages: `!score`.
    pub prefix: String,
    /// Look at pictures that other bots post.
    pub bots: bool,
    /// Look at pictures that webhooks post.
    pub webhooks: bool,
}

/// All settings, valid. Secrets do not show in `Debug`.
#[derive(Debug, Clone)]
pub struct Config {
    pub data_dir: PathBuf,
    /// `sqlite:…`
    pub database_url: String,
    pub listen: SocketAddr,
    /// Always there when `listen` is no loopback address.
    pub web_token: Option<SecretString>,
    /// Where the page is reached from outside; no slash at the end.
    pub public_url: Option<String>,
    pub device: Device,
    pub threads: NonZeroUsize,
    /// Boxes below it are no faces.
    pub min_confidence: Confidence,
    /// Best face's mean score from which a picture is a pick, 1.0–5.0.
    pub threshold: f32,
    /// Part of the picks drawn by lot among pictures below the bar.
    pub exploration: f32,
    pub picks_per_hour: u32,
    /// Size budget of the kept crops, in MiB.
    pub crops_mb: u32,
    /// Age limit of the kept crops, in days.
    pub crops_days: u32,
    /// Show the drawn samples at the first start.
    pub samples: bool,
    pub language: Language,
    /// A filter that `EnvFilter` accepts.
    pub log: String,
    /// What may be trained on; in the order of [`RatingSource::ALL`], each once.
    pub learn_from: Vec<RatingSource>,
    pub ort_dylib_path: Option<PathBuf>,
    /// `None`: the bot is not on Discord.
    pub discord: Option<DiscordConfig>,
    pub timelines: TimelinesConfig,
    /// Look at what accounts post that are marked as automated.
    pub bots: bool,
    /// How artists reach the operator.
    pub contact: Option<String>,
    /// Names that look like settings and are none; to be said at the start.
    pub hints: Vec<String>,
}

impl Config {
    /// Reads `.env` of the working directory, if there is one, and the environment, which wins.
    pub fn load() -> Result<Self, ConfigError> {
        let (mut variables, mut mistakes) = read_file(Path::new(".env"));
        for (name, value) in std::env::vars_os() {
            let Some(name) = name.into_string().ok() else { continue };
            match value.into_string() {
                Ok(value) => {
                    variables.insert(name, value);
                }
                Err(_) if all().iter().any(|setting| setting.name == name) => {
                    mistakes.push(Mistake { name, what: "the value is not UTF-8".into() });
                }
                Err(_) => {}
            }
        }
        match Self::from_variables(&variables) {
            Ok(config) if mistakes.is_empty() => Ok(config),
            Ok(config) => Err(ConfigError { mistakes, hints: config.hints }),
            Err(mut error) => {
                mistakes.append(&mut error.mistakes);
                Err(ConfigError { mistakes, hints: error.hints })
            }
        }
    }

    /// Parses and checks the settings, all of them, before it says what is wrong.
    pub fn from_variables(variables: &HashMap<String, String>) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(variables);
        let data_dir = PathBuf::from(reader.text(DATA_DIR).unwrap_or(DATA_DIR.default));
        let listen: SocketAddr = reader.required(LISTEN, parsed);
        let config = Self {
            database_url: database_url(&mut reader, &data_dir),
            data_dir,
            listen,
            web_token: web_token(&mut reader, listen),
            public_url: reader.optional(PUBLIC_URL, public_url),
            device: reader.required(DEVICE, parsed),
            threads: reader.optional(THREADS, |s| within(s, 1..=256)).and_then(NonZeroUsize::new).unwrap_or_else(cores),
            min_confidence: Confidence(reader.required(MIN_CONFIDENCE, |s| within(s, 0.0..=1.0))),
            threshold: reader.required(THRESHOLD, |s| within(s, 1.0..=5.0)),
            exploration: reader.required(EXPLORATION, |s| within(s, 0.0..=0.1)),
            picks_per_hour: reader.required(PICKS_PER_HOUR, |s| within(s, 0..=3600)),
            crops_mb: reader.required(CROPS_MB, |s| within(s, 1..=1_000_000)),
            crops_days: reader.required(CROPS_DAYS, |s| within(s, 1..=36_500)),
            samples: reader.required(SAMPLES, parsed),
            language: reader.required(LANG, language),
            log: reader.required(LOG, |s| EnvFilter::try_new(s).is_ok().then(|| s.to_owned())),
            learn_from: reader.required(LEARN_FROM, sources),
            discord: discord(&mut reader),
            timelines: timelines::timelines(&mut reader),
            // Said with Discord's settings when it is a mistake.
            bots: reader.text(BOTS) == Some("true"),
            contact: timelines::contact(&mut reader),
            ort_dylib_path: reader.text(ORT_DYLIB_PATH).map(PathBuf::from),
            hints: unknown_names(variables, &all().iter().map(|setting| setting.name).collect::<Vec<_>>()),
        };
        if reader.mistakes.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError { mistakes: reader.mistakes, hints: config.hints })
        }
    }
}

/// What a `.env` file sets, and the lines that set nothing. A line's value is never shown: it may be a secret.
fn read_file(path: &Path) -> (HashMap<String, String>, Vec<Mistake>) {
    let mistake = |what| Mistake { name: path.display().to_string(), what };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return (HashMap::new(), Vec::new()),
        Err(e) => return (HashMap::new(), vec![mistake(format!("cannot be read: {e}"))]),
    };
    let (mut variables, mut mistakes) = (HashMap::new(), Vec::new());
    for line in dotenvy::from_read_iter(text.as_bytes()) {
        match line {
            Ok((name, value)) => {
                variables.insert(name, value);
            }
            Err(dotenvy::Error::LineParse(part, _)) => {
                let part = part.lines().next().unwrap_or_default();
                let number = text.lines().position(|line| line.ends_with(part)).map_or(0, |at| at + 1);
                mistakes.push(mistake(format!("line {number} is not NAME=value; quote a value with spaces or #")));
            }
            Err(_) => mistakes.push(mistake("has a line that cannot be read".into())),
        }
    }
    (variables, mistakes)
}

fn parsed<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

fn within<T: FromStr + PartialOrd>(text: &str, range: RangeInclusive<T>) -> Option<T> {
    parsed(text).filter(|value| range.contains(value))
}

/// The number of cores, at most 8: more threads than that gain nothing on networks this small.
fn cores() -> NonZeroUsize {
    const MOST: NonZeroUsize = NonZeroUsize::new(8).expect("8 is not 0");
    std::thread::available_parallelism().map_or(NonZeroUsize::MIN, |cores| cores.min(MOST))
}

fn database_url(reader: &mut Reader<'_>, data_dir: &Path) -> String {
    // Never shown: the address of a database server has a password in it.
    reader
        .optional(DATABASE, |s| s.strip_prefix("sqlite:").is_some_and(|file| !file.is_empty()).then(|| s.to_owned()))
        .unwrap_or_else(|| format!("sqlite:{}", data_dir.join("mekiki.db").display()))
}

fn web_token(reader: &mut Reader<'_>, listen: SocketAddr) -> Option<SecretString> {
    const SHORTEST: usize = 16;
    let token = reader.optional(WEB_TOKEN, |s| {
        (s.len() >= SHORTEST && s.bytes().all(|b| b.is_ascii_graphic())).then(|| SecretString::from(s))
    });
    if reader.text(WEB_TOKEN).is_none() && !listen.ip().is_loopback() {
        let name = LISTEN.name;
        reader.mistake(
            WEB_TOKEN,
            format!(
                "is needed, since {name}={listen} can be reached from other machines: {}. \
                 `openssl rand -hex 16` makes one",
                WEB_TOKEN.allowed
            ),
        );
    }
    token
}

fn discord(reader: &mut Reader<'_>) -> Option<DiscordConfig> {
    let base = reader.optional(DISCORD_BASE, loopback);
    let prefix = reader.required(PREFIX, |s| {
        ((1..=5).contains(&s.chars().count()) && !s.contains(char::is_whitespace)).then(|| s.to_owned())
    });
    let (bots, webhooks) = (reader.required(BOTS, parsed), reader.required(WEBHOOKS, parsed));
    let token = reader.optional(DISCORD_TOKEN, |s| {
        (s.len() >= 8 && s.bytes().all(|b| b.is_ascii_graphic())).then(|| SecretString::from(s))
    })?;
    Some(DiscordConfig { token, base, prefix, bots, webhooks })
}

/// A token must never leave for a host that is not Discord's: only this machine may stand in for it.
fn loopback(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let here = match url.host()? {
        url::Host::Ipv4(ip) => ip.is_loopback(),
        url::Host::Ipv6(ip) => ip.is_loopback(),
        url::Host::Domain(_) => false,
    };
    (url.scheme() == "http" && here && url.path() == "/" && url.query().is_none()).then_some(url)
}

fn public_url(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let plain = matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.fragment().is_none();
    let anonymous = url.username().is_empty() && url.password().is_none();
    (plain && anonymous && url.has_host()).then(|| url.as_str().trim_end_matches('/').to_owned())
}

fn language(text: &str) -> Option<Language> {
    match text {
        "auto" => Some(Language::Auto),
        "en" => Some(Language::English),
        "ja" => Some(Language::Japanese),
        _ => None,
    }
}

fn sources(text: &str) -> Option<Vec<RatingSource>> {
    let named: Vec<RatingSource> = text.split(',').map(|name| parsed(name.trim())).collect::<Option<_>>()?;
    Some(RatingSource::ALL.into_iter().filter(|source| named.contains(source)).collect())
}
