//! Renewal tokens: exchanged once, and a second use beyond the overlap ends the session.

use std::cell::RefCell;
use std::collections::HashSet;

use tokenwright::session::{Grant, Login, RenewError, Renewals, SessionErrorKind, Sessions};
use tokenwright::{
    Freshness, LiveRevocations, Revocation, RevocationList, RevocationView, WhenUnknown,
};

use crate::scene::*;

const OVERLAP: u64 = 5;

/// One server; `learn` is how it hears of what others have recorded.
struct Exchange {
    renewals: Renewals,
    live: LiveRevocations,
    recorded: RefCell<Vec<Revocation<'static>>>,
}

type Exchanged = Result<Grant<u32>, RenewError<&'static str>>;

impl Exchange {
    fn new(keys: &Keys) -> Self {
        let live = LiveRevocations::new(RevocationList::new(), at(0));
        let freshness = Freshness::new(seconds(1_000_000), WhenUnknown::Refuse);
        let renewals = Sessions::builder(keys.0.clone(), keys.1.clone(), ISSUER, "shop")
            .times(TIMES)
            .revocation(live.clone(), freshness)
            .build_renewals(seconds(OVERLAP))
            .unwrap();
        Self {
            renewals,
            live,
            recorded: RefCell::default(),
        }
    }

    fn begin(&self, second: i64) -> Grant<u32> {
        let login = Login::of("alice").with_data(7_u32);
        self.renewals.begin(&login, at(second)).unwrap()
    }

    fn renew(&self, token: &str, second: i64) -> Exchanged {
        self.renewals.renew(token, at(second), |entries| {
            self.learn(entries);
            let mut recorded = self.recorded.borrow_mut();
            recorded.extend(entries.iter().map(|entry| entry.clone().into_owned()));
            Ok(())
        })
    }

    fn learn(&self, entries: &[Revocation<'_>]) {
        let mut list = RevocationList::clone(self.live.view().list());
        for entry in entries {
            list.add(entry).unwrap();
        }
        self.live.replace(RevocationView::new(list, at(0)));
    }
}

fn code(exchanged: Exchanged) -> &'static str {
    match exchanged {
        Err(RenewError::Refused(error)) => error.code(),
        other => panic!("expected a refusal, found {other:?}"),
    }
}

#[test]
fn an_exchange_keeps_the_login_and_slides_its_expiry_up_to_the_end() {
    let server = Exchange::new(&keys());
    let first = server.begin(0);
    assert_eq!((first.subject(), *first.data()), ("alice", 7));
    assert_eq!(first.expires_at(), at(100));
    let mut grant = server.renew(first.token(), 90).unwrap();
    assert_eq!(grant.session_id(), first.session_id());
    assert_eq!(grant.expires_at(), at(190));
    for second in (180..1_000).step_by(90) {
        grant = server.renew(grant.token(), second).unwrap();
        assert_eq!(grant.started_at(), at(0));
        assert_eq!(grant.ends_at(), at(1_000));
        assert!(grant.expires_at() <= at(1_000));
    }
    assert_eq!(code(server.renew(grant.token(), 1_000)), "session_over");
    // Two entries for each exchange, of which one is dropped soon.
    assert_eq!(server.recorded.borrow().len(), 2 * 11);
}

#[test]
fn whoever_asks_twice_within_the_overlap_gets_the_same_successor_and_no_branch() {
    let server = Exchange::new(&keys());
    let first = server.begin(0);
    let one = server.renew(first.token(), 50).unwrap();
    let two = server.renew(first.token(), 50 + OVERLAP as i64).unwrap();
    // Either goes on; they are one token, so the other's next use is a second one.
    let next = server.renew(one.token(), 60).unwrap();
    assert_eq!(code(server.renew(two.token(), 80)), "reused");
    assert_eq!(code(server.renew(next.token(), 81)), "revoked");
}

#[test]
fn a_used_token_is_not_forgiven_twice_the_overlap_later_nor_once_its_successor_was_used() {
    let keys = keys();
    let late = Exchange::new(&keys);
    let first = late.begin(0);
    let next = late.renew(first.token(), 50).unwrap();
    assert_eq!(
        code(late.renew(first.token(), 50 + 2 * OVERLAP as i64)),
        "reused"
    );
    assert_eq!(code(late.renew(next.token(), 61)), "revoked");

    let eager = Exchange::new(&keys);
    let first = eager.begin(0);
    let next = eager.renew(first.token(), 50).unwrap();
    let _third = eager.renew(next.token(), 51).unwrap();
    assert_eq!(code(eager.renew(first.token(), 52)), "reused");
}

