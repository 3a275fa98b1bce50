//! How the API says no: Toxiproxy's words with Toxiproxy's status codes.

use axum::Json;
use axum::body::to_bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::error::ProxyError;

/// What the HTTP library says of a request is shorter.
const WORDS_MAX: usize = 64 << 10;

/// An error as the API answers it: `{"error":…,"status":…}`.
#[derive(Debug, Serialize)]
pub(crate) struct Refusal {
    error: String,
    status: u16,
}

impl Refusal {
    pub(crate) fn no_such_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, "no such path in the API")
    }

    fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self {
            error: error.into(),
            status: status.as_u16(),
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).expect("made from one")
    }
}

/// Gives the one form of errors to what the HTTP library refuses itself, before a request gets to
/// whoever answers it; its headers stay.
pub(crate) async fn in_one_form(response: Response) -> Response {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) || is_json(&response) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let words = to_bytes(body, WORDS_MAX).await.unwrap_or_default();
    let error = match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            "no such method on this path; the header Allow has those that there are".into()
        }
        StatusCode::PAYLOAD_TOO_LARGE => {
            "the body has more than 2 MiB; populate with fewer proxies at a time".into()
        }
        StatusCode::BAD_REQUEST => "a name in the path is no UTF-8; percent-encode it".into(),
        _ => String::from_utf8_lossy(&words),
    };
    let (json, body) = Refusal::new(status, error).into_response().into_parts();
    // The length of the other body does not hold for this one.
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.extend(json.headers);
    Response::from_parts(parts, body)
}

fn is_json(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"))
}

impl From<ProxyError> for Refusal {
    fn from(error: ProxyError) -> Self {
        let status = match error {
            ProxyError::BadBody(_)
            | ProxyError::MissingField(_)
            | ProxyError::InvalidStream
            | ProxyError::InvalidToxicType => StatusCode::BAD_REQUEST,
            ProxyError::ProxyNotFound | ProxyError::ToxicNotFound => StatusCode::NOT_FOUND,
            ProxyError::ProxyExists | ProxyError::ToxicExists => StatusCode::CONFLICT,
            ProxyError::Listen(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status(), Json(self)).into_response()
    }
}
