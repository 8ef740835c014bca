//! Makes cases, asks both sides, and sorts what they disagree about.

use std::collections::BTreeMap;
use std::fmt;

use crate::jwt::JwtCases;
use crate::paseto::PasetoCases;
use crate::random::Dice;
use crate::table::{CLASSES, class_of};
use crate::verdict::{Case, Verdict, now};

/// What became of the cases.
#[derive(Default)]
pub(crate) struct Report {
    /// By kind of case: both accept, both refuse, they differ.
    pub(crate) kinds: BTreeMap<&'static str, [u64; 3]>,
    /// By position in the table.
    pub(crate) classes: BTreeMap<usize, u64>,
    /// Differences that are in no class, described; the first few of them.
    pub(crate) unexplained: Vec<String>,
    pub(crate) unexplained_count: u64,
}

/// Runs so many cases. The same seed makes the same choices; RSA primes and ECDSA
/// nonces come from the system all the same.
pub(crate) fn run(cases: u64, seed: u64) -> Report {
    let mut report = Report::default();
    let mut dice = Dice::new(seed);
    let (jwt, paseto) = (JwtCases::new(dice.next()), PasetoCases::new(dice.next()));
    for _ in 0..cases {
        let now = now();
        let case = match dice.below(10) {
            0..=4 => jwt.token(&mut dice, now),
            5..=6 => jwt.key(&mut dice, now),
            7 => paseto.token(&mut dice, now),
            8 => paseto.raw(&mut dice, now),
            _ => paseto.key(&mut dice, now),
        };
        report.count(&case);
    }
    report
}

impl Report {
    fn count(&mut self, case: &Case) {
        let counts = self.kinds.entry(case.kind).or_default();
        let Some(direction) = case.difference() else {
            let both_accept = matches!(case.ours, Verdict::Accepted(_));
            counts[usize::from(!both_accept)] += 1;
            return;
        };
        counts[2] += 1;
        match class_of(case, direction) {
            Some(position) => *self.classes.entry(position).or_default() += 1,
            None => {
                self.unexplained_count += 1;
                if self.unexplained.len() < 20 {
                    self.unexplained.push(described(case));
                }
            }
        }
    }
}

fn described(case: &Case) -> String {
    let shown = |verdict: &Verdict| match verdict {
        Verdict::Accepted(payload) => format!("accepted {}", String::from_utf8_lossy(payload)),
        other => format!("{other:?}"),
    };
    let key = case
        .key
        .as_deref()
        .map(String::from_utf8_lossy)
        .unwrap_or_default();
    let header = String::from_utf8_lossy(&case.header().bytes).into_owned();
    let payload = String::from_utf8_lossy(&case.payload().bytes).into_owned();
    format!(
        "{}\n    ours   {}\n    theirs {}\n    header {header}\n    claims {payload}\n    key    {key}\n    token  {}",
        case.kind,
        shown(&case.ours),
        shown(&case.theirs),
        case.token
    )
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<12} {:>12} {:>12} {:>12}",
            "cases", "both accept", "both refuse", "differ"
        )?;
        for (kind, [accepted, refused, differ]) in &self.kinds {
            writeln!(f, "{kind:<12} {accepted:>12} {refused:>12} {differ:>12}")?;
        }
        writeln!(f, "\nDifferences by design:")?;
        for (position, class) in CLASSES.iter().enumerate() {
            let count = self.classes.get(&position).copied().unwrap_or_default();
            writeln!(
                f,
                "{count:>8}  {:<10} {}\n          {}",
                class.direction_word(),
                class.name,
                class.reason
            )?;
        }
        write!(f, "\n{} differences in no class", self.unexplained_count)?;
        for text in &self.unexplained {
            write!(f, "\n  {text}")?;
        }
        Ok(())
    }
}
