//! The file store when every call to the operating system fails in turn.
//!
//! One story of seven calls is told again and again; each time another call to
//! the system fails, or is the last before the power goes.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::io::Errno;

use super::model::{Handle, Ignored, Model};
use super::system::{Facts, FileSystem, Unix};
use super::{Engine, Existing, secret};
use crate::secret::SecretBytes;
use crate::store::{MaterialAddress, Outcome, Overwrite, StoreError, StoreErrorKind, Version};

/// Disks looked at after one power cut; the story never leaves more than 96.
const MOST_CUTS: usize = 4096;

// The story.

/// What a reader finds: the document and two keys.
#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    document: Option<&'static str>,
    old: Option<&'static str>,
    new: Option<&'static str>,
}

const D1: &str = r#"{"keys":["old"]}"#;
const D2: &str = r#"{"keys":["old","new"]}"#;
const D3: &str = r#"{"keys":["new"]}"#;
const DOCUMENTS: [&str; 3] = [D1, D2, D3];
const SECRETS: [&str; 3] = ["old key", "new key", "new key, locked"];

const STEPS: usize = 8;

/// The states before the first step and after each.
const STATES: [State; STEPS + 1] = [
    State {
        document: None,
        old: None,
        new: None,
    },
    State {
        document: None,
        old: None,
        new: None,
    },
    State {
        document: None,
        old: Some("old key"),
        new: None,
    },
    State {
        document: Some(D1),
        old: Some("old key"),
        new: None,
    },
    State {
        document: Some(D1),
        old: Some("old key"),
        new: Some("new key"),
    },
    State {
        document: Some(D2),
        old: Some("old key"),
        new: Some("new key"),
    },
    State {
        document: Some(D2),
        old: Some("old key"),
        new: Some("new key, locked"),
    },
    State {
        document: Some(D3),
        old: Some("old key"),
        new: Some("new key, locked"),
    },
    State {
        document: Some(D3),
        old: None,
        new: Some("new key, locked"),
    },
];

fn engine<F: FileSystem>(files: F, folder: &Path) -> Result<Engine<F>, StoreError> {
    let mut engine = Engine::new(files, folder)?;
    engine.patience = Duration::ZERO;
    Ok(engine)
}

/// Takes one step, also if it has been taken already.
fn take<F: FileSystem + Clone>(files: &F, folder: &Path, step: usize) -> Result<(), StoreError> {
    if step == 0 {
        return Engine::create(files.clone(), folder).map(drop);
    }
    let engine = engine(files.clone(), folder)?;
    let address = |text| MaterialAddress::new(text).unwrap();
    let secret = |text: &str| SecretBytes::from(text.as_bytes().to_vec());
    let put =
        |name, text| engine.write_material(&address(name), &secret(text), Existing::MustBeEqual);
    match step {
        1 => put("old", "old key"),
        2 => swap(&engine, None, D1),
        3 => put("new", "new key"),
        4 => swap(&engine, Some(D1), D2),
        5 => {
            let locked = secret("new key, locked");
            engine.write_material(&address("new"), &locked, Existing::MustExist)
        }
        6 => swap(&engine, Some(D2), D3),
        _ => engine.remove_material(&address("old")),
    }
}

/// As callers are told to: who finds their own document swaps it in once more.
fn swap<F: FileSystem>(
    engine: &Engine<F>,
    before: Option<&str>,
    after: &str,
) -> Result<(), StoreError> {
    let expected = before.map(|text| Version::of(text.as_bytes()));
    match engine.compare_and_swap(expected.as_ref(), after.as_bytes()) {
        Err(error) if error.kind() == StoreErrorKind::Conflict => {
            let own = Version::of(after.as_bytes());
            engine
                .compare_and_swap(Some(&own), after.as_bytes())
                .map(drop)
        }
        result => result.map(drop),
    }
}

