//! Signing in to X: OAuth 2.0 with PKCE. Access tokens last two hours; a refresh token is used up by its use, so a new pair is
//! on disk before it is used.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use oauth2::basic::{BasicClient, BasicErrorResponse, BasicTokenResponse};
use oauth2::{
    AsyncHttpClient, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError,
    Scope, TokenResponse, TokenUrl,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;
use url::Url;

use super::Settings;
use crate::pipeline::Clock;
use crate::timelines::{Answer, Http, TimelineError, Vault};

/// To read, and to go on reading; nothing may be written.
const SCOPES: [&str; 5] = ["tweet.read", "users.read", "follows.read", "list.read", "offline.access"];
/// An access token with less time left is not used any more.
const MARGIN: Duration = Duration::minutes(1);
/// What an access token lasts where X does not say.
const LASTS: std::time::Duration = std::time::Duration::from_hours(2);
const SIGN_IN: &str = "the bot is not signed in to X: run `mekiki auth x`";

/// What is kept. Its text is a secret.
#[derive(Clone, Serialize, Deserialize)]
struct Session {
    access: String,
    refresh: String,
    expires_at: i64,
    /// Whose sign-in it is, once asked.
    #[serde(default)]
    account: Option<String>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("expires_at", &self.expires_at)
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

/// Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct SignIn(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    http: Arc<dyn Http>,
    vault: Arc<dyn Vault>,
    clock: Arc<dyn Clock>,
    settings: Settings,
    session: Mutex<Option<Session>>,
}

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// A sign-in that waits for its person.
#[derive(Debug)]
pub struct Invitation {
    /// To be opened in a browser.
    pub link: Url,
    state: CsrfToken,
    verifier: PkceCodeVerifier,
    redirect: Url,
}

impl SignIn {
    pub(super) fn new(http: Arc<dyn Http>, vault: Arc<dyn Vault>, clock: Arc<dyn Clock>, settings: Settings) -> Self {
        Self(Arc::new(Inner { http, vault, clock, settings, session: Mutex::new(None) }))
    }

    /// A token that works for a minute at least and is not the one that X has refused.
    pub(super) async fn token(&self, refused: Option<&SecretString>) -> Result<SecretString, TimelineError> {
        // In a task of its own: whoever waits may be stopped at any moment, and the new pair must be kept all the same.
        let (inner, refused) = (Arc::clone(&self.0), refused.cloned());
        let task = tokio::spawn(async move { inner.token(refused.as_ref()).await });
        task.await.map_err(|error| TimelineError::Service(error.to_string()))?
    }

    /// Whose sign-in it is, if it was asked before.
    pub(super) async fn account(&self) -> Result<Option<String>, TimelineError> {
        let mut held = self.0.session.lock().await;
        if held.is_none() {
            *held = self.0.load().await?;
        }
        held.as_ref().map(|session| session.account.clone()).ok_or_else(|| TimelineError::SignIn(SIGN_IN.into()))
    }

    pub(super) async fn set_account(&self, id: &str) -> Result<(), TimelineError> {
        let mut held = self.0.session.lock().await;
        let Some(session) = held.as_mut() else { return Ok(()) };
        session.account = Some(id.to_owned());
        self.0.keep(session).await
    }

    /// The link for a person, who comes back to `redirect`. `random`: fresh from the system's generator.
    pub(super) fn invite(&self, redirect: Url, random: &[u8; 64]) -> Invitation {
        let (verifier, state) = random.split_at(48);
        let verifier = PkceCodeVerifier::new(BASE64_URL_SAFE_NO_PAD.encode(verifier));
        let state = BASE64_URL_SAFE_NO_PAD.encode(state);
        let client = self.0.client().set_redirect_uri(RedirectUrl::from_url(redirect.clone()));
        let (link, state) = client
            .authorize_url(|| CsrfToken::new(state))
            .add_scopes(SCOPES.map(|scope| Scope::new(scope.to_owned())))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .url();
        Invitation { link, state, verifier, redirect }
    }

    /// The person came back with this code.
    pub(super) async fn accept(&self, invitation: Invitation, code: String) -> Result<(), TimelineError> {
        let client = self.0.client().set_redirect_uri(RedirectUrl::from_url(invitation.redirect));
        let exchange = client.exchange_code(AuthorizationCode::new(code)).set_pkce_verifier(invitation.verifier);
        let answer = exchange.request_async(&Asking(Arc::clone(&self.0.http))).await.map_err(failed)?;
        let session = self.0.session_of(&answer, None)?;
        let mut held = self.0.session.lock().await;
        self.0.keep(&session).await?;
        *held = Some(session);
        Ok(())
    }
}

impl Invitation {
    /// Whether someone came back from this link, and not from one that somebody else made.
    pub fn is_answered_by(&self, state: &str) -> bool {
        state == self.state.secret()
    }
}

impl Inner {
    async fn token(&self, refused: Option<&SecretString>) -> Result<SecretString, TimelineError> {
        let mut held = self.session.lock().await;
        if let Some(session) = held.as_ref()
            && self.works(session, refused)
        {
            return Ok(SecretString::from(session.access.clone()));
        }
        // `mekiki auth x` may have signed in anew meanwhile.
        let session = self.load().await?.ok_or_else(|| TimelineError::SignIn(SIGN_IN.into()))?;
        let session = if self.works(&session, refused) { session } else { self.refreshed(session).await? };
        let token = SecretString::from(session.access.clone());
        *held = Some(session);
        Ok(token)
    }

    fn works(&self, session: &Session, refused: Option<&SecretString>) -> bool {
        let left = session.expires_at - self.clock.now().unix_timestamp();
        left > MARGIN.whole_seconds() && refused.is_none_or(|refused| refused.expose_secret() != session.access)
    }

    fn refreshed(&self, session: Session) -> Answer<'_, Session> {
        Box::pin(async move {
            let client = self.client();
            let token = RefreshToken::new(session.refresh.clone());
            let answer = client.exchange_refresh_token(&token).request_async(&Asking(Arc::clone(&self.http))).await;
            let answer = answer.map_err(failed)?;
            let fresh = self.session_of(&answer, Some(&session))?;
            self.keep(&fresh).await?;
            Ok(fresh)
        })
    }

    fn session_of(&self, answer: &BasicTokenResponse, before: Option<&Session>) -> Result<Session, TimelineError> {
        let refresh = answer.refresh_token().map(|token| token.secret().clone());
        let refresh = refresh.or_else(|| before.map(|session| session.refresh.clone()));
        let refresh = refresh
            .ok_or_else(|| TimelineError::SignIn("X gave no refresh token: the app lacks offline.access".into()))?;
        let lasts = answer.expires_in().unwrap_or(LASTS).as_secs();
        let expires_at = self.clock.now().unix_timestamp().saturating_add_unsigned(lasts);
        Ok(Session {
            access: answer.access_token().secret().clone(),
            refresh,
            expires_at: expires_at.min(OffsetDateTime::UNIX_EPOCH.unix_timestamp() + i64::from(u32::MAX)),
            account: before.and_then(|session| session.account.clone()),
        })
    }

    async fn load(&self) -> Result<Option<Session>, TimelineError> {
        let Some(kept) = self.vault.read().await? else { return Ok(None) };
        // The parser's own words could hold a part of it.
        let read = serde_json::from_str(kept.expose_secret());
        read.map(Some).map_err(|_| TimelineError::SignIn(format!("what was kept for X cannot be read; {SIGN_IN}")))
    }

    async fn keep(&self, session: &Session) -> Result<(), TimelineError> {
        let text = serde_json::to_string(session).expect("text and numbers become JSON");
        self.vault.keep(SecretString::from(text)).await
    }

    fn client(&self) -> Client {
        let settings = &self.settings;
        let mut token = settings.base.clone();
        if let Ok(mut path) = token.path_segments_mut() {
            path.pop_if_empty().extend(["2", "oauth2", "token"]);
        }
        let client = BasicClient::new(ClientId::new(settings.client_id.clone()))
            .set_auth_uri(AuthUrl::from_url(settings.authorize.clone()))
            .set_token_uri(TokenUrl::from_url(token));
        match &settings.client_secret {
            Some(secret) => client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned())),
            None => client,
        }
    }
}

/// [`Http`] as the crate wants it.
struct Asking(Arc<dyn Http>);

impl<'c> AsyncHttpClient<'c> for Asking {
    type Error = TimelineError;
    type Future = Answer<'c, HttpResponse>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        self.0.send(request)
    }
}

/// The words of a token's answer can hold it: only X's own reason is passed on.
fn failed(error: RequestTokenError<TimelineError, BasicErrorResponse>) -> TimelineError {
    match error {
        RequestTokenError::Request(error) => error,
        RequestTokenError::ServerResponse(refusal) => {
            let reason = refusal.error_description().map_or("no reason given", String::as_str);
            TimelineError::SignIn(format!("X has ended the sign-in ({reason}): run `mekiki auth x` again"))
        }
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            TimelineError::Service("X answered no token".into())
        }
    }
}
