//! The HTTP API.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, oneshot};

use crate::collection::{Collection, Wish};
use crate::error::ApiError;
use crate::record::ProxyRecord;
use crate::toxic::{Stream, Toxic};

/// What `GET /version` answers: the version of Toxiproxy's API, and that this is not Toxiproxy.
pub const VERSION: &str = "2.12.0+prover";

/// How long requests that are being answered may take to end once the server is told to stop.
const GRACE: Duration = Duration::from_secs(2);

/// One request at a time changes proxies: what it says holds when it is answered.
pub(crate) type Shared = Arc<Mutex<Collection>>;

type Answer<T> = Result<Json<T>, ApiError>;

/// Serves the API on `listener` until `shutdown` completes; then all proxies and their connections are closed.
///
/// `seed` decides all chance: jitter, toxicity, slices.
///
/// # Errors
/// The listener is of no more use.
pub async fn serve(
    listener: TcpListener,
    seed: u64,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let collection = Arc::new(Mutex::new(Collection::new(seed)));
    serve_collection(listener, collection, shutdown).await
}

pub(crate) async fn serve_collection(
    listener: TcpListener,
    collection: Shared,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = axum::serve(listener, router(Arc::clone(&collection)))
        .with_graceful_shutdown(async move { drop(stopped.await) })
        .into_future();
    tokio::pin!(serving);
    let result = tokio::select! {
        result = &mut serving => result,
        () = shutdown => {
            drop(stop);
            // Requests that take longer lose their answer.
            tokio::time::timeout(GRACE, serving).await.unwrap_or(Ok(()))
        }
    };
    collection.lock().await.clear().await;
    result
}

fn router(collection: Shared) -> Router {
    Router::new()
        .route("/version", get(version))
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
        .fallback(|| async { ApiError::no_such_path() })
        .with_state(collection)
}

/// Reads a body whatever its content type says: clients do not agree on it.
fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(ApiError::bad_body)
}

async fn version() -> Json<Value> {
    Json(json!({ "version": VERSION }))
}

async fn reset(State(all): State<Shared>) -> Result<StatusCode, ApiError> {
    all.lock().await.reset().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The answer to `POST /populate`: an error does not hide what was made before it.
#[derive(Serialize)]
struct Populated {
    #[serde(flatten)]
    error: Option<ApiError>,
    proxies: Vec<ProxyRecord>,
}

async fn populate(State(all): State<Shared>, body: Bytes) -> Response {
    let (proxies, error) = match parse::<Vec<Wish>>(&body) {
        Ok(wishes) => all.lock().await.populate(&wishes).await,
        Err(error) => (Vec::new(), Some(error)),
    };
    let status = error.as_ref().map_or(StatusCode::CREATED, ApiError::status);
    (status, Json(Populated { error, proxies })).into_response()
}

async fn list_proxies(State(all): State<Shared>) -> Response {
    Json(all.lock().await.records()).into_response()
}

async fn create_proxy(
    State(all): State<Shared>,
    body: Bytes,
) -> Result<(StatusCode, Json<ProxyRecord>), ApiError> {
    let record = all.lock().await.create(&parse(&body)?).await?;
    Ok((StatusCode::CREATED, Json(record)))
}

async fn show_proxy(State(all): State<Shared>, Path(proxy): Path<String>) -> Answer<ProxyRecord> {
    Ok(Json(all.lock().await.get(&proxy)?.record()))
}

async fn update_proxy(
    State(all): State<Shared>,
    Path(proxy): Path<String>,
    body: Bytes,
) -> Answer<ProxyRecord> {
    let mut all = all.lock().await;
    all.get(&proxy)?;
    Ok(Json(all.update(&proxy, parse(&body)?).await?))
}

async fn delete_proxy(
    State(all): State<Shared>,
    Path(proxy): Path<String>,
) -> Result<StatusCode, ApiError> {
    all.lock().await.delete(&proxy).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn list_toxics(State(all): State<Shared>, Path(proxy): Path<String>) -> Answer<Vec<Toxic>> {
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
    attributes: Option<Value>,
}

impl NewToxic {
    fn toxic(self) -> Result<Toxic, ApiError> {
        let stream = match self.stream.as_deref() {
            None => Stream::default(),
            Some(name) => Stream::BOTH
                .into_iter()
                .find(|stream| stream.name() == name)
                .ok_or_else(ApiError::invalid_stream)?,
        };
        let kind = self.kind.unwrap_or_default();
        let name = self.name.filter(|name| !name.is_empty());
        Ok(Toxic {
            name: name.unwrap_or_else(|| format!("{kind}_{}", stream.name())),
            kind,
            stream,
            toxicity: probability(self.toxicity)?.unwrap_or(1.0),
            attributes: self.attributes.unwrap_or_else(|| json!({})),
        })
    }
}

fn probability(toxicity: Option<f64>) -> Result<Option<f64>, ApiError> {
    match toxicity {
        Some(toxicity) if !(0.0..=1.0).contains(&toxicity) => Err(ApiError::bad_body(
            format_args!("toxicity {toxicity} is not between 0 and 1"),
        )),
        fine => Ok(fine),
    }
}

async fn create_toxic(
    State(all): State<Shared>,
    Path(proxy): Path<String>,
    body: Bytes,
) -> Answer<Toxic> {
    let all = all.lock().await;
    let live = all.get(&proxy)?.live();
    Ok(Json(live.add(parse::<NewToxic>(&body)?.toxic()?)?))
}

async fn show_toxic(
    State(all): State<Shared>,
    Path((proxy, toxic)): Path<(String, String)>,
) -> Answer<Toxic> {
    Ok(Json(all.lock().await.get(&proxy)?.live().toxic(&toxic)?))
}

/// What can be changed of a toxic; all else in the body is ignored.
#[derive(Deserialize)]
struct ToxicChange {
    #[serde(default)]
    attributes: Value,
    toxicity: Option<f64>,
}

async fn update_toxic(
    State(all): State<Shared>,
    Path((proxy, toxic)): Path<(String, String)>,
    body: Bytes,
) -> Answer<Toxic> {
    let all = all.lock().await;
    let live = all.get(&proxy)?.live();
    live.toxic(&toxic)?;
    let change: ToxicChange = parse(&body)?;
    let toxicity = probability(change.toxicity)?;
    Ok(Json(live.update(&toxic, change.attributes, toxicity)?))
}

async fn delete_toxic(
    State(all): State<Shared>,
    Path((proxy, toxic)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    all.lock().await.get(&proxy)?.live().remove(&toxic)?;
    Ok(StatusCode::NO_CONTENT)
}
