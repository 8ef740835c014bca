//! One case, what both sides made of it, and what a third reader sees in it.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::draft::Shape;
use crate::forge::decode;

pub(crate) const ISSUER: &str = "https://auth.example";
pub(crate) const AUDIENCE: &str = "orders-api";
pub(crate) const LEEWAY: u64 = 30;

/// What one library made of one case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// With these bytes as its payload.
    Accepted(Vec<u8>),
    Refused(String),
    Panicked,
}

/// The present, in seconds; the other libraries have no other clock.
pub(crate) fn now() -> i64 {
    let elapsed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    i64::try_from(elapsed.as_secs()).expect("before the end of time")
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs one library; a panic is a verdict, and says nothing on the terminal.
pub(crate) fn caught(judge: impl FnOnce() -> Verdict) -> Verdict {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |panic| {
            if !QUIET.get() {
                usual(panic);
            }
        }));
    });
    QUIET.set(true);
    let verdict = catch_unwind(AssertUnwindSafe(judge)).unwrap_or(Verdict::Panicked);
    QUIET.set(false);
    verdict
}

pub(crate) struct Case {
    pub(crate) kind: &'static str,
    pub(crate) token: String,
    /// The key, when it is what was changed.
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) now: i64,
    pub(crate) ours: Verdict,
    pub(crate) theirs: Verdict,
}

/// How two verdicts differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub(crate) enum Direction {
    /// We refuse, they accept.
    Stricter,
    /// We accept, they refuse.
    Wider,
    /// Both accept, and see other contents.
    Contents,
    /// They end in a panic, we answer.
    TheyPanic,
    /// We end in a panic.
    WePanic,
}

impl Case {
    pub(crate) fn new(
        kind: &'static str,
        token: String,
        key: Option<Vec<u8>>,
        now: i64,
        ours: Verdict,
        theirs: Verdict,
    ) -> Self {
        Self {
            kind,
            token,
            key,
            now,
            ours,
            theirs,
        }
    }

    pub(crate) fn difference(&self) -> Option<Direction> {
        match (&self.ours, &self.theirs) {
            (Verdict::Panicked, _) => Some(Direction::WePanic),
            (_, Verdict::Panicked) => Some(Direction::TheyPanic),
            (Verdict::Refused(_), Verdict::Accepted(_)) => Some(Direction::Stricter),
            (Verdict::Accepted(_), Verdict::Refused(_)) => Some(Direction::Wider),
            (Verdict::Refused(_), Verdict::Refused(_)) => None,
            (Verdict::Accepted(ours), Verdict::Accepted(theirs)) => {
                (!same_contents(ours, theirs)).then_some(Direction::Contents)
            }
        }
    }

    /// Our error's code; empty when we accept.
    pub(crate) fn code(&self) -> &str {
        match &self.ours {
            Verdict::Refused(code) => code,
            Verdict::Accepted(_) | Verdict::Panicked => "",
        }
    }

    pub(crate) fn header(&self) -> Part {
        Part::of(self.token.split('.').next())
    }

    /// The claims: of a JWT as they stand there, of a PASETO as we read them.
    pub(crate) fn payload(&self) -> Part {
        match (&self.ours, &self.theirs) {
            (Verdict::Accepted(bytes), _) => Part::read(bytes.clone()),
            _ if !self.kind.starts_with("PASETO") => Part::of(self.token.split('.').nth(1)),
            (_, Verdict::Accepted(bytes)) => Part::read(bytes.clone()),
            _ => Part::read(Vec::new()),
        }
    }

    pub(crate) fn footer(&self) -> Part {
        Part::of(self.token.split('.').nth(3))
    }

    pub(crate) fn jwk(&self) -> Part {
        Part::read(self.key.clone().unwrap_or_default())
    }
}

/// The same bytes, or the same JSON.
fn same_contents(ours: &[u8], theirs: &[u8]) -> bool {
    let read = |bytes| serde_json::from_slice::<Value>(bytes).ok();
    ours == theirs || read(ours).is_some_and(|ours| Some(ours) == read(theirs))
}

/// A JSON text, read by serde_json.
pub(crate) struct Part {
    pub(crate) bytes: Vec<u8>,
    pub(crate) value: Value,
    pub(crate) shape: Shape,
    /// Why it is not JSON to serde_json; empty when it is.
    pub(crate) error: String,
}

impl Part {
    fn of(text: Option<&str>) -> Self {
        let text = text.unwrap_or_default();
        let clean = text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        Self::read(if clean { decode(text) } else { Vec::new() })
    }

    fn read(bytes: Vec<u8>) -> Self {
        let (value, error) = match serde_json::from_slice(&bytes) {
            Ok(value) => (value, String::new()),
            Err(error) => (Value::Null, error.to_string()),
        };
        let shape = Shape::of(&bytes).unwrap_or_default();
        Self {
            bytes,
            value,
            shape,
            error,
        }
    }

    pub(crate) fn has(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.value.get(name).is_some())
    }

    /// One of these members is there and not what it should be.
    pub(crate) fn any(&self, names: &[&str], wrong: impl Fn(&Value) -> bool) -> bool {
        names
            .iter()
            .any(|name| self.value.get(name).is_some_and(&wrong))
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.value.get(name).and_then(Value::as_str)
    }

    /// Deeper or fuller than our reader allows.
    pub(crate) fn is_excessive(&self) -> bool {
        self.shape.depth > tokenwright::limits::MAX_JSON_DEPTH
            || self.shape.members > tokenwright::limits::MAX_JSON_MEMBERS
    }
}
