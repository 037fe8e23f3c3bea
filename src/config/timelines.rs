//! Settings of followed timelines. A service is set up where its account is named.

use secrecy::SecretString;
use url::Url;

use super::reader::{Reader, Setting};
use super::{loopback, within};

const SECRET: Setting =
    Setting::new("MEKIKI_SECRET", "", "at least 16 visible ASCII characters without spaces").secret();
const CONTACT: Setting = Setting::new("MEKIKI_CONTACT", "", "one line of at most 200 characters");
const BLUESKY_HANDLE: Setting = Setting::new("BLUESKY_HANDLE", "", "a handle, like name.bsky.social");
const BLUESKY_APP_PASSWORD: Setting =
    Setting::new("BLUESKY_APP_PASSWORD", "", "an app password from Bluesky's settings").secret();
const BLUESKY_SERVER: Setting =
    Setting::new("BLUESKY_SERVER", "https://bsky.social", "https and a host, like https://bsky.social");
const MASTODON_SERVER: Setting = Setting::new("MASTODON_SERVER", "", "https and a host, like https://mastodon.social");
const MASTODON_TOKEN: Setting = Setting::new("MASTODON_TOKEN", "", "an access token with the scope read").secret();
const X_CLIENT_ID: Setting = Setting::new("X_CLIENT_ID", "", "an OAuth 2.0 client id from X's developer portal");
const X_CLIENT_SECRET: Setting =
    Setting::new("X_CLIENT_SECRET", "", "the client secret of a confidential client").secret();
const X_BUDGET_USD: Setting = Setting::new("X_BUDGET_USD", "5", "US dollars from 0 to 100000");
const X_PRICE_POST: Setting = Setting::new("X_PRICE_POST", "0.005", "US dollars from 0 to 100");
const X_PRICE_USER: Setting = Setting::new("X_PRICE_USER", "0.010", "US dollars from 0 to 100");
const BLUESKY_BASE: Setting = Setting::new("BLUESKY_BASE", "", BASE);
const MASTODON_BASE: Setting = Setting::new("MASTODON_BASE", "", BASE);
const X_BASE: Setting = Setting::new("X_BASE", "", BASE);
const RSS_BASE: Setting = Setting::new("RSS_BASE", "", BASE);
const BASE: &str = "http://127.0.0.1:PORT, a server on this machine";

pub(super) const ALL: [Setting; 16] = [
    SECRET,
    CONTACT,
    BLUESKY_HANDLE,
    BLUESKY_APP_PASSWORD,
    BLUESKY_SERVER,
    MASTODON_SERVER,
    MASTODON_TOKEN,
    X_CLIENT_ID,
    X_CLIENT_SECRET,
    X_BUDGET_USD,
    X_PRICE_POST,
    X_PRICE_USER,
    BLUESKY_BASE,
    MASTODON_BASE,
    X_BASE,
    RSS_BASE,
];

/// What can be followed.
#[derive(Debug, Clone)]
pub struct TimelinesConfig {
    /// What the adapters keep is encrypted with it; `None`: with a key in the data folder.
    pub secret: Option<SecretString>,
    pub bluesky: Option<BlueskyConfig>,
    pub mastodon: Option<MastodonConfig>,
    pub x: Option<XConfig>,
    /// Servers on this machine, for tests: nothing else is reached over plain http.
    pub bases: Vec<Url>,
}

#[derive(Debug, Clone)]
pub struct BlueskyConfig {
    pub handle: String,
    pub app_password: SecretString,
    pub server: Url,
}

#[derive(Debug, Clone)]
pub struct MastodonConfig {
    pub server: Url,
    pub token: SecretString,
}

/// Money in millionths of a US dollar.
#[derive(Debug, Clone)]
pub struct XConfig {
    pub client_id: String,
    /// Of a confidential client; a public one has none.
    pub client_secret: Option<SecretString>,
    /// A month's.
    pub budget: u64,
    pub price_post: u64,
    pub price_user: u64,
    /// A stand-in on this machine; `None`: X itself.
    pub base: Option<Url>,
}

