//! The revocation list and a plain map live through the same random histories and
//! never give two answers: entries of every kind added one by one and in bulk, pruned,
//! refused for want of room, published, and read again after a restart, while the
//! clock moves both ways.

use std::collections::HashMap;

use tokenwright::{
    LiveRevocations, Revocation, RevocationCheck as _, RevocationList, RevocationView, RevokedBy,
    TokenFacts, UnixTime, Verdict,
};

/// The same numbers for the same seed (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % limit
    }

    fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }

    fn of<'n>(&mut self, names: &'n [String]) -> &'n str {
        &names[self.below(names.len() as u64) as usize]
    }
}

/// Every name that occurs. More issuers than the list keeps at hand, and more tokens
/// than one part of its table holds.
struct Names {
    issuers: Vec<String>,
    tokens: Vec<String>,
    sessions: Vec<String>,
    subjects: Vec<String>,
    audiences: Vec<String>,
    keys: Vec<String>,
}

impl Names {
    fn new() -> Self {
        let named =
            |count: u32, word: &str| (0..count).map(|number| format!("{word}{number}")).collect();
        Self {
            issuers: named(11, "https://issuer.example/"),
            tokens: named(30_000, "t"),
            // A session may be called what a token is called.
            sessions: named(2_000, "t"),
            subjects: named(30, "user-"),
            audiences: named(4, "service-"),
            keys: named(60, "key-"),
        }
    }
}

#[derive(Clone, Copy)]
struct Kept {
    issued_before: Option<UnixTime>,
    until: UnixTime,
}

type Scope<'n> = (RevokedBy, &'n str, &'n str);

/// What the list must do, said as plainly as possible.
#[derive(Clone)]
struct Plain<'n> {
    entries: HashMap<Scope<'n>, Kept>,
    limit: usize,
}

impl<'n> Plain<'n> {
    fn add(&mut self, scope: Scope<'n>, new: Kept) {
        let kept = self.entries.entry(scope).or_insert(new);
        kept.until = kept.until.max(new.until);
        kept.issued_before = kept.issued_before.max(new.issued_before);
    }

    /// Adds all of them or none.
    fn try_add(&mut self, entries: &[(Scope<'n>, Kept)]) -> bool {
        let mut next = self.clone();
        entries
            .iter()
            .for_each(|(scope, kept)| next.add(*scope, *kept));
        if next.entries.len() > self.limit {
            return false;
        }
        *self = next;
        true
    }

    fn prune(&mut self, now: UnixTime) -> usize {
        let before = self.entries.len();
        self.entries.retain(|_, kept| kept.until > now);
        before - self.entries.len()
    }

    fn verdict(&self, token: &Token<'n>) -> Answer {
        let Some(id) = token.id else {
            return Answer::Unidentified;
        };
        let listed = |by, name: &'n str| self.entries.get(&(by, token.issuer, name));
        if listed(RevokedBy::Token, id).is_some() {
            return Answer::Revoked(RevokedBy::Token, None);
        }
        if token
            .session
            .is_some_and(|name| listed(RevokedBy::Session, name).is_some())
        {
            return Answer::Revoked(RevokedBy::Session, None);
        }
        if listed(RevokedBy::Key, token.key).is_some() {
            return Answer::Revoked(RevokedBy::Key, None);
        }
        let mut scopes = vec![(RevokedBy::Issuer, listed(RevokedBy::Issuer, ""))];
        scopes.push((
            RevokedBy::Subject,
            token
                .subject
                .and_then(|name| listed(RevokedBy::Subject, name)),
        ));
        for audience in token.audiences.iter().copied() {
            scopes.push((RevokedBy::Audience, listed(RevokedBy::Audience, audience)));
        }
        let mut latest = None;
        for (by, kept) in scopes {
            let before = kept.and_then(|kept| kept.issued_before);
            if before > latest.map(|(_, before)| before) {
                latest = before.map(|before| (by, before));
            }
        }
        match latest {
            Some((by, before)) if token.issued_at.is_none_or(|at| at < before) => {
                Answer::Revoked(by, Some(before))
            }
            _ => Answer::Clear,
        }
    }
}

struct Token<'n> {
    issuer: &'n str,
    key: &'n str,
    id: Option<&'n str>,
    session: Option<&'n str>,
    subject: Option<&'n str>,
    audiences: Vec<&'n str>,
    issued_at: Option<UnixTime>,
}

#[derive(Debug, PartialEq)]
enum Answer {
    Clear,
    Unidentified,
    Revoked(RevokedBy, Option<UnixTime>),
}

impl Answer {
    fn of(live: &LiveRevocations, token: &Token<'_>) -> Self {
        let audiences: Vec<String> = token
            .audiences
            .iter()
            .map(|&name| name.to_owned())
            .collect();
        let mut facts = TokenFacts::new(token.issuer, token.key).with_audience(&audiences);
        if let Some(id) = token.id {
            facts = facts.with_token_id(id);
        }
        if let Some(session) = token.session {
            facts = facts.with_session_id(session);
        }
        if let Some(subject) = token.subject {
            facts = facts.with_subject(subject);
        }
        if let Some(at) = token.issued_at {
            facts = facts.with_issued_at(at);
        }
        match live.check(&facts, UnixTime::from_seconds(0)) {
            Verdict::Clear { .. } => Self::Clear,
            Verdict::Unidentified { claim: "jti" } => Self::Unidentified,
            Verdict::Revoked {
                by, issued_before, ..
            } => Self::Revoked(by, issued_before),
            other => panic!("{other:?}"),
        }
    }
}

/// A history under way.
struct History<'n> {
    names: &'n Names,
    random: Random,
    now: i64,
    plain: Plain<'n>,
    list: RevocationList,
}

