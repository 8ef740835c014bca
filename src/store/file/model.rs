//! A file system in memory that can lose power, for tests.
//!
//! It promises as little as POSIX does: what was not synced may be there after a
//! cut or not, each name for itself, and unsynced bytes may be torn. After a
//! failed sync, what it should have made durable never becomes so, whatever a
//! later sync says.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::system::{Facts, FileSystem, Kind};

#[derive(Clone, Debug, Default)]
pub(super) struct Model(Arc<Mutex<World>>);

/// Index 0 is the folder `/srv`, which has always been there.
#[derive(Clone, Debug)]
struct World {
    nodes: Vec<Node>,
    locked: Vec<usize>,
    ignored: Ignored,
}

/// Which syncs do nothing, for the controls: a test that cannot tell is no test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Ignored {
    #[default]
    None,
    Files,
    Folders,
}

#[derive(Clone, Debug)]
enum Node {
    File {
        bytes: Vec<u8>,
        /// What is on the disk, whatever happens.
        durable: Vec<u8>,
        /// What may be on the disk too, each by itself.
        pending: Vec<(Edit, Sync)>,
    },
    Folder {
        above: usize,
        names: BTreeMap<String, usize>,
        durable: BTreeMap<String, usize>,
        pending: Vec<(Change, Sync)>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sync {
    NotYet,
    Done,
    /// A sync has failed: it is too late for these bytes or this name.
    Lost,
}

#[derive(Clone, Debug)]
enum Edit {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

impl Edit {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write(offset, new) => {
                let end = offset + new.len();
                if bytes.len() < end {
                    // What was never written reads as zeros.
                    bytes.resize(end, 0);
                }
                bytes[*offset..end].copy_from_slice(new);
            }
            Self::Truncate(length) => bytes.resize(*length, 0),
        }
    }

    /// In how many ways it can end at a power cut.
    fn ways(&self) -> usize {
        match self {
            // The beginning of a new file needs no zeros: its length is zero or torn.
            Self::Write(0, _) => 3,
            Self::Write(..) => 4,
            Self::Truncate(_) => 2,
        }
    }

    /// All of it, nothing, its first half, or only its length.
    fn apply_in_part(&self, bytes: &mut Vec<u8>, way: usize) {
        match (self, way) {
            (_, 0) => self.apply(bytes),
            (_, 1) | (Self::Truncate(_), _) => {}
            (Self::Write(offset, new), 2) => {
                Self::Write(*offset, new[..new.len() / 2].to_vec()).apply(bytes);
            }
            (Self::Write(offset, new), _) => {
                let end = offset + new.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Change {
    Add(String, usize),
    Remove(String),
    Rename(String, String, usize),
}

impl Change {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Add(name, node) => {
                names.insert(name.clone(), *node);
            }
            Self::Remove(name) => {
                names.remove(name);
            }
            Self::Rename(from, to, node) => {
                names.remove(from);
                names.insert(to.clone(), *node);
            }
        }
    }
}

impl Default for World {
    fn default() -> Self {
        Self {
            nodes: vec![empty_folder(0)],
            locked: Vec::new(),
            ignored: Ignored::None,
        }
    }
}

fn empty_folder(above: usize) -> Node {
    Node::Folder {
        above,
        names: BTreeMap::new(),
        durable: BTreeMap::new(),
        pending: Vec::new(),
    }
}

/// An open file or folder.
pub(super) struct Handle {
    node: usize,
    offset: usize,
}

fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

fn error(kind: io::ErrorKind) -> io::Error {
    kind.into()
}

impl World {
    fn names(&mut self, folder: usize) -> io::Result<&mut BTreeMap<String, usize>> {
        match &mut self.nodes[folder] {
            Node::Folder { names, .. } => Ok(names),
            Node::File { .. } => Err(error(io::ErrorKind::NotADirectory)),
        }
    }

    fn find(&mut self, folder: usize, name: &str) -> io::Result<usize> {
        if let (Node::Folder { above, .. }, "..") = (&self.nodes[folder], name) {
            return Ok(*above);
        }
        let names = self.names(folder)?;
        names
            .get(name)
            .copied()
            .ok_or_else(|| error(io::ErrorKind::NotFound))
    }

    fn change(&mut self, folder: usize, change: Change) {
        if let Node::Folder { names, pending, .. } = &mut self.nodes[folder] {
            change.apply(names);
            pending.push((change, Sync::NotYet));
        }
    }

    fn add(&mut self, folder: usize, name: &str, node: Node) -> io::Result<usize> {
        if self.names(folder)?.contains_key(name) {
            return Err(error(io::ErrorKind::AlreadyExists));
        }
        self.nodes.push(node);
        let added = self.nodes.len() - 1;
        self.change(folder, Change::Add(name.to_owned(), added));
        Ok(added)
    }

    fn facts(&self, node: usize) -> Facts {
        let (kind, mode, size) = match &self.nodes[node] {
            Node::File { bytes, .. } => (Kind::File, 0o600, bytes.len()),
            Node::Folder { .. } => (Kind::Folder, 0o700, 0),
        };
        Facts {
            kind,
            mode,
            owner: 0,
            links: 1,
            size: size as u64,
            identity: (1, node as u64),
        }
    }

    /// Writes that follow each other count as one: the disk sees them together.
    fn edit(&mut self, node: usize, edit: Edit) {
        let Node::File { bytes, pending, .. } = &mut self.nodes[node] else {
            return;
        };
        edit.apply(bytes);
        if let (Edit::Write(offset, new), Some((Edit::Write(begin, old), Sync::NotYet))) =
            (&edit, pending.last_mut())
            && *begin + old.len() == *offset
        {
            old.extend_from_slice(new);
            return;
        }
        pending.push((edit, Sync::NotYet));
    }

    /// What a sync that succeeds makes durable.
    fn sync(&mut self, node: usize) {
        match &mut self.nodes[node] {
            Node::File { pending, .. } if self.ignored != Ignored::Files => {
                for (_, sync) in pending {
                    if *sync == Sync::NotYet {
                        *sync = Sync::Done;
                    }
                }
            }
            Node::Folder { pending, .. } if self.ignored != Ignored::Folders => {
                for (_, sync) in pending {
                    if *sync == Sync::NotYet {
                        *sync = Sync::Done;
                    }
                }
            }
            Node::File { .. } | Node::Folder { .. } => {}
        }
    }

    fn lose(&mut self, node: usize) {
        match &mut self.nodes[node] {
            Node::File { pending, .. } => {
                for (_, sync) in pending {
                    if *sync == Sync::NotYet {
                        *sync = Sync::Lost;
                    }
                }
            }
            Node::Folder { pending, .. } => {
                for (_, sync) in pending {
                    if *sync == Sync::NotYet {
                        *sync = Sync::Lost;
                    }
                }
            }
        }
    }

    /// How many ways each uncertain thing can end: a name is there or not, bytes
    /// are all there, all missing or torn.
    fn choices(&self) -> Vec<usize> {
        let mut choices = Vec::new();
        for node in &self.nodes {
            match node {
                Node::File { pending, .. } => {
                    let open = pending.iter().filter(|(_, sync)| *sync != Sync::Done);
                    choices.extend(open.map(|(edit, _)| edit.ways()));
                }
                Node::Folder { pending, .. } => {
                    let open = pending.iter().filter(|(_, sync)| *sync != Sync::Done);
                    choices.extend(open.map(|_| 2));
                }
            }
        }
        choices
    }

    /// The disk after a power cut in which the uncertain things ended as picked.
    fn cut(&self, mut pick: impl FnMut() -> usize) -> Self {
        let mut after = self.clone();
        after.locked.clear();
        for node in &mut after.nodes {
            match node {
                Node::File {
                    bytes,
                    durable,
                    pending,
                } => {
                    for (edit, sync) in pending.drain(..) {
                        let way = if sync == Sync::Done { 0 } else { pick() };
                        edit.apply_in_part(durable, way);
                    }
                    bytes.clone_from(durable);
                }
                Node::Folder {
                    names,
                    durable,
                    pending,
                    ..
                } => {
                    for (change, sync) in pending.drain(..) {
                        if sync == Sync::Done || pick() == 0 {
                            change.apply(durable);
                        }
                    }
                    *names = durable.clone();
                }
            }
        }
        after
    }
}

impl Model {
    pub(super) fn ignoring(ignored: Ignored) -> Self {
        let model = Self::default();
        lock(&model.0).ignored = ignored;
        model
    }

    /// A copy that goes its own way.
    pub(super) fn copy(&self) -> Self {
        Self(Arc::new(Mutex::new(lock(&self.0).clone())))
    }

    /// Every disk that a power cut now could leave, at most `most` of them.
    pub(super) fn cuts(&self, most: usize) -> Vec<Self> {
        let world = lock(&self.0);
        let choices = world.choices();
        let total = choices.iter().product::<usize>().min(most);
        let disk = |number: usize| {
            let mut rest = number;
            let mut ways = choices.iter();
            world.cut(|| {
                let ways = ways.next().copied().unwrap_or(1);
                let picked = rest % ways;
                rest /= ways;
                picked
            })
        };
        (0..total)
            .map(|number| Self(Arc::new(Mutex::new(disk(number)))))
            .collect()
    }

    /// Marks what the failed sync of this handle can never make durable again.
    pub(super) fn lose(&self, handle: &Handle) {
        lock(&self.0).lose(handle.node);
    }

    /// Every name below `/srv`, for looking for strays.
    pub(super) fn every_name(&self) -> Vec<String> {
        let world = lock(&self.0);
        let mut found = Vec::new();
        let mut folders = vec![0];
        while let Some(folder) = folders.pop() {
            if let Node::Folder { names, .. } = &world.nodes[folder] {
                found.extend(names.keys().cloned());
                folders.extend(names.values().copied());
            }
        }
        found
    }

    fn handle(&self, node: usize) -> Handle {
        Handle { node, offset: 0 }
    }

    fn in_srv<'p>(&self, path: &'p Path) -> &'p str {
        let below = path.strip_prefix("/srv").expect("a path below /srv");
        below.to_str().expect("UTF-8")
    }
}

impl FileSystem for Model {
    type Handle = Handle;

