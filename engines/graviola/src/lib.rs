//! Sealab engine over graviola.
