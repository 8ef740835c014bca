//! Settings and their layers: flags beat the environment (`TOKENWRIGHT_STORE`,
//! `TOKENWRIGHT_ISS`, `TOKENWRIGHT_AUD`) beats `tokenwright.toml` in the folder,
//! then the user's, then the system's. `TOKENWRIGHT_CONFIG` or `--config` names
//! another file to read in place of the folder's.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::escape::Escaped;
use super::failure::Failure;
use super::input::read_file;
use super::place::StorePlace;
use super::times;

/// Longest settings file, in bytes.
const MAX_CONFIG_BYTES: usize = 64 * 1024;

/// The keys of `tokenwright.toml`.
const KEYS: [&str; 6] = ["store", "iss", "aud", "ttl", "leeway", "typ"];

/// What a layer says; `None` where it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Where the keys are.
    pub(crate) store: Option<String>,
    /// The issuer.
    pub(crate) iss: Option<String>,
    /// The audiences.
    pub(crate) aud: Option<Vec<String>>,
    /// How long a token lives.
    pub(crate) ttl: Option<Duration>,
    /// How much clocks may differ.
    pub(crate) leeway: Option<Duration>,
    /// The token type.
    pub(crate) typ: Option<String>,
}

impl Settings {
    /// This layer, and below it the other.
    fn over(self, below: Self) -> Self {
        Self {
            store: self.store.or(below.store),
            iss: self.iss.or(below.iss),
            aud: self.aud.or(below.aud),
            ttl: self.ttl.or(below.ttl),
            leeway: self.leeway.or(below.leeway),
            typ: self.typ.or(below.typ),
        }
    }

    /// Where the keys are.
    pub(crate) fn place(&self) -> Result<StorePlace, Failure> {
        StorePlace::named(self.store.as_deref().unwrap_or("keys"))
    }
}

/// All layers, the flags on top.
pub(crate) fn resolve(flags: Settings, config: Option<&Path>) -> Result<Settings, Failure> {
    let layers = layers(flags, config)?.into_iter();
    Ok(layers.fold(Settings::default(), |above, layer| {
        above.over(layer.settings)
    }))
}

/// What one place says.
pub(crate) struct Layer {
    /// The place, for people.
    pub(crate) place: String,
    /// What it says.
    pub(crate) settings: Settings,
}

/// Every place that can say something, the one that wins first.
pub(crate) fn layers(flags: Settings, config: Option<&Path>) -> Result<Vec<Layer>, Failure> {
    let layer = |place: &str, settings| Layer {
        place: place.to_owned(),
        settings,
    };
    let file = |path: &Path, settings| layer(&path.to_string_lossy(), settings);
    let mut layers = vec![layer("flags", flags), layer("environment", environment()?)];
    let named = config.map(Path::to_path_buf).or_else(|| {
        env::var_os("TOKENWRIGHT_CONFIG")
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    });
    let local = Path::new("tokenwright.toml");
    layers.push(match named {
        Some(path) => file(&path, read_layer(&path)?),
        None => file(local, read_optional_layer(local)?),
    });
    if let Some(folder) = user_folder() {
        let path = folder.join("tokenwright.toml");
        layers.push(file(&path, read_optional_layer(&path)?));
    }
    let system = Path::new("/etc/tokenwright/tokenwright.toml");
    layers.push(file(system, read_optional_layer(system)?));
    Ok(layers)
}

/// `$XDG_CONFIG_HOME/tokenwright`, or `~/.config/tokenwright`.
fn user_folder() -> Option<PathBuf> {
    let absolute = |name: &str| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_CONFIG_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".config")))
        .map(|base| base.join("tokenwright"))
}

fn environment() -> Result<Settings, Failure> {
    Ok(Settings {
        store: variable("TOKENWRIGHT_STORE")?,
        iss: variable("TOKENWRIGHT_ISS")?,
        aud: variable("TOKENWRIGHT_AUD")?.map(|aud| vec![aud]),
        ..Settings::default()
    })
}

/// A variable that is set and not empty.
fn variable(name: &str) -> Result<Option<String>, Failure> {
    match env::var(name) {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(Failure::config(format!(
            "the environment's {name} is not UTF-8"
        ))),
    }
}

fn read_optional_layer(path: &Path) -> Result<Settings, Failure> {
    match path.symlink_metadata() {
        Err(error) if is_absent(&error) => Ok(Settings::default()),
        _ => read_layer(path),
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        // A folder of another user's, closed to us, holds no settings of ours.
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::PermissionDenied
    )
}

fn read_layer(path: &Path) -> Result<Settings, Failure> {
    let bytes = read_file(path, MAX_CONFIG_BYTES).map_err(|failure| Failure {
        code: "config".to_owned(),
        exit: super::failure::Exit::Operator,
        ..failure
    })?;
    let name = path.to_string_lossy();
    let place = Escaped(&name);
    let text = std::str::from_utf8(bytes.expose())
        .map_err(|_| Failure::config(format!("{place}: not UTF-8 text")))?;
    parse(text).map_err(|failure| Failure {
        message: format!("{place}: {}", failure.message),
        ..failure
    })
}