/// What a reader finds; bytes that nobody wrote end the test.
fn look<F: FileSystem + Clone>(files: &F, folder: &Path) -> Result<State, String> {
    let words = |error: StoreError| error.to_string();
    let engine = match Engine::open(files.clone(), folder) {
        Ok(engine) => engine,
        Err(error) if error.kind() == StoreErrorKind::Missing => return Ok(STATES[0].clone()),
        Err(error) => return Err(words(error)),
    };
    let known = |found: &[u8], among: [&'static str; 3]| {
        let known = among.into_iter().find(|text| text.as_bytes() == found);
        known.ok_or_else(|| format!("foreign bytes {:?}", String::from_utf8_lossy(found)))
    };
    let key = |name| {
        let found = engine.get_material(&MaterialAddress::new(name).unwrap());
        found
            .map_err(words)?
            .map(|found| known(found.expose(), SECRETS))
            .transpose()
    };
    let document = engine.load().map_err(words)?;
    Ok(State {
        document: document
            .map(|found| known(&found.document, DOCUMENTS))
            .transpose()?,
        old: key("old")?,
        new: key("new")?,
    })
}

// The faults.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// This call and all after it fail, and nothing they would do is done.
    Power,
    Once(Errno),
    ForGood(Errno),
    /// A name is changed, and the call fails nevertheless, as on a network's file system.
    Late(Errno),
    /// Reads and writes move one byte at a time.
    Short,
    /// Whenever the lock has been taken, another file stands at its name.
    LockMoved,
}

/// Any file system, with one fault at one of its calls.
#[derive(Clone)]
pub(super) struct Faulty<F> {
    inner: F,
    fault: Option<Fault>,
    at: usize,
    calls: Arc<Mutex<usize>>,
}

/// What a failed sync does to what should have been synced.
pub(super) trait Spoil: FileSystem {
    fn spoil(&self, handle: &Self::Handle);
}

impl Spoil for Model {
    fn spoil(&self, handle: &Handle) {
        self.lose(handle);
    }
}

impl Spoil for Unix {
    fn spoil(&self, _: &Self::Handle) {}
}

impl<F> Faulty<F> {
    pub(super) fn new(inner: F, fault: Option<Fault>, at: usize) -> Self {
        let calls = Arc::default();
        Self {
            inner,
            fault,
            at,
            calls,
        }
    }

    pub(super) fn calls(&self) -> usize {
        *self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the next call may happen.
    fn call(&self) -> io::Result<()> {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let number = *calls;
        *calls += 1;
        match self.fault {
            Some(Fault::Power) if number >= self.at => Err(Errno::IO.into()),
            Some(Fault::Once(errno)) if number == self.at => Err(errno.into()),
            Some(Fault::ForGood(errno)) if number >= self.at => Err(errno.into()),
            _ => Ok(()),
        }
    }

    /// What is said of a change that has been made.
    fn late(&self) -> io::Result<()> {
        match self.fault {
            Some(Fault::Late(errno)) if self.calls().checked_sub(1) == Some(self.at) => {
                Err(errno.into())
            }
            _ => Ok(()),
        }
    }

    fn length(&self, length: usize) -> usize {
        if self.fault == Some(Fault::Short) {
            length.min(1)
        } else {
            length
        }
    }
}

impl<F: Spoil> FileSystem for Faulty<F> {
    type Handle = F::Handle;

