//! AES-XTS: a unit is a data unit, its number the tweak (`plain64`). No trailer, hence no integrity.

use sealab_engine::{DataUnits, Engine, EngineError, InOutBuf, Primitive, Tweak, Xts, XtsKey};
use zeroize::Zeroizing;

use crate::batches::{BATCH, for_each_batch};
use crate::{Format, Plane, Protection, Sealer, Secret, Units};

pub(crate) static AES_128: XtsFormat = XtsFormat {
    primitives: &[Primitive::Aes128Xts],
};
pub(crate) static AES_256: XtsFormat = XtsFormat {
    primitives: &[Primitive::Aes256Xts],
};

pub(crate) struct XtsFormat {
    primitives: &'static [Primitive; 1],
}

impl Format for XtsFormat {
    fn id(&self) -> &'static str {
        self.primitives[0].id()
    }

    fn title(&self) -> &'static str {
        match self.primitives[0] {
            Primitive::Aes128Xts => "AES-128-XTS, the unit's number as tweak",
            _ => "AES-256-XTS, the unit's number as tweak",
        }
    }

    fn planes(&self) -> &'static [Plane] {
        // Entries and the ends of streams may be shorter than a block, which XTS cannot take.
        &[Plane::Page]
    }

    fn primitives(&self) -> &'static [Primitive] {
        self.primitives
    }

    fn protection(&self) -> Protection {
        Protection::Confidentiality
    }

    fn trailer_bytes(&self) -> usize {
        0
    }

    fn sealer(&self, engine: &dyn Engine, secret: &Secret, _: u32) -> Result<Box<dyn Sealer>, EngineError> {
        let bytes = Zeroizing::new(secret.cipher_key::<64>());
        let primitive = self.primitives[0];
        let length = if primitive == Primitive::Aes128Xts { 32 } else { 64 };
        let key = XtsKey::new(primitive, &bytes[..length]).map_err(|error| EngineError::Library {
            call: "XtsKey::new",
            detail: error.to_string(),
        })?;
        Ok(Box::new(XtsSealer {
            xts: engine.xts(&key)?,
            tweaks: [Tweak::plain64(0); BATCH],
        }))
    }
}

struct XtsSealer {
    xts: Box<dyn Xts>,
    tweaks: [Tweak; BATCH],
}

impl XtsSealer {
    fn run(
        &mut self,
        units: Units<'_>,
        data: InOutBuf<'_, '_, u8>,
        trailers: usize,
        work: impl Fn(&mut dyn Xts, DataUnits<'_>, InOutBuf<'_, '_, u8>) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        units.check(data.len(), trailers, 0)?;
        let length = units.equal_length().ok_or_else(|| EngineError::Length {
            what: "a list of unit lengths",
            found: 0,
            expected: "one common length, since XTS data units are equally long".to_owned(),
        })?;
        for_each_batch(units, data, |batch, data, _| {
            let tweaks = &mut self.tweaks[..batch.count()];
            for (tweak, number) in tweaks.iter_mut().zip(batch.first..) {
                *tweak = Tweak::plain64(number);
            }
            work(&mut *self.xts, DataUnits::new(length, tweaks)?, data)
        })
    }
}

impl Sealer for XtsSealer {
    fn seal(
        &mut self,
        units: Units<'_>,
        data: InOutBuf<'_, '_, u8>,
        trailers: &mut [u8],
    ) -> Result<(), EngineError> {
        self.run(units, data, trailers.len(), |xts, units, data| {
            xts.encrypt(units, data)
        })
    }

    fn open(
        &mut self,
        units: Units<'_>,
        data: InOutBuf<'_, '_, u8>,
        trailers: &[u8],
    ) -> Result<(), EngineError> {
        self.run(units, data, trailers.len(), |xts, units, data| {
            xts.decrypt(units, data)
        })
    }
}
