//! The forms of what is printed and stored as JSON; `docs/json.schema.json` describes each.

use serde::Serialize;
use serde_json::Value;

/// A form, with its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Schema(&'static str);

/// The field that names the form.
const FIELD: &str = "schema";

impl Schema {
    pub(crate) const RUN: Self = Self("run/1");
    pub(crate) const VERDICT: Self = Self("verdict/1");
    pub(crate) const MANIFEST: Self = Self("manifest/1");
    pub(crate) const CHECK: Self = Self("check/1");
    pub(crate) const REPORT: Self = Self("report/1");
    pub(crate) const UNREAD: Self = Self("unread/1");
    pub(crate) const CAMPAIGN: Self = Self("campaign/2");
    pub(crate) const POWER: Self = Self("power/1");
    pub(crate) const SELFTEST: Self = Self("selftest/1");
    pub(crate) const CONFORM: Self = Self("conform/1");
    pub(crate) const LOCK: Self = Self("lock/1");
    pub(crate) const WORKLOAD: Self = Self("workload/1");
    pub(crate) const FAULT: Self = Self("fault/1");
    pub(crate) const GUARANTEE: Self = Self("guarantee/1");
    pub(crate) const MODEL: Self = Self("model/1");
    pub(crate) const EXPERIMENT: Self = Self("experiment/1");
    pub(crate) const SERVICE: Self = Self("service/1");

    /// An object that says which form it has.
    pub(crate) fn mark(self, object: &impl Serialize) -> Value {
        let mut json = serde_json::json!(object);
        json[FIELD] = self.0.into();
        json
    }

    /// Finds an object of another form; one that names none is older than the forms.
    ///
    /// # Errors
    /// The form that it has.
    pub(crate) fn check(self, object: &Value) -> Result<(), String> {
        match object.get(FIELD) {
            Some(form) if form != self.0 => Err(form.to_string()),
            _ => Ok(()),
        }
    }
}
