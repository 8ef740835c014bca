//! One handover, not to scale, and the numbers that make it safe.
//!
//! On an axis of months the minutes that matter are a few pixels; here they are named.

use std::fmt::Write as _;
use std::time::Duration;

use tokenwright::keyring::Plan;

use super::svg::{centred, diamond, end, line, rect, text};

/// Where things happen: published, handed over, private half destroyed, last token
/// expired, withdrawn.
const AT: [f64; 5] = [300.0, 500.0, 590.0, 830.0, 930.0];
const HEIGHT: f64 = 18.0;

/// Writes inset and caption from `top` down; the picture's height.
pub(super) fn write(plan: &Plan, top: f64, out: &mut String) -> f64 {
    let [published, handover, erased, expired, withdrawn] = AT;
    let policy = &plan.policy;
    let shared = are_shared(plan);
    let tail = policy.token_lifetime().saturating_add(policy.leeway());
    let (old, new) = (top + 44.0, top + 76.0);
    text(20.0, top + 16.0, "", "One handover, not to scale", out);
    line("grid", (20.0, top), (1060.0, top), out);

    text(150.0, old + 13.0, "in", "the key before", out);
    rect("signs", (280.0, old), (handover - 280.0, HEIGHT), out);
    rect(
        "verifies",
        (handover, old),
        (expired - handover, HEIGHT),
        out,
    );
    line("gone", (expired, old + 9.0), (1040.0, old + 9.0), out);
    end(false, expired, old, HEIGHT, out);
    let destroyed = if shared { withdrawn } else { erased };
    diamond(destroyed, old + HEIGHT, out);
    text(150.0, new + 13.0, "in", "its successor", out);
    rect(
        "published",
        (published, new),
        (handover - published, HEIGHT),
        out,
    );
    rect("signs", (handover, new), (1040.0 - handover, HEIGHT), out);

    let (above, below) = (old - 7.0, new + HEIGHT + 7.0);
    let ahead = format!("W = {}", exact(policy.publish_ahead()));
    let skew = format!("S = {}", exact(policy.clock_skew()));
    let rest = format!("T + λ = {}", exact(tail));
    if !shared {
        brace(&skew, (handover, erased), above, Side::Above, out);
    }
    brace(&skew, (expired, withdrawn), above, Side::Above, out);
    brace(&ahead, (published, handover), below, Side::Below, out);
    brace(&rest, (handover, expired), below, Side::Below, out);
    caption(plan, shared, below + 44.0, out)
}

#[derive(Clone, Copy)]
enum Side {
    Above,
    Below,
}

/// Whether the keys are shared secrets, which verify as well as they sign and so are
/// destroyed no sooner than they are withdrawn.
fn are_shared(plan: &Plan) -> bool {
    plan.keys
        .iter()
        .filter(|key| key.compromised_at.is_none())
        .any(|key| key.private_erased_at.is_some() && key.private_erased_at == key.withdrawn_at)
}

/// A measure between two places, named.
fn brace(words: &str, (from, to): (f64, f64), y: f64, side: Side, out: &mut String) {
    let _ = writeln!(
        out,
        "<path d=\"M{from:.1} {:.1}v6M{from:.1} {y:.1}H{to:.1}M{to:.1} {:.1}v6\" stroke=\"#444\" fill=\"none\"/>",
        y - 3.0,
        y - 3.0
    );
    let baseline = match side {
        Side::Above => y - 6.0,
        Side::Below => y + 14.0,
    };
    centred(((from + to) / 2.0, baseline), "small", words, out);
}

/// Every number of the policy with its meaning; the picture's height.
fn caption(plan: &Plan, shared: bool, top: f64, out: &mut String) -> f64 {
    let policy = &plan.policy;
    let numbers = [
        ("R", policy.period(), "a key signs this long"),
        (
            "W",
            policy.publish_ahead(),
            "published ahead of signing, at least C + S + L",
        ),
        ("T", policy.token_lifetime(), "longest lifetime of a token"),
        (
            "C",
            policy.view_age(),
            "greatest age of a view of the keyring",
        ),
        ("λ", policy.leeway(), "leeway of verifiers on times"),
        (
            "S",
            policy.clock_skew(),
            "greatest difference between two clocks",
        ),
        (
            "L",
            policy.propagation(),
            "from commit to readable everywhere",
        ),
    ];
    let mut y = top;
    for row in numbers.chunks(2) {
        for ((symbol, length, meaning), x) in row.iter().zip([20.0, 560.0]) {
            text(x, y, "mono", &format!("{symbol} = {}", exact(*length)), out);
            text(x + 130.0, y, "small", meaning, out);
        }
        y += 20.0;
    }
    let sentence = if shared {
        "A shared secret is destroyed when its key leaves the published set, S after the last token expired."
    } else {
        "The private half is destroyed S after the handover; the key leaves the published set S after it stops verifying."
    };
    text(20.0, y + 4.0, "small", sentence, out);
    y + 20.0
}

/// A duration in the largest unit that leaves no rest.
fn exact(length: Duration) -> String {
    let seconds = length.as_secs();
    [(86_400, "d"), (3_600, "h"), (60, "min")]
        .into_iter()
        .find(|(unit, _)| seconds > 0 && seconds.checked_rem(*unit) == Some(0))
        .and_then(|(unit, name)| Some(format!("{} {name}", seconds.checked_div(unit)?)))
        .unwrap_or_else(|| format!("{seconds} s"))
}
