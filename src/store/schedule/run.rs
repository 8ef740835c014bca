//! One run: read, decide, act, until nothing is due.

use std::time::Duration;

use super::error::{Failure, ScheduleErrorKind};
use super::swap::{Swap, patiently, swap};
use super::{MAX_ROUNDS, RunOptions, Scheduler, needs_material};
use crate::key::{Algorithm, KeyErrorKind, KeyId};
use crate::keyring::{Change, Event, KeyRecord, Keyring, NewKey, Step, Version, step};
use crate::store::{
    KeyAccessErrorKind, MaterialAddress, StoreErrorKind, StoredKeyring, Version as StoreVersion,
    load_keyring, put_key, signing_key,
};
use crate::time::UnixTime;

/// How many commits in a row may be thrown away because they took too long.
const MAX_SLOW: usize = 3;

/// A key that was made and stored, and that no document is known to name.
struct Spare {
    key: NewKey,
    address: MaterialAddress,
    /// A swap that names the key may still take effect while the document has this version.
    doubt: Option<StoreVersion>,
}

/// What one call holds on to while it goes round.
pub(super) struct Run<'s> {
    pub(super) scheduler: &'s Scheduler,
    events: Vec<Event>,
    spare: Option<Spare>,
    /// What a swap in doubt would have done.
    doubtful: Option<Event>,
    slow: usize,
    left_behind: Vec<MaterialAddress>,
}

impl<'s> Run<'s> {
    pub(super) fn new(scheduler: &'s Scheduler) -> Self {
        Self {
            scheduler,
            events: Vec::new(),
            spare: None,
            doubtful: None,
            slow: 0,
            left_behind: Vec::new(),
        }
    }

    /// The events, after what was made in vain has been wiped.
    pub(super) fn finish(mut self) -> (Vec<Event>, Vec<MaterialAddress>) {
        self.discard_spare();
        (self.events, self.left_behind)
    }

    pub(super) fn until_idle(
        &mut self,
        options: &RunOptions,
    ) -> Failure<(Keyring, Option<UnixTime>)> {
        for _ in 0..MAX_ROUNDS {
            let stored = self.load(options.seen)?;
            let now = self.scheduler.clock.now();
            match step(&stored.keyring, now, self.supply(), options.jump)? {
                Step::Idle { next } => {
                    if self.material_is_there(&stored, now)? {
                        return Ok((stored.keyring, next));
                    }
                }
                Step::NeedsKey { algorithm, .. } => {
                    self.make_key(&stored.keyring, algorithm, Some(&stored.version))?;
                }
                Step::Commit(change) => {
                    self.commit(&stored, now, &change)?;
                }
                Step::Erase { address, then } => {
                    self.erase(&stored.keyring, &address, &then.event)?;
                    self.commit(&stored, now, &then)?;
                }
            }
        }
        Err(ScheduleErrorKind::Contended { rounds: MAX_ROUNDS })
    }

    /// Reads the keyring, and lets go of a spare key that it names or cannot use.
    pub(super) fn load(&mut self, seen: Option<Version>) -> Failure<StoredKeyring> {
        let stored = self.scheduler.load(seen)?;
        if self
            .spare
            .as_ref()
            .is_some_and(|spare| spare.named(&stored.keyring))
        {
            // The swap that was in doubt did take effect.
            self.spare = None;
            self.events.extend(self.doubtful.take());
        }
        self.doubtful = None;
        let unfit = |spare: &Spare| spare.key.algorithm != stored.keyring.algorithm();
        if self.spare.as_ref().is_some_and(unfit) {
            self.discard_spare();
        }
        Ok(stored)
    }

    /// The key that was made and is not used yet.
    pub(super) fn supply(&self) -> Option<NewKey> {
        self.spare.as_ref().map(|spare| spare.key.clone())
    }