impl<'n> History<'n> {
    fn new(names: &'n Names, seed: u64, limit: usize) -> Self {
        Self {
            names,
            random: Random(seed << 40),
            now: 1_760_000_000,
            plain: Plain {
                entries: HashMap::new(),
                limit,
            },
            list: RevocationList::with_limit(limit),
        }
    }

    fn draw(&mut self) -> (Scope<'n>, Kept) {
        let Self {
            names, random, now, ..
        } = self;
        let issuer = random.of(&names.issuers);
        let (by, name) = match random.below(400) {
            0 => (RevokedBy::Issuer, ""),
            1..3 => (RevokedBy::Audience, random.of(&names.audiences)),
            3..6 => (RevokedBy::Subject, random.of(&names.subjects)),
            6 => (RevokedBy::Key, random.of(&names.keys)),
            7..40 => (RevokedBy::Session, random.of(&names.sessions)),
            _ => (RevokedBy::Token, random.of(&names.tokens)),
        };
        let many = matches!(by, RevokedBy::Token | RevokedBy::Session);
        let for_ever = many && random.one_in(50);
        let until = if for_ever {
            // Past the year 2106, which is for ever.
            5_000_000_000
        } else {
            *now + random.below(3_000) as i64 - 20
        };
        let has_instant = matches!(
            by,
            RevokedBy::Issuer | RevokedBy::Audience | RevokedBy::Subject
        );
        let issued_before =
            has_instant.then(|| UnixTime::from_seconds(*now + random.below(200) as i64 - 150));
        let until = UnixTime::from_seconds(until);
        (
            (by, issuer, name),
            Kept {
                issued_before,
                until,
            },
        )
    }

    fn add_some(&mut self) {
        for _ in 0..1 + self.random.below(40) {
            let (scope, kept) = self.draw();
            let full = !self.plain.entries.contains_key(&scope)
                && self.plain.entries.len() >= self.plain.limit;
            if !full {
                self.plain.add(scope, kept);
            }
            let added = self.list.add(&entry(scope, kept));
            assert_eq!(
                added.map_err(|error| error.code()),
                if full { Err("list_full") } else { Ok(()) }
            );
        }
    }

    fn add_many(&mut self) {
        let count = self.random.below(3_000);
        let drawn: Vec<_> = (0..count).map(|_| self.draw()).collect();
        let fits = self.plain.try_add(&drawn);
        let added = self
            .list
            .extend(drawn.iter().map(|(scope, kept)| entry(*scope, *kept)));
        assert_eq!(added.is_ok(), fits);
    }

    fn prune(&mut self) {
        let now = UnixTime::from_seconds(self.now);
        assert_eq!(self.list.prune(now), self.plain.prune(now));
    }

    /// A new process reads what was stored, under a key of its own.
    fn restart(&mut self) {
        self.list = RevocationList::with_limit(self.plain.limit);
        let stored = self
            .plain
            .entries
            .iter()
            .map(|(scope, kept)| entry(*scope, *kept));
        self.list.extend(stored).unwrap();
    }

