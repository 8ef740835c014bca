//! Where the random bytes of new keys come from.

use super::error::{KeyError, KeyErrorKind};
use super::vetting;

/// A source of random bytes for new keys.
///
/// Ordinary users never name it: [`SigningKey::generate`] asks the operating
/// system. Implement it to make the same keys again in a test.
///
/// [`SigningKey::generate`]: super::SigningKey::generate
pub trait Entropy: Send + Sync {
    /// Fills `bytes` completely with unpredictable bytes.
    ///
    /// # Errors
    /// [`KeyErrorKind::NoRandomness`] when the source has failed; nothing is made then.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), KeyError>;
}

impl<E: Entropy + ?Sized> Entropy for std::sync::Arc<E> {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), KeyError> {
        (**self).fill(bytes)
    }
}

/// The operating system's random numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), KeyError> {
        getrandom::fill(bytes).map_err(|error| {
            KeyError::explained(
                KeyErrorKind::NoRandomness,
                format!("the system's random numbers cannot be read: {error}; no key was made"),
            )
        })
    }
}

/// Fills `bytes`, and refuses a source that gives one byte over and over.
pub(super) fn draw(entropy: &dyn Entropy, bytes: &mut [u8]) -> Result<(), KeyError> {
    entropy.fill(bytes)?;
    if !vetting::is_placeholder(bytes) {
        return Ok(());
    }
    Err(KeyError::explained(
        KeyErrorKind::NoRandomness,
        "the source of randomness gave one byte repeated; no key was made, check the source",
    ))
}