    /// Makes a key and its material durable; no document names it yet. Making one
    /// takes a while: nothing is written if the document has not this version any more.
    pub(super) fn make_key(
        &mut self,
        keyring: &Keyring,
        algorithm: Algorithm,
        version: Option<&StoreVersion>,
    ) -> Failure<()> {
        let scheduler = self.scheduler;
        self.check_passphrase(keyring)?;
        let key = (scheduler.make)(algorithm).map_err(ScheduleErrorKind::Generation)?;
        let thumbprint = key.verifying_key().thumbprint();
        let thumbprint = thumbprint.map_err(ScheduleErrorKind::Generation)?;
        let address = MaterialAddress::new(thumbprint.as_str())?;
        if let Some(version) = version {
            let found = scheduler.store.load()?;
            if found.is_none_or(|found| found.version != *version) {
                return Ok(());
            }
        }
        match put_key(&*scheduler.store, &key, scheduler.passphrase.as_deref()) {
            Ok(key) => {
                self.discard_spare();
                self.spare = Some(Spare {
                    key,
                    address,
                    doubt: None,
                });
                Ok(())
            }
            Err(error) => {
                let differs = matches!(error.kind(), KeyAccessErrorKind::Store(error)
                    if error.kind() == StoreErrorKind::MaterialDiffers);
                let named = keyring
                    .keys()
                    .iter()
                    .any(|key| key.address() == address.as_str());
                // It may be there in part; nobody else knows of it.
                if !differs && !named {
                    self.wipe(address);
                }
                Err(error.into())
            }
        }
    }

    /// A new key is locked like those that are there: never left open beside locked
    /// ones, and never locked with another passphrase.
    fn check_passphrase(&self, keyring: &Keyring) -> Failure<()> {
        let scheduler = self.scheduler;
        for record in keyring.keys() {
            if record.private_erased_at().is_some() {
                continue;
            }
            let opened = signing_key(&*scheduler.store, record, scheduler.passphrase.as_deref());
            match opened {
                Ok(_) => return Ok(()),
                Err(error) => {
                    let locked = matches!(error.kind(), KeyAccessErrorKind::Key { error, .. }
                        if matches!(error.kind(), KeyErrorKind::PassphraseNeeded | KeyErrorKind::WrongPassphrase));
                    let store_failed = matches!(error.kind(), KeyAccessErrorKind::Store(_));
                    // Missing or damaged: another key can answer, and a successor is the more needed.
                    if locked || store_failed {
                        return Err(error.into());
                    }
                }
            }
        }
        Ok(())
    }

    /// Removes a private half, unless a living key of another name has the same.
    fn erase(&self, keyring: &Keyring, address: &str, event: &Event) -> Failure<()> {
        let (Event::PrivateHalfErased { id } | Event::Withdrawn { id }) = event else {
            return Ok(());
        };
        let shared = |key: &&KeyRecord| {
            key.id() != id && key.address() == address && key.private_erased_at().is_none()
        };
        if keyring.keys().iter().any(|key| shared(&key)) {
            return Ok(());
        }
        let address = MaterialAddress::new(address)?;
        patiently(|| self.scheduler.store.remove_material(&address))?;
        Ok(())
    }

    /// Commits, if that can still be done in time. Answers whether it was done;
    /// if not, the keyring is to be read again.
    pub(super) fn commit(
        &mut self,
        stored: &StoredKeyring,
        read_at: UnixTime,
        change: &Change,
    ) -> Failure<bool> {
        if let Event::StandbyActivated { id } = &change.event {
            self.require_material(&change.keyring, id)?;
        }
        if !self.in_time(&stored.keyring, read_at)? {
            return Ok(false);
        }
        match swap(
            &*self.scheduler.store,
            Some(&stored.version),
            &change.keyring,
        ) {
            Swap::Done => {
                self.slow = 0;
                self.events.push(change.event.clone());
                let named = |spare: &Spare| spare.named(&change.keyring);
                if self.spare.as_ref().is_some_and(named) {
                    self.spare = None;
                }
                Ok(true)
            }
            Swap::Lost => {
                self.doubtful = Some(change.event.clone());
                Ok(false)
            }
            Swap::Refused(error) => Err(error.into()),
            Swap::Doubtful(error) => {
                if let Some(spare) = &mut self.spare {
                    spare.doubt = Some(stored.version.clone());
                }
                Err(error.into())
            }
        }
    }

