//! `prover serve`: the results, browsed on this machine.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;

use crate::cli::ServeArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interruption::interrupted;
use crate::output;
use crate::serve::{Shelf, asked, serve as answer};

/// Serves until interrupted.
pub(super) async fn serve(arguments: &ServeArgs) -> Result<Exit, Failure> {
    let shelf = Shelf::open(&arguments.results)?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port));
    let listener = TcpListener::bind(address)
        .await
        .map_err(|source| Failure::Listen { address, source })?;
    output::result(&format!("results: http://{}/", listener.local_addr()?))?;
    let asked = asked(arguments.commit.as_deref());
    answer(listener, shelf, asked, interrupted()).await?;
    Ok(Exit::Valid)
}
