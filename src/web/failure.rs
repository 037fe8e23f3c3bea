//! What went wrong, said in the visitor's language: a page for people, JSON for the script.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde_json::json;

use super::backend::{RateError, SubmitError};
use super::{AppState, Lang, Visitor, layout, upload, words};

/// Why a request was not answered with what it asked for.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    NotFound,
    BadInput,
    ForeignHost,
    CrossSite,
    SignIn {
        wrong: bool,
    },
    TooLarge,
    Busy,
    Decode {
        code: &'static str,
        message: String,
    },
    /// The uploaded link is not http or https.
    BadLink,
    NoFile,
    Internal(Arc<anyhow::Error>),
}

impl From<anyhow::Error> for Failure {
    fn from(e: anyhow::Error) -> Self {
        Self::Internal(Arc::new(e))
    }
}

impl From<RateError> for Failure {
    fn from(e: RateError) -> Self {
        match e {
            RateError::NoSuchFace => Self::NotFound,
            RateError::Internal(e) => e.into(),
        }
    }
}

impl From<SubmitError> for Failure {
    fn from(e: SubmitError) -> Self {
        match e {
            SubmitError::Busy => Self::Busy,
            SubmitError::TooLarge => Self::TooLarge,
            SubmitError::Decode { code, message } => Self::Decode { code, message },
            SubmitError::Internal(e) => e.into(),
        }
    }
}

impl Failure {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::BadInput | Self::BadLink | Self::NoFile => StatusCode::BAD_REQUEST,
            Self::ForeignHost => StatusCode::MISDIRECTED_REQUEST,
            Self::CrossSite => StatusCode::FORBIDDEN,
            Self::SignIn { .. } => StatusCode::UNAUTHORIZED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Decode { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Stable, for machines.
    pub(super) fn code(&self) -> &str {
        match self {
            Self::NotFound => "not_found",
            Self::BadInput => "bad_input",
            Self::ForeignHost => "foreign_host",
            Self::CrossSite => "cross_site",
            Self::SignIn { .. } => "sign_in",
            Self::TooLarge => "too_large",
            Self::Busy => "busy",
            Self::Decode { code, .. } => code,
            Self::BadLink => "bad_link",
            Self::NoFile => "no_file",
            Self::Internal(_) => "internal",
        }
    }

    /// What is wrong and what to do, in words.
    pub(super) fn message(&self, lang: Lang) -> String {
        match self {
            Self::NotFound => tr!(lang, "failure.not_found"),
            Self::BadInput => tr!(lang, "failure.bad_input"),
            Self::ForeignHost => tr!(lang, "failure.foreign_host"),
            Self::CrossSite => tr!(lang, "failure.cross_site"),
            Self::SignIn { wrong: false } => tr!(lang, "failure.sign_in"),
            Self::SignIn { wrong: true } => tr!(lang, "failure.wrong_token"),
            Self::TooLarge => tr!(lang, "failure.too_large", limit = upload::FILE_LIMIT >> 20),
            Self::Busy => tr!(lang, "failure.busy"),
            Self::Decode { code, message } => {
                tr!(lang, "failure.decode", why = words::error(lang, code, message))
            }
            Self::BadLink => tr!(lang, "failure.bad_link"),
            Self::NoFile => tr!(lang, "failure.no_file"),
            Self::Internal(_) => tr!(lang, "failure.internal"),
        }
        .into_owned()
    }

    fn title(&self, lang: Lang) -> String {
        match self {
            Self::NotFound => tr!(lang, "failure.title.not_found"),
            Self::SignIn { .. } => tr!(lang, "failure.title.sign_in"),
            Self::Internal(_) => tr!(lang, "failure.title.internal"),
            _ => tr!(lang, "failure.title.refused"),
        }
        .into_owned()
    }
}

impl IntoResponse for Failure {
    /// Carries itself to [`say`], which knows the visitor's language.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Puts failures into words, also those that the framework answers by itself.
pub(super) async fn say(State(app): State<AppState>, visitor: Visitor, request: Request, next: Next) -> Response {
    let for_script = visitor.path.starts_with("/api/");
    let response = next.run(request).await;
    let status = response.status();
    let failure = match response.extensions().get::<Failure>() {
        Some(failure) => failure.clone(),
        None if is_worded(&response) => return response,
        None if status == StatusCode::PAYLOAD_TOO_LARGE => Failure::TooLarge,
        None if status == StatusCode::NOT_FOUND => Failure::NotFound,
        None if status.is_client_error() => Failure::BadInput,
        None if status == StatusCode::INTERNAL_SERVER_ERROR => {
            Failure::Internal(Arc::new(anyhow::anyhow!("a handler panicked")))
        }
        None => return response,
    };
    if let Failure::Internal(error) = &failure {
        tracing::error!(path = %visitor.path, error = format!("{error:#}"), "the page could not answer");
    }
    // The framework's own status, such as 405, is kept where it had one.
    let status = if response.extensions().get::<Failure>().is_some() { failure.status() } else { status };
    let mut answer = if for_script {
        (status, Json(as_json(&failure, visitor.lang))).into_response()
    } else {
        let body = page(&failure, visitor.lang);
        let signed_out = matches!(failure, Failure::SignIn { .. });
        let visitor = Visitor { signed_in: app.keys.is_some() && !signed_out, ..visitor };
        (status, layout::page(&visitor, &failure.title(visitor.lang), &body)).into_response()
    };
    match failure {
        Failure::SignIn { .. } => {
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
        }
        Failure::Busy => answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2")),
        _ => None,
    };
    answer
}

/// Whether a handler already answered an error in its own words.
fn is_worded(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    kind.starts_with("application/json") || kind.starts_with("text/html")
}

pub(super) fn as_json(failure: &Failure, lang: Lang) -> serde_json::Value {
    json!({ "error": { "code": failure.code(), "message": failure.message(lang) } })
}

fn page(failure: &Failure, lang: Lang) -> Markup {
    html! {
        section class="plain" {
            h1 { (failure.title(lang)) }
            p { (failure.message(lang)) }
            @if let Failure::SignIn { .. } = failure {
                form class="stack" method="post" action="/login" {
                    label for="token" { (tr!(lang, "login.token")) }
                    input id="token" name="token" type="password" autocomplete="current-password" required autofocus;
                    button class="primary" { (tr!(lang, "login.enter")) }
                }
                p class="quiet" { (tr!(lang, "login.where")) }
            } @else {
                p { a href="/" { (tr!(lang, "failure.home")) } }
            }
        }
    }
}
