//! Settings against the keyring, and where each comes from.

use std::time::Duration;

use tokenwright::DEFAULT_LEEWAY;
use tokenwright::keyring::Keyring;
use tokenwright::store::OpenedStore;

use super::Finding;
use crate::cli::config::{Layer, Settings};
use crate::cli::escape::json_string;
use crate::cli::failure::Failure;
use crate::cli::output::Output;

/// Settings that the keyring does not go along with.
pub(super) fn examine(settings: &Settings, keyring: &Keyring, findings: &mut Vec<Finding>) {
    let numbers = keyring.policy().numbers();
    let before = findings.len();
    if let Some(ttl) = settings
        .ttl
        .filter(|ttl| ttl.as_secs() > numbers.token_lifetime)
    {
        findings.push(Finding::wrong(
            "ttl_too_long",
            format!(
                "the setting ttl is {} s, but the keyring's keys sign for {} s at most: mint refuses",
                ttl.as_secs(),
                numbers.token_lifetime
            ),
            format!("lower ttl to {} s", numbers.token_lifetime),
        ));
    }
    let leeway = settings
        .leeway
        .filter(|leeway| leeway.as_secs() < numbers.clock_skew);
    if let Some(leeway) = leeway {
        findings.push(Finding::wrong(
            "unsafe_policy",
            format!(
                "rule 6: the setting leeway is {} s, but clocks differ by {} s: a good token can be refused",
                leeway.as_secs(),
                numbers.clock_skew
            ),
            format!("raise leeway to {} s", numbers.clock_skew),
        ));
    }
    if findings.len() == before {
        findings.push(Finding::well("settings", "agree with the keyring"));
    }
}

/// One setting as it is in force.
pub(super) struct Effective {
    name: &'static str,
    value: Option<String>,
    place: String,
}

/// Every setting, and the place that had the last word.
pub(super) fn effective(layers: &[Layer], keyring: Option<&Keyring>) -> Vec<Effective> {
    let lifetime = |ttl: Duration| format!("{} s", ttl.as_secs());
    let defaults = keyring.map(Keyring::defaults);
    let audiences = |aud: &Vec<String>| aud.join(", ");
    let find = |name,
                from_keyring: Option<String>,
                fixed: Option<String>,
                read: &dyn Fn(&Settings) -> Option<String>| {
        let said = layers
            .iter()
            .find_map(|layer| Some((read(&layer.settings)?, layer.place.clone())));
        let (value, place) = match (said, from_keyring, fixed) {
            (Some((value, place)), ..) => (Some(value), place),
            (None, Some(value), _) => (Some(value), "keyring".to_owned()),
            (None, None, value) => (value, "default".to_owned()),
        };
        Effective { name, value, place }
    };
    vec![
        find("store", None, Some("keys".to_owned()), &|each| {
            each.store.as_deref().map(OpenedStore::shown)
        }),
        find(
            "iss",
            defaults.and_then(|each| each.issuer.clone()),
            None,
            &|each| each.iss.clone(),
        ),
        find(
            "aud",
            defaults
                .map(|each| audiences(&each.audiences))
                .filter(|aud| !aud.is_empty()),
            None,
            &|each| each.aud.as_ref().map(audiences),
        ),
        find(
            "ttl",
            defaults.and_then(|each| each.token_lifetime.map(lifetime)),
            None,
            &|each| each.ttl.map(lifetime),
        ),
        find("leeway", None, Some(lifetime(DEFAULT_LEEWAY)), &|each| {
            each.leeway.map(lifetime)
        }),
        find("typ", None, None, &|each| each.typ.clone()),
    ]
}

pub(super) fn tell(effective: &[Effective], output: &mut Output) -> Result<(), Failure> {
    for setting in effective {
        let value = setting.value.as_deref().unwrap_or("-");
        output.line(format!("{:7}{value}   ({})", setting.name, setting.place))?;
    }
    Ok(())
}

pub(super) fn json(effective: &[Effective]) -> String {
    let settings: Vec<String> = effective
        .iter()
        .map(|setting| {
            let value = setting.value.as_deref();
            format!(
                "{}:{{\"value\":{},\"from\":{}}}",
                json_string(setting.name),
                value.map_or_else(|| "null".to_owned(), json_string),
                json_string(&setting.place)
            )
        })
        .collect();
    format!("{{{}}}", settings.join(","))
}
