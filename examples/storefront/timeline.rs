//! Times as drawings: a session on a line, and the keyring as a lane for each key.

use std::time::Duration;

use tokenwright::UnixTime;
use tokenwright::keyring::{Keyring, plan};

use crate::shop::Visit;

const DAY: u64 = 86_400;

/// `2026-11-23 14:46:04`, in UTC.
pub(crate) fn moment(at: UnixTime) -> String {
    let text = at.to_rfc3339().unwrap_or_default();
    format!("<time datetime=\"{text}\">{}</time>", plain(&text))
}

pub(crate) fn day(at: UnixTime) -> String {
    let text = at.to_rfc3339().unwrap_or_default();
    format!(
        "<time datetime=\"{text}\">{}</time>",
        text.get(..10).unwrap_or_default()
    )
}

fn plain(text: &str) -> String {
    text.replace('T', " ").replace('Z', "")
}

pub(crate) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// Where an instant lies on a line of `width` between two others.
fn place(at: UnixTime, from: UnixTime, to: UnixTime, width: u64) -> u64 {
    let whole = to.saturating_since(from).as_secs().max(1);
    let part = at.saturating_since(from).as_secs().min(whole);
    part * width / whole
}

/// The session's life: what has passed, what is sure, and what use can add.
pub(crate) fn session(visit: &Visit, now: UnixTime) -> String {
    let x = |at| 10 + place(at, visit.started_at(), visit.ends_at(), 600);
    let (present, idle) = (x(now), x(visit.expires_at()));
    let label = if present > 480 {
        (present - 6, "end")
    } else {
        (present + 6, "start")
    };
    format!(
        r#"<svg class="line" viewBox="0 0 620 76" role="img" aria-label="Time since log in, until the session is over if idle, and until its end">
<rect class="ahead" x="10" y="34" width="600" height="10" rx="5"/>
<rect class="sure" x="10" y="34" width="{}" height="10" rx="5"/>
<rect class="past" x="10" y="34" width="{}" height="10" rx="5"/>
<path class="now" d="M{present} 24v30"/><text x="{}" y="20" text-anchor="{}">now</text>
<text x="10" y="68">log in</text><text x="610" y="68" text-anchor="end">end</text></svg>"#,
        (idle - 10).max(10),
        (present - 10).max(10),
        label.0,
        label.1,
    )
}

/// One lane a key: published, signing, still verifying; those to come, planned.
pub(crate) fn keyring(keyring: &Keyring, now: UnixTime) -> String {
    let (from, to) = (
        now.saturating_sub(Duration::from_secs(20 * DAY)),
        now.saturating_add(Duration::from_secs(70 * DAY)),
    );
    let Ok(plan) = plan(keyring, now, Duration::from_secs(70 * DAY)) else {
        return String::new();
    };
    let x = |at: UnixTime| 90 + place(at, from, to, 620);
    let bar = |class: &str, top: usize, begin: UnixTime, end: UnixTime| {
        let (left, right) = (x(begin), x(end));
        if end <= begin || begin >= to || end <= from {
            return String::new();
        }
        // Fifteen minutes among ninety days are still to be seen.
        let right = right.max(left + 2);
        format!(
            r#"<rect class="{class}" x="{left}" y="{top}" width="{}" height="14" rx="3"/>"#,
            right - left
        )
    };
    let mut lanes = String::new();
    for (number, key) in plan.keys.iter().enumerate() {
        let top = 30 + number * 30;
        let name = key.id.as_ref().map_or_else(
            || "to come".to_owned(),
            |id| id.as_str().chars().take(8).collect(),
        );
        let (signs, stops) = (key.activates_at, key.stops_signing_at);
        let last = key.verifies_until;
        lanes.push_str(&format!(
            r#"<text x="80" y="{}" text-anchor="end">{}</text>{}{}{}"#,
            top + 11,
            crate::pages::escape(&name),
            bar("wait", top, key.published_at, signs.unwrap_or(to)),
            bar("sign", top, signs.unwrap_or(to), stops.unwrap_or(to)),
            bar("keep", top, stops.unwrap_or(to), last.unwrap_or(to)),
        ));
    }
    let bottom = 36 + plan.keys.len() * 30;
    format!(
        r#"<svg class="ring" viewBox="0 0 720 {}" role="img" aria-label="When each key is published, signs and verifies">
{lanes}<path class="now" d="M{now_x} 20V{bottom}"/><text x="{now_x}" y="14" text-anchor="middle">now</text>
<text x="90" y="{}">{}</text><text x="710" y="{}" text-anchor="end">{}</text></svg>
<p class="legend"><span class="wait">published</span><span class="sign">signs</span><span class="keep">verifies</span></p>"#,
        bottom + 22,
        bottom + 16,
        from.to_rfc3339()
            .unwrap_or_default()
            .get(..10)
            .unwrap_or_default(),
        bottom + 16,
        to.to_rfc3339()
            .unwrap_or_default()
            .get(..10)
            .unwrap_or_default(),
        now_x = x(now),
    )
}
