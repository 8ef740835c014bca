//! One path, run a number of times, for a program that counts its instructions.
//!
//! ```text
//! paths --list            names, a tab, and the number of calls that will be counted
//! paths NAME              runs it; callgrind is told to count inside of `counted` alone
//! paths --make-fixed      new keys and tokens for fixed.json
//! ```

use std::process::ExitCode;

use parts::{Call, PATHS, make_fixed};

/// What is counted, and nothing else is.
#[inline(never)]
fn counted(call: &mut Call, calls: usize) {
    for number in 0..calls {
        call(number);
    }
}

fn main() -> ExitCode {
    let argument = std::env::args().nth(1).unwrap_or_default();
    match &*argument {
        "--list" => {
            for path in &PATHS {
                println!("{}\t{}", path.name, path.calls);
            }
        }
        "--make-fixed" => print!("{}", make_fixed()),
        name => {
            let Some(path) = PATHS.iter().find(|path| path.name == name) else {
                eprintln!("no path is called {name:?}; see --list");
                return ExitCode::from(2);
            };
            let mut call = (path.prepare)();
            counted(&mut call, path.calls);
        }
    }
    ExitCode::SUCCESS
}
