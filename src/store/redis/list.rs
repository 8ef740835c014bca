//! The list of revocations on Redis.

use std::sync::Arc;

use redis::{Script, ScriptInvocation, Value};

use super::LAYOUT;
use super::connection::{Access, Server};
use super::scripts;
use crate::store::error::StoreError;
use crate::store::shared::{Added, Addition, ListServer, Mark, Page, Rewrite, StoredHead, foreign};

/// Most entries and bytes of one answer.
const PAGE_ENTRIES: u32 = 5000;
const PAGE_BYTES: u32 = 4 * 1024 * 1024;

/// The list of a prefix.
pub(super) struct List(pub(super) Arc<Server>);

/// How a script has ended.
enum Answer {
    NoList,
    Head(StoredHead, Vec<Value>),
    Refused,
}

impl List {
    fn run(
        &self,
        access: Access,
        script: &'static Script,
        arguments: impl Fn(&mut ScriptInvocation<'static>),
    ) -> Result<Answer, StoreError> {
        let mut answer: Vec<Value> = self.0.call(access, |connection| {
            let mut invocation = script.prepare_invoke();
            invocation
                .key(&self.0.keys.list)
                .key(&self.0.keys.entries)
                .arg(LAYOUT);
            arguments(&mut invocation);
            invocation.invoke(connection)
        })?;
        let rest = answer.split_off(answer.len().min(1));
        match answer.first() {
            Some(Value::Int(0)) => Ok(Answer::NoList),
            Some(Value::Int(3)) => Ok(Answer::Refused),
            Some(Value::Int(_)) => {
                let mut rest = rest.into_iter();
                let head = self.head_of(rest.next())?;
                Ok(Answer::Head(head, rest.collect()))
            }
            _ => Err(self.foreign("an answer that makes no sense")),
        }
    }

    fn foreign(&self, found: &str) -> StoreError {
        foreign(self.0.place(), "a revocation list", found)
    }

    fn head_of(&self, value: Option<Value>) -> Result<StoredHead, StoreError> {
        let Some(Value::Array(fields)) = value else {
            return Err(self.foreign("an answer that makes no sense"));
        };
        let field = |at: usize| match fields.get(at) {
            Some(Value::BulkString(bytes)) => Some(bytes.as_slice()),
            _ => None,
        };
        self.0.check_layout(field(0))?;
        let bytes = |at: usize| field(at).and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
        let number = |at: usize| {
            let text = std::str::from_utf8(field(at)?).ok()?;
            text.parse::<i64>().ok()
        };
        let count = |at: usize| number(at).and_then(|number| u64::try_from(number).ok());
        let entries = match fields.get(7) {
            Some(Value::Int(count)) => u64::try_from(*count).ok(),
            _ => None,
        };
        (|| {
            Some(StoredHead {
                list: bytes(1)?,
                fingerprint_key: bytes(2)?,
                epoch: count(3)?,
                seq: count(4)?,
                base: count(5)?,
                observed: number(6)?,
                entries: entries?,
            })
        })()
        .ok_or_else(|| self.foreign("one with other fields"))
    }

    fn entry_of(&self, member: Value) -> Result<(u64, Vec<u8>), StoreError> {
        let Value::BulkString(mut member) = member else {
            return Err(self.foreign("an answer that makes no sense"));
        };
        let number = member
            .first_chunk::<8>()
            .map(|bytes| u64::from_be_bytes(*bytes));
        let number = number.ok_or_else(|| self.foreign("an entry without a number"))?;
        Ok((number, member.split_off(8)))
    }
}

impl ListServer for List {
    fn place(&self) -> &str {
        self.0.place()
    }

    fn create(&self, head: &StoredHead) -> Result<bool, StoreError> {
        self.0.call(Access::Changes, |connection| {
            scripts::CREATE
                .key(&self.0.keys.list)
                .key(&self.0.keys.entries)
                .arg(LAYOUT)
                .arg(&head.list[..])
                .arg(&head.fingerprint_key[..])
                .arg(head.observed)
                .arg(&self.0.keys.news)
                .invoke(connection)
        })
    }

    fn head(&self) -> Result<Option<StoredHead>, StoreError> {
        match self.run(Access::Reads, &scripts::READ_HEAD, |_| {})? {
            Answer::Head(head, _) => Ok(Some(head)),
            Answer::NoList | Answer::Refused => Ok(None),
        }
    }

    fn append(&self, addition: &Addition<'_>) -> Result<Added, StoreError> {
        let answer = self.run(Access::Changes, &scripts::APPEND, |invocation| {
            invocation
                .arg(addition.now)
                .arg(addition.room_for)
                .arg(addition.most)
                .arg(&self.0.keys.news);
            for entry in addition.entries {
                invocation.arg(entry.as_slice());
            }
        })?;
        Ok(match answer {
            Answer::Head(head, _) => Added::Done(head),
            Answer::NoList => Added::NoList,
            Answer::Refused => Added::Full,
        })
    }

    fn page(&self, after: u64) -> Result<Option<Page>, StoreError> {
        let answer = self.run(Access::Reads, &scripts::PAGE, |invocation| {
            invocation.arg(after).arg(PAGE_ENTRIES).arg(PAGE_BYTES);
        })?;
        let Answer::Head(head, rest) = answer else {
            return Ok(None);
        };
        let mut rest = rest.into_iter();
        let (Some(Value::Int(last)), Some(Value::Array(members))) = (rest.next(), rest.next())
        else {
            return Err(self.foreign("an answer that makes no sense"));
        };
        let entries = members.into_iter().map(|member| self.entry_of(member));
        Ok(Some(Page {
            head,
            entries: entries.collect::<Result<_, _>>()?,
            last: last == 1,
        }))
    }

    fn rewrite(&self, step: &Rewrite<'_>) -> Result<Option<StoredHead>, StoreError> {
        let answer = self.run(Access::Changes, &scripts::REWRITE, |invocation| {
            invocation
                .arg(step.base)
                .arg(&self.0.keys.news)
                .arg(step.replaced.len());
            for (seq, entry) in step.replaced {
                invocation.arg(*seq).arg(entry.as_slice());
            }
            for seq in step.removed {
                invocation.arg(*seq);
            }
        })?;
        Ok(match answer {
            Answer::Head(head, _) => Some(head),
            Answer::NoList | Answer::Refused => None,
        })
    }

    fn mark(&self, mark: Mark) -> Result<Option<StoredHead>, StoreError> {
        let (now, what) = match mark {
            Mark::Observe(now) => (now, "observe"),
            Mark::Accept(now) => (now, "accept"),
            Mark::Epoch(now) => (now, "epoch"),
        };
        let answer = self.run(Access::Changes, &scripts::MARK, |invocation| {
            invocation.arg(now).arg(what).arg(&self.0.keys.news);
        })?;
        Ok(match answer {
            Answer::Head(head, _) => Some(head),
            Answer::NoList | Answer::Refused => None,
        })
    }
}