    fn open_folder(&self, path: &Path) -> io::Result<Handle> {
        match self.in_srv(path) {
            "" => Ok(self.handle(0)),
            name => self.open_folder_in(&self.handle(0), name),
        }
    }

    fn open_folder_in(&self, folder: &Handle, name: &str) -> io::Result<Handle> {
        let mut world = lock(&self.0);
        let node = world.find(folder.node, name)?;
        world.names(node)?;
        drop(world);
        Ok(self.handle(node))
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        self.make_folder_in(&self.handle(0), self.in_srv(path))
    }

    fn make_folder_in(&self, folder: &Handle, name: &str) -> io::Result<()> {
        let node = empty_folder(folder.node);
        lock(&self.0).add(folder.node, name, node).map(drop)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.remove_folder_in(&self.handle(0), self.in_srv(path))
    }

    fn remove_folder_in(&self, folder: &Handle, name: &str) -> io::Result<()> {
        let mut world = lock(&self.0);
        let node = world.find(folder.node, name)?;
        if !world.names(node)?.is_empty() {
            return Err(error(io::ErrorKind::DirectoryNotEmpty));
        }
        world.change(folder.node, Change::Remove(name.into()));
        Ok(())
    }

    fn names(&self, folder: &Handle) -> io::Result<Vec<String>> {
        Ok(lock(&self.0).names(folder.node)?.keys().cloned().collect())
    }