    fn open_folder(&self, path: &Path) -> io::Result<F::Handle> {
        self.call()?;
        self.inner.open_folder(path)
    }
    fn open_folder_in(&self, folder: &F::Handle, name: &str) -> io::Result<F::Handle> {
        self.call()?;
        self.inner.open_folder_in(folder, name)
    }
    fn make_folder(&self, path: &Path) -> io::Result<()> {
        self.call()?;
        self.inner.make_folder(path)
    }
    fn make_folder_in(&self, folder: &F::Handle, name: &str) -> io::Result<()> {
        self.call()?;
        self.inner.make_folder_in(folder, name)
    }
    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.call()?;
        self.inner.remove_folder(path)
    }
    fn remove_folder_in(&self, folder: &F::Handle, name: &str) -> io::Result<()> {
        self.call()?;
        self.inner.remove_folder_in(folder, name)
    }
    fn names(&self, folder: &F::Handle) -> io::Result<Vec<String>> {
        self.call()?;
        self.inner.names(folder)
    }
    fn open_file(&self, folder: &F::Handle, name: &str) -> io::Result<F::Handle> {
        self.call()?;
        self.inner.open_file(folder, name)
    }
    fn create_file(&self, folder: &F::Handle, name: &str) -> io::Result<F::Handle> {
        self.call()?;
        self.inner.create_file(folder, name)
    }
    fn open_lock(&self, folder: &F::Handle, name: &str) -> io::Result<F::Handle> {
        self.call()?;
        self.inner.open_lock(folder, name)
    }
    fn open_log(&self, folder: &F::Handle, name: &str) -> io::Result<F::Handle> {
        self.call()?;
        self.inner.open_log(folder, name)
    }
    fn seek(&self, file: &mut F::Handle, offset: u64) -> io::Result<()> {
        self.inner.seek(file, offset)
    }
    fn truncate(&self, file: &F::Handle, length: u64) -> io::Result<()> {
        self.call()?;
        self.inner.truncate(file, length)
    }
    fn try_lock(&self, lock: &F::Handle) -> io::Result<bool> {
        self.call()?;
        self.inner.try_lock(lock)
    }
    fn unlock(&self, lock: &F::Handle) {
        self.inner.unlock(lock);
    }
    fn facts(&self, handle: &F::Handle) -> io::Result<Facts> {
        self.call()?;
        self.inner.facts(handle)
    }
    fn facts_in(&self, folder: &F::Handle, name: &str) -> io::Result<Facts> {
        self.call()?;
        let mut facts = self.inner.facts_in(folder, name)?;
        if name == ".lock" && self.fault == Some(Fault::LockMoved) {
            facts.identity = (0, 0);
        }
        Ok(facts)
    }
    fn read(&self, file: &mut F::Handle, buffer: &mut [u8]) -> io::Result<usize> {
        self.call()?;
        let length = self.length(buffer.len());
        self.inner.read(file, &mut buffer[..length])
    }
    fn write(&self, file: &mut F::Handle, bytes: &[u8]) -> io::Result<usize> {
        self.call()?;
        self.inner.write(file, &bytes[..self.length(bytes.len())])
    }
    fn sync(&self, handle: &F::Handle) -> io::Result<()> {
        // A power cut decides by itself what was synced.
        self.call().inspect_err(|_| {
            if self.fault != Some(Fault::Power) {
                self.inner.spoil(handle);
            }
        })?;
        self.inner.sync(handle)
    }
    fn rename(&self, folder: &F::Handle, from: &str, to: &str) -> io::Result<()> {
        self.call()?;
        self.inner.rename(folder, from, to)?;
        self.late()
    }
    fn unlink(&self, folder: &F::Handle, name: &str) -> io::Result<()> {
        self.call()?;
        self.inner.unlink(folder, name)?;
        self.late()
    }
    fn effective_user(&self) -> u32 {
        self.inner.effective_user()
    }
}

// The power goes.

const KEYS: &str = "/srv/keys";

fn keys() -> &'static Path {
    Path::new(KEYS)
}

/// Tells the story until the power goes at a call; returns the step that was
/// under way, or `None` if the story ended before.
fn tell_until(model: &Model, at: usize) -> Option<usize> {
    let files = Faulty::new(model.clone(), Some(Fault::Power), at);
    (0..STEPS).find(|step| take(&files, keys(), *step).is_err())
}

/// What is wrong with a disk on which everything before a step was acknowledged.
fn verdict(disk: &Model, step: usize) -> Result<(), String> {
    let found = look(disk, keys())?;
    if found != STATES[step] && found != STATES[step + 1] {
        return Err(format!("step {step} left {found:?}"));
    }
    Ok(())
}

