//! The server: every page is made when it is asked for.

use std::fs::File;
use std::future::Future;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, LOCATION};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use site::{
    Asked, Filter, Hits, Place, Run, SiteError, badge, comparison, index, notice, proofs, run_page,
};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::archive::archive;
use super::{Shelf, headers, query};
use crate::commands::compare;
use crate::store::file;

/// How long requests that are being answered may take to end once the server is told to stop.
const GRACE: Duration = Duration::from_secs(2);

/// The page in the folder of a run, and the run as one file.
const PAGE: &str = "index.html";
const ARCHIVE: &str = "archive.tar.gz";

/// What is served.
struct Served {
    shelf: Shelf,
    asked: Asked,
}

/// Serves the results on `listener` until `shutdown` completes.
///
/// # Errors
/// The listener is of no more use.
pub(crate) async fn serve(
    listener: TcpListener,
    shelf: Shelf,
    asked: Asked,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let router = Router::new()
        .fallback(answer)
        .with_state(Arc::new(Served { shelf, asked }));
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = axum::serve(listener, router)
        .with_graceful_shutdown(async move { drop(stopped.await) })
        .into_future();
    tokio::pin!(serving);
    tokio::select! {
        result = &mut serving => result,
        () = shutdown => {
            drop(stop);
            // Requests that take longer lose their answer.
            tokio::time::timeout(GRACE, serving).await.unwrap_or(Ok(()))
        }
    }
}

async fn answer(
    State(served): State<Arc<Served>>,
    method: Method,
    uri: Uri,
    told: HeaderMap,
) -> Response {
    if !headers::is_for_here(&told) {
        return headers::text(
            StatusCode::FORBIDDEN,
            "this server answers to 127.0.0.1 and localhost only",
        );
    }
    if ![Method::GET, Method::HEAD].contains(&method) {
        return headers::text(
            StatusCode::METHOD_NOT_ALLOWED,
            "there is nothing to change here",
        );
    }
    // Reading the results keeps this thread busy.
    let answer = tokio::task::block_in_place(|| served.find(&uri));
    match answer {
        Answer::Made(response) => response,
        Answer::Archive(run) => served.packed(&run).await,
    }
}

enum Answer {
    Made(Response),
    Archive(Arc<Run>),
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        Self::Made(response)
    }
}

impl Served {
    fn find(&self, uri: &Uri) -> Answer {
        let pairs = query::pairs(uri.query().unwrap_or_default());
        let Some(path) = query::path(uri.path().trim_start_matches('/')) else {
            return nothing().into();
        };
        match path.split_once('/') {
            None if ["", PAGE].contains(&path.as_str()) => self.index(&pairs).into(),
            // Browsers ask for it beside every page that names none.
            None if path == "favicon.ico" => headers::text(StatusCode::NO_CONTENT, "").into(),
            None if path == "compare" => self.compare(&pairs).into(),
            Some(("badges", file)) => self.badge(file).into(),
            Some(("runs", path)) => self.stored(path),
            _ => nothing().into(),
        }
    }

