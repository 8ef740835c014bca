//! What a person orders: each one compare-and-swap, decided anew if somebody was faster.

use super::error::{Failure, ScheduleError, ScheduleErrorKind};
use super::run::Run;
use super::swap::{Swap, swap};
use super::{MAX_ROUNDS, Scheduler, needs_material, stand_in};
use crate::key::KeyId;
use crate::keyring::{
    Change, Emergency, EmergencyOptions, Keyring, KeyringError, KeyringErrorKind, LargeJump,
    Merged, NewKey, merge,
};
use crate::keyring::{compromise, resume, suspend};
use crate::store::{KeyAccessErrorKind, StoredKeyring, load_keyring};
use crate::time::UnixTime;

/// What to do about keys of a backup whose private halves are gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingMaterial {
    /// Refuse: put them back first.
    #[default]
    Refuse,
    /// They are lost. Mark them compromised afterwards, so that others take their place.
    Accept,
}

/// What a restore has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The document that was committed, and what it took from the backup.
    pub merged: Merged,
    /// Keys that would sign and have no private half in the store; empty unless
    /// [`MissingMaterial::Accept`] was given.
    pub missing: Vec<KeyId>,
}

/// What happened to a key.
#[derive(Clone, Copy)]
enum Incident {
    Compromised,
    Suspected,
}

impl Scheduler {
    /// Marks a key compromised, lets the standby take over and makes a new one, in
    /// one commit: see [`compromise`].
    ///
    /// If no new key can be made, because nobody has the passphrase at hand, the
    /// standby takes over all the same and the next run makes another.
    ///
    /// # Errors
    /// As [`compromise`] and [`run_due`](Self::run_due);
    /// [`ScheduleErrorKind::MaterialMissing`] if the key that would take over
    /// has no private half.
    pub fn compromise(
        &self,
        id: &KeyId,
        options: EmergencyOptions,
    ) -> Result<Emergency, ScheduleError> {
        self.handle(Incident::Compromised, id, options)
    }

    /// Suspends a key: see [`suspend`].
    ///
    /// # Errors
    /// As [`compromise`](Self::compromise).
    pub fn suspend(
        &self,
        id: &KeyId,
        options: EmergencyOptions,
    ) -> Result<Emergency, ScheduleError> {
        self.handle(Incident::Suspected, id, options)
    }

    /// What [`compromise`](Self::compromise) would do and cost now. Nothing is
    /// written; a key that would be made is called `new`.
    ///
    /// # Errors
    /// As [`compromise`](Self::compromise).
    pub fn preview_compromise(
        &self,
        id: &KeyId,
        options: EmergencyOptions,
    ) -> Result<Emergency, ScheduleError> {
        self.preview(Incident::Compromised, id, options)
    }

    /// What [`suspend`](Self::suspend) would do and cost now. Nothing is written.
    ///
    /// # Errors
    /// As [`suspend`](Self::suspend).
    pub fn preview_suspend(
        &self,
        id: &KeyId,
        options: EmergencyOptions,
    ) -> Result<Emergency, ScheduleError> {
        self.preview(Incident::Suspected, id, options)
    }

    /// Ends a suspension: see [`resume`].
    ///
    /// # Errors
    /// As [`resume`], and those of the store.
    pub fn resume(&self, id: &KeyId, jump: LargeJump) -> Result<Change, ScheduleError> {
        let mut run = Run::new(self);
        let result = run.until_committed(|run, keyring, now| {
            let change = resume(keyring, now, id, jump)?;
            if keyring
                .key(id.as_str())
                .is_some_and(|key| needs_material(key, keyring, now))
            {
                run.require_material(keyring, id)?;
            }
            Ok((change.clone(), change))
        });
        end(run, result)
    }

    /// Merges a backup, the bytes of a keyring document, into the living keyring:
    /// see [`merge`]. Where there is none, the backup becomes it.
    ///
    /// # Errors
    /// As [`merge`]; the backup or the living document cannot be read;
    /// [`ScheduleErrorKind::MaterialMissing`] when the backup brings keys whose
    /// private halves are needed and not in the store.
    pub fn restore(
        &self,
        backup: &[u8],
        missing: MissingMaterial,
    ) -> Result<Restored, ScheduleError> {
        self.merge_in(backup, missing)
            .map_err(|kind| ScheduleError::new(kind, Vec::new()))
    }

    fn handle(
        &self,
        incident: Incident,
        id: &KeyId,
        options: EmergencyOptions,
    ) -> Result<Emergency, ScheduleError> {
        let mut run = Run::new(self);
        let result = self
            .prepare(&mut run, incident, id, options)
            .and_then(|()| {
                run.until_committed(|run, keyring, now| {
                    let emergency = judge(incident, keyring, now, id, options, run.supply())?;
                    if let Some(successor) = &emergency.successor {
                        run.require_material(&emergency.change.keyring, successor)?;
                    }
                    Ok((emergency.change.clone(), emergency))
                })
            });
        end(run, result)
    }

