//! The built-in workloads keep what their parameters promise.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicBool;

use sealab_memory::{Method, PAGE_BYTES, Prepared, Workload};

fn workload(yaml: &str) -> Workload {
    serde_saphyr::from_str(yaml).unwrap_or_else(|error| panic!("{yaml}: {error}"))
}

fn prepare(yaml: &str) -> Prepared {
    workload(yaml)
        .prepare(&AtomicBool::new(false))
        .unwrap_or_else(|error| panic!("{yaml}: {error}"))
}

fn bytes(yaml: &str) -> Vec<u8> {
    let prepared = prepare(yaml);
    let mut out = vec![0xee; prepared.len()];
    prepared.write_to(&mut out).expect(yaml);
    out
}

fn repeated_pages(memory: &[u8]) -> usize {
    let mut seen = HashSet::new();
    memory
        .chunks_exact(PAGE_BYTES)
        .filter(|page| !seen.insert(*page))
        .count()
}

/// Bits a byte that a model of the `context` bytes before needs.
fn entropy(memory: &[u8], context: usize) -> f64 {
    let mut counts: HashMap<&[u8], [u32; 256]> = HashMap::new();
    for window in memory.windows(context + 1) {
        let (before, last) = window.split_at(context);
        counts.entry(before).or_insert([0; 256])[usize::from(last[0])] += 1;
    }
    let mut bits = 0.0;
    for counts in counts.values() {
        let total: u32 = counts.iter().sum();
        for &count in counts.iter().filter(|count| **count > 0) {
            bits -= f64::from(count) * (f64::from(count) / f64::from(total)).log2();
        }
    }
    bits / memory.len() as f64
}