/// Whether the story can be taken up again where it was cut, up to its end.
fn resumes(disk: &Model, step: usize) -> Result<(), String> {
    for next in step..STEPS {
        take(disk, keys(), next).map_err(|error| format!("step {next} again: {error}"))?;
        let found = look(disk, keys())?;
        if found != STATES[next + 1] {
            return Err(format!("step {next} again left {found:?}"));
        }
    }
    let strays = disk
        .every_name()
        .into_iter()
        .filter(|name| name.starts_with(".tmp-"));
    match strays.count() {
        0 => Ok(()),
        count => Err(format!("{count} strays")),
    }
}

/// Cuts the power at every call of the story, and again at every call of the
/// step that takes it up: the numbers of cuts and of disks looked at.
fn cut_everywhere(ignored: Ignored) -> Result<(usize, usize), String> {
    let (mut cuts, mut disks) = (0, 0);
    for at in 0.. {
        let model = Model::ignoring(ignored);
        let Some(step) = tell_until(&model, at) else {
            return Ok((cuts, disks));
        };
        cuts += 1;
        disks += killed_before_the_cut(&model.copy(), step)
            .map_err(|wrong| format!("killed at call {at}: {wrong}"))?;
        for disk in model.cuts(MOST_CUTS) {
            disks += 1;
            let context = |wrong| format!("power cut at call {at}: {wrong}");
            verdict(&disk, step).map_err(context)?;
            resumes(&disk.copy(), step).map_err(context)?;
            disks += cut_again(&disk, step).map_err(context)?;
        }
    }
    Ok((cuts, disks))
}

/// The process is killed, the power goes only after another one has taken the
/// step again: what the first has left unsynced must not be taken for durable.
fn killed_before_the_cut(disk: &Model, step: usize) -> Result<usize, String> {
    verdict(disk, step)?;
    take(disk, keys(), step).map_err(|error| format!("step {step} again: {error}"))?;
    let cuts = disk.cuts(MOST_CUTS);
    for disk in &cuts {
        let found = look(disk, keys())?;
        if found != STATES[step + 1] {
            return Err(format!("step {step} again, then a cut, left {found:?}"));
        }
    }
    Ok(cuts.len())
}

fn cut_again(disk: &Model, step: usize) -> Result<usize, String> {
    let mut disks = 0;
    for at in 0.. {
        let second = disk.copy();
        let files = Faulty::new(second.clone(), Some(Fault::Power), at);
        let acknowledged = take(&files, keys(), step).is_ok();
        for disk in second.cuts(MOST_CUTS) {
            disks += 1;
            let found = look(&disk, keys())?;
            let allowed = found == STATES[step + 1] || found == STATES[step] && !acknowledged;
            if !allowed {
                return Err(format!(
                    "cut again at call {at}: step {step} left {found:?}"
                ));
            }
        }
        if acknowledged {
            break;
        }
    }
    Ok(disks)
}

#[test]
fn a_power_cut_anywhere_loses_nothing_acknowledged_and_tears_nothing() {
    let (cuts, disks) = cut_everywhere(Ignored::None).unwrap();
    assert!(cuts > 120 && disks > 6000, "{cuts} cuts, {disks} disks");
}

#[test]
fn without_the_sync_of_files_a_power_cut_tears_them() {
    let found = cut_everywhere(Ignored::Files).unwrap_err();
    assert!(
        found.contains("found") || found.contains("foreign bytes"),
        "{found}"
    );
}

#[test]
fn without_the_sync_of_folders_a_power_cut_loses_what_was_acknowledged() {
    let found = cut_everywhere(Ignored::Folders).unwrap_err();
    assert!(found.contains("left State"), "{found}");
}

// Calls fail.

pub(super) const ERRORS: [Errno; 11] = [
    Errno::IO,
    Errno::NOSPC,
    Errno::DQUOT,
    Errno::ROFS,
    Errno::ACCESS,
    Errno::PERM,
    Errno::MFILE,
    Errno::NOMEM,
    Errno::NOLCK,
    Errno::STALE,
    Errno::INTR,
];

