//! Chance as the standard has it: uniform numbers, NURand, last names, and texts that do not compress.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The standard's syllables, three of which make a last name.
const SYLLABLES: [&str; 10] = [
    "BAR", "OUGHT", "ABLE", "PRI", "PRES", "ESE", "ANTI", "CALLY", "ATION", "EING",
];
const LETTERS: &[u8; 64] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+-";

/// The numbers C of NURand: constant within a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Constants {
    last_name: u64,
    last_name_of_loading: u64,
    customer: u64,
    item: u64,
}

impl Constants {
    /// Those of the runs with `seed`. Between loading and running, the one for last names differs as clause 2.1.6.1 asks.
    pub(crate) fn new(seed: u64) -> Self {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        chance.set_stream(u64::MAX);
        let last_name_of_loading = below(&mut chance, 256);
        let last_name = loop {
            let number = below(&mut chance, 256);
            let difference = number.abs_diff(last_name_of_loading);
            if (65..=119).contains(&difference) && difference != 96 && difference != 112 {
                break number;
            }
        };
        Self {
            last_name,
            last_name_of_loading,
            customer: below(&mut chance, 1024),
            item: below(&mut chance, 8192),
        }
    }
}

/// One client's chance.
pub(crate) struct Chance {
    numbers: ChaCha8Rng,
    constants: Constants,
}

impl Chance {
    /// Of the `stream`th client, independent of the others.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut numbers = ChaCha8Rng::seed_from_u64(seed);
        numbers.set_stream(stream);
        Self {
            numbers,
            constants: Constants::new(seed),
        }
    }

    /// A number of `low..=high`.
    pub(crate) fn within(&mut self, low: u64, high: u64) -> u64 {
        low + below(&mut self.numbers, high - low + 1)
    }

    /// Whether one of the `percent` of a hundred.
    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        below(&mut self.numbers, 100) < percent
    }

    /// A number of `1..=most` but `but`; there must be another.
    pub(crate) fn other(&mut self, most: u64, but: u64) -> u64 {
        let number = self.within(1, most - 1);
        if number < but { number } else { number + 1 }
    }

    fn nurand(&mut self, a: u64, constant: u64, low: u64, high: u64) -> u64 {
        let mixed = below(&mut self.numbers, a + 1) | self.within(low, high);
        (mixed + constant) % (high - low + 1) + low
    }

    /// A customer of `1..=most`, some much oftener than others.
    pub(crate) fn customer(&mut self, most: u64) -> u64 {
        let constant = self.constants.customer;
        self.nurand(1023, constant, 1, most)
    }

    /// An item of `1..=most`, some much oftener than others.
    pub(crate) fn item(&mut self, most: u64) -> u64 {
        let constant = self.constants.item;
        self.nurand(8191, constant, 1, most)
    }

    /// A last name that one of `customers` has.
    pub(crate) fn last_name(&mut self, customers: u64) -> String {
        let constant = self.constants.last_name;
        let number = self.nurand(255, constant, 0, customers.min(1000) - 1);
        last_name(number)
    }

    /// The last name of the customer with the number `customer`, 1 being the first: the first thousand have all names.
    pub(crate) fn last_name_of(&mut self, customer: u64) -> String {
        if customer <= 1000 {
            return last_name(customer - 1);
        }
        let constant = self.constants.last_name_of_loading;
        let number = self.nurand(255, constant, 0, 999);
        last_name(number)
    }

    /// Letters and digits, `low..=high` of them, six bits of chance each.
    pub(crate) fn text(&mut self, low: u64, high: u64) -> String {
        let length = self.within(low, high) as usize;
        let mut text = String::with_capacity(length);
        while text.len() < length {
            let mut bits = self.numbers.next_u64();
            for _ in 0..10.min(length - text.len()) {
                text.push(char::from(LETTERS[(bits & 63) as usize]));
                bits >>= 6;
            }
        }
        text
    }

    /// `length` digits.
    pub(crate) fn digits(&mut self, length: usize) -> String {
        (0..length)
            .map(|_| char::from(b'0' + below(&mut self.numbers, 10) as u8))
            .collect()
    }

    /// The standard's data of items and stock: a tenth holds the word ORIGINAL.
    pub(crate) fn data(&mut self) -> String {
        let mut text = self.text(26, 50);
        if self.percent(10) {
            let at = self.within(0, text.len() as u64 - 8) as usize;
            text.replace_range(at..at + 8, "ORIGINAL");
        }
        text
    }

    /// The numbers `1..=most`, shuffled.
    pub(crate) fn permutation(&mut self, most: u64) -> Vec<u64> {
        let mut numbers: Vec<u64> = (1..=most).collect();
        for index in (1..numbers.len()).rev() {
            let other = below(&mut self.numbers, index as u64 + 1) as usize;
            numbers.swap(index, other);
        }
        numbers
    }
}

/// The standard's last name with the number `number`, 0 to 999.
fn last_name(number: u64) -> String {
    [number / 100 % 10, number / 10 % 10, number % 10]
        .map(|syllable| SYLLABLES[syllable as usize])
        .concat()
}

/// A number below `bound`. The bias of the multiplication is below 2^-32 for the bounds here.
fn below(numbers: &mut ChaCha8Rng, bound: u64) -> u64 {
    ((u128::from(numbers.next_u64()) * u128::from(bound)) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_names_are_the_standard_s() {
        assert_eq!(last_name(371), "PRICALLYOUGHT");
        assert_eq!(last_name(40), "BARPRESBAR");
    }

    #[test]
    fn nurand_stays_within_its_bounds_and_prefers_some() {
        let mut chance = Chance::new(7, 1);
        let mut often = vec![0_u32; 3001];
        for _ in 0..100_000 {
            often[chance.customer(3000) as usize] += 1;
        }
        assert_eq!(often[0], 0);
        often.sort_unstable();
        let top: u32 = often.iter().rev().take(300).sum();
        assert!(top > 25_000, "a tenth of the customers gets {top} of 100,000");
        assert!((0..1000).all(|_| (1..=60).contains(&chance.customer(60))));
    }

    #[test]
    fn constants_of_last_names_differ_as_the_standard_asks() {
        for seed in 0..200 {
            let constants = Constants::new(seed);
            let difference = constants.last_name.abs_diff(constants.last_name_of_loading);
            assert!(
                (65..=119).contains(&difference) && ![96, 112].contains(&difference),
                "{seed}"
            );
        }
    }

    #[test]
    fn another_warehouse_is_never_the_own_and_may_be_any_other() {
        let mut chance = Chance::new(1, 1);
        let mut seen = [0; 6];
        for _ in 0..1000 {
            seen[chance.other(5, 3) as usize] += 1;
        }
        assert_eq!((seen[0], seen[3]), (0, 0));
        assert!([1, 2, 4, 5].iter().all(|number| seen[*number] > 100));
    }

    #[test]
    fn texts_have_their_lengths_and_no_repetition() {
        let mut chance = Chance::new(1, 1);
        let text = chance.text(5000, 5000);
        assert_eq!(text.len(), 5000);
        let pairs: std::collections::HashSet<&[u8]> = text.as_bytes().windows(4).collect();
        assert!(pairs.len() > 4990);
        let mut all = chance.permutation(100);
        assert_ne!(all, (1..=100).collect::<Vec<_>>());
        all.sort_unstable();
        assert_eq!(all, (1..=100).collect::<Vec<_>>());
    }
}