/// FNV-1a: enough to notice any change of what is generated.
fn fingerprint(memory: &[u8]) -> u64 {
    memory.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[test]
fn labels_tell_every_parameter() {
    for (yaml, label) in [
        (
            "memhog: {size: 64MiB, content: mixed, duplicates: 0.2}",
            "memhog 64MiB mixed, 20 % duplicate pages, seed 1",
        ),
        ("memhog: {size: 4096}", "memhog 4KiB mixed, seed 1"),
        (
            "stress-ng: {size: 64MiB, method: rand-set, seed: 7}",
            "stress-ng 64MiB rand-set, seed 7",
        ),
        (
            "process: {command: [stress-ng, --vm, \"1\", \"a b\\n\"], settle: 500ms, limit: 1GiB}",
            "process stress-ng --vm 1 \"a b\\n\", settle 500ms, limit 1GiB",
        ),
        (
            "process: {command: [memhog]}",
            "process memhog, settle 2s, limit 256MiB",
        ),
        ("messages: {set: criu, size: 4MiB}", "messages 4MiB criu, seed 1"),
        (
            "messages: {size: 4MiB, weights: {pagemap: 5000, core: 0}}",
            "messages 4MiB criu, 0 core, 5000 pagemap, seed 1",
        ),
        (
            "stream: {size: 16MiB, content: text}",
            "stream 16MiB text, seed 1",
        ),
        ("file: {path: /a b}", "file \"/a b\", limit 64MiB"),
    ] {
        let workload = workload(yaml);
        assert_eq!(workload.to_string(), label);
        let json = serde_json::to_string(&workload).expect(label);
        let again: Workload = serde_json::from_str(&json).expect(&json);
        assert_eq!(again, workload, "{json}");
    }
}

#[test]
fn wrong_scenarios_are_refused_with_what_would_be_right() {
    for (yaml, said) in [
        ("memhog: {size: 64MiB, contents: text}", "contents"),
        ("memhog: {size: -4MiB}", "negative"),
        ("memhog: {}", "size"),
        ("memhog: {size: 4MiB, content: tekst}", "random"),
        ("memhog: {size: 4MiB, duplicates: 1.5}", "share"),
        ("memhog: {size: 4MiB, seed: -1}", "-1"),
        ("memhgo: {size: 4MiB}", "memhog"),
        ("stress-ng: {size: 4MiB, method: rowhammer}", "rand-set"),
        ("process: {command: []}", "empty"),
        ("process: {command: [\"\"]}", "empty"),
        ("process: {command: [\"a\\0b\"]}", "NUL"),
        ("process: {command: [a], settle: 1h}", "5min"),
        ("messages: {size: 4MiB, weights: {pages: 1}}", "pagemap"),
        ("messages: {size: 4MiB, set: docker}", "criu"),
    ] {
        let error = serde_saphyr::from_str::<Workload>(yaml)
            .expect_err(yaml)
            .to_string();
        assert!(error.contains(said), "{yaml}: {error}");
    }
    for (yaml, said) in [
        (
            "memhog: {size: 5000}",
            "memhog: size: 5000 is no whole number of pages of 4096 bytes; 8192 would be",
        ),
        ("stress-ng: {size: 1, method: flip}", "4096 would be"),
        (
            "memhog: {size: 4MiB, content: zero, duplicates: 0.1}",
            "leave duplicates out",
        ),
        ("messages: {size: 1}", "at least 2"),
        ("file: {path: /nowhere/at/all}", "/nowhere/at/all: cannot be read"),
        ("file: {path: /dev/zero}", "device"),
        ("file: {path: /}", "directory"),
    ] {
        let error = workload(yaml)
            .prepare(&AtomicBool::new(false))
            .err()
            .unwrap_or_else(|| panic!("{yaml}"))
            .to_string();
        assert!(error.contains(said), "{yaml}: {error}");
    }
    let every_kind_off = serde_json::json!({"messages": {"size": "4MiB", "weights": {
        "core": 0, "fdinfo": 0, "files": 0, "fs": 0, "ghost-file": 0, "ids": 0, "inventory": 0, "memfd": 0, "mm": 0,
        "pagemap": 0, "pagemap-shmem": 0, "pipes-data": 0, "pstree": 0, "remap-fpath": 0, "timens": 0,
    }}});
    let error = serde_json::from_value::<Workload>(every_kind_off)
        .expect_err("no kind")
        .to_string();
    assert!(error.contains("above 0"), "{error}");
}

#[test]
fn the_schema_knows_every_workload() {
    let schema = serde_json::to_string(&schemars::schema_for!(Workload)).expect("schema");
    for word in [
        "memhog",
        "stress-ng",
        "process",
        "messages",
        "stream",
        "file",
        "walk-0d",
        "KiB",
        "\"additionalProperties\":false",
    ] {
        assert!(schema.contains(word), "{word}: {schema}");
    }
}

/// Published figures are only comparable while equal parameters mean equal bytes. Whoever changes a generator changes
/// these fingerprints knowingly.
#[test]
fn equal_parameters_give_equal_bytes_for_all_time() {
    let mut found = Vec::new();
    for (yaml, known) in KNOWN {
        let first = bytes(yaml);
        assert!(first == bytes(yaml), "{yaml}");
        found.push((*yaml, fingerprint(&first), *known));
    }
    for (yaml, fingerprint, known) in found {
        assert_eq!(fingerprint, known, "{yaml}: {fingerprint:#018x}");
    }
}

const KNOWN: &[(&str, u64)] = &[
    (
        "memhog: {size: 256KiB, content: mixed, duplicates: 0.2}",
        0xea56_6854_8eba_449d,
    ),
    ("memhog: {size: 256KiB, content: text}", 0x4c34_95cf_e57b_3552),
    ("stream: {size: 100001, content: random}", 0x82cb_e605_772e_5bb6),
    ("messages: {size: 100001}", 0x7666_0d23_b56e_8116),
    ("stress-ng: {size: 256KiB, method: swap}", 0xfb55_8167_4e8b_9455),
];

#[test]
fn the_seed_changes_what_is_random() {
    for yaml in [
        "memhog: {size: 64KiB, content: text, duplicates: 0.1, seed: SEED}",
        "memhog: {size: 64KiB, content: mixed, seed: SEED}",
        "stream: {size: 64KiB, content: random, seed: SEED}",
        "messages: {size: 64KiB, seed: SEED}",
        "stress-ng: {size: 64KiB, method: rand-sum, seed: SEED}",
    ] {
        let one = bytes(&yaml.replace("SEED", "1"));
        let two = bytes(&yaml.replace("SEED", "18446744073709551615"));
        // The canaries differ too, but they are in a few places only.
        let pairs = one.chunks(PAGE_BYTES / 4).zip(two.chunks(PAGE_BYTES / 4));
        let equal = pairs.filter(|(one, two)| one == two).count();
        assert!(equal < 16, "{yaml}: {equal} of 64 pieces are equal");
    }
}

#[test]
fn duplicate_pages_are_exactly_the_share() {
    for content in ["text", "random", "mixed"] {
        for (share, pages) in [("0", 0), ("0.2", 205), ("0.5", 512), ("0.999999", 1023)] {
            let yaml = format!("memhog: {{size: 4MiB, content: {content}, duplicates: {share}}}");
            assert_eq!(repeated_pages(&bytes(&yaml)), pages, "{yaml}");
        }
    }
}

#[test]
fn contents_compress_as_they_say() {
    let memory = |content| bytes(&format!("stream: {{size: 4MiB, content: {content}}}"));
    assert!(memory("zero").iter().all(|byte| *byte == 0));
    assert!(memory("constant").iter().all(|byte| *byte == 0xff));
    assert!(entropy(&memory("random"), 1) > 7.9);
    let text = memory("text");
    assert!(
        text.iter()
            .all(|byte| byte.is_ascii_graphic() || b" \n".contains(byte)),
        "not printable"
    );
    let bits = entropy(&text, 2);
    assert!((1.8..2.8).contains(&bits), "{bits}");
}

#[test]
fn the_mixture_has_its_stated_parts() {
    let memory = bytes("memhog: {size: 16MiB, content: mixed}");
    let mut counts = [0_usize; 5];
    for block in memory.chunks_exact(512) {
        let words = || block.chunks_exact(8);
        let kind = if block.iter().all(|byte| *byte == 0) {
            0
        } else if words()
            .filter(|word| word[6..] == [0, 0] && word[4..6] != [0, 0] && word[5] != 0)
            .count()
            > 50
        {
            1
        } else if words()
            .filter(|word| word[2..4] == [0, 0] && word[5..] == [0, 0, 0])
            .count()
            > 50
        {
            2
        } else if block.iter().filter(|byte| byte.is_ascii_lowercase()).count() > 300 {
            3
        } else {
            4
        };
        counts[kind] += 1;
    }
    let blocks = memory.len() / 512;
    for (percent, count) in [30, 20, 15, 20, 15].into_iter().zip(counts) {
        let off = (count * 100).abs_diff(percent * blocks);
        // A hundredth is eight standard deviations and more.
        assert!(off < 2 * blocks, "{percent} %: {count} of {blocks}");
    }
}

#[test]
fn canaries_are_where_they_are_said_to_be() {
    for (yaml, count) in [
        ("memhog: {size: 1MiB, content: random}", 16),
        ("memhog: {size: 1MiB, content: mixed, duplicates: 0.5}", 16),
        ("memhog: {size: 1MiB, content: text, duplicates: 0.999999}", 1),
        ("memhog: {size: 16KiB, content: text}", 4),
        ("memhog: {size: 1MiB, content: zero}", 0),
        ("memhog: {size: 1MiB, content: constant}", 0),
        ("stress-ng: {size: 1MiB, method: rand-sum}", 0),
        ("stream: {size: 1000000, content: random}", 16),
        ("stream: {size: 32, content: random}", 1),
        ("stream: {size: 31, content: random}", 0),
        ("stream: {size: 1MiB, content: zero}", 0),
        ("messages: {size: 1MiB}", 16),
        ("messages: {size: 10}", 0),
    ] {
        let prepared = prepare(yaml);
        let memory = bytes(yaml);
        let canaries = prepared.canaries();
        assert_eq!(canaries.len(), count, "{yaml}");
        let different: HashSet<_> = canaries.iter().map(|canary| canary.bytes).collect();
        assert_eq!(different.len(), count, "{yaml}");
        for canary in canaries {
            assert!(canary.bytes.starts_with(b"SEALAB-CANARY-"));
            assert_eq!(memory[canary.offset..][..32], canary.bytes, "{yaml}");
        }
        let planted = memchr::memmem::find_iter(&memory, b"SEALAB-CANARY-").count();
        assert!(planted >= count && (count > 0 || planted == 0), "{yaml}");
    }
    let of_seed = |seed| prepare(&format!("memhog: {{size: 4KiB, seed: {seed}}}")).canaries()[0].bytes;
    assert_ne!(of_seed(1), of_seed(2));
}

#[test]
fn messages_fill_the_size_and_have_real_sizes() {
    for size in (2..500).chain([4096, 1 << 20]) {
        let prepared = prepare(&format!("messages: {{size: {size}}}"));
        let lengths = prepared.messages().expect("lengths");
        assert_eq!(lengths.iter().sum::<u32>() as usize, size);
        assert!(lengths.iter().all(|length| *length >= 2), "{size}");
        assert_eq!(prepared.len(), size);
    }
    let prepared = prepare("messages: {size: 4MiB}");
    let lengths = prepared.messages().expect("lengths");
    let share = |length| {
        let count = lengths.iter().filter(|found| **found == length).count();
        count as f64 / lengths.len() as f64
    };
    // Of the set's 75 entries, 18 have 8 bytes (fdinfo), 22 have 12 (pagemap) and 2 have 992 (mm).
    let entries = 75.0;
    for (length, of_set) in [(8, 18.0), (12, 22.0), (992, 2.0)] {
        let (found, expected) = (share(length), of_set / entries);
        assert!(
            (found / expected - 1.0).abs() < 0.15,
            "{length}: {found} {expected}"
        );
    }
    let weighted = prepare("messages: {size: 1MiB, weights: {pagemap: 100000}}");
    let pagemap = weighted
        .messages()
        .expect("lengths")
        .iter()
        .filter(|length| **length == 12)
        .count();
    assert!(pagemap * 10 > weighted.messages().expect("lengths").len() * 9);
}

#[test]
fn methods_dirty_pages_each_in_its_way() {
    let memories: Vec<Vec<u8>> = Method::ALL
        .iter()
        .map(|method| bytes(&format!("stress-ng: {{size: 1MiB, method: {}}}", method.name())))
        .collect();
    for (index, memory) in memories.iter().enumerate() {
        let name = Method::ALL[index].name();
        let first = &memory[..PAGE_BYTES];
        let last = &memory[memory.len() - PAGE_BYTES..];
        assert!(first != last, "{name}: the sweep's cursor is not to be seen");
        for (other, second) in memories.iter().enumerate().skip(index + 1) {
            assert!(memory != second, "{name} = {}", Method::ALL[other].name());
        }
    }
}

#[test]
fn methods_leave_what_the_manual_describes() {
    let memory = |method: &str| bytes(&format!("stress-ng: {{size: 1MiB, method: {method}}}"));
    let pages =
        |memory: &[u8]| -> Vec<Vec<u8>> { memory.chunks_exact(PAGE_BYTES).map(<[u8]>::to_vec).collect() };
    let values = |memory: &[u8]| memory.iter().copied().collect::<HashSet<u8>>();
    assert_eq!(values(&memory("zero-one")), HashSet::from([0, 0xff]));
    assert_eq!(values(&memory("incdec")).len(), 2);
    assert!(
        values(&memory("walk-0d"))
            .iter()
            .all(|byte| byte.count_zeros() == 1)
    );
    for page in pages(&memory("galpat-0")) {
        let ones: u32 = page.iter().map(|byte| byte.count_ones()).sum();
        assert!(ones <= 8, "{ones}");
    }
    for page in pages(&memory("gray")) {
        assert!(page.windows(2).all(|pair| (pair[0] ^ pair[1]).count_ones() == 1));
    }
    let modulo = memory("modulo-x");
    for page in modulo.chunks_exact(PAGE_BYTES) {
        let common = page.iter().filter(|byte| **byte == page[0]).count();
        let rare = common.min(page.len() - common);
        assert!((178..=179).contains(&rare), "{rare}");
        assert_eq!(values(page).len(), 2);
        assert!(values(page).iter().fold(0, |all, byte| all ^ byte) == 0xff);
    }
    // The strides run on across pages.
    let places: Vec<usize> = (0..2 * PAGE_BYTES)
        .filter(|at| modulo[*at] == !modulo[at + 1])
        .collect();
    assert!(
        places.windows(3).all(|at| (at[2] - at[0]) % 23 == 0),
        "{places:?}"
    );
    for word in memory("rand-set").chunks_exact(8) {
        assert!(word.iter().all(|byte| *byte == word[0]));
    }
    for chunk in memory("swap").chunks_exact(64) {
        assert!(chunk.chunks_exact(8).all(|word| *word == chunk[..8]));
    }
    let flipped = memory("flip");
    let difference: HashSet<u8> = flipped[..8]
        .iter()
        .zip(&flipped[flipped.len() - 8..])
        .map(|(first, last)| first ^ last)
        .collect();
    assert_eq!(difference.len(), 1);
    assert!(difference.iter().all(|bits| bits.count_ones() == 1));
    for method in ["rand-sum", "ror", "lfsr32"] {
        assert!(entropy(&memory(method), 0) > 7.9, "{method}");
    }
    let register = memory("lfsr32");
    let words: Vec<u32> = register
        .chunks_exact(4)
        .map(|word| u32::from_le_bytes(word.try_into().expect("4 bytes")))
        .collect();
    for pair in words.windows(2) {
        let expected = (pair[0] >> 1) ^ if pair[0] & 1 == 1 { 0xd000_0001 } else { 0 };
        assert_eq!(pair[1], expected);
    }
}

#[test]
fn a_buffer_of_another_length_is_refused() {
    let prepared = prepare("memhog: {size: 8KiB}");
    for length in [0, 4096, 8191, 8193] {
        let error = prepared.write_to(&mut vec![0; length]).expect_err("length");
        assert!(error.to_string().contains("8192"), "{error}");
    }
}

#[test]
fn a_file_is_taken_up_to_its_limit() {
    let directory = tempfile::tempdir().expect("tempdir");
    let path = directory.path().join("subject");
    std::fs::write(&path, (0..=255).collect::<Vec<u8>>()).expect("write");
    let name = path.display();
    assert_eq!(bytes(&format!("file: {{path: {name}}}")).len(), 256);
    let short = format!("file: {{path: {name}, limit: 100}}");
    assert_eq!(bytes(&short), (0..100).collect::<Vec<u8>>());
    assert_eq!(prepare(&short).notes(), ["the first 100 of the file's 256 bytes"]);
    // A file that shrinks is an error, and no half of it is passed off as the workload.
    let prepared = prepare(&short);
    std::fs::write(&path, b"short").expect("write");
    let error = prepared.write_to(&mut [0; 100]).expect_err("short file");
    assert!(error.to_string().contains("subject: cannot be read"), "{error}");
    std::fs::write(&path, b"").expect("write");
    let error = workload(&short)
        .prepare(&AtomicBool::new(false))
        .err()
        .expect("empty");
    assert!(error.to_string().contains("is empty"), "{error}");
}
