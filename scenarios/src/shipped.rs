//! The scenarios that come with the program.

use crate::{Scenario, ScenarioError, parse};

/// Name and text of every shipped scenario.
pub const SHIPPED: &[(&str, &str)] = &[
    ("aesni-vs-software", include_str!("../aesni-vs-software.yaml")),
    ("pages-memhog", include_str!("../pages-memhog.yaml")),
    ("pages-stress-ng", include_str!("../pages-stress-ng.yaml")),
    ("pages-sector-size", include_str!("../pages-sector-size.yaml")),
    ("protobuf-messages", include_str!("../protobuf-messages.yaml")),
    ("raw-streams", include_str!("../raw-streams.yaml")),
    ("threads", include_str!("../threads.yaml")),
    ("checkpoint-restore", include_str!("../checkpoint-restore.yaml")),
    ("checkpoint-peers", include_str!("../checkpoint-peers.yaml")),
    ("volume-stacks", include_str!("../volume-stacks.yaml")),
    ("volume-random-write", include_str!("../volume-random-write.yaml")),
    ("volume-flush", include_str!("../volume-flush.yaml")),
    ("volume-fill", include_str!("../volume-fill.yaml")),
    ("volume-recovery", include_str!("../volume-recovery.yaml")),
    ("volume-memory", include_str!("../volume-memory.yaml")),
    ("volume-trace", include_str!("../volume-trace.yaml")),
    ("coco-tpcc", include_str!("../coco-tpcc.yaml")),
    ("coco-tpcc-servers", include_str!("../coco-tpcc-servers.yaml")),
    ("image-encrypt", include_str!("../image-encrypt.yaml")),
    ("image-aesni", include_str!("../image-aesni.yaml")),
    ("image-dedup", include_str!("../image-dedup.yaml")),
    ("image-space", include_str!("../image-space.yaml")),
    ("image-lazy-start", include_str!("../image-lazy-start.yaml")),
    ("usage-matrix", include_str!("../usage-matrix.yaml")),
];

/// The shipped scenario of that name, with its text.
pub fn shipped(name: &str) -> Result<(Scenario, &'static str), ScenarioError> {
    let Some((_, text)) = SHIPPED.iter().find(|(known, _)| *known == name) else {
        let names: Vec<_> = SHIPPED.iter().map(|(known, _)| *known).collect();
        return Err(ScenarioError::Unknown {
            name: name.to_owned(),
            shipped: names.join(", "),
        });
    };
    Ok((parse(text, name)?, text))
}
