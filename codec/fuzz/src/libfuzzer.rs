//! The doors of libFuzzer.

/// The `main` of a file in `fuzz_targets`: libFuzzer's, or where that is missing one that says so.
#[cfg(fuzzing)]
#[macro_export]
macro_rules! fuzz {
    ($name:literal) => {
        libfuzzer_sys::fuzz_target!(|data: &[u8]| {
            static TARGET: std::sync::LazyLock<(&$crate::Target, bool)> =
                std::sync::LazyLock::new(|| {
                    let target = $crate::Target::named($name).expect("it is one of them");
                    (target, $crate::Target::is_planted())
                });
            let (target, planted) = *TARGET;
            target.check(data, planted);
        });
    };
}

/// The `main` of a file in `fuzz_targets`: libFuzzer's, or where that is missing one that says so.
#[cfg(not(fuzzing))]
#[macro_export]
macro_rules! fuzz {
    ($name:literal) => {
        fn main() {
            eprintln!(
                "{}: built without libFuzzer, which `cargo +nightly fuzz run` adds; \
                 `make fuzz` does without it",
                $name
            );
            std::process::exit(2);
        }
    };
}
