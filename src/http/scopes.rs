//! What a token must permit before a request goes on.

use std::fmt;
use std::sync::Arc;

use crate::token::Claims;

/// Words of which a token's `scope` must list all, or at least one.
///
/// A requirement without any word is never met: an empty list is more likely a
/// mistake in a configuration than the wish to let everybody in. Nor is one with a
/// word that no scope can list, such as `""` or one with a space (RFC 6749 section 3.3).
///
/// ```
/// use tokenwright::Claims;
/// use tokenwright::http::Scopes;
///
/// const WRITE: Scopes = Scopes::all_of(&["orders:read", "orders:write"]);
/// let either = Scopes::any_of(&["orders:write", "admin"]);
///
/// let claims = Claims::for_subject("alice").with_scope("orders:write profile");
/// assert!(either.met_by(&claims));
/// assert!(!WRITE.met_by(&claims));
/// ```
#[derive(Clone)]
pub struct Scopes {
    words: Words,
    needs: Needs,
}

#[derive(Clone)]
enum Words {
    Fixed(&'static [&'static str]),
    Shared(Arc<[String]>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    All,
    Any,
}

impl Scopes {
    /// The token must list every one of these words.
    #[must_use]
    pub const fn all_of(words: &'static [&'static str]) -> Self {
        Self {
            words: Words::Fixed(words),
            needs: Needs::All,
        }
    }

    /// The token must list at least one of these words.
    #[must_use]
    pub const fn any_of(words: &'static [&'static str]) -> Self {
        Self {
            words: Words::Fixed(words),
            needs: Needs::Any,
        }
    }

    /// As [`all_of`](Self::all_of), with words known only when the program runs.
    #[must_use]
    pub fn all_from(words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            words: Words::shared(words),
            needs: Needs::All,
        }
    }

    /// As [`any_of`](Self::any_of), with words known only when the program runs.
    #[must_use]
    pub fn any_from(words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            words: Words::shared(words),
            needs: Needs::Any,
        }
    }

    /// Whether these claims permit it.
    #[must_use]
    pub fn met_by<C>(&self, claims: &Claims<C>) -> bool {
        let mut words = self.words().peekable();
        let listed = |word: &str| is_scope_token(word) && claims.has_scope(word);
        match self.needs {
            Needs::All => words.peek().is_some() && words.all(listed),
            Needs::Any => words.any(listed),
        }
    }

    /// The words, in the order they were given.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        let (fixed, shared) = match &self.words {
            Words::Fixed(words) => (*words, &[][..]),
            Words::Shared(words) => (&[][..], &**words),
        };
        fixed
            .iter()
            .copied()
            .chain(shared.iter().map(String::as_str))
    }

    /// The words as a challenge lists them (RFC 6750 section 3): only such as can be
    /// written in one.
    pub(super) fn listed(&self) -> String {
        let words: Vec<&str> = self.words().filter(|word| is_scope_token(word)).collect();
        words.join(" ")
    }
}

impl Words {
    fn shared(words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::Shared(words.into_iter().map(Into::into).collect())
    }
}

impl PartialEq for Scopes {
    fn eq(&self, other: &Self) -> bool {
        self.needs == other.needs && self.words().eq(other.words())
    }
}

impl Eq for Scopes {}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.needs {
            Needs::All => "all of ",
            Needs::Any => "any of ",
        })?;
        f.debug_list().entries(self.words()).finish()
    }
}

/// RFC 6749 section 3.3: `1*( %x21 / %x23-5B / %x5D-7E )`.
fn is_scope_token(word: &str) -> bool {
    !word.is_empty()
        && word
            .bytes()
            .all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requirement_is_met_by_whole_words_only() {
        let claims = Claims::for_subject("alice").with_scope("orders:read a b");
        for (scopes, met) in [
            (Scopes::all_of(&["orders:read"]), true),
            (Scopes::all_of(&["a", "b"]), true),
            (Scopes::all_of(&["a", "c"]), false),
            (Scopes::any_of(&["c", "b"]), true),
            (Scopes::any_of(&["orders", "orders:rea", "A"]), false),
            (Scopes::all_from(["a".to_owned(), "b".to_owned()]), true),
            (Scopes::any_from(["c".to_owned()]), false),
            (Scopes::all_of(&["a b"]), false),
            (Scopes::all_of(&["a", ""]), false),
        ] {
            assert_eq!(scopes.met_by(&claims), met, "{scopes:?}");
        }
    }

    #[test]
    fn a_requirement_without_words_is_never_met() {
        let claims = Claims::for_subject("alice").with_scope("a");
        let nobody: [String; 0] = [];
        for scopes in [
            Scopes::all_of(&[]),
            Scopes::any_of(&[]),
            Scopes::all_from(nobody.clone()),
            Scopes::any_from(nobody),
        ] {
            assert!(!scopes.met_by(&claims), "{scopes:?}");
        }
    }

    #[test]
    fn a_word_that_cannot_stand_in_a_challenge_is_neither_met_nor_listed() {
        let odd = Scopes::any_of(&["x\"y", "back\\slash", "é"]);
        let claims = Claims::for_subject("alice").with_scope("x\"y back\\slash é");
        assert!(!odd.met_by(&claims));
        assert_eq!(odd.listed(), "");
    }
}
