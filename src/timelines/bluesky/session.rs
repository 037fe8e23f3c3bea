//! Signed in with an app password. The pair of tokens is kept in the vault before it is used: a refresh token serves once.

use std::sync::Arc;

use http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;

use super::api::{Api, Purpose, Refusal};
use crate::timelines::{TimelineError, Vault};

/// A password that was refused is not tried again for so long: the service counts, and locks.
const REFUSED: Duration = Duration::hours(1);

/// Tokens of one sign-in.
#[derive(Debug, Clone)]
pub(super) struct Tokens {
    pub(super) did: String,
    access: SecretString,
    refresh: SecretString,
}

#[derive(Debug)]
pub(super) struct Session {
    identifier: String,
    password: SecretString,
    vault: Arc<dyn Vault>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    tokens: Option<Arc<Tokens>>,
    /// They are newer than what the vault has.
    unkept: bool,
    /// Until when, and what people are told.
    refused: Option<(OffsetDateTime, String)>,
}

impl Session {
    pub(super) fn new(identifier: String, password: SecretString, vault: Arc<dyn Vault>) -> Self {
        Self { identifier, password, vault, state: Mutex::default() }
    }

    /// Asks as whoever is signed in, and signs in or renews where that is needed.
    pub(super) async fn query(
        &self,
        api: &Api,
        purpose: Purpose,
        name: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Value, Refusal> {
        let tokens = self.tokens(api, None).await?;
        match api.query(purpose, name, parameters, &tokens.access).await {
            Err(refusal) if refusal.is_of_the_token() => {}
            answer => return answer,
        }
        let tokens = self.tokens(api, Some(&tokens)).await?;
        match api.query(purpose, name, parameters, &tokens.access).await {
            Err(refusal) if refusal.is_of_the_token() => {
                Err(TimelineError::Service("Bluesky refuses a session that it has only just given".into()).into())
            }
            answer => answer,
        }
    }

    /// Who is signed in.
    pub(super) async fn did(&self, api: &Api) -> Result<String, TimelineError> {
        Ok(self.tokens(api, None).await?.did.clone())
    }

    /// Tokens other than the `expired` ones. One at a time: a refresh token must not be spent twice.
    async fn tokens(&self, api: &Api, expired: Option<&Arc<Tokens>>) -> Result<Arc<Tokens>, TimelineError> {
        let mut state = self.state.lock().await;
        if state.tokens.is_none() {
            state.tokens = self.kept().await?.map(Arc::new);
        }
        let now = api.clock.now();
        if let Some((until, why)) = &state.refused
            && now < *until
        {
            return Err(TimelineError::SignIn(why.clone()));
        }
        let fresh = match &state.tokens {
            // Somebody else may have renewed them meanwhile.
            Some(tokens) if expired.is_none_or(|expired| !same(expired, tokens)) => None,
            Some(tokens) => Some(match renew(api, tokens).await? {
                Some(renewed) => renewed,
                None => self.create(api, &mut state).await?,
            }),
            None => Some(self.create(api, &mut state).await?),
        };
        if let Some(fresh) = fresh {
            state.tokens = Some(Arc::new(fresh));
            state.unkept = true;
        }
        let tokens = state.tokens.clone().expect("they were just put there");
        if state.unkept {
            self.vault.keep(self.written(&tokens)).await?;
            state.unkept = false;
        }
        Ok(tokens)
    }

    async fn create(&self, api: &Api, state: &mut State) -> Result<Tokens, TimelineError> {
        let input = json!({ "identifier": self.identifier, "password": self.password.expose_secret() });
        let refusal = match api.procedure("com.atproto.server.createSession", None, Some(&input)).await {
            Ok(answer) => return tokens(&answer),
            Err(refusal) => refusal,
        };
        let why = match &refusal {
            Refusal::Said { error, .. } if error == "AuthFactorTokenRequired" => {
                "Bluesky asks for a code by mail: the password is that of the account. Make an app password under \
                 Settings > Privacy and security > App passwords and set that one"
            }
            Refusal::Said { error, .. } if error == "AccountTakedown" => {
                "Bluesky has taken the account down: sign in on bsky.app to see why, or set another account"
            }
            Refusal::Said { status, .. } if matches!(*status, StatusCode::UNAUTHORIZED | StatusCode::BAD_REQUEST) => {
                "Bluesky does not accept the handle and app password: make an app password under Settings > Privacy and \
                 security > App passwords and set it"
            }
            _ => return Err(refusal.into()),
        };
        state.refused = Some((api.clock.now() + REFUSED, why.to_owned()));
        Err(TimelineError::SignIn(why.to_owned()))
    }

    /// What the vault has of this account.
    async fn kept(&self) -> Result<Option<Tokens>, TimelineError> {
        let Some(secret) = self.vault.read().await? else { return Ok(None) };
        let kept: Value = serde_json::from_str(secret.expose_secret()).unwrap_or_default();
        // Another account may have been set since; what cannot be read is had anew by signing in.
        let ours = kept["identifier"] == self.identifier.as_str();
        Ok(ours.then(|| tokens(&kept).ok()).flatten())
    }

    fn written(&self, tokens: &Tokens) -> SecretString {
        let kept = json!({
            "identifier": self.identifier,
            "did": tokens.did,
            "accessJwt": tokens.access.expose_secret(),
            "refreshJwt": tokens.refresh.expose_secret(),
        });
        kept.to_string().into()
    }
}

/// A new pair, or none if the old one is worth nothing any more.
async fn renew(api: &Api, old: &Tokens) -> Result<Option<Tokens>, TimelineError> {
    match api.procedure("com.atproto.server.refreshSession", Some(&old.refresh), None).await {
        Ok(answer) => tokens(&answer).map(Some),
        Err(Refusal::Said { error, .. }) if error == "AccountTakedown" => Ok(None),
        Err(refusal) if refusal.is_of_the_token() => Ok(None),
        // The service or the way to it failed: the old pair is still good.
        Err(refusal) => Err(refusal.into()),
    }
}

fn same(one: &Tokens, other: &Tokens) -> bool {
    one.access.expose_secret() == other.access.expose_secret()
}

fn tokens(answer: &Value) -> Result<Tokens, TimelineError> {
    let text = |name: &str| {
        let text = answer[name].as_str().filter(|text| !text.is_empty());
        text.ok_or_else(|| TimelineError::Answer(format!("Bluesky's session has no {name}")))
    };
    Ok(Tokens { did: text("did")?.to_owned(), access: text("accessJwt")?.into(), refresh: text("refreshJwt")?.into() })
}
