//! Browsers have no business with the API: a page from anywhere could otherwise change the proxies
//! of whoever looks at it. Programs call themselves something else.

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// The most that is read of a body that nobody wants.
const BODY_MAX: usize = 256 << 10;

/// Refuses browsers in Toxiproxy's words.
pub(crate) async fn refuse(request: Request, next: Next) -> Response {
    if is_browser(request.headers()) {
        // Unread, it would turn the answer into a reset.
        let _ = to_bytes(request.into_body(), BODY_MAX).await;
        (StatusCode::FORBIDDEN, "User agent not allowed\n").into_response()
    } else {
        next.run(request).await
    }
}

/// They all say that they are like Mozilla.
fn is_browser(headers: &HeaderMap) -> bool {
    headers
        .get(header::USER_AGENT)
        .is_some_and(|agent| agent.as_bytes().starts_with(b"Mozilla/"))
}
