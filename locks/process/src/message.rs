//! What is said on the way to a program, and on the way back. `docs/protocol.schema.json` says the
//! same, for programs in other languages.

use std::collections::BTreeMap;

use locks::Endpoint;
use serde::{Deserialize, Serialize};

/// What every message comes in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope<Body> {
    /// Who says it: `n3` is the program of worker 3, `c3` the prover.
    pub src: String,
    /// To whom.
    pub dest: String,
    /// What.
    pub body: Body,
}

/// Something that is asked of a program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The number that the answer repeats.
    pub msg_id: u64,
    /// What is asked.
    #[serde(flatten)]
    pub asked: Asked,
}

/// What can be asked of a program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(missing_docs, reason = "docs/protocol.md is the reference")]
pub enum Asked {
    Init(Init),
    Acquire { key: String, wait_ms: u64 },
    Verify { key: String },
    Release { key: String },
    Create { key: String, slots: u32 },
    Grow { key: String, most: u32 },
    Shrink { key: String },
    Destroy { key: String },
    Count { key: String },
    Overshoot { key: String },
    Wait { key: String, slot: u32 },
    Request { key: String },
    Close {},
}

impl Asked {
    /// The type of the request.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Init(_) => "init",
            Self::Acquire { .. } => "acquire",
            Self::Verify { .. } => "verify",
            Self::Release { .. } => "release",
            Self::Create { .. } => "create",
            Self::Grow { .. } => "grow",
            Self::Shrink { .. } => "shrink",
            Self::Destroy { .. } => "destroy",
            Self::Count { .. } => "count",
            Self::Overshoot { .. } => "overshoot",
            Self::Wait { .. } => "wait",
            Self::Request { .. } => "request",
            Self::Close {} => "close",
        }
    }
}

/// Where everything is, and who asks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Init {
    /// The program's own name: `n3`.
    pub node_id: String,
    /// The names of all.
    pub node_ids: Vec<String>,
    /// The worker, counted from 0.
    pub process: u32,
    /// A name that no other client has.
    pub client: String,
    /// Stands before the name of whatever the program makes on a service.
    pub prefix: String,
    /// The locks that the run is about.
    pub keys: Vec<String>,
    /// How many slots each has.
    pub slots: u32,
    /// The heartbeat of connections, where the service has one.
    pub heartbeat_ms: u64,
    /// After how long an answer is waited for no more.
    pub operation_timeout_ms: u64,
    /// Decides what the lock draws at random.
    pub seed: u64,
    /// What the user says to the lock.
    pub options: BTreeMap<String, String>,
    /// This worker's own links to each service; none where the program is only asked what it is.
    pub endpoints: Vec<Place>,
}

/// A worker's own link to a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Endpoint")]
struct EndpointForm {
    service: String,
    name: String,
    host: String,
    port: u16,
    url: String,
}

/// An [`Endpoint`] as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Place(#[serde(with = "EndpointForm")] pub Endpoint);

/// What a program says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(missing_docs, reason = "docs/protocol.md is the reference")]
pub enum Said {
    InitOk(Introduced),
    AcquireOk(Granted),
    VerifyOk(Verified),
    ReleaseOk(Released),
    CreateOk(Slots),
    GrowOk(Slots),
    ShrinkOk(Slots),
    DestroyOk(Slots),
    CountOk(Slots),
    OvershootOk(Slots),
    WaitOk(Slots),
    RequestOk(Slots),
    CloseOk(Closed),
    Error(Failed),
    Lost(Lost),
}

/// Declares what a program says: an answer, its own number where it has one, and what it carries.
macro_rules! said {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
            #[serde(deny_unknown_fields)]
            pub struct $name {
                /// The request that it answers.
                pub in_reply_to: u64,
                /// Client libraries number what they say; it means nothing here.
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub msg_id: Option<u64>,
                $($(#[$field_doc])* pub $field: $type,)*
            }
        )*
    };
}