    /// Whether no more than L has passed since the clock was read, and it did not go back.
    fn in_time(&mut self, keyring: &Keyring, read_at: UnixTime) -> Failure<bool> {
        let now = self.scheduler.clock.now();
        let took = now.saturating_since(read_at);
        // Times are whole seconds, so less than one cannot be told from none.
        let limit = keyring.policy().propagation();
        if read_at <= now && took <= limit.max(Duration::from_secs(1)) {
            return Ok(true);
        }
        self.slow = self.slow.saturating_add(1);
        if self.slow < MAX_SLOW {
            return Ok(false);
        }
        Err(ScheduleErrorKind::TooSlow { took, limit })
    }

    /// Refuses to let a key sign whose private half is not there.
    pub(super) fn require_material(&self, keyring: &Keyring, id: &KeyId) -> Failure<()> {
        let Some(key) = keyring.key(id.as_str()) else {
            return Ok(());
        };
        let address = MaterialAddress::new(key.address())?;
        if self.scheduler.store.get_material(&address)?.is_some() {
            return Ok(());
        }
        Err(ScheduleErrorKind::MaterialMissing {
            ids: vec![id.clone()],
        })
    }

    /// Whether every private half that is still needed is there; `false` when the
    /// document changed while that was looked at.
    fn material_is_there(&self, stored: &StoredKeyring, now: UnixTime) -> Failure<bool> {
        let ids = self.scheduler.missing(&stored.keyring, now)?;
        if ids.is_empty() {
            return Ok(true);
        }
        let again = self.scheduler.store.load()?;
        if again.is_none_or(|again| again.version != stored.version) {
            return Ok(false);
        }
        Err(ScheduleErrorKind::MaterialMissing { ids })
    }

    /// Wipes a key that nobody needs, unless a document may come to name it.
    fn discard_spare(&mut self) {
        let Some(spare) = self.spare.take() else {
            return;
        };
        if spare
            .doubt
            .as_ref()
            .is_some_and(|doubt| !self.ruled_out(&spare, doubt))
        {
            self.left_behind.push(spare.address);
            return;
        }
        self.wipe(spare.address);
    }

    /// Whether a swap that ended in doubt has certainly not taken effect, and cannot any more.
    fn ruled_out(&self, spare: &Spare, expected: &StoreVersion) -> bool {
        match load_keyring(&*self.scheduler.store) {
            Ok(Some(found)) => found.version != *expected && !spare.named(&found.keyring),
            Ok(None) | Err(_) => false,
        }
    }

    fn wipe(&mut self, address: MaterialAddress) {
        if patiently(|| self.scheduler.store.remove_material(&address)).is_err() {
            self.left_behind.push(address);
        }
    }
}

impl Spare {
    fn named(&self, keyring: &Keyring) -> bool {
        let address = self.address.as_str();
        keyring.keys().iter().any(|key| key.address() == address)
    }
}

impl Scheduler {
    /// The keys whose private halves should be in the store and are not.
    pub(super) fn missing(&self, keyring: &Keyring, now: UnixTime) -> Failure<Vec<KeyId>> {
        let present = self.store.list_material()?;
        let there = |key: &KeyRecord| present.iter().any(|at| at.as_str() == key.address());
        let needed = keyring
            .keys()
            .iter()
            .filter(|key| needs_material(key, keyring, now));
        Ok(needed
            .filter(|key| !there(key))
            .map(|key| key.id().clone())
            .collect())
    }
}
