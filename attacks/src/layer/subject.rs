//! The image that is sealed: two layers of noise with canaries, and others that show patterns or stand for older ones.

use std::ops::Range;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::image::layer_name;
use crate::canary::canary;
use crate::files::Files;

/// The layers of an image.
pub(super) const LAYERS: usize = 2;
/// What formats with chunks of one length seal at a time, in bytes; `convergent` cuts by content.
pub(super) const UNIT: usize = 64 << 10;
/// The length of each layer, in bytes: so that no chunk of `convergent` holds all of one, with an odd end. Both layers
/// have one length, so that nothing is told by it when one stands in the other's place.
pub(super) const BYTES: usize = 6 * UNIT + 1_234;

/// Where canaries stand in a layer: within chunks, across their borders, at both ends.
const CANARIES: [usize; 5] = [0, UNIT - 16, 3 * UNIT + 100, 5 * UNIT - 5, BYTES - 32];

/// The layers of the image of that seed. No 16 bytes of them repeat.
pub(super) fn layers(seed: u64) -> Files {
    let mut layers = noise(seed, BYTES);
    for (number, layer) in layers.values_mut().enumerate() {
        for (at, canary) in CANARIES.into_iter().zip(canaries_of(number, seed)) {
            layer[at..at + canary.len()].copy_from_slice(canary.as_bytes());
        }
    }
    layers
}

/// The canaries of that seed, all different.
pub(super) fn canaries(seed: u64) -> Vec<String> {
    (0..LAYERS).flat_map(|layer| canaries_of(layer, seed)).collect()
}

fn canaries_of(layer: usize, seed: u64) -> Vec<String> {
    let number = 0..CANARIES.len();
    number
        .map(|number| canary(&format!("layer {layer} {number}"), seed))
        .collect()
}

/// Layers of `bytes` bytes of noise.
pub(super) fn noise(seed: u64, bytes: usize) -> Files {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let layer = |number| {
        let mut layer = vec![0; bytes];
        random.fill_bytes(&mut layer);
        (layer_name(number), layer)
    };
    (0..LAYERS).map(layer).collect()
}

/// Noise, but `range` of each unit is everywhere the same.
pub(super) fn with_equal(seed: u64, range: Range<usize>) -> Files {
    let mut layers = noise(seed, BYTES);
    for layer in layers.values_mut() {
        for start in (UNIT..BYTES - UNIT).step_by(UNIT) {
            layer.copy_within(range.clone(), start + range.start);
        }
    }
    layers
}
