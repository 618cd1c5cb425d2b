//! Each target finds the bug that is planted for it: it looks where it should.

use codec_fuzz::{Mutator, Target};

#[test]
fn each_target_finds_the_bug_that_is_planted_for_it_from_seeds_that_do_not_show_it() {
    for target in Target::ALL {
        let seeds = target.seeds().expect("a directory of seeds");
        // It has to be found, not only to be recognised.
        let seeds = seeds.into_iter().map(|(_, seed)| seed);
        let seeds: Vec<_> = seeds.filter(|seed| target.passes(seed, true)).collect();
        assert!(!seeds.is_empty(), "{}: every seed shows it", target.name);
        let mut mutator = Mutator::new(seeds, 1);
        let found = (1..=MOST_INPUTS).find(|_| !target.passes(&mutator.next_input(), true));
        let found = found.unwrap_or_else(|| panic!("{} has not found it", target.name));
        println!("{}: found with input {found}", target.name);
    }
}

/// Many more than it takes.
const MOST_INPUTS: usize = 200_000;