fn parse(text: &str) -> Result<Settings, Failure> {
    let table = DeTable::parse(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let before = text.get(..start).unwrap_or_default();
        let line = before.matches('\n').count().saturating_add(1);
        Failure::config(format!("line {line}: {}", error.message()))
    })?;
    let mut settings = Settings::default();
    for (key, value) in table.get_ref() {
        take(&mut settings, key.get_ref(), value.get_ref())?;
    }
    Ok(settings)
}

fn take(settings: &mut Settings, key: &str, value: &DeValue<'_>) -> Result<(), Failure> {
    match key {
        "store" => settings.store = Some(text_of(key, value)?),
        "iss" => settings.iss = Some(text_of(key, value)?),
        "aud" => settings.aud = Some(texts_of(key, value)?),
        "ttl" => settings.ttl = Some(duration_of(key, value)?),
        "leeway" => settings.leeway = Some(duration_of(key, value)?),
        "typ" => settings.typ = Some(text_of(key, value)?),
        unknown => return Err(unknown_key(unknown)),
    }
    Ok(())
}

fn unknown_key(key: &str) -> Failure {
    let nearest = KEYS
        .into_iter()
        .map(|known| (strsim::jaro_winkler(&key.to_lowercase(), known), known))
        .max_by(|one, other| one.0.total_cmp(&other.0));
    let failure = Failure::config(format!("there is no key \"{}\"", Escaped(key)));
    match nearest {
        Some((likeness, known)) if likeness > 0.7 => {
            failure.hint(format!("did you mean \"{known}\"?"))
        }
        _ => failure.hint(format!("the keys are: {}", KEYS.join(", "))),
    }
}

fn text_of(key: &str, value: &DeValue<'_>) -> Result<String, Failure> {
    match value.as_str() {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        Some(_) => Err(Failure::config(format!("\"{key}\" is empty"))),
        None => Err(Failure::config(format!("\"{key}\" must be a string"))),
    }
}

fn texts_of(key: &str, value: &DeValue<'_>) -> Result<Vec<String>, Failure> {
    match value.as_array() {
        Some(array) => array
            .iter()
            .map(|item| text_of(key, item.get_ref()))
            .collect(),
        None => text_of(key, value).map(|text| vec![text]),
    }
}

fn duration_of(key: &str, value: &DeValue<'_>) -> Result<Duration, Failure> {
    let text = match value {
        DeValue::Integer(number) => number.to_string(),
        other => text_of(key, other)?,
    };
    times::duration(&text).map_err(|reason| Failure::config(format!("\"{key}\": {reason}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_read() {
        let settings = parse(
            "store = 'k'\niss = 'i'\naud = ['a', 'b']\nttl = '15m'\nleeway = '5s'\ntyp = 'at+jwt'\n",
        );
        let expected = Settings {
            store: Some("k".into()),
            iss: Some("i".into()),
            aud: Some(vec!["a".into(), "b".into()]),
            ttl: Some(Duration::from_secs(900)),
            leeway: Some(Duration::from_secs(5)),
            typ: Some("at+jwt".into()),
        };
        assert_eq!(settings.unwrap(), expected);
        assert_eq!(parse("aud = 'a'").unwrap().aud, Some(vec!["a".into()]));
    }

    #[test]
    fn a_misspelt_key_is_named_with_the_nearest_right_one() {
        let failure = parse("leway = '5s'").unwrap_err();
        assert_eq!(failure.message, "there is no key \"leway\"");
        assert_eq!(failure.hints, ["did you mean \"leeway\"?"]);
        let failure = parse("zzz = 1").unwrap_err();
        assert_eq!(
            failure.hints,
            ["the keys are: store, iss, aud, ttl, leeway, typ"]
        );
    }

    #[test]
    fn wrong_values_are_refused() {
        assert_eq!(
            parse("\nttl = 900").unwrap_err().message,
            "\"ttl\": a bare number has no unit: write 900s for seconds or 900m for minutes"
        );
        assert_eq!(
            parse("iss = 5").unwrap_err().message,
            "\"iss\" must be a string"
        );
        assert_eq!(parse("iss = ''").unwrap_err().message, "\"iss\" is empty");
        assert!(
            parse("iss = 'a'\niss = 'b'")
                .unwrap_err()
                .message
                .starts_with("line 2: ")
        );
    }

    #[test]
    fn an_upper_layer_hides_the_lower() {
        let upper = parse("iss = 'up'").unwrap();
        let lower = parse("iss = 'low'\nttl = '1h'").unwrap();
        let both = upper.over(lower);
        assert_eq!(both.iss.as_deref(), Some("up"));
        assert_eq!(both.ttl, Some(Duration::from_secs(3_600)));
    }
}
