//! What the drawings must show, whatever the plan.

use std::time::Duration;

use tokenwright::UnixTime;
use tokenwright::key::{Algorithm, KeyId};
use tokenwright::keyring::{
    Defaults, Keyring, LargeJump, NewKey, Plan, PlannedKey, RotationPolicy, Step, plan, step,
};

use super::lanes::{NAME_WIDTH, Phase, lanes, short};
use super::{Style, axis::Axis, draw, svg};

const PLAIN: Style = Style {
    colour: false,
    unicode: true,
};
const DAY: Duration = Duration::from_secs(86_400);
const START: UnixTime = UnixTime::from_seconds(1_792_000_000);

fn key(name: &str) -> NewKey {
    NewKey {
        id: KeyId::new(name).unwrap(),
        algorithm: Algorithm::EdDsa,
        public: Some(String::new()),
        address: name.to_owned(),
    }
}

/// A keyring that has turned for fifty days, and what it plans then.
fn example(ahead: Duration) -> (Plan, UnixTime) {
    let names = [
        "Xk4mTq0pVh2Zc9LwRyUe",
        "b7Wn1sJd8Ga3FtEoQi5K",
        "hP6uMz0vYx4CjNrBl2Sk",
        "t3DfRg9aKq7LwHeVo1Ui",
    ];
    let mut names = names.iter().map(|name| key(name));
    let policy = RotationPolicy::default();
    let first = names.next().unwrap();
    let mut keyring = Keyring::create("orders", policy, Defaults::default(), first, START).unwrap();
    let now = START.saturating_add(Duration::from_secs(50 * 86_400 + 7_000));
    let mut at = START;
    while at <= now {
        match step(&keyring, at, None, LargeJump::Accept).unwrap() {
            Step::Idle { next } => at = next.unwrap(),
            Step::NeedsKey { .. } => {
                let supply = names.next();
                match step(&keyring, at, supply, LargeJump::Accept).unwrap() {
                    Step::Commit(change) => keyring = change.keyring,
                    other => panic!("{other:?}"),
                }
            }
            Step::Commit(change) | Step::Erase { then: change, .. } => keyring = change.keyring,
            other => panic!("{other:?}"),
        }
    }
    (plan(&keyring, now, ahead).unwrap(), now)
}

fn at(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(1_800_000_000 + seconds)
}

/// One key with P, A, D and V at these seconds.
fn planned(id: Option<&str>, times: [i64; 4]) -> PlannedKey {
    let [published, activates, stops, verifies] = times.map(at);
    PlannedKey {
        id: id.map(|id| KeyId::new(id).unwrap()),
        published_at: published,
        activates_at: Some(activates),
        stops_signing_at: Some(stops),
        private_erased_at: Some(stops.saturating_add(Duration::from_secs(30))),
        verifies_until: Some(verifies),
        withdrawn_at: Some(verifies.saturating_add(Duration::from_secs(30))),
        compromised_at: None,
        suspended: false,
    }
}

fn plan_of(keys: Vec<PlannedKey>, ahead: i64) -> Plan {
    Plan {
        ring: "orders".to_owned(),
        policy: RotationPolicy::default(),
        from: at(0),
        until: at(ahead),
        keys,
        transitions: Vec::new(),
    }
}

/// Fails unless every element is closed in turn, every attribute quoted and every
/// ampersand begins one of the five references; the names of the elements.
fn elements(document: &str) -> Vec<String> {
    let (mut open, mut names) = (Vec::new(), Vec::new());
    let mut rest = document;
    while let Some((before, after)) = rest.split_once('<') {
        assert!(
            !before.contains('>') || open.last() == Some(&"style"),
            "{before}"
        );
        for reference in before.split('&').skip(1) {
            let (name, _) = reference.split_once(';').unwrap();
            assert!(
                ["amp", "lt", "gt", "quot", "apos"].contains(&name),
                "{name}"
            );
        }
        let (tag, after) = after.split_once('>').unwrap();
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        assert!(!tag.contains(['<', '&']), "{tag}");
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None => {
                let name = tag.split([' ', '/']).next().unwrap();
                names.push(name.to_owned());
                if !tag.ends_with('/') {
                    open.push(name);
                }
            }
        }
        rest = after;
    }
    assert_eq!(open, Vec::<&str>::new());
    names
}

fn attribute(tag: &str, name: &str) -> f64 {
    let (_, after) = tag.split_once(&format!(" {name}=\"")).unwrap();
    after.split_once('"').unwrap().0.parse().unwrap()
}

