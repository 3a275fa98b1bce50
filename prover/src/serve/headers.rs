//! What stands above every answer, so that nothing that lies in the results, and nobody who is not
//! this machine's user, can do more than look.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

const SAME_ORIGIN: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Whether a request names this machine. A page elsewhere whose name leads here names itself.
pub(super) fn is_for_here(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all("host").iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let Ok(host) = host.to_str() else {
        return false;
    };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) => return false,
        None => host,
    };
    name == "127.0.0.1" || name.eq_ignore_ascii_case("localhost")
}

/// A page of ours.
pub(super) fn page(status: StatusCode, html: String) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, "frame-ancestors 'none'"),
    ];
    guarded((status, headers, html).into_response())
}

/// A file of the results, by its name. What may run runs apart from everything else that is served.
pub(super) fn file(name: &str, body: impl IntoResponse) -> Response {
    let headers = [
        (CONTENT_TYPE, kind(name)),
        (
            CONTENT_SECURITY_POLICY,
            "sandbox allow-scripts allow-downloads; frame-ancestors 'none'",
        ),
    ];
    guarded((headers, body).into_response())
}

/// A plain text.
pub(super) fn text(status: StatusCode, text: &'static str) -> Response {
    let body = match text {
        "" => String::new(),
        text => format!("{text}\n"),
    };
    guarded((status, body).into_response())
}

fn guarded(mut response: Response) -> Response {
    let all = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
        (SAME_ORIGIN, "same-origin"),
    ];
    for (name, value) in all {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

/// What a browser may show is named; everything else is bytes.
fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        Some("jsonl" | "log" | "txt" | "md" | "edn") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(hosts: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append("host", HeaderValue::from_str(host).expect("a value"));
        }
        headers
    }

    #[test]
    fn only_names_of_this_machine_are_answered() {
        for host in ["127.0.0.1", "127.0.0.1:8080", "localhost:1", "LocalHost"] {
            assert!(is_for_here(&of(&[host])), "{host}");
        }
        for host in [
            "example.org",
            "127.0.0.1.example.org",
            "localhost.example.org:80",
            "127.0.0.1:80:80x",
            "0.0.0.0",
            "[::1]:80",
            "",
            "localhost@example.org",
            "example.org:127.0.0.1",
        ] {
            assert!(!is_for_here(&of(&[host])), "{host}");
        }
        assert!(!is_for_here(&of(&[])) && !is_for_here(&of(&["localhost", "example.org"])));
    }
}
