//! How long a fetched key set is fresh, by its publisher's headers (RFC 9111), held
//! between bounds of ours, and when to fetch it again.

use std::time::Duration;

use http::HeaderMap;
use http::header::{AGE, CACHE_CONTROL, DATE, EXPIRES};

use super::http_date;
use crate::key::Entropy;
use crate::time::UnixTime;

/// For a publisher who says nothing.
const UNSAID: Duration = Duration::from_secs(10 * 60);

/// How long the answer stays fresh from now on: `max-age`, else `Expires`, less the
/// time it has spent in caches on its way. Numbers beyond any clock are cut, not wrapped.
pub(super) fn fresh_for(headers: &HeaderMap, now: UnixTime) -> Duration {
    let lifetime = match cache_control(headers) {
        Some(lifetime) => lifetime,
        None => expires(headers, now).unwrap_or(UNSAID),
    };
    let age = texts(headers, AGE).filter_map(whole_seconds).max();
    lifetime.saturating_sub(age.unwrap_or_default())
}

/// The least `max-age`, or nothing at all for `no-store` and `no-cache`.
fn cache_control(headers: &HeaderMap) -> Option<Duration> {
    let directives = texts(headers, CACHE_CONTROL).flat_map(|text| text.split(','));
    let lifetimes = directives.filter_map(|directive| {
        let (name, value) = match directive.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim().trim_matches('"'))),
            None => (directive.trim(), None),
        };
        if name.eq_ignore_ascii_case("no-store") || name.eq_ignore_ascii_case("no-cache") {
            return Some(Duration::ZERO);
        }
        let value = value.filter(|_| name.eq_ignore_ascii_case("max-age"))?;
        // What is not a number has expired (RFC 9111 section 4.2.1).
        Some(whole_seconds(value).unwrap_or_default())
    });
    lifetimes.min()
}

/// The span from `Date`, or from our own clock, to `Expires`. A date that cannot be
/// read has passed (RFC 9111 section 5.3).
fn expires(headers: &HeaderMap, now: UnixTime) -> Option<Duration> {
    let expires = texts(headers, EXPIRES).next()?;
    let from = texts(headers, DATE).find_map(http_date::parse);
    let until = http_date::parse(expires);
    Some(until.map_or(Duration::ZERO, |until| {
        until.saturating_since(from.unwrap_or(now))
    }))
}

fn texts(headers: &HeaderMap, name: http::HeaderName) -> impl Iterator<Item = &str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
}

/// Digits alone; more than fits is the most that fits (RFC 9111 section 1.2.2).
fn whole_seconds(text: &str) -> Option<Duration> {
    let text = text.trim();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)))
}

/// The bounds between which a publisher may choose.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) least: Duration,
    pub(super) most: Duration,
}

/// How long after a fetch the next one is due: between 70 and 80 percent of the
/// lifetime, so that there is time for a second try, and by chance, so that many
/// verifiers started at once do not all come at once.
pub(super) fn refresh_after(lifetime: Duration, bounds: Bounds, entropy: &dyn Entropy) -> Duration {
    let lifetime = lifetime.min(bounds.most);
    let mut byte = [0];
    // Without randomness all come at 80 percent.
    let chance = entropy.fill(&mut byte).map_or(0, |()| u32::from(byte[0]));
    // Of 2550 parts, 2040 to 1785 are waited for.
    let parts = 2040_u32.saturating_sub(chance);
    let waited = lifetime.saturating_mul(parts).checked_div(2550);
    waited.unwrap_or_default().max(bounds.least)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::KeyError;

    const NOW: UnixTime = UnixTime::from_seconds(1_760_000_000);

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, value.parse().unwrap());
        }
        map
    }

    fn seconds(pairs: &[(&'static str, &str)]) -> u64 {
        fresh_for(&headers(pairs), NOW).as_secs()
    }

    #[test]
    fn the_publisher_says_how_long_the_set_is_fresh() {
        assert_eq!(seconds(&[]), 600);
        assert_eq!(
            seconds(&[("cache-control", "public, max-age=150, must-revalidate")]),
            150
        );
        assert_eq!(seconds(&[("cache-control", "Max-Age=\"150\"")]), 150);
        assert_eq!(
            seconds(&[
                ("cache-control", "public"),
                ("cache-control", "max-age = 7")
            ]),
            7
        );
        assert_eq!(seconds(&[("cache-control", "max-age=100, max-age=50")]), 50);
        assert_eq!(
            seconds(&[("cache-control", "max-age=100"), ("age", "40")]),
            60
        );
        assert_eq!(
            seconds(&[("cache-control", "max-age=100"), ("age", "400")]),
            0
        );
        assert_eq!(seconds(&[("cache-control", "max-age=100, no-store")]), 0);
        assert_eq!(seconds(&[("cache-control", "s-maxage=100")]), 600);
    }

    #[test]
    fn lifetimes_beyond_any_clock_are_cut() {
        for text in ["9000000000000000000", "99999999999999999999999999"] {
            let lifetime = fresh_for(
                &headers(&[("cache-control", &format!("max-age={text}"))]),
                NOW,
            );
            assert!(lifetime >= Duration::from_secs(9_000_000_000_000_000_000));
            let bounds = Bounds {
                least: Duration::from_secs(30),
                most: Duration::from_secs(3600),
            };
            let due = refresh_after(lifetime, bounds, &Fixed(0));
            assert_eq!(due, Duration::from_secs(2880));
        }
        for text in ["-1", "abc", "", "1e3", "0x10", "+5"] {
            assert_eq!(
                seconds(&[("cache-control", &format!("max-age={text}"))]),
                0,
                "{text}"
            );
        }
    }

    #[test]
    fn expires_counts_from_the_servers_own_date() {
        let expires = ("expires", "Thu, 09 Oct 2025 09:03:20 GMT");
        assert_eq!(seconds(&[expires]), 600);
        assert_eq!(
            seconds(&[expires, ("date", "Thu, 09 Oct 2025 08:58:20 GMT")]),
            300
        );
        assert_eq!(seconds(&[expires, ("cache-control", "max-age=5")]), 5);
        assert_eq!(seconds(&[("expires", "0")]), 0);
        assert_eq!(seconds(&[("expires", "Thu, 01 Jan 1970 00:00:00 GMT")]), 0);
    }

    struct Fixed(u8);

    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), KeyError> {
            bytes.fill(self.0);
            Ok(())
        }
    }

    #[test]
    fn a_refresh_comes_ahead_of_the_end_and_within_bounds() {
        let bounds = Bounds {
            least: Duration::from_secs(30),
            most: Duration::from_secs(3600),
        };
        let due = |lifetime, chance| {
            refresh_after(Duration::from_secs(lifetime), bounds, &Fixed(chance)).as_secs()
        };
        assert_eq!([due(1000, 0), due(1000, 255)], [800, 700]);
        assert_eq!([due(0, 0), due(10, 255), due(40, 0)], [30, 30, 32]);
        assert_eq!([due(86_400, 0), due(86_400, 255)], [2880, 2520]);
    }
}
