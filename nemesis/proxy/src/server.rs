//! The HTTP API.

use std::future::Future;
use std::io;

use axum::body::Bytes;
use axum::extract::{FromRef, Path, State};
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::runtime::Handle;

use crate::api_thread::ApiThread;
use crate::browser;
use crate::collection::Wish;
use crate::embedded::Embedded;
use crate::error::ProxyError;
use crate::fields::Fields;
use crate::metrics;
use crate::record::ProxyRecord;
use crate::refusal::{self, Refusal};
use crate::toxic::{Stream, Toxic};

/// What `GET /version` answers: the version of Toxiproxy's API, and that this is not Toxiproxy.
pub const VERSION: &str = "2.12.0+prover";

type Answer<T> = Result<Json<T>, Refusal>;

/// Serves the API of these proxies on `listener` until `shutdown` completes; then all of them are
/// taken down. The API is answered on a thread of its own; the proxies that it puts up run on the
/// runtime that this is called on.
///
/// # Errors
/// The listener is of no more use, or the system has no thread for the API.
pub async fn serve(
    listener: TcpListener,
    proxies: Embedded,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let api = Api {
        proxies: proxies.clone(),
        runtime: Handle::current(),
    };
    let thread = ApiThread::start(listener.into_std()?, router(api))?;
    let result = thread.until(shutdown).await;
    proxies.clear().await;
    result
}

/// What the answers are made from.
#[derive(Clone)]
struct Api {
    proxies: Embedded,
    /// Where new proxies run.
    runtime: Handle,
}

impl FromRef<Api> for Embedded {
    fn from_ref(api: &Api) -> Self {
        api.proxies.clone()
    }
}

impl FromRef<Api> for Handle {
    fn from_ref(api: &Api) -> Self {
        api.runtime.clone()
    }
}

fn router(api: Api) -> Router {
    Router::new()
        .route("/version", get(version))
        .route("/metrics", get(metrics))
        .route("/reset", post(reset))
        .route("/populate", post(populate))
        .route("/proxies", get(list_proxies).post(create_proxy))
        .route(
            "/proxies/{proxy}",
            get(show_proxy)
                .post(update_proxy)
                .patch(update_proxy)
                .delete(delete_proxy),
        )
        .route(
            "/proxies/{proxy}/toxics",
            get(list_toxics).post(create_toxic),
        )
        .route(
            "/proxies/{proxy}/toxics/{toxic}",
            get(show_toxic)
                .post(update_toxic)
                .patch(update_toxic)
                .delete(delete_toxic),
        )
        .fallback(|| async { Refusal::no_such_path() })
        .layer(middleware::map_response(refusal::in_one_form))
        .layer(middleware::from_fn(browser::refuse))
        .with_state(api)
}

/// Reads a body whatever its content type says: clients do not agree on it.
fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, ProxyError> {
    let fields: Fields = first_value(body)?;
    fields.read().map_err(ProxyError::bad_body)
}

/// Reads a body that is a list; `null` is an empty one.
fn parse_all<T: DeserializeOwned>(body: &Bytes) -> Result<Vec<T>, ProxyError> {
    let list: Option<Vec<Fields>> = first_value(body)?;
    let all = list.into_iter().flatten().map(Fields::read);
    all.collect::<Result<_, _>>().map_err(ProxyError::bad_body)
}

/// What stands behind the first value is not looked at, as in Toxiproxy.
fn first_value<T: DeserializeOwned>(body: &Bytes) -> Result<T, ProxyError> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    T::deserialize(&mut reader).map_err(ProxyError::bad_body)
}

/// In Toxiproxy's very bytes: some scripts look for these.
async fn version() -> impl IntoResponse {
    let content_type = [(header::CONTENT_TYPE, "application/json;charset=utf-8")];
    (content_type, format!("{{\"version\": \"{VERSION}\"}}\n"))
}

async fn metrics(State(all): State<Embedded>) -> impl IntoResponse {
    let text = metrics::text(&all.lock().await.counted());
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text)
}