/// How artists reach the operator, in the operator's own words.
pub(super) fn contact(reader: &mut Reader<'_>) -> Option<String> {
    reader.optional(CONTACT, |line| {
        (line.chars().count() <= 200 && !line.chars().any(char::is_control)).then(|| line.to_owned())
    })
}

pub(super) fn timelines(reader: &mut Reader<'_>) -> TimelinesConfig {
    let secret = reader.optional(SECRET, |s| {
        (s.len() >= 16 && s.bytes().all(|b| b.is_ascii_graphic())).then(|| SecretString::from(s))
    });
    let [bluesky_base, mastodon_base, x_base, rss_base] =
        [BLUESKY_BASE, MASTODON_BASE, X_BASE, RSS_BASE].map(|base| reader.optional(base, loopback));
    let bases = [&bluesky_base, &mastodon_base, &x_base, &rss_base].into_iter().flatten().cloned().collect();
    TimelinesConfig {
        secret,
        bluesky: bluesky(reader, bluesky_base),
        mastodon: mastodon(reader, mastodon_base),
        x: x(reader, x_base),
        bases,
    }
}

fn bluesky(reader: &mut Reader<'_>, base: Option<Url>) -> Option<BlueskyConfig> {
    let handle = reader.optional(BLUESKY_HANDLE, |s| {
        let handle = s.strip_prefix('@').unwrap_or(s);
        (handle.contains('.') && !handle.contains(['/', ' '])).then(|| handle.to_owned())
    });
    let app_password = reader.optional(BLUESKY_APP_PASSWORD, secret);
    let server = reader.required(BLUESKY_SERVER, server);
    let (handle, app_password) = both(reader, (BLUESKY_HANDLE, handle), (BLUESKY_APP_PASSWORD, app_password))?;
    Some(BlueskyConfig { handle, app_password, server: base.unwrap_or(server) })
}

fn mastodon(reader: &mut Reader<'_>, base: Option<Url>) -> Option<MastodonConfig> {
    let server = reader.optional(MASTODON_SERVER, server).or(base.clone());
    let token = reader.optional(MASTODON_TOKEN, secret);
    let (server, token) = both(reader, (MASTODON_SERVER, server), (MASTODON_TOKEN, token))?;
    Some(MastodonConfig { server: base.unwrap_or(server), token })
}

fn x(reader: &mut Reader<'_>, base: Option<Url>) -> Option<XConfig> {
    let client_id = reader.optional(X_CLIENT_ID, |s| s.bytes().all(|b| b.is_ascii_graphic()).then(|| s.to_owned()));
    let client_secret = reader.optional(X_CLIENT_SECRET, secret);
    let budget = reader.required(X_BUDGET_USD, |s| micros(s, 100_000.0));
    let price_post = reader.required(X_PRICE_POST, |s| micros(s, 100.0));
    let price_user = reader.required(X_PRICE_USER, |s| micros(s, 100.0));
    Some(XConfig { client_id: client_id?, client_secret, budget, price_post, price_user, base })
}

/// Neither works without the other.
fn both<A, B>(reader: &mut Reader<'_>, a: (Setting, Option<A>), b: (Setting, Option<B>)) -> Option<(A, B)> {
    match (a.1, b.1) {
        (Some(a), Some(b)) => return Some((a, b)),
        (Some(_), None) if reader.text(b.0).is_none() => reader.mistake(b.0, format!("is needed with {}", a.0.name)),
        (None, Some(_)) if reader.text(a.0).is_none() => reader.mistake(a.0, format!("is needed with {}", b.0.name)),
        _ => {}
    }
    None
}

fn secret(text: &str) -> Option<SecretString> {
    text.bytes().all(|b| b.is_ascii_graphic()).then(|| SecretString::from(text))
}

fn server(text: &str) -> Option<Url> {
    let text = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let url = Url::parse(&text).ok()?;
    let plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    (url.scheme() == "https" && url.domain().is_some() && plain).then_some(url)
}

/// Millionths of a dollar.
fn micros(text: &str, most: f64) -> Option<u64> {
    within(text, 0.0..=most).map(|dollars: f64| (dollars * 1e6).round() as u64)
}
