//! The schemas of other tools' forms, for tests.

use std::path::Path;

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;

/// A JSON Schema.
pub(crate) struct Schema {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Schema {
    /// One of `tests/schemas`.
    pub(crate) fn of(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/schemas")
            .join(name);
        let text = std::fs::read_to_string(path).expect("it is there");
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        let document = serde_json::from_str(&text).expect("JSON");
        compiler
            .add_resource("schema.json", document)
            .expect("it is the only one");
        let index = compiler
            .compile("schema.json", &mut schemas)
            .unwrap_or_else(|error| panic!("{error:#}"));
        Self { schemas, index }
    }

    /// Fails where a value does not have this form.
    pub(crate) fn check(&self, value: &Value) {
        if let Err(error) = self.schemas.validate(value, self.index) {
            panic!("{error:#}\n{value:#}");
        }
    }
}
