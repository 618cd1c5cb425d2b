//! The seeds are fine, and each target has some.

use std::{collections::BTreeSet, fs, path::Path};

use codec_fuzz::{Mutator, Target};

#[test]
fn every_seed_of_every_target_is_fine() {
    for target in Target::ALL {
        let seeds = target.seeds().expect("a directory of seeds");
        assert!(seeds.len() > 2, "{} has few seeds", target.name);
        for (path, seed) in seeds {
            println!("{}", path.display());
            target.check(&seed, false);
        }
    }
}

#[test]
fn inputs_beside_the_seeds_are_fine() {
    for target in Target::ALL {
        let seeds = target.seeds().expect("a directory of seeds");
        let mut mutator = Mutator::new(seeds.into_iter().map(|(_, seed)| seed).collect(), 1);
        for _ in 0..300 {
            let input = mutator.next_input();
            println!("{}: b\"{}\"", target.name, input.escape_ascii());
            target.check(&input, false);
        }
    }
}

#[test]
fn targets_are_named_alike_everywhere() {
    let named = |directory: &str| -> BTreeSet<String> {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
        let entries = fs::read_dir(directory).expect("a directory");
        let names = entries.map(|entry| {
            let path = entry.expect("an entry").path();
            path.file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        });
        names.filter(|name| name != "mod").collect()
    };
    let names: BTreeSet<_> = Target::ALL
        .iter()
        .map(|target| target.name.to_owned())
        .collect();
    assert_eq!(named("seeds"), names);
    assert_eq!(named("fuzz_targets"), names);
    assert_eq!(named("src/targets"), names);
}
