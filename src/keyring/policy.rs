//! The numbers that rotation rests on, and the rules they must keep.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::ErrorClass;

/// Largest value of any number, in seconds: about a hundred years, so that no
/// sum of them comes near the end of the range.
const LARGEST: u64 = 3_200_000_000;

/// Fewest keys that rotation needs at once: one active, one standby, one pending or retiring.
const FEWEST_KEYS: u64 = 3;

/// The numbers a rotation policy is made of, in whole seconds.
///
/// [`Default`] suits a service whose tokens live fifteen minutes and whose
/// machines keep their clocks with NTP.
///
/// ```
/// use tokenwright::keyring::{PolicyNumbers, RotationPolicy};
/// let policy = RotationPolicy::new(PolicyNumbers {
///     token_lifetime: 3_600,
///     period: 7 * 86_400,
///     ..PolicyNumbers::default()
/// })?;
/// assert_eq!(policy.publish_ahead().as_secs(), 340);
/// # Ok::<(), tokenwright::keyring::PolicyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyNumbers {
    /// S: the largest difference between the clocks of any two parties.
    pub clock_skew: u64,
    /// C: the largest age of any view of the keyring in use: poll interval, caches, and the fetch itself.
    pub view_age: u64,
    /// L: from the moment a scheduler reads its clock until what it commits is readable everywhere.
    pub propagation: u64,
    /// T: the longest lifetime of a token.
    pub token_lifetime: u64,
    /// λ: the leeway that verifiers grant on `exp`, `nbf` and `iat`.
    pub leeway: u64,
    /// R: how long one key signs.
    pub period: u64,
    /// W: how long a key is published before it signs; the shortest that is safe when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publish_ahead: Option<u64>,
    /// The most keys that may be published at once; readers of key sets commonly stop at 64.
    #[serde(default = "default_most_keys")]
    pub most_keys: u64,
}

fn default_most_keys() -> u64 {
    64
}

impl Default for PolicyNumbers {
    fn default() -> Self {
        Self {
            clock_skew: 30,
            view_age: 300,
            propagation: 10,
            token_lifetime: 900,
            leeway: 30,
            period: 30 * 86_400,
            publish_ahead: None,
            most_keys: default_most_keys(),
        }
    }
}

impl PolicyNumbers {
    /// The shortest safe W: C + S + L.
    fn shortest_publish_ahead(&self) -> u64 {
        self.view_age
            .saturating_add(self.clock_skew)
            .saturating_add(self.propagation)
    }

    fn publish_ahead(&self) -> u64 {
        self.publish_ahead
            .unwrap_or_else(|| self.shortest_publish_ahead())
    }

    /// W + T + λ + S: how long a key is published without signing.
    fn idle_span(&self) -> u64 {
        self.publish_ahead()
            .saturating_add(self.token_lifetime)
            .saturating_add(self.leeway)
            .saturating_add(self.clock_skew)
    }

    /// Keys published at once at most, by planned rotation alone: see
    /// [`RotationPolicy::keys_at_once`].
    fn keys_at_once(&self) -> u64 {
        self.idle_span()
            .div_ceil(self.period.max(1))
            .saturating_add(2)
    }

    /// The inverse of the rules: how far each number can go while the others stay.
    ///
    /// It answers for numbers that are refused, too: then it names what would do.
    #[must_use]
    pub fn room(&self) -> Room {
        let spans = self.most_keys.saturating_sub(2).max(1);
        let others = self.idle_span().saturating_sub(self.token_lifetime);
        let ahead = self.publish_ahead();
        let others_ahead = self.clock_skew.saturating_add(self.propagation);
        Room {
            longest_token_lifetime: Duration::from_secs(
                spans
                    .saturating_mul(self.period)
                    .saturating_sub(others)
                    .min(LARGEST),
            ),
            shortest_period: Duration::from_secs(
                self.idle_span().div_ceil(spans).max(ahead).max(1),
            ),
            longest_view_age: Duration::from_secs(match self.publish_ahead {
                Some(ahead) => ahead.saturating_sub(others_ahead),
                // W follows C, and the period bounds both.
                None => self.period.saturating_sub(others_ahead),
            }),
        }
    }
}

/// How far a policy's numbers can go, each while the others stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// The longest lifetime of tokens.
    pub longest_token_lifetime: Duration,
    /// The shortest rotation period.
    pub shortest_period: Duration,
    /// The largest age of a view, caches included.
    pub longest_view_age: Duration,
}