/// Tells the story with one fault. A step that fails must say truly what it has
/// changed, and succeed once the fault is gone. Returns the number of calls.
fn tell_with<F: Spoil + Clone>(
    inner: &F,
    folder: &Path,
    fault: Fault,
    at: usize,
) -> Result<usize, String> {
    let files = Faulty::new(inner.clone(), Some(fault), at);
    for step in 0..STEPS {
        let result = take(&files, folder, step);
        let found = look(inner, folder)?;
        let wrong = |why: &str| {
            Err(format!(
                "{fault:?} at call {at}, step {step}: {why}, {found:?}"
            ))
        };
        match result {
            Ok(()) if found != STATES[step + 1] => return wrong("done is not done"),
            Ok(()) => continue,
            Err(error) if error.outcome() == Outcome::NotDone && found != STATES[step] => {
                return wrong(&format!("not done is done ({error})"));
            }
            Err(_) if found != STATES[step] && found != STATES[step + 1] => {
                return wrong("neither old nor new");
            }
            Err(_) => {}
        }
        take(inner, folder, step).map_err(|error| format!("{fault:?} at {at}, again: {error}"))?;
        let found = look(inner, folder)?;
        if found != STATES[step + 1] {
            return Err(format!(
                "{fault:?} at {at}, step {step} again left {found:?}"
            ));
        }
    }
    Ok(files.calls())
}

#[test]
fn every_failing_call_is_reported_truly_and_survived_with_a_power_cut_after_it() {
    let mut tried = 0;
    let last = &STATES[STEPS];
    let lasting = |fault| matches!(fault, Fault::ForGood(_));
    let length = tell_with(&Model::default(), keys(), Fault::Short, 0).unwrap();
    let total = tell_with(&Model::default(), keys(), Fault::Once(Errno::IO), length).unwrap();
    assert!(total < length, "one byte at a time takes more calls");
    for errno in ERRORS {
        for at in 0..total {
            for fault in [Fault::Once(errno), Fault::ForGood(errno)] {
                let model = Model::default();
                if errno == Errno::INTR && fault == Fault::ForGood(errno) {
                    continue; // would be tried again for ever, as it should
                }
                tell_with(&model, keys(), fault, at).unwrap();
                tried += 1;
                for disk in model.cuts(MOST_CUTS) {
                    let found = look(&disk, keys()).unwrap();
                    // After a lasting fault even taking back a name has failed, and
                    // a name lost that way stays lost: then whole is all there is to ask.
                    let kept = (found.document, found.new) == (last.document, last.new);
                    assert!(kept || lasting(fault), "{fault:?} at {at}: {found:?}");
                }
            }
        }
    }
    assert!(tried > 2500, "{tried}");
}

#[test]
fn a_change_that_is_made_and_reported_as_failed_is_never_called_not_done() {
    let total = tell_with(
        &Model::default(),
        keys(),
        Fault::Late(Errno::IO),
        usize::MAX,
    )
    .unwrap();
    let mut unsure = 0;
    for at in 0..total {
        let model = Model::default();
        tell_with(&model, keys(), Fault::Late(Errno::IO), at).unwrap();
        let files = Faulty::new(Model::default(), Some(Fault::Late(Errno::IO)), at);
        let errors = (0..STEPS).filter_map(|step| take(&files, keys(), step).err());
        unsure += errors
            .filter(|error| error.outcome() == Outcome::Indeterminate)
            .count();
    }
    // Four changes of files, two of the document's and one removal.
    assert_eq!(unsure, 7);
}

#[test]
fn a_lock_whose_file_was_moved_away_guards_nothing_and_is_not_taken() {
    let model = Model::default();
    take(&model, keys(), 0).unwrap();
    let files = Faulty::new(model, Some(Fault::LockMoved), 0);
    let error = take(&files, keys(), 1).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Busy);
    assert_eq!(look(&files.inner, keys()).unwrap(), STATES[1]);
}