    /// Makes the key that becomes the new standby, after a look at whether the
    /// order can be carried out at all.
    fn prepare(
        &self,
        run: &mut Run<'_>,
        incident: Incident,
        id: &KeyId,
        options: EmergencyOptions,
    ) -> Failure<()> {
        let keyring = self.load(None)?.keyring;
        let now = self.clock.now();
        let supply = stand_in(keyring.algorithm(), "new")?;
        judge(incident, &keyring, now, id, options, Some(supply))?;
        let made = run.make_key(&keyring, keyring.algorithm(), None);
        if made.is_err() && judge(incident, &keyring, now, id, options, None).is_err() {
            return made;
        }
        Ok(())
    }

    fn preview(
        &self,
        incident: Incident,
        id: &KeyId,
        options: EmergencyOptions,
    ) -> Result<Emergency, ScheduleError> {
        let look = || {
            let keyring = self.load(None)?.keyring;
            let supply = stand_in(keyring.algorithm(), "new")?;
            let now = self.clock.now();
            Ok(judge(incident, &keyring, now, id, options, Some(supply))?)
        };
        look().map_err(|kind| ScheduleError::new(kind, Vec::new()))
    }

    fn merge_in(&self, backup: &[u8], missing: MissingMaterial) -> Failure<Restored> {
        let backup = Keyring::from_json(backup)?;
        for _ in 0..MAX_ROUNDS {
            let living = load_keyring(&*self.store)?;
            let merged = match &living {
                Some(living) => merge(&living.keyring, &backup)?,
                // The backup alone, with the next epoch.
                None => merge(&backup, &backup)?,
            };
            let mut gone = self.missing(&merged.keyring, self.clock.now())?;
            gone.retain(|id| living.is_none() || merged.restored.contains(id));
            if missing == MissingMaterial::Refuse && !gone.is_empty() {
                return Err(ScheduleErrorKind::MaterialMissing { ids: gone });
            }
            let expected = living.map(|living| living.version);
            match swap(&*self.store, expected.as_ref(), &merged.keyring) {
                Swap::Done => {
                    return Ok(Restored {
                        merged,
                        missing: gone,
                    });
                }
                Swap::Lost => {}
                Swap::Refused(error) | Swap::Doubtful(error) => return Err(error.into()),
            }
        }
        Err(ScheduleErrorKind::Contended { rounds: MAX_ROUNDS })
    }
}

impl Run<'_> {
    /// Decides and commits until that succeeds, or is refused.
    fn until_committed<T>(
        &mut self,
        mut decide: impl FnMut(&Self, &Keyring, UnixTime) -> Failure<(Change, T)>,
    ) -> Failure<T> {
        let mut last = None;
        for _ in 0..MAX_ROUNDS {
            let stored: StoredKeyring = self.load(None)?;
            let now = self.scheduler.clock.now();
            let (change, answer) = match (decide(self, &stored.keyring, now), last.take()) {
                (Ok(decided), _) => decided,
                // A swap that seemed lost did take effect, and others went on from there.
                (Err(kind), Some((change, answer)))
                    if nothing_to_do(&kind) && took_effect(&change, &stored.keyring) =>
                {
                    return Ok(answer);
                }
                (Err(kind), _) => return Err(kind),
            };
            if self.commit(&stored, now, &change)? {
                return Ok(answer);
            }
            last = Some((change, answer));
        }
        Err(ScheduleErrorKind::Contended { rounds: MAX_ROUNDS })
    }
}

fn nothing_to_do(kind: &ScheduleErrorKind) -> bool {
    matches!(kind, ScheduleErrorKind::Access(error)
        if matches!(error.kind(), KeyAccessErrorKind::Keyring(error)
            if error.kind() == KeyringErrorKind::NothingToDo))
}

/// Whether a document has every key of a change, in the change's own words.
fn took_effect(change: &Change, found: &Keyring) -> bool {
    let same = |id: &KeyId| change.keyring.key(id.as_str()) == found.key(id.as_str());
    change.keyring.keys().iter().all(|key| same(key.id()))
}

fn judge(
    incident: Incident,
    keyring: &Keyring,
    now: UnixTime,
    id: &KeyId,
    options: EmergencyOptions,
    supply: Option<NewKey>,
) -> Result<Emergency, KeyringError> {
    match incident {
        Incident::Compromised => compromise(keyring, now, id, options, supply),
        Incident::Suspected => suspend(keyring, now, id, options, supply),
    }
}

fn end<T>(run: Run<'_>, result: Failure<T>) -> Result<T, ScheduleError> {
    let (events, _) = run.finish();
    result.map_err(|kind| ScheduleError::new(kind, events))
}