/// A rotation policy that keeps all rules; there is no other.
///
/// Rules 1, 6 and 10 of the documentation are checked here. The others hold by
/// construction: the times of rules 2, 3, 4, 5 and 9 are computed from these
/// numbers and cannot be chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RotationPolicy {
    numbers: PolicyNumbers,
}

impl RotationPolicy {
    /// Checks the numbers against the rules.
    ///
    /// # Errors
    /// A [`PolicyError`] that names the first rule broken, the numbers, and the
    /// nearest values that would work.
    pub fn new(numbers: PolicyNumbers) -> Result<Self, PolicyError> {
        check_ranges(&numbers)?;
        check_publish_ahead(&numbers)?;
        check_leeway(&numbers)?;
        check_key_count(&numbers)?;
        Ok(Self { numbers })
    }

    /// Numbers that may break the rules, for showing in a simulation what happens then.
    #[doc(hidden)]
    #[must_use]
    pub fn unchecked_for_simulation(numbers: PolicyNumbers) -> Self {
        Self { numbers }
    }

    /// The numbers it was made of.
    #[must_use]
    pub fn numbers(&self) -> PolicyNumbers {
        self.numbers
    }

    /// S: the largest difference between any two clocks.
    #[must_use]
    pub fn clock_skew(&self) -> Duration {
        Duration::from_secs(self.numbers.clock_skew)
    }

    /// C: the largest age of a view in use.
    #[must_use]
    pub fn view_age(&self) -> Duration {
        Duration::from_secs(self.numbers.view_age)
    }

    /// L: from a scheduler's look at its clock until its commit is readable everywhere.
    #[must_use]
    pub fn propagation(&self) -> Duration {
        Duration::from_secs(self.numbers.propagation)
    }

    /// T: the longest lifetime of a token.
    #[must_use]
    pub fn token_lifetime(&self) -> Duration {
        Duration::from_secs(self.numbers.token_lifetime)
    }

    /// λ: the verifiers' leeway.
    #[must_use]
    pub fn leeway(&self) -> Duration {
        Duration::from_secs(self.numbers.leeway)
    }

    /// R: how long one key signs.
    #[must_use]
    pub fn period(&self) -> Duration {
        Duration::from_secs(self.numbers.period)
    }

    /// W: how long a key is published before it signs.
    #[must_use]
    pub fn publish_ahead(&self) -> Duration {
        Duration::from_secs(self.numbers.publish_ahead())
    }

    /// How long HTTP caches may keep the published key set: half of C. The other
    /// half is left for readers that look at their cache only now and then, and for
    /// the fetch itself.
    ///
    /// ```
    /// use tokenwright::keyring::RotationPolicy;
    /// assert_eq!(RotationPolicy::default().cache_max_age().as_secs(), 150);
    /// ```
    #[must_use]
    pub fn cache_max_age(&self) -> Duration {
        Duration::from_secs(self.numbers.view_age / 2)
    }

    /// The `Cache-Control` header to publish the key set with (RFC 9111 section 5.2):
    /// a cache may keep it for [`cache_max_age`](Self::cache_max_age) and must not
    /// serve it longer when its origin is down.
    #[must_use]
    pub fn cache_control(&self) -> String {
        format!(
            "public, max-age={}, must-revalidate",
            self.cache_max_age().as_secs()
        )
    }

    /// n: how many keys planned rotation publishes at once, at most.
    ///
    /// That is 2 + ceil((W + T + λ + S) / R): one active, one standby, and the
    /// pending and retiring ones, which the simulation attains. Every emergency
    /// may add one for as long as its key retires.
    #[must_use]
    pub fn keys_at_once(&self) -> u64 {
        self.numbers.keys_at_once()
    }

    /// How far each number could go while the others stay.
    #[must_use]
    pub fn room(&self) -> Room {
        self.numbers.room()
    }
}

/// The rules a policy can break, numbered as in the documentation of rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// A number is zero where it cannot be, or beyond a hundred years.
    Range,
    /// Rule 1: a key is published at least C + S + L before it signs.
    PublishAhead,
    /// Rule 6: the leeway covers the difference of the clocks.
    Leeway,
    /// Rule 10: a period is at least as long as publishing ahead.
    Period,
    /// Rule 10: no more keys are published at once than readers take.
    KeyCount,
}