/// Every lane has a name and bars from left to right within the picture.
#[track_caller]
fn check_picture(plan: &Plan, now: UnixTime) {
    let picture = svg(plan, now);
    let names = elements(&picture);
    assert_eq!(
        names.iter().filter(|name| *name == "g").count(),
        plan.keys.len()
    );
    for lane in picture.split("<g class=\"lane\">").skip(1) {
        let (lane, _) = lane.split_once("</g>").unwrap();
        assert!(lane.contains("class=\"mono\""));
        let mut reached = 150.0;
        for bar in lane
            .lines()
            .filter(|line| line.starts_with("<rect") && !line.contains("ground"))
        {
            let (x, width) = (attribute(bar, "x"), attribute(bar, "width"));
            assert!(x >= reached - 0.11 && width > 0.0, "{bar} after {reached}");
            reached = x + width;
        }
        assert!(reached <= 1_050.11, "{reached}");
    }
    let line = picture
        .lines()
        .find(|line| line.contains("class=\"now\""))
        .unwrap();
    assert!((150.0..=1_050.0).contains(&attribute(line, "x1")));
    assert_eq!(picture, svg(plan, now));
}

/// A row for each key, no line wider than asked for, and the present in every row.
#[track_caller]
fn check_terminal(plan: &Plan, now: UnixTime) {
    for (width, unicode) in [
        (60, true),
        (61, false),
        (80, true),
        (133, false),
        (200, true),
    ] {
        let text = draw(
            plan,
            now,
            width,
            Style {
                colour: false,
                unicode,
            },
        );
        let longest = text.lines().map(|line| line.chars().count()).max();
        assert!(longest <= Some(width), "{longest:?} > {width}:\n{text}");
        let present = if unicode { '│' } else { '|' };
        let rows: Vec<&str> = text.lines().skip(1).take(plan.keys.len()).collect();
        assert_eq!(rows.len(), plan.keys.len());
        let column = |row: &str| row.chars().skip(NAME_WIDTH).position(|c| c == present);
        assert!(
            rows.iter()
                .all(|row| column(row).is_some() && column(row) == column(rows[0]))
        );
        assert_eq!(text.is_ascii(), !unicode);
    }
}

#[test]
fn a_small_plan_looks_exactly_like_this() {
    let plan = plan_of(
        vec![
            planned(Some("old"), [-90_000, -80_000, 20_000, 40_000]),
            planned(None, [19_700, 20_000, 90_000, 100_000]),
        ],
        86_400,
    );
    let style = Style {
        colour: false,
        unicode: false,
    };
    assert_eq!(
        draw(&plan, at(0), 60, style),
        "\
orders | 2027-01-15 - 2027-01-16 | UTC
old             #######|########========....................
new 1                  |       -############################
                -------|------+----------------+------------
                              01-15 12:00      01-16 00:00
- published   # signs and verifies   = verifies   . gone
| now 2027-01-15T08:00:00Z
"
    );
}

#[test]
fn every_key_has_its_lane_over_a_day_a_quarter_and_ten_years() {
    for (days, least) in [(1, 2), (90, 5), (3_653, 100)] {
        let (plan, now) = example(DAY * days);
        assert!(plan.keys.len() >= least, "{}", plan.keys.len());
        check_picture(&plan, now);
        check_terminal(&plan, now);
    }
}

#[test]
fn phases_of_minutes_are_seen_on_an_axis_of_months() {
    let (plan, now) = example(DAY * 90);
    let text = draw(&plan, now, 60, PLAIN);
    let row = text.lines().find(|line| line.starts_with("new 1")).unwrap();
    assert!(row.contains("░█") && row.contains("█▒·"), "{row}");
    let picture = svg(&plan, now);
    let lane = picture.split("<g class=\"lane\">").nth(3).unwrap();
    for class in ["published", "verifies"] {
        let prefix = format!("<rect class=\"{class}\"");
        let bar = lane.lines().find(|line| line.starts_with(&prefix)).unwrap();
        assert!(attribute(bar, "width") >= 5.0);
    }
}

#[test]
fn signing_passes_from_key_to_key_without_gap_or_overlap() {
    let (plan, now) = example(DAY * 365);
    let axis = Axis::of(&plan, now);
    let mut reached = None;
    for lane in lanes(&plan, now, "…") {
        let placed = lane.place(&axis, |time| axis.fraction(time), 1.0, 0.001);
        let Some(signs) = placed.iter().find(|placed| placed.phase == Phase::Signs) else {
            continue;
        };
        assert!(reached.is_none_or(|reached| reached == signs.from));
        reached = Some(signs.to);
    }
    assert_eq!(reached, Some(1.0));
}

