//! The list of revocations when every call to the operating system fails in turn.
//!
//! One story is told again and again; each time another call to the system fails, or
//! is the last before the power goes. Whatever was acknowledged must be there.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use rustix::io::Errno;

use super::LogEngine;
use crate::keyring::LargeJump;
use crate::revocation::Revocation;
use crate::store::file::Engine;
use crate::store::file::faults::{ERRORS, Fault, Faulty, Spoil};
use crate::store::file::model::{Ignored, Model};
use crate::store::file::system::FileSystem;
use crate::store::{Outcome, StoreError, StoreErrorKind};
use crate::time::UnixTime;

const MOST_CUTS: usize = 4096;
const STEPS: usize = 8;

fn at(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(1_760_000_000 + seconds)
}

fn keys() -> &'static Path {
    Path::new("/srv/keys")
}

/// Whether every step is another process, or all are one that remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Process {
    Another,
    Same,
}

struct Teller<F> {
    files: F,
    process: Process,
    engine: Option<LogEngine<F>>,
}

impl<F: FileSystem + Clone> Teller<F> {
    fn new(files: F, process: Process) -> Self {
        Self {
            files,
            process,
            engine: None,
        }
    }

    fn engine(&mut self) -> Result<LogEngine<F>, StoreError> {
        if let (Some(engine), Process::Same) = (&self.engine, self.process) {
            return Ok(engine.clone());
        }
        let mut folder = Engine::new(self.files.clone(), keys())?;
        folder.patience = Duration::ZERO;
        let mut engine = LogEngine::new(folder);
        // Small enough for records, and files written anew, in a short story.
        engine.most_body = 150;
        engine.small = 300;
        self.engine = Some(engine.clone());
        Ok(engine)
    }

    /// Takes one step, also if it has been taken already.
    fn take(&mut self, step: usize) -> Result<(), StoreError> {
        if step == 0 {
            Engine::create(self.files.clone(), keys())?;
            return match self.engine()?.create(at(0)) {
                Err(error) if error.kind() == StoreErrorKind::Exists => Ok(()),
                result => result.map(drop),
            };
        }
        let engine = self.engine()?;
        let add = |names: &[&str], until: i64| {
            let entries: Vec<_> = names
                .iter()
                .map(|name| Revocation::token("i", *name, at(0), at(until)))
                .collect();
            engine.append(&entries, at(step as i64)).map(drop)
        };
        match step {
            1 => add(&["ended"], 3),
            2 => add(&["b"], 900),
            // Several records.
            3 => add(&["c1", "c2", "c3", "c4", "c5"], 900),
            4 => engine.prune(at(4), LargeJump::Refuse).map(drop),
            5 => add(&["e"], 900),
            6 => engine.begin_epoch(at(6)).map(drop),
            _ => add(&["g1", "g2", "g3", "g4", "g5", "g6", "g7", "g8"], 900),
        }
    }
}

/// What must be there when so many steps are acknowledged.
fn acknowledged(steps: usize) -> BTreeSet<String> {
    let mut names = Vec::new();
    let added: [&[&str]; STEPS] = [
        &[],
        &[],
        &["b"],
        &["c1", "c2", "c3", "c4", "c5"],
        &[],
        &["e"],
        &[],
        &["g1", "g2", "g3", "g4", "g5", "g6", "g7", "g8"],
    ];
    for step in added.iter().take(steps) {
        names.extend(step.iter().map(|name| (*name).to_owned()));
    }
    names.into_iter().collect()
}

