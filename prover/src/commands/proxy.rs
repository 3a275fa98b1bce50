//! `prover proxy`: the proxy on its own, for any client of Toxiproxy.

use ::proxy::{Embedded, serve};
use run::seed::{Seed, Stream};
use tokio::net::TcpListener;

use crate::cli::ProxyArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interruption::interrupted;
use crate::output;

/// Serves until interrupted.
pub(super) async fn proxy(arguments: &ProxyArgs) -> Result<Exit, Failure> {
    let address = arguments.listen;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|source| Failure::Listen { address, source })?;
    let seed = arguments.seed.unwrap_or_else(Seed::fresh);
    output::result(&format!(
        "proxy: Toxiproxy's API on http://{}, seed {seed}",
        listener.local_addr()?
    ))?;
    let proxies = Embedded::new(seed.short_stream(Stream::Proxy));
    serve(listener, proxies, interrupted()).await?;
    Ok(Exit::Valid)
}