    fn open_file(&self, folder: &Handle, name: &str) -> io::Result<Handle> {
        let node = lock(&self.0).find(folder.node, name)?;
        Ok(self.handle(node))
    }

    fn create_file(&self, folder: &Handle, name: &str) -> io::Result<Handle> {
        let file = Node::File {
            bytes: Vec::new(),
            durable: Vec::new(),
            pending: Vec::new(),
        };
        let node = lock(&self.0).add(folder.node, name, file)?;
        Ok(self.handle(node))
    }

    fn open_lock(&self, folder: &Handle, name: &str) -> io::Result<Handle> {
        self.open_file(folder, name)
            .or_else(|_| self.create_file(folder, name))
    }

    fn open_log(&self, folder: &Handle, name: &str) -> io::Result<Handle> {
        self.open_file(folder, name)
    }

    fn try_lock(&self, file: &Handle) -> io::Result<bool> {
        let mut world = lock(&self.0);
        if world.locked.contains(&file.node) {
            return Ok(false);
        }
        world.locked.push(file.node);
        Ok(true)
    }

    fn unlock(&self, file: &Handle) {
        lock(&self.0).locked.retain(|held| *held != file.node);
    }

    fn facts(&self, handle: &Handle) -> io::Result<Facts> {
        Ok(lock(&self.0).facts(handle.node))
    }

    fn facts_in(&self, folder: &Handle, name: &str) -> io::Result<Facts> {
        let mut world = lock(&self.0);
        let node = world.find(folder.node, name)?;
        Ok(world.facts(node))
    }

    fn read(&self, file: &mut Handle, buffer: &mut [u8]) -> io::Result<usize> {
        let world = lock(&self.0);
        let Node::File { bytes, .. } = &world.nodes[file.node] else {
            return Err(error(io::ErrorKind::IsADirectory));
        };
        let rest = bytes.get(file.offset..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        file.offset += count;
        Ok(count)
    }

    fn write(&self, file: &mut Handle, new: &[u8]) -> io::Result<usize> {
        lock(&self.0).edit(file.node, Edit::Write(file.offset, new.to_vec()));
        file.offset += new.len();
        Ok(new.len())
    }

    fn seek(&self, file: &mut Handle, offset: u64) -> io::Result<()> {
        file.offset = offset as usize;
        Ok(())
    }

    fn truncate(&self, file: &Handle, length: u64) -> io::Result<()> {
        lock(&self.0).edit(file.node, Edit::Truncate(length as usize));
        Ok(())
    }

    fn sync(&self, handle: &Handle) -> io::Result<()> {
        lock(&self.0).sync(handle.node);
        Ok(())
    }

    fn rename(&self, folder: &Handle, from: &str, to: &str) -> io::Result<()> {
        let mut world = lock(&self.0);
        let node = world.find(folder.node, from)?;
        world.change(folder.node, Change::Rename(from.into(), to.into(), node));
        Ok(())
    }

    fn unlink(&self, folder: &Handle, name: &str) -> io::Result<()> {
        let mut world = lock(&self.0);
        world.find(folder.node, name)?;
        world.change(folder.node, Change::Remove(name.into()));
        Ok(())
    }

    fn effective_user(&self) -> u32 {
        0
    }
}