/// What a new reader finds; `None` without a list.
fn look<F: FileSystem + Clone>(files: &F) -> Result<Option<BTreeSet<String>>, String> {
    let mut names = BTreeSet::new();
    let read = Teller::new(files.clone(), Process::Another)
        .engine()
        .and_then(|engine| {
            engine.read(None, &mut |entry| {
                names.insert(entry.name().to_owned());
            })
        });
    match read {
        Ok(_) => {
            names.remove("ended");
            Ok(Some(names))
        }
        Err(error) if error.kind() == StoreErrorKind::NoList => Ok(None),
        Err(error) if error.kind() == StoreErrorKind::Missing => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

/// What is wrong with a disk when `done` steps are acknowledged and `begun` were begun.
fn verdict<F: FileSystem + Clone>(disk: &F, done: usize, begun: usize) -> Result<(), String> {
    let Some(found) = look(disk)? else {
        return match done {
            0 => Ok(()),
            _ => Err(format!("after {done} steps there is no list")),
        };
    };
    let (least, most) = (acknowledged(done), acknowledged(begun));
    if !least.is_subset(&found) {
        return Err(format!("after {done} steps {found:?} lost something"));
    }
    if !found.is_subset(&most) {
        return Err(format!("after {begun} steps {found:?} has too much"));
    }
    Ok(())
}

/// Whether the story can be taken up again where it was cut, up to its end.
fn resumes(disk: &Model, step: usize) -> Result<(), String> {
    let mut teller = Teller::new(disk.clone(), Process::Another);
    for next in step..STEPS {
        let taken = teller.take(next);
        taken.map_err(|error| format!("step {next} again: {error}"))?;
        verdict(disk, next + 1, next + 1)?;
    }
    let strays = disk.every_name();
    let strays = strays.iter().filter(|name| name.starts_with(".tmp-"));
    match strays.count() {
        0 => Ok(()),
        count => Err(format!("{count} strays")),
    }
}

/// Cuts the power at every call of the story, and again at every call of the step
/// that takes it up: the numbers of cuts and of disks looked at.
fn cut_everywhere(ignored: Ignored, process: Process) -> Result<(usize, usize), String> {
    let (mut cuts, mut disks) = (0, 0);
    for call in 0.. {
        let model = Model::ignoring(ignored);
        let files = Faulty::new(model.clone(), Some(Fault::Power), call);
        let mut teller = Teller::new(files, process);
        let Some(step) = (0..STEPS).find(|step| teller.take(*step).is_err()) else {
            return Ok((cuts, disks));
        };
        cuts += 1;
        let context =
            |wrong| format!("{process:?}, power cut at call {call}, step {step}: {wrong}");
        disks += killed_before_the_cut(&model.copy(), step).map_err(context)?;
        for disk in model.cuts(MOST_CUTS) {
            disks += 1;
            verdict(&disk, step, step + 1).map_err(context)?;
            resumes(&disk.copy(), step).map_err(context)?;
            if disks.is_multiple_of(4) {
                disks += cut_again(&disk, step).map_err(context)?;
            }
        }
    }
    Ok((cuts, disks))
}

/// The process is killed, the power goes only after another one has taken the step
/// again: what the first has left unsynced must not be taken for durable.
fn killed_before_the_cut(disk: &Model, step: usize) -> Result<usize, String> {
    verdict(disk, step, step + 1)?;
    let taken = Teller::new(disk.clone(), Process::Another).take(step);
    taken.map_err(|error| format!("step {step} again: {error}"))?;
    let cuts = disk.cuts(MOST_CUTS);
    for disk in &cuts {
        verdict(disk, step + 1, step + 1)?;
    }
    Ok(cuts.len())
}

fn cut_again(disk: &Model, step: usize) -> Result<usize, String> {
    let mut disks = 0;
    for call in 0.. {
        let second = disk.copy();
        let files = Faulty::new(second.clone(), Some(Fault::Power), call);
        let done = Teller::new(files, Process::Another).take(step).is_ok();
        for disk in second.cuts(MOST_CUTS) {
            disks += 1;
            verdict(&disk, step + usize::from(done), step + 1)
                .map_err(|wrong| format!("cut again at call {call}: {wrong}"))?;
        }
        if done {
            break;
        }
    }
    Ok(disks)
}

#[test]
fn a_power_cut_anywhere_loses_no_acknowledged_revocation_and_leaves_the_list_readable() {
    for process in [Process::Another, Process::Same] {
        let (cuts, disks) = cut_everywhere(Ignored::None, process).unwrap();
        assert!(cuts > 100 && disks > 5000, "{cuts} cuts, {disks} disks");
    }
}

#[test]
fn without_the_sync_of_files_a_power_cut_loses_revocations() {
    let found = cut_everywhere(Ignored::Files, Process::Another).unwrap_err();
    assert!(found.contains("found an empty file"), "{found}");
}

#[test]
fn without_the_sync_of_folders_a_power_cut_loses_the_list_or_its_latest_state() {
    let found = cut_everywhere(Ignored::Folders, Process::Another).unwrap_err();
    assert!(
        found.contains("lost") || found.contains("no list"),
        "{found}"
    );
}

/// Tells the story with one fault. A step that fails must say truly what it has
/// changed, and succeed once the fault is gone. Returns the number of calls.
fn tell_with<F: Spoil + Clone>(
    inner: &F,
    process: Process,
    fault: Fault,
    call: usize,
) -> Result<usize, String> {
    let files = Faulty::new(inner.clone(), Some(fault), call);
    let mut teller = Teller::new(files.clone(), process);
    for step in 0..STEPS {
        let before = look(inner)?;
        let result = teller.take(step);
        let context =
            |wrong| format!("{process:?}, {fault:?} at call {call}, step {step}: {wrong}");
        let found = look(inner).map_err(context)?;
        match result {
            Ok(()) => {
                verdict(inner, step + 1, step + 1).map_err(context)?;
                continue;
            }
            Err(error) if error.outcome() == Outcome::NotDone && found != before => {
                return Err(context(format!("not done is done ({error})")));
            }
            Err(_) => verdict(inner, step, step + 1).map_err(context)?,
        }
        let taken = Teller::new(inner.clone(), Process::Another).take(step);
        taken.map_err(|error| context(format!("again: {error}")))?;
        verdict(inner, step + 1, step + 1).map_err(context)?;
    }
    Ok(files.calls())
}

#[test]
fn every_failing_call_is_reported_truly_and_survived_with_a_power_cut_after_it() {
    let mut tried = 0;
    for process in [Process::Another, Process::Same] {
        let sound = Fault::Once(Errno::IO);
        let total = tell_with(&Model::default(), process, sound, usize::MAX).unwrap();
        tell_with(&Model::default(), process, Fault::Short, 0).unwrap();
        for errno in ERRORS {
            for call in 0..total {
                for fault in [Fault::Once(errno), Fault::ForGood(errno)] {
                    if fault == Fault::ForGood(Errno::INTR) {
                        continue; // would be tried again for ever, as it should
                    }
                    let model = Model::default();
                    tell_with(&model, process, fault, call).unwrap();
                    tried += 1;
                    for disk in model.cuts(MOST_CUTS) {
                        // After a lasting fault even taking back the folder's name has
                        // failed, and a name lost that way stays lost.
                        let lasting = matches!(fault, Fault::ForGood(_));
                        if lasting && look(&disk) == Ok(None) {
                            continue;
                        }
                        verdict(&disk, STEPS, STEPS).unwrap_or_else(|wrong| {
                            panic!("{process:?}, {fault:?} at {call}, then a cut: {wrong}")
                        });
                    }
                }
            }
        }
    }
    assert!(tried > 4000, "{tried}");
}

#[test]
fn a_change_that_is_made_and_reported_as_failed_is_never_called_not_done() {
    for process in [Process::Another, Process::Same] {
        let sound = Fault::Late(Errno::IO);
        let total = tell_with(&Model::default(), process, sound, usize::MAX).unwrap();
        for call in 0..total {
            tell_with(&Model::default(), process, sound, call).unwrap();
        }
    }
}
