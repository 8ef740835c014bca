//! Random histories: browsers with several tabs, servers whose clocks differ and
//! that hear of revocations late.

use tokenwright::Revocation;

use crate::scene::*;

/// SplitMix64: the same seed, the same history.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

const SKEW: i64 = 10;

/// Two servers, the second of which is ahead by up to `SKEW`.
fn servers(dice: &mut Dice) -> [Server; 2] {
    let keys = keys();
    let ahead = i64::try_from(dice.below(SKEW as u64 + 1)).unwrap();
    [
        Server::new(&keys, TIMES),
        Server::new(&keys, TIMES).ahead(ahead),
    ]
}

#[test]
fn a_session_in_use_is_never_refused_and_none_is_alive_past_its_absolute_end() {
    for seed in 0..60 {
        let mut dice = Dice::new(seed);
        let servers = servers(&mut dice);
        let mut jar = servers[dice.below(2) as usize].log_in("alice", 0);
        let often = i64::try_from(servers[0].sessions.least_idle().as_secs()).unwrap() - SKEW;
        let mut second = 0;
        loop {
            second += i64::try_from(dice.below(often as u64 + 1)).unwrap();
            let server = &servers[dice.below(2) as usize];
            let judged = server.request(&mut jar, second);
            if second < ABSOLUTE as i64 - SKEW {
                assert!(judged.is_ok(), "seed {seed}, second {second}: {judged:?}");
            }
            if second >= ABSOLUTE as i64 + SKEW {
                assert_eq!(judged.unwrap_err().code(), "session_over", "seed {seed}");
                break;
            }
        }
    }
}

#[test]
fn a_session_left_alone_for_the_idle_time_is_over_and_cookies_are_few() {
    let mut ended_idle = 0;
    for seed in 100..160 {
        let mut dice = Dice::new(seed);
        let server = Server::new(&keys(), TIMES);
        let mut jar = server.log_in("alice", 0);
        let (mut second, mut last_good) = (0, 0);
        loop {
            // Now and then somebody goes for lunch.
            let gap = if dice.below(20) == 0 { 150 } else { 30 };
            second += i64::try_from(dice.below(gap)).unwrap();
            let judged = server.request(&mut jar, second);
            let away = (second - last_good) as u64;
            match judged {
                Ok(_) => {
                    assert!(away < IDLE, "seed {seed}: away for {away}");
                    assert!(second < ABSOLUTE as i64);
                    last_good = second;
                }
                Err(error) => {
                    assert_eq!(error.code(), "session_over");
                    let idle = away >= IDLE - RENEW_AFTER;
                    assert!(
                        idle || second >= ABSOLUTE as i64,
                        "seed {seed}: away for {away}"
                    );
                    ended_idle += usize::from(idle);
                    break;
                }
            }
        }
        assert!(
            jar.set as u64 <= 1 + last_good as u64 / RENEW_AFTER,
            "seed {seed}"
        );
    }
    assert!(
        ended_idle > 20,
        "only {ended_idle} histories ended by idling"
    );
}

/// Requests of several tabs are under way at once: each was sent with the cookies of
/// its time, and the answers arrive in another order, some seconds later.
#[test]
fn tabs_that_race_log_nobody_out() {
    const SLOWEST: i64 = 15;
    let mut overtaken = 0;
    for seed in 200..225 {
        let mut dice = Dice::new(seed);
        let servers = servers(&mut dice);
        let mut jar = servers[0].log_in("alice", 0);
        let (mut sent, mut answers) = (Vec::<(i64, Jar)>::new(), Vec::<(i64, i64, Jar)>::new());
        for second in 0..ABSOLUTE as i64 - 2 * SKEW {
            if dice.below(3) == 0 {
                sent.push((second + dice.below(SLOWEST as u64) as i64, jar.clone()));
            }
            while let Some(next) = sent.iter().position(|(due, _)| *due <= second) {
                let (_, mut tab) = sent.swap_remove(next);
                let before = tab.set;
                servers[dice.below(2) as usize]
                    .request(&mut tab, second)
                    .unwrap_or_else(|error| panic!("seed {seed}, second {second}: {error}"));
                if tab.set > before {
                    let arrives = second + dice.below(SLOWEST as u64) as i64;
                    answers.push((arrives, second, tab));
                }
            }
            let mut latest = 0;
            while let Some(next) = answers.iter().position(|(due, ..)| *due <= second) {
                let (_, judged, tab) = answers.swap_remove(next);
                overtaken += usize::from(judged < latest);
                latest = judged;
                jar.token = tab.token;
            }
        }
    }
    assert!(overtaken > 20, "only {overtaken} answers were overtaken");
}

#[test]
fn logging_out_is_final_on_every_server_that_has_heard_of_it() {
    for seed in 300..340 {
        let mut dice = Dice::new(seed);
        let servers = servers(&mut dice);
        let mut jars: Vec<Jar> = (0..3)
            .map(|_| servers[dice.below(2) as usize].log_in("alice", 0))
            .collect();
        let bob = servers[0].log_in("bob", 0);
        let mut old = jars.clone();
        let leave = 1 + SKEW + i64::try_from(dice.below(60)).unwrap();
        for second in (0..leave).step_by(7) {
            for jar in &mut jars {
                servers[dice.below(2) as usize]
                    .request(jar, second)
                    .unwrap();
            }
        }
        old.extend(jars.clone());
        let server = &servers[dice.below(2) as usize];
        let session = server.judge(&jars[0], leave).unwrap();
        let entries: Vec<Revocation<'_>> = if dice.below(2) == 0 {
            server
                .sessions
                .log_out_everywhere(&session, server.clock(leave))
                .into()
        } else {
            vec![server.sessions.log_out(&session, server.clock(leave))]
        };
        let everywhere = entries.len() == 2;
        // Tabs go on for a while at a server that has not heard of it, and renew.
        for jar in &mut jars {
            let second = leave + i64::try_from(dice.below(20)).unwrap();
            let _ = servers[1].request(jar, second);
        }
        old.extend(jars.clone());
        for server in &servers {
            server.learn(&entries);
            for (place, jar) in old.iter().enumerate() {
                let second = leave + i64::try_from(dice.below(1_000)).unwrap();
                if everywhere || place % 3 == 0 {
                    assert!(
                        server.judge(jar, second).is_err(),
                        "seed {seed}, jar {place}"
                    );
                }
            }
            assert!(server.judge(&bob, leave).is_ok(), "seed {seed}");
        }
    }
}