    fn place(&self) -> Place<'_> {
        Place {
            results: &self.shelf.called,
            is_served: true,
        }
    }

    fn index(&self, pairs: &[(String, String)]) -> Response {
        let all = self.shelf.all();
        let (runs, groups) = (all.runs(), all.groups());
        let pairs = pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let filter = Filter::of_query(pairs);
        let proofs = proofs(&runs, &groups, &self.asked);
        made(index(&runs, &groups, &proofs, &filter, &self.place()))
    }

    fn badge(&self, file: &str) -> Response {
        let all = self.shelf.all();
        let proofs = proofs(&all.runs(), &all.groups(), &self.asked);
        match proofs.iter().find(|proof| proof.file() == file) {
            None => nothing(),
            Some(proof) => match badge(&proof.badge()) {
                Ok(svg) => headers::file(file, svg),
                Err(error) => broken(&error.to_string()),
            },
        }
    }

    /// The page of a run, its archive, or one of its files.
    fn stored(&self, path: &str) -> Answer {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        match name {
            "" | PAGE | ARCHIVE => match self.shelf.run(folder) {
                None => nothing().into(),
                Some(run) if name == ARCHIVE => Answer::Archive(run),
                Some(run) => made(run_page(&run, &self.place())).into(),
            },
            _ if self.shelf.run(path).is_some() => {
                // Without the slash its links would lead elsewhere.
                let place = HeaderValue::from_str(&format!("/runs/{}/", site::href(path)));
                match place {
                    Ok(place) => (StatusCode::SEE_OTHER, [(LOCATION, place)]).into_response(),
                    Err(_) => nothing(),
                }
                .into()
            }
            // What a proof was said to show when it was made is not believed.
            file::REPORT => match self.shelf.group(folder).map(|group| group.page()) {
                Some(Ok(Some(page))) => made(Ok(page)).into(),
                Some(Err(error)) => broken(&error.to_string()).into(),
                Some(Ok(None)) | None => self.file(path).into(),
            },
            _ => self.file(path).into(),
        }
    }

    fn file(&self, path: &str) -> Response {
        let name = path.rsplit('/').next().unwrap_or(path);
        match self.shelf.file(path).and_then(File::open) {
            Ok(file) => headers::file(name, body(file)),
            Err(_) => nothing(),
        }
    }

    fn compare(&self, pairs: &[(String, String)]) -> Response {
        let named = pairs.iter().filter(|(name, _)| name == "run");
        let named: Vec<_> = named.map(|(_, path)| path.as_str()).collect();
        let [one, other] = named.as_slice() else {
            let text = "Tick two runs in the list: their guarantees, exposures and faults are shown side by side.";
            return told(StatusCode::BAD_REQUEST, "Two runs can be compared", text);
        };
        let (Some(first), Some(second)) = (self.shelf.run(one), self.shelf.run(other)) else {
            return nothing();
        };
        let hits = self.hits(&[one, other]);
        made(comparison([&first, &second], &hits))
    }

    /// What `prover compare` says of them.
    fn hits(&self, paths: &[&str]) -> Hits {
        let folders = paths.iter().filter_map(|path| self.shelf.located(path));
        let found = compare::struck(folders.collect::<Vec<_>>().iter().map(PathBuf::as_path));
        let header = compare::HEADER.map(str::to_owned).to_vec();
        match found {
            Ok(rows) => Hits {
                header,
                rows: rows.into_iter().map(Vec::from).collect(),
                error: None,
            },
            Err(error) => Hits {
                header,
                rows: Vec::new(),
                error: Some(error.to_string()),
            },
        }
    }

    async fn packed(&self, run: &Run) -> Response {
        let Some(folder) = self.shelf.located(&run.path) else {
            return nothing();
        };
        let name = archive_name(&run.path);
        match archive(&folder, &name, &run.files).await {
            Ok(file) => {
                let mut response = headers::file(ARCHIVE, body(file));
                let named = format!("attachment; filename=\"{name}.tar.gz\"");
                if let Ok(named) = HeaderValue::from_str(&named) {
                    response.headers_mut().insert(CONTENT_DISPOSITION, named);
                }
                response
            }
            Err(error) => broken(&error.to_string()),
        }
    }
}

/// The folder in an archive, and the archive, as they are called wherever they are unpacked.
fn archive_name(path: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let name = path.chars().map(|c| if is_plain(c) { c } else { '-' });
    name.collect::<String>().trim_start_matches('.').to_owned()
}

/// A file, part by part.
fn body(file: File) -> Body {
    const PART: usize = 1 << 16;
    Body::from_stream(stream::unfold(Some(file), |file| async {
        let mut file = file?;
        let mut part = vec![0; PART];
        match file.read(&mut part) {
            Ok(0) => None,
            Ok(length) => {
                part.truncate(length);
                Some((Ok(Bytes::from(part)), Some(file)))
            }
            Err(error) => Some((Err(error), None)),
        }
    }))
}

fn made(page: Result<String, SiteError>) -> Response {
    match page {
        Ok(html) => headers::page(StatusCode::OK, html),
        Err(error) => broken(&error.to_string()),
    }
}

fn told(status: StatusCode, title: &str, text: &str) -> Response {
    match notice(title, text) {
        Ok(html) => headers::page(status, html),
        Err(error) => broken(&error.to_string()),
    }
}

fn nothing() -> Response {
    told(
        StatusCode::NOT_FOUND,
        "There is no such page",
        "The run may have been removed, or the address is mistyped.",
    )
}

fn broken(why: &str) -> Response {
    tracing::error!("a page could not be made: {why}");
    headers::text(
        StatusCode::INTERNAL_SERVER_ERROR,
        "the page could not be made",
    )
}