    fn token(&mut self) -> Token<'n> {
        let Self {
            names, random, now, ..
        } = self;
        let issued_at = UnixTime::from_seconds(*now + random.below(250) as i64 - 200);
        Token {
            issuer: random.of(&names.issuers),
            key: random.of(&names.keys),
            id: (!random.one_in(100)).then(|| random.of(&names.tokens)),
            session: random.one_in(2).then(|| random.of(&names.sessions)),
            subject: random.one_in(2).then(|| random.of(&names.subjects)),
            audiences: (0..random.below(3))
                .map(|_| random.of(&names.audiences))
                .collect(),
            issued_at: (!random.one_in(10)).then_some(issued_at),
        }
    }

    #[track_caller]
    fn agree(&mut self, live: &LiveRevocations, plain: &Plain<'n>, checks: u64) -> [u64; 2] {
        let mut seen = [0; 2];
        for _ in 0..checks {
            let token = self.token();
            let expected = plain.verdict(&token);
            assert_eq!(Answer::of(live, &token), expected);
            seen[usize::from(expected != Answer::Clear)] += 1;
        }
        let list = live.view();
        assert_eq!(list.list().len(), plain.entries.len());
        seen
    }

    fn counts_agree(&self, live: &LiveRevocations) {
        let list = live.view();
        for by in [
            RevokedBy::Token,
            RevokedBy::Session,
            RevokedBy::Subject,
            RevokedBy::Audience,
        ] {
            let expected = self
                .plain
                .entries
                .keys()
                .filter(|(kind, ..)| *kind == by)
                .count();
            assert_eq!(list.list().count(by), expected, "{by}");
        }
    }
}

fn entry<'n>((by, issuer, name): Scope<'n>, kept: Kept) -> Revocation<'n> {
    let (since, until) = (UnixTime::from_seconds(0), kept.until);
    let before = kept.issued_before.unwrap_or_default();
    match by {
        RevokedBy::Token => Revocation::token(issuer, name, since, until),
        RevokedBy::Session => Revocation::session(issuer, name, since, until),
        RevokedBy::Key => Revocation::key(issuer, name, since, until),
        RevokedBy::Subject => Revocation::subject_before(issuer, name, before, since, until),
        RevokedBy::Audience => Revocation::audience_before(issuer, name, before, since, until),
        RevokedBy::Issuer => Revocation::issuer_before(issuer, before, since, until),
        other => panic!("{other} is not an entry of a list"),
    }
}

/// Steps of each history; every one makes a change and asks hundreds of questions.
const STEPS: u64 = 2_000;

fn live_through(seed: u64, limit: usize) {
    let names = Names::new();
    let mut history = History::new(&names, seed, limit);
    let as_of = UnixTime::from_seconds(0);
    let live = LiveRevocations::new(RevocationList::new(), as_of);
    let mut kept = (
        LiveRevocations::new(RevocationList::new(), as_of),
        Plain {
            entries: HashMap::new(),
            limit,
        },
    );
    let mut seen = [0; 2];
    for step in 0..STEPS {
        if history.random.one_in(3) {
            // Nobody reads what is changed next: it may change in place.
            live.replace(RevocationView::new(RevocationList::new(), as_of));
        }
        match history.random.below(400) {
            0..14 => history.add_many(),
            14..22 => {
                history.prune();
            }
            22 => history.restart(),
            23..33 => history.now -= history.random.below(300) as i64,
            33..90 => history.now += history.random.below(60) as i64,
            90..92 => history.now += history.random.below(1_500) as i64,
            _ => history.add_some(),
        }
        live.replace(RevocationView::new(history.list.clone(), as_of));
        let plain = std::mem::replace(
            &mut history.plain,
            Plain {
                entries: HashMap::new(),
                limit,
            },
        );
        let [clear, stopped] = history.agree(&live, &plain, 200);
        history.plain = plain;
        seen = [seen[0] + clear, seen[1] + stopped];
        if step % 200 == 0 {
            history.counts_agree(&live);
            // What was published long ago still answers as it did then.
            let (old, plain) = &kept;
            history.agree(old, plain, 100);
            let view = live.view();
            kept = (
                LiveRevocations::new(view.list().clone(), as_of),
                history.plain.clone(),
            );
        }
    }
    assert!(
        seen.iter().all(|count| *count > STEPS * 8),
        "one-sided: {seen:?}"
    );
}

#[test]
fn a_list_and_a_plain_map_never_disagree() {
    live_through(1, usize::MAX);
}

#[test]
fn nor_do_they_in_another_history() {
    live_through(2, usize::MAX);
}

#[test]
fn nor_when_the_list_is_full_now_and_then() {
    live_through(3, 9_000);
}
