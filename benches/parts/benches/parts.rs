//! The time that each path takes, with criterion:
//! `cargo bench --manifest-path benches/parts/Cargo.toml [-- PART]`.

use criterion::{Criterion, criterion_group, criterion_main};
use parts::PATHS;

fn all(criterion: &mut Criterion) {
    for path in &PATHS {
        let mut call = None;
        criterion.bench_function(path.name, |bencher| {
            // Prepared only if it is among those that were asked for.
            let call = call.get_or_insert_with(path.prepare);
            let mut number = 0;
            bencher.iter(|| {
                number += 1;
                call(number);
            });
        });
    }
}

criterion_group!(benches, all);
criterion_main!(benches);
