//! For operators: health and metrics.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::AppState;

fn status(ok: bool) -> StatusCode {
    if ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

/// `GET /healthz`: all that an operator should know; 503 when the bot cannot do its work.
pub(super) async fn health(State(app): State<AppState>) -> Response {
    let health = app.backend.health().await;
    (status(health.ok), Json(health)).into_response()
}

/// `GET /healthz` for who has no token, such as a load balancer: alive or not, nothing else.
pub(super) async fn alive(app: &AppState) -> Response {
    let ok = app.backend.health().await.ok;
    (status(ok), Json(json!({ "ok": ok }))).into_response()
}

/// `GET /metrics`: Prometheus text format.
pub(super) async fn metrics(State(app): State<AppState>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], app.backend.metrics()).into_response()
}
