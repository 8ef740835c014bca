//! The built-in HTTP client: it connects to allowed addresses alone, follows no
//! redirect unless told to, and gives up at a limit of bytes and of time.

use std::fmt;
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{RootCertStore, pki_types::CertificateDer};
use ureq::Agent;
use ureq::config::Config;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

use super::address::Addresses;
use super::fetch::{Fetch, FetchError, FetchErrorKind};
use super::reasons::{self, NoneAllowed};

/// Most redirects that are followed where they are allowed.
pub(super) const MOST_REDIRECTS: u32 = 3;
/// Longest status line and headers of an answer, in bytes.
pub(super) const MOST_HEADER_BYTES: usize = 16 * 1024;
/// How much of a body is read at once, in bytes.
const CHUNK: usize = 16 * 1024;

/// What is done about an answer that sends elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Redirects {
    /// It is an error: keys are published where they are said to be.
    #[default]
    Refused,
    /// It is followed, three times at most, never from `https` to `http`, and to
    /// addresses that may be connected to.
    Followed,
}

/// Which authorities are trusted to vouch for servers.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Authorities {
    /// The system's; `SSL_CERT_FILE` and `SSL_CERT_DIR` name others.
    #[default]
    System,
    /// The system's, and those in this PEM text.
    SystemAnd(Vec<u8>),
    /// Those in this PEM text alone.
    Only(Vec<u8>),
}

/// The HTTP client that comes with remote keys. Cheap to clone.
///
/// It connects directly, whatever proxies the environment names: behind a proxy the
/// address that is connected to could not be judged. A new connection is made for
/// each fetch, and closed after it.
///
/// ```
/// use std::time::Duration;
/// use tokenwright::http::remote::{Addresses, Authorities, HttpClient};
/// # let own_ca = Vec::new();
/// # let _ = || {
/// let client = HttpClient::builder()
///     .addresses(Addresses::PublicAndPrivate)
///     .authorities(Authorities::Only(own_ca))
///     .time_limit(Duration::from_secs(2))
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # };
/// ```
#[derive(Clone)]
pub struct HttpClient(Arc<Settings>);

struct Settings {
    addresses: Addresses,
    redirects: Redirects,
    connect_limit: Duration,
    time_limit: Duration,
    roots: Vec<Certificate<'static>>,
    provider: Arc<CryptoProvider>,
}

/// Makes an [`HttpClient`].
#[derive(Clone, Debug)]
pub struct HttpClientBuilder {
    addresses: Addresses,
    redirects: Redirects,
    connect_limit: Duration,
    time_limit: Duration,
    authorities: Authorities,
}

impl HttpClient {
    /// Begins a client: public addresses, no redirects, the system's authorities,
    /// 3 seconds to connect and 5 for everything.
    #[must_use]
    pub fn builder() -> HttpClientBuilder {
        HttpClientBuilder {
            addresses: Addresses::Public,
            redirects: Redirects::Refused,
            connect_limit: Duration::from_secs(3),
            time_limit: Duration::from_secs(5),
            authorities: Authorities::System,
        }
    }
}

impl HttpClientBuilder {
    /// Which addresses may be connected to.
    #[must_use]
    pub fn addresses(mut self, addresses: Addresses) -> Self {
        self.addresses = addresses;
        self
    }

    /// What is done about redirects.
    #[must_use]
    pub fn redirects(mut self, redirects: Redirects) -> Self {
        self.redirects = redirects;
        self
    }

    /// Which authorities are trusted.
    #[must_use]
    pub fn authorities(mut self, authorities: Authorities) -> Self {
        self.authorities = authorities;
        self
    }

    /// How long connecting may take, with the handshake of TLS, in place of 3 seconds.
    #[must_use]
    pub fn connect_limit(mut self, limit: Duration) -> Self {
        self.connect_limit = limit;
        self
    }

    /// How long a fetch may take from the name's resolution to the last byte, in
    /// place of 5 seconds, however the server spreads its bytes.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// The finished client.
    ///
    /// # Errors
    /// [`FetchErrorKind::Certificates`] for PEM text that holds no certificate or a
    /// damaged one.
    pub fn build(self) -> Result<HttpClient, FetchError> {
        let roots = match &self.authorities {
            Authorities::System => system_roots(),
            Authorities::SystemAnd(pem) => [system_roots(), certificates(pem)?].concat(),
            Authorities::Only(pem) => certificates(pem)?,
        };
        Ok(HttpClient(Arc::new(Settings {
            addresses: self.addresses,
            redirects: self.redirects,
            connect_limit: self.connect_limit,
            time_limit: self.time_limit,
            roots,
            provider: Arc::new(aws_lc_rs::default_provider()),
        })))
    }
}

