//! What was seen from outside of something that was done to a service.

use std::collections::BTreeMap;

/// What the daemon, the service or its API said of it afterwards, by what it says.
pub type Evidence = BTreeMap<String, serde_json::Value>;
