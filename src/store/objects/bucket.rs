//! One bucket: whole objects, put under conditions.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path;
use object_store::{
    ClientOptions, Error, GetOptions, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions,
    PutPayload, RetryConfig, UpdateVersion,
};

use crate::store::address::{ServerAddress, bad_reference};
use crate::store::error::{StoreError, StoreErrorKind};
use crate::store::shared::{Driver, denied, error_at, indeterminate, unavailable};

/// A bucket, and what all names in it begin with.
pub(super) struct Bucket {
    objects: Box<dyn ObjectStore>,
    prefix: String,
    place: String,
    timeout: Duration,
    driver: Driver,
    /// Set once it was seen that conditions are kept.
    pub(super) keeps_conditions: OnceLock<()>,
}

/// What is at a name.
pub(super) enum Got {
    Nothing,
    /// The version that was known already.
    Same,
    Object(Vec<u8>, UpdateVersion),
}

/// How a put under a condition has ended.
pub(super) enum Put {
    Done(UpdateVersion),
    /// The condition did not hold.
    Refused,
    /// It may have been done, or may be yet.
    Unknown(StoreError),
}

impl Bucket {
    pub(super) fn of(mut address: ServerAddress) -> Result<Self, StoreError> {
        let timeout = address.timeout()?;
        let endpoint = address.take("endpoint");
        let region = address.take("region");
        address.finish()?;
        let place = address.place().to_owned();
        let prefix = address.path().trim_matches('/').to_owned();
        let client = ClientOptions::new()
            .with_timeout(timeout)
            .with_connect_timeout(timeout)
            .with_allow_http(
                endpoint
                    .as_deref()
                    .is_some_and(|url| url.starts_with("http://")),
            );
        let objects = connect(&address, endpoint, region, client)
            .map_err(|error| bad_reference(&place, "a bucket", &error.to_string()))?;
        Ok(Self {
            objects,
            prefix,
            timeout,
            driver: Driver::new(&place)?,
            keeps_conditions: OnceLock::new(),
            place,
        })
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    fn path(&self, name: &str) -> Path {
        Path::from(format!("{}/{name}", self.prefix))
    }

    /// Waits for a request, as long as a server may take.
    fn wait<T: Send>(
        &self,
        request: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Failed> {
        let bounded = async { tokio::time::timeout(self.timeout, request).await };
        match self.driver.wait(bounded) {
            Some(Ok(done)) => done.map_err(Failed::Answer),
            Some(Err(_)) | None => Err(Failed::Silence),
        }
    }

    /// An object, unless it is the version that is known.
    pub(super) fn get(&self, name: &str, known: Option<&UpdateVersion>) -> Result<Got, StoreError> {
        let path = self.path(name);
        let options = GetOptions {
            if_none_match: known.and_then(|known| known.e_tag.clone()),
            ..GetOptions::default()
        };
        let request = async {
            let found = self.objects.get_opts(&path, options).await?;
            let version = UpdateVersion {
                e_tag: found.meta.e_tag.clone(),
                version: found.meta.version.clone(),
            };
            Ok((found.bytes().await?.to_vec(), version))
        };
        match self.wait(request) {
            Ok((bytes, version)) => Ok(Got::Object(bytes, version)),
            Err(Failed::Answer(Error::NotFound { .. })) => Ok(Got::Nothing),
            Err(Failed::Answer(Error::NotModified { .. })) => Ok(Got::Same),
            Err(failed) => Err(self.not_done(&failed)),
        }
    }

    /// Puts an object if nothing has been put since: `None` where there must be nothing.
    pub(super) fn put(&self, name: &str, bytes: Vec<u8>, known: Option<UpdateVersion>) -> Put {
        let path = self.path(name);
        let options = PutOptions {
            mode: known.map_or(PutMode::Create, PutMode::Update),
            ..PutOptions::default()
        };
        let payload = PutPayload::from(bytes);
        match self.wait(self.objects.put_opts(&path, payload, options)) {
            Ok(done) => Put::Done(done.into()),
            Err(Failed::Answer(
                Error::AlreadyExists { .. } | Error::Precondition { .. } | Error::NotFound { .. },
            )) => Put::Refused,
            Err(failed) => Put::Unknown(match failed.has_surely_changed_nothing() {
                true => self.not_done(&failed),
                false => indeterminate(&self.place, &failed.words()),
            }),
        }
    }

    /// Removes an object, if there is one.
    pub(super) fn remove(&self, name: &str) -> Result<(), StoreError> {
        let path = self.path(name);
        match self.wait(self.objects.delete(&path)) {
            Ok(()) | Err(Failed::Answer(Error::NotFound { .. })) => Ok(()),
            Err(failed) if failed.has_surely_changed_nothing() => Err(self.not_done(&failed)),
            Err(failed) => Err(indeterminate(&self.place, &failed.words())),
        }
    }

    /// The last parts of the names under a folder.
    pub(super) fn names(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        let path = self.path(folder);
        let request = self.objects.list_with_delimiter(Some(&path));
        let found = self
            .wait(request)
            .map_err(|failed| self.not_done(&failed))?;
        let names = found
            .objects
            .iter()
            .filter_map(|object| object.location.filename());
        Ok(names.map(str::to_owned).collect())
    }

    fn not_done(&self, failed: &Failed) -> StoreError {
        let found = failed.words();
        match failed {
            Failed::Answer(Error::PermissionDenied { .. } | Error::Unauthenticated { .. }) => {
                denied(&self.place, &found)
            }
            Failed::Answer(Error::NotImplemented { .. } | Error::NotSupported { .. }) => {
                unsafe_endpoint(&self.place, &found)
            }
            Failed::Answer(_) | Failed::Silence => unavailable(&self.place, &found),
        }
    }
}

/// An endpoint on which two writers could both win.
pub(super) fn unsafe_endpoint(place: &str, found: &str) -> StoreError {
    error_at(
        place,
        StoreErrorKind::Unsafe,
        "an endpoint that puts under a condition (If-Match, If-None-Match)",
        found,
        "nothing was kept; two schedulers could both rotate there: use an endpoint that keeps \
         conditions",
    )
}

/// Why a request has failed.
enum Failed {
    Answer(Error),
    Silence,
}

impl Failed {
    fn has_surely_changed_nothing(&self) -> bool {
        matches!(
            self,
            Self::Answer(
                Error::PermissionDenied { .. }
                    | Error::Unauthenticated { .. }
                    | Error::NotImplemented { .. }
                    | Error::NotSupported { .. }
                    | Error::InvalidPath { .. }
            )
        )
    }

    /// The outermost and the innermost reason: what lies between repeats them.
    fn words(&self) -> String {
        let Self::Answer(error) = self else {
            return "none in time".to_owned();
        };
        let mut reason: &dyn std::error::Error = error;
        while let Some(source) = reason.source() {
            reason = source;
        }
        let text = reason.to_string();
        text.lines().next().unwrap_or_default().to_owned()
    }
}

/// Nothing is retried unseen: a put that is repeated after it was done would be taken
/// for another writer's.
fn once(timeout: Duration) -> RetryConfig {
    RetryConfig {
        max_retries: 0,
        retry_timeout: timeout,
        ..RetryConfig::default()
    }
}

fn connect(
    address: &ServerAddress,
    endpoint: Option<String>,
    region: Option<String>,
    client: ClientOptions,
) -> Result<Box<dyn ObjectStore>, Error> {
    let bucket = address.host().unwrap_or_default();
    let retry = once(Duration::from_secs(5));
    match address.scheme() {
        "gs" => {
            let builder = GoogleCloudStorageBuilder::from_env().with_bucket_name(bucket);
            let built = builder
                .with_retry(retry)
                .with_client_options(client)
                .build()?;
            Ok(Box::new(built))
        }
        "az" => {
            let mut builder = MicrosoftAzureBuilder::from_env().with_container_name(bucket);
            if let Some(endpoint) = endpoint {
                builder = builder.with_endpoint(endpoint);
            }
            let built = builder
                .with_retry(retry)
                .with_client_options(client)
                .build()?;
            Ok(Box::new(built))
        }
        _ => {
            let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
            if let Some(endpoint) = endpoint {
                builder = builder.with_endpoint(endpoint);
            }
            if let Some(region) = region {
                builder = builder.with_region(region);
            }
            if let (Some(user), Some(password)) = (address.user(), &address.password) {
                let secret = String::from_utf8_lossy(password.expose()).into_owned();
                builder = builder
                    .with_access_key_id(user)
                    .with_secret_access_key(secret);
            }
            let built = builder
                .with_retry(retry)
                .with_client_options(client)
                .build()?;
            Ok(Box::new(built))
        }
    }
}

pub(super) type SharedBucket = Arc<Bucket>;