/// A policy that breaks a rule, and what would not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    rule: Rule,
    message: String,
}

impl PolicyError {
    /// The rule that is broken.
    #[must_use]
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// The stable name: `unsafe_policy`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "unsafe_policy"
    }

    /// Who must act: the operator.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        ErrorClass::Operator
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for PolicyError {}

fn check_ranges(numbers: &PolicyNumbers) -> Result<(), PolicyError> {
    let refuse = |message| {
        Err(PolicyError {
            rule: Rule::Range,
            message,
        })
    };
    for (name, value, least) in [
        ("clock_skew", numbers.clock_skew, 0),
        ("view_age", numbers.view_age, 0),
        ("propagation", numbers.propagation, 0),
        ("token_lifetime", numbers.token_lifetime, 1),
        ("leeway", numbers.leeway, 0),
        ("period", numbers.period, 1),
        ("publish_ahead", numbers.publish_ahead.unwrap_or(0), 0),
    ] {
        if value < least || value > LARGEST {
            return refuse(format!(
                "{name} is {value} s; it must be {least} s to {LARGEST} s"
            ));
        }
    }
    if numbers.most_keys < FEWEST_KEYS {
        return refuse(format!(
            "most_keys is {}; rotation needs {FEWEST_KEYS} keys at once: active, standby, and one coming or going",
            numbers.most_keys
        ));
    }
    Ok(())
}

fn check_publish_ahead(numbers: &PolicyNumbers) -> Result<(), PolicyError> {
    let (ahead, least) = (numbers.publish_ahead(), numbers.shortest_publish_ahead());
    if ahead >= least {
        return Ok(());
    }
    let others = numbers.clock_skew.saturating_add(numbers.propagation);
    let alternative = match ahead.checked_sub(others) {
        Some(view_age) => format!(", or lower view_age to {view_age} s"),
        None => String::new(),
    };
    Err(PolicyError {
        rule: Rule::PublishAhead,
        message: format!(
            "rule 1: publish_ahead is {ahead} s, but a view may be {} s old, clocks differ by {} s \
             and a commit takes {} s: a verifier could meet a token before its key; \
             raise publish_ahead to {least} s{alternative}",
            numbers.view_age, numbers.clock_skew, numbers.propagation
        ),
    })
}

fn check_leeway(numbers: &PolicyNumbers) -> Result<(), PolicyError> {
    if numbers.leeway >= numbers.clock_skew {
        return Ok(());
    }
    Err(PolicyError {
        rule: Rule::Leeway,
        message: format!(
            "rule 6: leeway is {0} s, but clocks differ by {1} s: a token of a fast clock would be \
             refused as not yet valid; raise leeway to {1} s, or lower clock_skew to {0} s",
            numbers.leeway, numbers.clock_skew
        ),
    })
}

fn check_key_count(numbers: &PolicyNumbers) -> Result<(), PolicyError> {
    let ahead = numbers.publish_ahead();
    let room = numbers.room();
    if numbers.period < ahead {
        let others = numbers.clock_skew.saturating_add(numbers.propagation);
        let alternative = match (numbers.publish_ahead, numbers.period.checked_sub(others)) {
            (Some(_), _) if numbers.period >= numbers.shortest_publish_ahead() => {
                format!(", or lower publish_ahead to {} s", numbers.period)
            }
            (None, Some(view_age)) => format!(", or lower view_age to {view_age} s"),
            (Some(_), _) | (None, None) => String::new(),
        };
        return Err(PolicyError {
            rule: Rule::Period,
            message: format!(
                "rule 10: period is {} s, but each key is published {ahead} s before it signs: \
                 rotation would always be late; raise period to {} s{alternative}",
                numbers.period,
                room.shortest_period.as_secs(),
            ),
        });
    }
    let keys = numbers.keys_at_once();
    if keys > numbers.most_keys {
        let alternative = match room.longest_token_lifetime.as_secs() {
            0 => String::new(),
            lifetime => format!(", or lower token_lifetime to {lifetime} s"),
        };
        return Err(PolicyError {
            rule: Rule::KeyCount,
            message: format!(
                "rule 10: tokens of {} s and a period of {} s make {keys} keys published at once, \
                 but most_keys is {}; raise period to {} s{alternative}",
                numbers.token_lifetime,
                numbers.period,
                numbers.most_keys,
                room.shortest_period.as_secs(),
            ),
        });
    }
    Ok(())
}