async fn reset(State(all): State<Embedded>) -> Result<StatusCode, Refusal> {
    all.lock().await.reset().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The answer to `POST /populate`: an error does not hide what was made before it.
#[derive(Serialize)]
struct Populated {
    #[serde(flatten)]
    error: Option<Refusal>,
    proxies: Vec<ProxyRecord>,
}

async fn populate(
    State(all): State<Embedded>,
    State(runtime): State<Handle>,
    body: Bytes,
) -> Response {
    let (proxies, error) = match parse_all::<Wish>(&body) {
        Ok(wishes) => all.lock().await.populate(&wishes, &runtime).await,
        Err(error) => (Vec::new(), Some(error)),
    };
    let error = error.map(Refusal::from);
    let status = error.as_ref().map_or(StatusCode::CREATED, Refusal::status);
    (status, Json(Populated { error, proxies })).into_response()
}

async fn list_proxies(State(all): State<Embedded>) -> Response {
    Json(all.lock().await.records()).into_response()
}

async fn create_proxy(
    State(all): State<Embedded>,
    State(runtime): State<Handle>,
    body: Bytes,
) -> Result<(StatusCode, Json<ProxyRecord>), Refusal> {
    let wish = parse(&body)?;
    let record = all.lock().await.create(&wish, &runtime).await?;
    Ok((StatusCode::CREATED, Json(record)))
}

async fn show_proxy(State(all): State<Embedded>, Path(proxy): Path<String>) -> Answer<ProxyRecord> {
    Ok(Json(all.lock().await.get(&proxy)?.record()))
}

async fn update_proxy(
    State(all): State<Embedded>,
    Path(proxy): Path<String>,
    body: Bytes,
) -> Answer<ProxyRecord> {
    let mut all = all.lock().await;
    all.get(&proxy)?;
    Ok(Json(all.update(&proxy, &parse(&body)?).await?))
}

async fn delete_proxy(
    State(all): State<Embedded>,
    Path(proxy): Path<String>,
) -> Result<StatusCode, Refusal> {
    all.lock().await.delete(&proxy).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn list_toxics(State(all): State<Embedded>, Path(proxy): Path<String>) -> Answer<Vec<Toxic>> {
    Ok(Json(all.lock().await.get(&proxy)?.live().toxics()))
}

/// A toxic as a client asks for it.
#[derive(Deserialize)]
struct NewToxic {
    name: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    stream: Option<String>,
    toxicity: Option<f64>,
    #[serde(default)]
    attributes: Fields,
}

impl NewToxic {
    fn toxic(self) -> Result<Toxic, ProxyError> {
        let kind = self.kind.unwrap_or_default();
        let stream = self
            .stream
            .unwrap_or_else(|| Stream::default().name().into());
        let name = self.name.filter(|name| !name.is_empty());
        Ok(Toxic {
            // Toxiproxy's default name has the stream as the client wrote it.
            name: name.unwrap_or_else(|| format!("{kind}_{stream}")),
            kind,
            stream: stream.try_into()?,
            toxicity: self.toxicity.unwrap_or(1.0),
            attributes: self.attributes.into_map().into(),
        })
    }
}

async fn create_toxic(
    State(all): State<Embedded>,
    Path(proxy): Path<String>,
    body: Bytes,
) -> Answer<Toxic> {
    let all = all.lock().await;
    let live = all.get(&proxy)?.live();
    Ok(Json(live.add(parse::<NewToxic>(&body)?.toxic()?)?))
}

async fn show_toxic(
    State(all): State<Embedded>,
    Path((proxy, toxic)): Path<(String, String)>,
) -> Answer<Toxic> {
    Ok(Json(all.lock().await.get(&proxy)?.live().toxic(&toxic)?))
}

/// What can be changed of a toxic; all else in the body is ignored.
#[derive(Deserialize)]
struct ToxicChange {
    #[serde(default)]
    attributes: Fields,
    toxicity: Option<f64>,
}

async fn update_toxic(
    State(all): State<Embedded>,
    Path((proxy, toxic)): Path<(String, String)>,
    body: Bytes,
) -> Answer<Toxic> {
    let all = all.lock().await;
    let live = all.get(&proxy)?.live();
    live.toxic(&toxic)?;
    let change: ToxicChange = parse(&body)?;
    Ok(Json(live.update(
        &toxic,
        change.attributes.into_map(),
        change.toxicity,
    )?))
}

async fn delete_toxic(
    State(all): State<Embedded>,
    Path((proxy, toxic)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    all.lock().await.get(&proxy)?.live().remove(&toxic)?;
    Ok(StatusCode::NO_CONTENT)
}