/// What the system trusts; single files that cannot be read are not missed here, since
/// a server that needs them is refused with its own error.
fn system_roots() -> Vec<Certificate<'static>> {
    let found = rustls_native_certs::load_native_certs();
    let owned = |der: CertificateDer<'_>| Certificate::from_der(&der).to_owned();
    found.certs.into_iter().map(owned).collect()
}

fn certificates(pem: &[u8]) -> Result<Vec<Certificate<'static>>, FetchError> {
    let bad = |detail: &str| FetchError::new(FetchErrorKind::Certificates, detail);
    let mut found = Vec::new();
    for item in parse_pem(pem) {
        match item.map_err(|_| bad("the authorities' certificates are not PEM"))? {
            PemItem::Certificate(certificate) => {
                let der = CertificateDer::from(certificate.der().to_vec());
                let usable = RootCertStore::empty().add(der);
                usable.map_err(|error| {
                    bad(&format!(
                        "an authority's certificate cannot be used: {error}"
                    ))
                })?;
                found.push(certificate);
            }
            PemItem::PrivateKey(_) | _ => {
                return Err(bad(
                    "expected certificates of authorities, found a private key",
                ));
            }
        }
    }
    if found.is_empty() {
        return Err(bad(
            "there is no certificate in the PEM text of the authorities",
        ));
    }
    Ok(found)
}

impl Fetch for HttpClient {
    fn fetch(&self, request: &Request<()>, limit: usize) -> Result<Response<Vec<u8>>, FetchError> {
        self.fetch_by(DefaultResolver::default(), request, limit)
    }
}

impl HttpClient {
    fn fetch_by(
        &self,
        resolver: impl Resolver,
        request: &Request<()>,
        limit: usize,
    ) -> Result<Response<Vec<u8>>, FetchError> {
        let secure = request.uri().scheme_str() == Some("https");
        if secure && self.0.roots.is_empty() {
            let detail = "no certificate authority is known to this system: \
                          install ca-certificates, or set SSL_CERT_FILE";
            return Err(FetchError::new(FetchErrorKind::Tls, detail));
        }
        let agent = Agent::with_parts(
            self.0.config(secure),
            DefaultConnector::default(),
            Guarded {
                inner: resolver,
                addresses: self.0.addresses,
            },
        );
        let failed = |error| reasons::of(error, self.0.connect_limit, self.0.time_limit);
        let (parts, mut body) = agent.run(request.clone()).map_err(failed)?.into_parts();
        let too_long = FetchError::too_long(limit);
        let announced = body.content_length().unwrap_or_default();
        if announced > u64::try_from(limit).unwrap_or(u64::MAX) {
            return Err(too_long);
        }
        let mut reader = body.as_reader();
        let (mut read, mut chunk) = (Vec::new(), [0; CHUNK]);
        loop {
            let count = match reader.read(&mut chunk) {
                Ok(0) => return Ok(Response::from_parts(parts, read)),
                Ok(count) => count,
                Err(error) => return Err(failed(error.into())),
            };
            if read.len().saturating_add(count) > limit {
                return Err(too_long);
            }
            read.extend_from_slice(chunk.get(..count).unwrap_or_default());
        }
    }
}

impl Settings {
    fn config(&self, secure: bool) -> Config {
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(self.roots.clone())))
            .unversioned_rustls_crypto_provider(Arc::clone(&self.provider))
            .build();
        let redirects = match self.redirects {
            Redirects::Refused => 0,
            Redirects::Followed => MOST_REDIRECTS,
        };
        Agent::config_builder()
            .http_status_as_error(false)
            .https_only(secure)
            .proxy(None)
            .max_redirects(redirects)
            // Without redirects the answer itself is judged; with them, the last of too many is not.
            .max_redirects_will_error(redirects != 0)
            .timeout_connect(Some(self.connect_limit))
            .timeout_global(Some(self.time_limit))
            .max_response_header_size(MOST_HEADER_BYTES)
            .max_idle_connections(0)
            .user_agent(concat!("tokenwright/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls)
            .build()
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient")
            .field("addresses", &self.0.addresses)
            .field("redirects", &self.0.redirects)
            .field("time_limit", &self.0.time_limit)
            .finish_non_exhaustive()
    }
}

