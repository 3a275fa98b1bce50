//! What is found in the folder of a run, before anybody has looked whether it makes sense.

/// The folder of a run as it lies in the results.
#[derive(Clone, Debug, Default)]
pub struct Folder {
    /// Where it is below the results; its parts are separated by `/`.
    pub path: String,
    /// The text of its manifest, or why that cannot be read.
    pub manifest: Option<Result<String, String>>,
    /// The text of its verdict, or why that cannot be read.
    pub verdict: Option<Result<String, String>>,
    /// Its history.
    pub record: Record,
    /// Its files, in the order of their names.
    pub files: Vec<FileEntry>,
}

/// A file in the folder of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// Its path within the folder: `plots/timeline.svg`.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

/// What is known of the file of a history without judging it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Record {
    /// There is none.
    #[default]
    Missing,
    /// It cannot be read, for this reason.
    Unreadable(String),
    /// It was read.
    Read {
        /// How many lines it has.
        events: u64,
        /// The SHA-256 of its bytes, in lower-case hex.
        digest: String,
        /// The time of its last event, in nanoseconds since the run began.
        lasted_ns: Option<u64>,
    },
}
