//! Doing what is due, seeing what is going to be, and what the exit code says.

use crate::past::{DAY, HOUR, Past};

/// When the successor is due: W before the period ends.
const DUE: u64 = DAY - 340;

#[test]
fn a_run_does_what_is_due_and_the_next_one_finds_nothing() {
    let past = Past::new(HOUR);
    let run = past.rotate_at(0, &["--if-due"]).succeeds();
    let table = run.stdout();
    assert!(table.starts_with("DONE                 KID "), "{table}");
    assert!(table.contains("\nstandby published    "), "{table}");
    assert!(run.stderr().starts_with("made 1 change; next: "));
    let before = past.document();
    let again = past.rotate_at(0, &["--if-due"]).succeeds();
    assert_eq!(again.stdout(), "");
    assert!(again.stderr().starts_with("nothing is due; next: "));
    assert_eq!(past.document(), before);
}

#[test]
fn the_exit_code_says_whether_something_was_due_if_asked() {
    let past = Past::new(HOUR);
    assert_eq!(past.rotate_at(0, &["--exit-code", "--dry-run"]).code(), 1);
    assert_eq!(past.rotate_at(0, &["--exit-code"]).code(), 1);
    assert_eq!(past.rotate_at(0, &["--exit-code"]).code(), 0);
    assert_eq!(past.rotate_at(0, &["--exit-code", "--dry-run"]).code(), 0);
}

#[test]
fn a_dry_run_says_what_would_be_done_and_changes_nothing() {
    let past = Past::new(HOUR);
    let before = (past.document(), past.place.all());
    let run = past.rotate_at(0, &["--dry-run"]).succeeds();
    assert!(run.stdout().contains("standby published    new-1"));
    run.says("would make 1 change; nothing was changed\n");
    assert_eq!((past.document(), past.place.all()), before);
    // A time that has not come may be looked at.
    let run = past.rotate_at(DUE, &["--dry-run", "--json"]).succeeds();
    let report = run.json();
    assert_eq!(report["schema"], "tokenwright.rotate");
    assert_eq!(report["version"], 1);
    assert_eq!(report["dry_run"], true);
    assert_eq!(report["events"][0]["event"], "successor_published");
    assert_eq!((past.document(), past.place.all()), before);
}

#[test]
fn a_time_that_has_not_come_is_committed_only_by_force() {
    let past = Past::with_standby(HOUR);
    let before = past.document();
    let told = past.rotate_at(DUE, &[]).fails(2, "usage").stderr();
    assert!(
        told.contains(
            " has not come yet: committed now, it would make every other clock look wrong until then; nothing was changed\n\
             hint: to see what would be done then, add --dry-run\n\
             hint: to do it all the same, on a copy of the keyring, add --force\n"
        ),
        "{told}"
    );
    assert_eq!(past.document(), before);
    past.rotate_at(DUE, &["--force"]).succeeds();
    assert_ne!(past.document(), before);
}

