//! Where the server listens: a TCP port, or a Unix socket.

use std::fmt;
use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener as StdTcpListener};
use std::os::unix::fs::{
    DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _,
};
use std::os::unix::net::{UnixListener as StdUnixListener, UnixStream as StdUnixStream};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::error::{ServeError, ServeErrorKind};

/// The rights of a Unix socket unless told otherwise: its owner and its group, which
/// is the proxy's.
pub const DEFAULT_SOCKET_MODE: u32 = 0o660;

/// Where to listen.
///
/// ```
/// use tokenwright::http::serve::Address;
/// assert!("127.0.0.1:4180".parse::<Address>().is_ok());
/// assert!("unix:/run/tokenwright/serve.sock".parse::<Address>().is_ok());
/// assert!("4180".parse::<Address>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A TCP address; port 0 lets the system choose one.
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl Address {
    /// Whether only programs of this machine can reach it by TCP.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().is_loopback(),
            Self::Unix(_) => false,
        }
    }
}

impl FromStr for Address {
    type Err = ServeError;

    fn from_str(text: &str) -> Result<Self, ServeError> {
        if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
            return Ok(Self::Unix(PathBuf::from(path)));
        }
        text.parse().map(Self::Tcp).map_err(|_| {
            let found = text.to_owned();
            ServeErrorKind::BadAddress { found }.into()
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "http://{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A socket that is bound and not yet served.
#[derive(Debug)]
pub struct Listener {
    pub(super) socket: Socket,
    address: Address,
}

#[derive(Debug)]
pub(super) enum Socket {
    Tcp(StdTcpListener),
    Unix(StdUnixListener, SocketFile),
}

impl Listener {
    /// Binds an address. `mode` is the rights of a Unix socket's file, such as
    /// [`DEFAULT_SOCKET_MODE`]; it never exists with others.
    ///
    /// A socket file that nobody listens on any more is replaced; one that somebody
    /// listens on, and a file that is no socket, are left alone.
    ///
    /// # Errors
    /// [`ServeError`] when somebody else is there, or the system refuses.
    pub fn bind(address: &Address, mode: u32) -> Result<Self, ServeError> {
        match address {
            Address::Tcp(wanted) => {
                let place = wanted.to_string();
                let listening = || -> io::Result<(StdTcpListener, SocketAddr)> {
                    let listener = StdTcpListener::bind(wanted)?;
                    listener.set_nonblocking(true)?;
                    let bound = listener.local_addr()?;
                    Ok((listener, bound))
                };
                let (listener, bound) =
                    listening().map_err(|error| ServeError::at(&place, &error))?;
                Ok(Self {
                    socket: Socket::Tcp(listener),
                    address: Address::Tcp(bound),
                })
            }
            Address::Unix(path) => {
                let (listener, file) = bind_unix(path, mode)?;
                Ok(Self {
                    socket: Socket::Unix(listener, file),
                    address: address.clone(),
                })
            }
        }
    }

    /// Where it listens, with the port that the system chose.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }
}

/// The file of a Unix socket; removed when the server ends, if it is still ours.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Another server may have taken the place in the meantime.
        if identity(&self.path).is_some_and(|found| found == self.identity) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Binds in a folder of its own that nobody else may enter, sets the rights, and
/// renames: whoever can open the file finds it with its rights, and a stale one is
/// replaced in one step.
fn bind_unix(path: &Path, mode: u32) -> Result<(StdUnixListener, SocketFile), ServeError> {
    let place = path.to_string_lossy().into_owned();
    let failed = |error: io::Error| ServeError::at(&place, &error);
    refuse_taken(path, &place)?;
    let mut aside = path.as_os_str().to_owned();
    aside.push(format!(".{}", std::process::id()));
    let (aside, name) = (PathBuf::from(aside), "s");
    let beside = aside.join(name);
    let clear = || {
        let _ = fs::remove_file(&beside);
        let _ = fs::remove_dir(&aside);
    };
    clear();
    fs::DirBuilder::new()
        .mode(0o700)
        .create(&aside)
        .map_err(failed)?;
    let placed = || -> io::Result<StdUnixListener> {
        let listener = StdUnixListener::bind(&beside)?;
        listener.set_nonblocking(true)?;
        fs::set_permissions(&beside, fs::Permissions::from_mode(mode & 0o777))?;
        fs::rename(&beside, path)?;
        Ok(listener)
    };
    let listener = placed();
    clear();
    let listener = listener.map_err(failed)?;
    let identity = identity(path).unwrap_or_default();
    let path = path.to_path_buf();
    Ok((listener, SocketFile { path, identity }))
}

/// A socket that answers belongs to a living server, and a file that is none to somebody.
fn refuse_taken(path: &Path, place: &str) -> Result<(), ServeError> {
    let Ok(found) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    let place = place.to_owned();
    if !found.file_type().is_socket() {
        return Err(ServeErrorKind::NotASocket { place }.into());
    }
    match StdUnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(ServeErrorKind::Permission { place }.into())
        }
        Ok(_) | Err(_) => Err(ServeErrorKind::AddressInUse { place }.into()),
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = fs::symlink_metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}