#[test]
fn a_plan_without_keys_is_drawn_as_such() {
    let plan = plan_of(Vec::new(), 0);
    assert_eq!(draw(&plan, at(0), 80, PLAIN), "no keys\n");
    check_picture(&plan, at(0));
    assert!(svg(&plan, at(0)).contains(">no keys<"));
}

#[test]
fn hostile_names_command_neither_terminal_nor_xml() {
    let hostile = "]]><script>&'\"\u{1b}[2J\u{202e}\u{ffff}";
    let mut plan = plan_of(
        vec![planned(Some(hostile), [-9, 0, 50_000, 60_000])],
        86_400,
    );
    plan.ring = format!("{hostile}{}", "x".repeat(500));
    check_picture(&plan, at(0));
    let picture = svg(&plan, at(0));
    assert!(!picture.contains("<script") && !picture.contains(['\u{1b}', '\u{202e}', '\u{ffff}']));
    for width in [20, 80] {
        let text = draw(&plan, at(0), width, PLAIN);
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    }
    assert_eq!(short(&"k".repeat(1_000), "…").chars().count(), NAME_WIDTH);
    assert_eq!(short("\u{4e00}", "…"), "\\u{4e00}");
}

#[test]
fn compromised_and_suspended_keys_are_told_apart() {
    let mut refused = planned(Some("a"), [-50_000, -40_000, 40_000, 50_000]);
    refused.compromised_at = Some(at(20_000));
    let mut suspended = planned(Some("b"), [-50_000, -40_000, 40_000, 50_000]);
    suspended.suspended = true;
    let plan = plan_of(vec![refused, suspended], 86_400);
    check_picture(&plan, at(0));
    let text = draw(&plan, at(0), 80, PLAIN);
    let rows: Vec<&str> = text.lines().collect();
    assert!(rows[1].contains("█✗·") && !rows[1].contains('▒'), "{text}");
    assert!(rows[2].contains("█│≈") && rows[2].contains("≈·"), "{text}");
    assert!(text.contains("✗ refused from here") && text.contains("≈ suspended"));
    assert!(svg(&plan, at(0)).contains("refused from 2027-01-15T13:33:20Z"));
}

#[test]
fn narrow_terminals_get_a_list() {
    let plan = plan_of(vec![planned(Some("a"), [0, 340, 86_400, 90_000])], 86_400);
    assert_eq!(
        draw(&plan, at(0), 59, PLAIN),
        "a\n  published 2027-01-15T08:00:00Z\n  signs     2027-01-15T08:05:40Z\n  \
         verifies  2027-01-16T08:00:00Z\n  gone      2027-01-16T09:00:00Z\n"
    );
}

#[test]
fn colour_changes_nothing_but_colour() {
    let (plan, now) = example(DAY * 90);
    let coloured = draw(
        &plan,
        now,
        100,
        Style {
            colour: true,
            unicode: true,
        },
    );
    let mut plain = String::new();
    for (place, part) in coloured.split("\u{1b}[").enumerate() {
        plain.push_str(if place == 0 {
            part
        } else {
            part.split_once('m').unwrap().1
        });
    }
    assert!(coloured.contains("\u{1b}[34m█"));
    assert_eq!(plain, draw(&plan, now, 100, PLAIN));
}

#[test]
fn times_at_the_ends_of_the_calendar_are_no_trouble() {
    for now in [i64::MIN, -1, 253_402_300_000, i64::MAX] {
        let now = UnixTime::from_seconds(now);
        let mut plan = plan_of(vec![planned(None, [0, 1, 2, 3])], 0);
        plan.until = now.saturating_add(DAY * 400_000);
        check_picture(&plan, now);
        check_terminal(&plan, now);
    }
}

/// After a change of the drawing, `UPDATE_PICTURES=1 cargo test` writes it anew; look at it then.
#[test]
fn the_picture_in_the_guide_is_what_is_drawn_today() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/rotation-timeline.svg");
    let (plan, now) = example(DAY * 90);
    let picture = svg(&plan, now);
    if std::env::var_os("UPDATE_PICTURES").is_some() {
        std::fs::write(path, &picture).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), picture);
}
