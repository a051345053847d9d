//! Which layers of an image are meant.

use super::Platform;
use crate::Error;

/// A choice among an image's layers.
#[derive(Clone, Debug, Default)]
pub struct LayerChoice {
    /// Numbers of layers, from 0; a negative one counts from the end, -1 being the last. None: all layers.
    pub layers: Vec<i64>,
    /// Platforms of a multi-platform image, as `os/architecture[/variant]`. None: all platforms.
    pub platforms: Vec<String>,
}

impl LayerChoice {
    /// Which of `count` layers are meant; a number that no layer has is an error.
    pub(crate) fn among(&self, count: usize, place: &str) -> Result<Vec<bool>, Error> {
        if self.layers.is_empty() {
            return Ok(vec![true; count]);
        }
        let mut chosen = vec![false; count];
        for &number in &self.layers {
            let index = if number < 0 {
                count.checked_sub(usize::try_from(number.unsigned_abs()).unwrap_or(usize::MAX))
            } else {
                usize::try_from(number).ok()
            };
            let slot = index.and_then(|index| chosen.get_mut(index));
            *slot.ok_or_else(|| Error::NotFound {
                place: place.to_owned(),
                wanted: format!("layer {number}"),
                present: format!("{count} layers, numbered from 0"),
            })? = true;
        }
        Ok(chosen)
    }

    /// Whether an image for `platform` is meant. One that names no platform is meant only where none is asked for.
    pub(crate) fn takes(&self, platform: Option<&Platform>) -> bool {
        self.platforms.is_empty()
            || platform.is_some_and(|platform| {
                let plain = format!("{}/{}", platform.os, platform.architecture);
                let full = platform
                    .variant
                    .as_ref()
                    .map(|variant| format!("{plain}/{variant}"));
                self.platforms
                    .iter()
                    .any(|asked| *asked == plain || Some(asked) == full.as_ref())
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_counted_from_both_ends() {
        let choose = |layers: &[i64]| {
            let choice = LayerChoice {
                layers: layers.to_vec(),
                platforms: vec![],
            };
            choice.among(3, "the image").ok()
        };
        assert_eq!(choose(&[]), Some(vec![true; 3]));
        assert_eq!(choose(&[0, -1]), Some(vec![true, false, true]));
        assert_eq!(choose(&[-3]), Some(vec![true, false, false]));
        assert_eq!(choose(&[3]), None);
        assert_eq!(choose(&[-4]), None);
        assert_eq!(choose(&[i64::MIN]), None);
    }
}
