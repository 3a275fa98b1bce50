//! How the API says no: Toxiproxy's words with Toxiproxy's status codes.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::error::ProxyError;

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