/// A folder of the real system, in memory where there is one, removed afterwards.
struct Scratch(std::path::PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let name = format!("tokenwright-faults-{name}-{}", std::process::id());
        let memory = Path::new("/dev/shm");
        let above = if memory.is_dir() {
            memory.to_owned()
        } else {
            std::env::temp_dir()
        };
        let path = above.join(name);
        Unix.make_folder(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_model_and_the_real_file_system_agree_about_every_single_failure() {
    let scratch = Scratch::new("agree");
    let length = tell_with(
        &Unix,
        &scratch.0.join("keys"),
        Fault::Once(Errno::IO),
        usize::MAX,
    );
    assert_eq!(
        length,
        tell_with(
            &Model::default(),
            keys(),
            Fault::Once(Errno::IO),
            usize::MAX
        )
    );
    for at in 0..length.unwrap() {
        let folder = scratch.0.join(format!("keys{at}"));
        tell_with(&Unix, &folder, Fault::Once(Errno::IO), at).unwrap();
        tell_with(
            &Unix,
            &folder.with_extension("full"),
            Fault::Once(Errno::NOSPC),
            at,
        )
        .unwrap();
    }
}

#[test]
fn a_failing_secret_file_leaves_nothing_and_the_old_one_as_it_was() {
    let file = Path::new("/srv/out.pem");
    let write = |files: &Faulty<Model>, bytes: &[u8], overwrite| {
        secret::create(files, file, bytes, overwrite)
    };
    let sound = |model: &Model| Faulty::new(model.clone(), None, 0);
    let length = {
        let files = sound(&Model::default());
        write(&files, b"new", Overwrite::Allow).unwrap();
        files.calls()
    };
    let mut refused = 0;
    for errno in ERRORS {
        for at in 0..length {
            let fresh = Model::default();
            let files = Faulty::new(fresh.clone(), Some(Fault::Once(errno)), at);
            if write(&files, b"new", Overwrite::Refuse).is_err() {
                refused += 1;
                assert_eq!(
                    fresh.every_name(),
                    Vec::<String>::new(),
                    "{errno:?} at {at}"
                );
            }
            let model = Model::default();
            write(&sound(&model), b"old", Overwrite::Refuse).unwrap();
            let files = Faulty::new(model.clone(), Some(Fault::Once(errno)), at);
            let result = write(&files, b"new", Overwrite::Allow);
            assert_eq!(model.every_name(), ["out.pem"], "{errno:?} at {at}");
            let whole = read_all(&model, "out.pem");
            match result.map_err(|error| error.outcome()) {
                Ok(()) => assert_eq!(whole, b"new"),
                Err(Outcome::NotDone) => assert_eq!(whole, b"old", "{errno:?} at {at}"),
                Err(Outcome::Indeterminate) => assert!(whole == b"old" || whole == b"new"),
            }
        }
    }
    assert!(refused > 40, "{refused}");
}

/// A process out of file handles learns that before it learns that the name is taken.
#[test]
fn a_secret_file_that_may_not_be_overwritten_survives_every_failure() {
    let file = Path::new("/srv/out.pem");
    for errno in ERRORS {
        for at in 0..20 {
            let model = Model::default();
            secret::create(&model, file, b"old", Overwrite::Refuse).unwrap();
            let files = Faulty::new(model.clone(), Some(Fault::Once(errno)), at);
            secret::create(&files, file, b"new", Overwrite::Refuse).unwrap_err();
            assert_eq!(model.every_name(), ["out.pem"], "{errno:?} at {at}");
            assert_eq!(read_all(&model, "out.pem"), b"old", "{errno:?} at {at}");
        }
    }
}

fn read_all(model: &Model, name: &str) -> Vec<u8> {
    let folder = model.open_folder(Path::new("/srv")).unwrap();
    let mut file = model.open_file(&folder, name).unwrap();
    let mut bytes = vec![0; 100];
    let count = model.read(&mut file, &mut bytes).unwrap();
    bytes.truncate(count);
    bytes
}
