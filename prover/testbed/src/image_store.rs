//! What can be done to get an image.

use async_trait::async_trait;

use crate::error::TestbedError;
use crate::recipe::Recipe;

/// Where images are kept. The daemon does it in earnest, tests pretend.
#[async_trait]
pub(crate) trait ImageStore: Sync {
    /// Whether the image is there already.
    async fn present(&self, reference: &str) -> Result<bool, TestbedError>;
    /// Fetches it from a registry.
    async fn pull(&self, reference: &str) -> Result<(), TestbedError>;
    /// Makes `recipe.tag()`.
    async fn build(&self, recipe: &Recipe) -> Result<(), TestbedError>;
}