/// Resolves names, and leaves of the addresses those that may be connected to. The
/// connector takes its addresses from here and resolves nothing itself, so a name that
/// changes its mind in between (DNS rebinding) gains nothing.
#[derive(Debug)]
struct Guarded<R> {
    inner: R,
    addresses: Addresses,
}

impl<R: Resolver> Resolver for Guarded<R> {
    fn resolve(
        &self,
        uri: &http::Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.inner.resolve(uri, config, timeout)?;
        let mut allowed = self.empty();
        for address in found.iter().filter(|each| self.addresses.allow(each.ip())) {
            allowed.push(*address);
        }
        if allowed.is_empty() {
            let first = found.iter().next().map(|address| address.ip().to_string());
            let refused = NoneAllowed(first.unwrap_or_default());
            return Err(ureq::Error::Other(Box::new(refused)));
        }
        Ok(allowed)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{SocketAddr, TcpListener};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A name server that answers otherwise each time.
    #[derive(Clone, Debug)]
    struct Changing(Arc<(Vec<Vec<SocketAddr>>, AtomicUsize)>);

    impl Changing {
        fn new(answers: &[&[&str]]) -> Self {
            let read = |all: &&[&str]| all.iter().map(|each| each.parse().unwrap()).collect();
            Self(Arc::new((
                answers.iter().map(read).collect(),
                AtomicUsize::new(0),
            )))
        }

        fn asked(&self) -> usize {
            self.0.1.load(Ordering::SeqCst)
        }
    }

    impl Resolver for Changing {
        fn resolve(
            &self,
            _: &http::Uri,
            _: &Config,
            _: NextTimeout,
        ) -> Result<ResolvedSocketAddrs, ureq::Error> {
            let turn = self.0.1.fetch_add(1, Ordering::SeqCst);
            let mut found = self.empty();
            for address in &self.0.0[turn.min(self.0.0.len() - 1)] {
                found.push(*address);
            }
            Ok(found)
        }
    }

    fn fetch(resolver: &Changing, addresses: Addresses) -> Result<Vec<u8>, &'static str> {
        let client = HttpClient::builder()
            .addresses(addresses)
            .connect_limit(Duration::from_secs(30))
            .time_limit(Duration::from_secs(30))
            .build()
            .unwrap();
        let request = Request::get("http://rebinding.example/").body(()).unwrap();
        let answer = client.fetch_by(resolver.clone(), &request, 100);
        answer
            .map(Response::into_body)
            .map_err(|error| error.code())
    }

    #[test]
    fn the_address_that_was_judged_is_the_one_connected_to() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let here = listener.local_addr().unwrap().to_string();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 1024]);
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                .unwrap();
        });
        // Allowed when judged; asked again it would lead elsewhere, and it is not.
        let rebinding = Changing::new(&[&[&here], &["169.254.169.254:80"]]);
        let body = fetch(&rebinding, Addresses::PublicAndPrivate);
        assert_eq!(body.as_deref(), Ok(&b"ok"[..]));
        assert_eq!(rebinding.asked(), 1);
        server.join().unwrap();
    }

    #[test]
    fn a_name_that_leads_to_private_addresses_alone_is_refused() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let here = listener.local_addr().unwrap().to_string();
        let mapped = format!(
            "[::ffff:127.0.0.1]:{}",
            listener.local_addr().unwrap().port()
        );
        let inside = Changing::new(&[&[&here, &mapped, "10.0.0.1:80", "[fe80::1]:80"]]);
        assert_eq!(fetch(&inside, Addresses::Public), Err("address_refused"));
        assert!(listener.accept().is_err(), "it was connected to");
    }

    #[test]
    fn of_several_addresses_those_allowed_are_left() {
        let inner = Changing::new(&[&["127.0.0.1:80", "8.8.8.8:80", "[::1]:80", "[2a00::1]:80"]]);
        let guarded = Guarded {
            inner,
            addresses: Addresses::Public,
        };
        let uri = http::Uri::from_static("http://mixed.example/");
        let timeout = NextTimeout {
            after: Duration::from_secs(1).into(),
            reason: ureq::Timeout::Resolve,
            ..NextTimeout::default()
        };
        let left = guarded.resolve(&uri, &Config::default(), timeout).unwrap();
        let left: Vec<String> = left.iter().map(ToString::to_string).collect();
        assert_eq!(left, ["8.8.8.8:80", "[2a00::1]:80"]);
    }
}