#[test]
fn two_servers_that_exchange_one_token_at_once_make_one_successor() {
    let keys = keys();
    let (here, there) = (Exchange::new(&keys), Exchange::new(&keys));
    let first = here.begin(0);
    let one = here.renew(first.token(), 50).unwrap();
    let two = there.renew(first.token(), 50).unwrap();
    for (from, to) in [(&here, &there), (&there, &here)] {
        to.learn(&from.recorded.borrow());
    }
    let _next = here.renew(one.token(), 70).unwrap();
    there.learn(&here.recorded.borrow());
    assert_eq!(code(there.renew(two.token(), 90)), "reused");
}

#[test]
fn nothing_is_handed_out_that_was_not_recorded() {
    let server = Exchange::new(&keys());
    let first = server.begin(0);
    let failed = server
        .renewals
        .renew::<u32, _>(first.token(), at(50), |_| Err("the disk is full"))
        .unwrap_err();
    assert_eq!(
        failed.to_string(),
        "the exchange was not recorded: the disk is full"
    );
    // Nothing is lost: the client asks again.
    assert!(server.renew(first.token(), 70).is_ok());
}

#[test]
fn a_session_that_was_ended_renews_nothing() {
    let server = Exchange::new(&keys());
    let (one, other) = (server.begin(0), server.begin(0));
    server.learn(&[server.renewals.end(one.token(), at(10)).unwrap()]);
    assert_eq!(code(server.renew(one.token(), 20)), "revoked");
    assert!(server.renew(other.token(), 20).is_ok());
    let last = server.begin(20);
    server.learn(&[server.renewals.end_all_of("alice", at(30))]);
    assert_eq!(code(server.renew(last.token(), 31)), "revoked");
}

#[test]
fn a_renewal_token_is_no_session_and_a_session_no_renewal_token() {
    let keys = keys();
    let (exchange, server) = (Exchange::new(&keys), Server::new(&keys, TIMES));
    let mut jar = server.log_in("alice", 0);
    assert_eq!(code(exchange.renew(&jar.token, 1)), "typ_mismatch");
    jar.token = exchange.begin(0).token().to_owned();
    assert_eq!(server.judge(&jar, 1).unwrap_err().code(), "typ_mismatch");
}

#[test]
fn an_overlap_of_more_than_half_the_idle_time_is_refused() {
    let keys = keys();
    let build = |overlap| {
        Sessions::builder(keys.0.clone(), keys.1.clone(), ISSUER, "shop")
            .times(TIMES)
            .without_revocation()
            .build_renewals(seconds(overlap))
            .map(drop)
            .map_err(|error| error.code())
    };
    assert_eq!(build(51), Err("overlap_too_long"));
    assert_eq!(build(50), Ok(()));
    assert_eq!(build(0), Ok(()));
}

/// A thief copies some token of an honest client. Whatever the two do afterwards,
/// nobody holds a good token once both have used it, and no token id is exchanged
/// for two different successors.
#[test]
fn a_thief_and_an_honest_client_never_both_go_on() {
    let mut caught = 0;
    for seed in 0..60_u64 {
        let mut dice = crate::histories::Dice::new(seed);
        let server = Exchange::new(&keys());
        let mut honest = server.begin(0).token().to_owned();
        let mut thief: Option<String> = None;
        let (mut used, mut second) = ([0_u32; 2], 0);
        let mut ended = HashSet::new();
        while second < 900 && ended.len() < 2 {
            second += 11 + i64::try_from(dice.below(60)).unwrap();
            let is_thief = thief.is_some() && dice.below(2) == 0;
            let place = if is_thief {
                thief.as_mut().unwrap()
            } else {
                &mut honest
            };
            match server.renew(place, second) {
                Ok(grant) => {
                    *place = grant.token().to_owned();
                    used[usize::from(is_thief)] += u32::from(thief.is_some());
                    assert!(used[0] == 0 || used[1] == 0, "seed {seed}: both go on");
                }
                Err(RenewError::Refused(error)) => {
                    if *error.kind() == SessionErrorKind::Reused {
                        caught += 1;
                    }
                    let _ = ended.insert(is_thief);
                }
                Err(other) => panic!("seed {seed}: {other}"),
            }
            if thief.is_none() && dice.below(4) == 0 {
                thief = Some(honest.clone());
            }
        }
    }
    assert!(caught > 20, "only {caught} thieves were caught");
}