#[test]
fn a_key_is_published_signs_retires_and_goes() {
    let past = Past::with_standby(2 * DAY);
    let events = |after| {
        let report = past.rotate_at(after, &["--json"]).succeeds().json();
        let events = report["events"].as_array().unwrap();
        let names = events.iter().map(|event| event["event"].as_str().unwrap());
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(events(DUE - 1).is_empty());
    assert_eq!(events(DUE), ["successor_published"]);
    // D is A of the successor: a whole period after the first began.
    assert!(events(DAY + 29).is_empty());
    assert_eq!(events(DAY + 30), ["private_half_erased"]);
    let private = past.place.path(&format!("keys/private/{}.key", past.first));
    assert!(!private.exists());
    // V = D + T + leeway, and gone S later.
    assert!(events(DAY + 900 + 30 + 29).is_empty());
    assert_eq!(events(DAY + 900 + 30 + 30), ["withdrawn"]);
    assert!(past.keys().iter().all(|key| key["kid"] != past.first));
}

#[test]
fn the_key_that_signs_now_mints_and_the_one_before_still_verifies() {
    // The first key signed until a quarter of an hour less a minute ago.
    let past = Past::with_standby(DAY + 14 * 60);
    past.rotate_at(DUE, &[]).succeeds();
    assert_eq!(past.state(&past.first), "retiring");
    let token = past.place.mint(&["--sub", "alice"]);
    let verified = past.place.run(&["verify", &token]).succeeds();
    let active = past.only("active");
    assert!(verified.stderr().contains(active.get(..4).unwrap()));
    let published = past.place.run(&["jwks"]).succeeds().json();
    assert_eq!(published["keys"].as_array().unwrap().len(), 3);
}

#[test]
fn the_plan_tells_every_transition_in_order() {
    let past = Past::with_standby(60);
    let plan = past
        .place
        .run(&["rotate", "plan", "--for", "3d"])
        .succeeds();
    let shown = plan.stdout();
    let (table, _) = shown.split_once("\n\n").unwrap();
    let lines: Vec<&str> = table.lines().collect();
    assert!(
        lines[0].starts_with("TIME (UTC)            KID "),
        "{table}"
    );
    let told = |line: &str| line.rsplit("  ").next().unwrap().to_owned();
    let begin: Vec<String> = lines[1..].iter().take(6).map(|line| told(line)).collect();
    assert_eq!(
        begin,
        [
            "published",
            "stops signing",
            "starts signing",
            "private half erased",
            "stops verifying",
            "withdrawn"
        ],
        "{table}"
    );
    let times: Vec<&str> = lines[1..]
        .iter()
        .filter_map(|line| line.get(..20))
        .collect();
    assert!(times.is_sorted());
    let json = past
        .place
        .run(&["rotate", "plan", "--json"])
        .succeeds()
        .json();
    assert_eq!(json["schema"], "tokenwright.rotate-plan");
    // Ninety days of daily keys, the active one, the standby, and at most one in the making.
    let keys = json["keys"].as_array().unwrap().len();
    assert!((92..=93).contains(&keys), "{keys}");
}

#[test]
fn key_list_and_key_show_tell_the_next_transition() {
    let past = Past::with_standby(HOUR);
    let end = tokenwright::UnixTime::from_seconds(past.time(DAY).seconds());
    let next = format!("stops signing {}", end.to_rfc3339().unwrap());
    let listed = past.place.run(&["key", "list"]).succeeds().stdout();
    assert!(listed.contains(&next), "{listed}");
    let shown = past.place.run(&["key", "show", &past.first]).succeeds();
    assert!(
        shown
            .stdout()
            .contains(&format!("\nnext            {next}\n"))
    );
    let standby = past.only("standby");
    let shown = past.place.run(&["key", "show", &standby]).succeeds();
    let state = "\nstate           standby (NIST SP 800-57: pre-activation)\n";
    assert!(shown.stdout().contains(state));
}

#[test]
fn an_unsafe_policy_does_not_start_and_says_what_would() {
    let place = crate::place::Place::new();
    place
        .run(&["init", "--rotate-every", "1m"])
        .fails(6, "unsafe_policy")
        .says(
            "error[unsafe_policy]: rule 10: period is 60 s, but each key is published 340 s before it signs: \
             rotation would always be late; raise period to 340 s, or lower view_age to 20 s\n\
             hint: this would do: --rotate-every 340s --ttl 900s\n",
        );
    assert!(place.all().is_empty());
    place
        .run(&["init", "--rotate-every", "340s", "--ttl", "900s"])
        .succeeds();
    place
        .run(&["init", "--store", "other", "--rotate-every", "10m", "--ttl", "30d"])
        .fails(6, "unsafe_policy")
        .says(
            "error[unsafe_policy]: rule 10: tokens of 2592000 s and a period of 600 s make 4323 keys published at once, \
             but most_keys is 64; raise period to 41813 s, or lower token_lifetime to 36800 s\n\
             hint: this would do: --rotate-every 41813s --ttl 2592000s\n\
             hint: this would do: --rotate-every 600s --ttl 36800s\n",
        );
}

#[test]
fn flags_before_a_subcommand_are_not_silently_ignored() {
    let past = Past::new(HOUR);
    past.place
        .run(&["rotate", "--dry-run", "plan"])
        .fails(2, "usage");
    past.place
        .run(&["rotate", "--store", "keys", "plan"])
        .succeeds();
    past.place
        .run(&["rotate", "--watch", "--dry-run"])
        .fails(2, "usage");
}

#[test]
fn a_plan_is_drawn_below_its_table_and_a_picture_is_never_overwritten_unasked() {
    let past = Past::with_standby(HOUR);
    let plan = ["rotate", "plan", "--for", "3d"];
    let shown = past.place.run(&plan).succeeds().stdout();
    let (_, drawing) = shown.split_once("\n\n").unwrap();
    assert!(drawing.lines().count() > 4, "{drawing}");
    assert!(!shown.contains('\u{1b}'));
    let mut colored = plan.to_vec();
    colored.extend(["--color", "always"]);
    let colored = past.place.run(&colored).succeeds().stdout();
    assert!(colored.contains('\u{1b}'));
    let picture = ["rotate", "plan", "--svg", "plan.svg"];
    let run = past.place.run(&picture).succeeds();
    run.says("note: wrote plan.svg\n");
    assert!(past.place.read("plan.svg").contains("<svg"));
    past.place.write("plan.svg", "mine");
    let words = past.place.run(&picture).fails(6, "io").stderr();
    assert!(
        words.ends_with("it exists already\nhint: give --force to replace it\n"),
        "{words}"
    );
    assert_eq!(past.place.read("plan.svg"), "mine");
    let mut forced = picture.to_vec();
    forced.push("--force");
    past.place.run(&forced).succeeds();
    assert!(past.place.read("plan.svg").ends_with("</svg>\n"));
}
