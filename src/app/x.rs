//! X over the database: the account of the money and the accounts paid for; and the sign-in of `mekiki auth x`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, bail};
use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, oneshot};
use url::Url;

use crate::domain::{Lang, Micros, PostSource, Purpose, Reads, Spending};
use crate::store::{ReservationId, Store, StoreError, XUser};
use crate::timelines::x::{Invitation, Ledger, People, X};
use crate::timelines::{Account, Answer, TimelineError};

/// The store as X's adapter sees it.
#[derive(Debug, Clone)]
pub struct Books(Store);

impl Books {
    /// What a kill left open is counted first: for the process that reads the timelines.
    pub async fn open(store: Store) -> anyhow::Result<Self> {
        let lost = store.settle_lost_money().await.context("cannot settle what was put aside for X")?;
        if lost > 0 {
            tracing::info!(lost, "requests to X were under way when the program stopped: counted as paid in full");
        }
        Ok(Self(store))
    }

    /// For a second process, such as `mekiki auth x`, while the bot may have requests under way.
    pub fn beside(store: Store) -> Self {
        Self(store)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "`map_err` hands it over")]
fn failed(error: StoreError) -> TimelineError {
    TimelineError::Service(error.to_string())
}

impl Ledger for Books {
    fn reserve(&self, purpose: Purpose, amount: Micros, limit: Micros, at: OffsetDateTime) -> Answer<'_, Option<i64>> {
        Box::pin(async move {
            let reserved = self.0.reserve_money(PostSource::X, purpose, amount, limit, at).await;
            Ok(reserved.map_err(failed)?.map(|id| id.0))
        })
    }

    fn settle(&self, reservation: i64, cost: Micros, reads: Reads) -> Answer<'_, ()> {
        Box::pin(async move { self.0.settle_money(ReservationId(reservation), cost, reads).await.map_err(failed) })
    }

    fn lose(&self, reservation: i64) -> Answer<'_, ()> {
        Box::pin(async move { self.0.lose_money(ReservationId(reservation)).await.map_err(failed) })
    }

    fn spending(&self, now: OffsetDateTime) -> Answer<'_, Spending> {
        Box::pin(async move { self.0.spending(PostSource::X, now).await.map_err(failed) })
    }

    fn kept(&self) -> Answer<'_, u64> {
        Box::pin(async move { self.0.kept_of(PostSource::X).await.map_err(failed) })
    }
}

impl People for Books {
    fn by_ids<'a>(&'a self, ids: &'a [String]) -> Answer<'a, Vec<(Account, OffsetDateTime)>> {
        Box::pin(async move {
            let users = self.0.x_users(ids).await.map_err(failed)?;
            Ok(users.into_iter().map(account).collect())
        })
    }

    fn by_handle<'a>(&'a self, handle: &'a str) -> Answer<'a, Option<(Account, OffsetDateTime)>> {
        Box::pin(async move { Ok(self.0.x_user_named(handle).await.map_err(failed)?.map(account)) })
    }

    fn keep<'a>(&'a self, accounts: &'a [Account], now: OffsetDateTime) -> Answer<'a, ()> {
        Box::pin(async move {
            let user = |account: &Account| XUser {
                id: account.id.clone(),
                handle: account.handle.clone(),
                name: account.name.clone(),
                protected: account.protected,
                read_at: now,
            };
            self.0.keep_x_users(&accounts.iter().map(user).collect::<Vec<_>>()).await.map_err(failed)
        })
    }
}

fn account(user: XUser) -> (Account, OffsetDateTime) {
    let account = Account {
        link: format!("https://x.com/{}", user.handle),
        id: user.id,
        handle: user.handle,
        name: user.name,
        bot: false,
        protected: user.protected,
        unlisted: false,
    };
    (account, user.read_at)
}

/// Lets a person sign in: `show` gives them the link, and their browser brings the code to `listener`, which is on loopback.
/// The app has to be registered with `http://127.0.0.1:PORT/callback`. Answers as whom the bot reads from now on.
pub async fn sign_in(
    x: &X,
    listener: TcpListener,
    random: &[u8; 64],
    show: impl FnOnce(&Url),
) -> anyhow::Result<Account> {
    let port = listener.local_addr().context("the listener has no address")?.port();
    let redirect = Url::parse(&format!("http://127.0.0.1:{port}/callback"))?;
    let invitation = x.invite(redirect, random);
    show(&invitation.link);
    let (invitation, code) = wait_for_code(invitation, listener).await?;
    x.accept(invitation, code).await.context("X has not accepted the sign-in")
}

/// The invitation that was answered, with its code or with the reason for none.
type CameBack = (Invitation, Result<String, String>);

struct Waiting {
    /// Taken by the one who comes back with the right state.
    open: Mutex<Option<(Invitation, oneshot::Sender<CameBack>)>>,
}

async fn wait_for_code(invitation: Invitation, listener: TcpListener) -> anyhow::Result<(Invitation, String)> {
    let (send, receive) = oneshot::channel();
    let waiting = Arc::new(Waiting { open: Mutex::new(Some((invitation, send))) });
    let (stop, stopped) = oneshot::channel::<()>();
    let app = Router::new().route("/callback", get(came_back)).with_state(waiting);
    let server = tokio::spawn(
        axum::serve(listener, app)
            .with_graceful_shutdown(async {
                // A sender that is gone stops it, too.
                let _ = stopped.await;
            })
            .into_future(),
    );
    let answer = receive.await;
    drop(stop);
    server.await.context("the listener has stopped")?.context("the listener has stopped")?;
    let (invitation, answer) = answer.context("nobody came back from X")?;
    match answer {
        Ok(code) => Ok((invitation, code)),
        Err(reason) => {
            bail!("X was not allowed to let the bot in ({reason}); run `mekiki auth x` again to try once more")
        }
    }
}

async fn came_back(State(waiting): State<Arc<Waiting>>, Query(query): Query<HashMap<String, String>>) -> Response {
    let mut open = waiting.open.lock().await;
    let state = query.get("state").map(String::as_str).unwrap_or_default();
    let Some((invitation, send)) = open.take_if(|(invitation, _)| invitation.is_answered_by(state)) else {
        return (StatusCode::BAD_REQUEST, page(|lang| tr!(lang, "x.sign_in.other"))).into_response();
    };
    let answer = match (query.get("code"), query.get("error")) {
        (Some(code), None) => Ok(code.clone()),
        (_, error) => Err(error.map_or("no code", |error| error).to_owned()),
    };
    let told = if answer.is_ok() {
        page(|lang| tr!(lang, "x.sign_in.done"))
    } else {
        page(|lang| tr!(lang, "x.sign_in.refused"))
    };
    // Whoever waited has gone: nothing is left to be told.
    let _ = send.send((invitation, answer));
    told.into_response()
}

/// In both languages: nothing is known of who reads it.
fn page(text: impl Fn(Lang) -> Cow<'static, str>) -> Html<String> {
    let line = |lang: Lang| maud::html! { p lang=(lang.code()) { (text(lang)) } };
    let markup = maud::html! {
        (maud::DOCTYPE)
        html { head { meta charset="utf-8"; title { "Mekiki" } } body { (line(Lang::En)) (line(Lang::Ja)) } }
    };
    Html(markup.into_string())
}
