//! A run as one archive.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use flate2::Compression;
use flate2::write::GzEncoder;
use site::FileEntry;
use tokio::io::AsyncWrite;
use tokio_tar::Builder;

/// Packs files of a folder into a temporary file, which is gone when nobody has it open any more.
/// In the archive they lie in a folder of this name.
pub(super) async fn archive(folder: &Path, name: &str, files: &[FileEntry]) -> io::Result<File> {
    let packing = Packing(GzEncoder::new(
        tempfile::tempfile()?,
        Compression::default(),
    ));
    let mut tar = Builder::new(packing);
    for file in files {
        let path = format!("{name}/{}", file.name);
        tar.append_path_with_name(folder.join(&file.name), path)
            .await?;
    }
    let Packing(packing) = tar.into_inner().await?;
    let mut file = packing.finish()?;
    file.rewind()?;
    Ok(file)
}

/// Packs what is written at once: that keeps one task busy, and nobody waits for it.
struct Packing(GzEncoder<File>);

impl AsyncWrite for Packing {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.0.write(bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.flush())
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}