said! {
    /// What a program is.
    Introduced {
        /// Its lock's name.
        name: String,
        /// What sort of lock it is.
        kind: String,
        /// What can be asked of it.
        operations: Vec<String>,
        /// The services it talks to.
        #[serde(default)]
        needs: Vec<String>,
        /// The guarantees that it is judged by.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        promises: Option<Vec<String>>,
        /// How long a lock may stay with a client that died.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lease_ms: Option<u64>,
    }
    /// What came of asking for a lock.
    Granted {
        /// Whether it is granted.
        held: bool,
        /// The slot.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        slot: Option<u32>,
        /// The fencing token.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<u64>,
        /// How long it lasts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lease_ms: Option<u64>,
        /// What the service said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    }
    /// Whether the lock is still held.
    Verified {
        /// What the service said.
        held: bool,
        /// How long it lasts from now on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lease_ms: Option<u64>,
    }
    /// That the lock was given back, or could not be.
    Released {
        /// False where the service said that it was not held any more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        held: Option<bool>,
        /// What the service said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    }
    /// Slots that were made, removed or found.
    Slots {
        /// Their numbers, counted from 1.
        slots: Vec<u32>,
    }
    /// That the program is about to end.
    Closed {}
    /// That something went wrong.
    Failed {
        /// Maelstrom's code: whether anybody knows what became of it.
        code: u32,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        /// The reason by the name that histories use.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<String>,
    }
}

/// That what was held is lost, said unasked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lost {
    /// Client libraries number what they say; it means nothing here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub msg_id: Option<u64>,
    /// The lock; without one the whole session is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl Said {
    /// Its type, where it is the proper answer to a request: the request's with `_ok` behind.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::InitOk(_) => "init_ok",
            Self::AcquireOk(_) => "acquire_ok",
            Self::VerifyOk(_) => "verify_ok",
            Self::ReleaseOk(_) => "release_ok",
            Self::CreateOk(_) => "create_ok",
            Self::GrowOk(_) => "grow_ok",
            Self::ShrinkOk(_) => "shrink_ok",
            Self::DestroyOk(_) => "destroy_ok",
            Self::CountOk(_) => "count_ok",
            Self::OvershootOk(_) => "overshoot_ok",
            Self::WaitOk(_) => "wait_ok",
            Self::RequestOk(_) => "request_ok",
            Self::CloseOk(_) => "close_ok",
            Self::Error(_) => "error",
            Self::Lost(_) => "lost",
        }
    }

    /// The request that it answers; nothing where it is said unasked.
    #[must_use]
    pub fn in_reply_to(&self) -> Option<u64> {
        Some(match self {
            Self::InitOk(said) => said.in_reply_to,
            Self::AcquireOk(said) => said.in_reply_to,
            Self::VerifyOk(said) => said.in_reply_to,
            Self::ReleaseOk(said) => said.in_reply_to,
            Self::CreateOk(said)
            | Self::GrowOk(said)
            | Self::ShrinkOk(said)
            | Self::DestroyOk(said)
            | Self::CountOk(said)
            | Self::OvershootOk(said)
            | Self::WaitOk(said)
            | Self::RequestOk(said) => said.in_reply_to,
            Self::CloseOk(said) => said.in_reply_to,
            Self::Error(said) => said.in_reply_to,
            Self::Lost(_) => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_one_flat_object() {
        let request = Request {
            msg_id: 7,
            asked: Asked::Acquire {
                key: "lock-0".to_owned(),
                wait_ms: 0,
            },
        };
        let text = serde_json::to_string(&request).expect("JSON");
        assert_eq!(
            text,
            r#"{"msg_id":7,"type":"acquire","key":"lock-0","wait_ms":0}"#
        );
        let back: Request = serde_json::from_str(&text).expect("a request");
        assert_eq!(back, request);
    }

    #[test]
    fn what_is_said_is_closed() {
        for wrong in [
            r#"{"type":"acquire_ok","in_reply_to":1,"held":true,"lease":5}"#,
            r#"{"type":"acquire_ok","in_reply_to":1,"held":true,"held":false}"#,
            r#"{"type":"acquire_ok","in_reply_to":1,"held":"yes"}"#,
            r#"{"type":"acquire_ok","in_reply_to":1}"#,
            r#"{"type":"acquire_ok","held":true}"#,
            r#"{"type":"acquire_ok","in_reply_to":1,"held":true,"slot":-1}"#,
            r#"{"type":"acquired","in_reply_to":1,"held":true}"#,
            r#"{"in_reply_to":1,"held":true}"#,
            r#"{"type":"verify_ok","in_reply_to":1,"held":true,"token":4}"#,
        ] {
            assert!(serde_json::from_str::<Said>(wrong).is_err(), "{wrong}");
        }
        let numbered = r#"{"type":"verify_ok","msg_id":3,"in_reply_to":1,"held":false}"#;
        assert!(serde_json::from_str::<Said>(numbered).is_ok());
    }
}
