//! Scenario files: the shipped ones hold, and wrong ones are refused with one line that names the place.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

use sealab_record::Operation;
use sealab_scenario::{
    ImageTask, SHIPPED, ScenarioError, Vocabulary, VolumeCellSpec, VolumeTask, json_schema, parse, plan,
};

const GOOD: &str = "\
name: small
title: A small one
description: For tests.
matrix:
  - plane: page
    engines: [rustcrypto]
    cpu_profiles: [native]
    formats: [aes-256-xts]
    workloads:
      - memhog: {size: 64KiB, content: mixed}
    unit_bytes: [4096]
";

fn words() -> Vocabulary {
    Vocabulary {
        engines: vec!["rustcrypto", "xts-mode", "openssl", "aws-lc", "ring", "gnutls"],
        cpu_profiles: vec!["native".to_owned(), "no-aes".to_owned()],
    }
}

fn planned(text: &str) -> Result<usize, ScenarioError> {
    plan(parse(text, "file.yaml")?, "file.yaml", &words()).map(|planned| planned.cells.len())
}

/// The message for `text`, after checking that it is one line that begins with the file, the line and a column.
fn refusal(text: &str, line: u64) -> String {
    let error = planned(text).expect_err("the scenario must be refused");
    let message = error.to_string();
    assert_eq!(message.lines().count(), 1, "{message}");
    assert!(
        message.starts_with(&format!("file.yaml:{line}:")),
        "line {line} expected: {message}"
    );
    message
}

fn with(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from));
    GOOD.replace(from, to)
}

#[test]
fn a_good_one_is_planned() {
    assert_eq!(planned(GOOD).unwrap(), 1);
    let more = with("[rustcrypto]", "all").replace("[4096]", "[512, 4096]");
    assert_eq!(planned(&more).unwrap(), 12);
}

#[test]
fn a_cell_that_two_blocks_name_is_planned_once() {
    let block = GOOD.split_once("matrix:\n").unwrap().1;
    assert_eq!(planned(&format!("{GOOD}{block}")).unwrap(), 1);
}

#[test]
fn unknown_keys_and_words_are_refused_with_what_there_is() {
    assert!(refusal(&with("title:", "tilte:"), 2).contains("tilte"));
    let message = refusal(&with("[rustcrypto]", "[opensll]"), 6);
    assert!(
        message.contains("\"opensll\"") && message.contains("rustcrypto, xts-mode, openssl"),
        "{message}"
    );
    let message = refusal(&with("[native]", "[nativ]"), 7);
    assert!(message.contains("native, no-aes"), "{message}");
    assert!(refusal(&with("[aes-256-xts]", "[rot13]"), 8).contains("chacha20-poly1305"));
    assert!(refusal(&with("plane: page", "plane: pages"), 5).contains("page, protobuf, raw"));
    assert!(refusal(&with("memhog:", "memhug:"), 10).contains("memhug"));
}

#[test]
fn impossible_numbers_are_refused() {
    assert!(refusal(&with("64KiB", "-64KiB"), 10).contains("-64KiB"));
    assert!(refusal(&with("64KiB", "0"), 10).contains('0'));
    assert!(refusal(&with("[4096]", "[0]"), 11).contains("16 to 16777216"));
    assert!(refusal(&with("[4096]", "[-1]"), 11).contains("-1"));
    assert!(refusal(&with("[4096]", "[100]"), 11).contains("multiple of 16"));
    assert!(refusal(&format!("{GOOD}rounds: 0\n"), 12).contains("6 to 1000"));
    assert!(refusal(&format!("{GOOD}sample_milliseconds: 0\n"), 12).contains("1 to 10000"));
    assert!(refusal(&format!("{GOOD}    threads: [0]\n"), 12).contains("1 to 256"));
}

#[test]
fn empty_and_repeated_lists_are_refused() {
    let empty = GOOD.split_once("matrix:").unwrap().0.to_owned() + "matrix: []\n";
    assert!(refusal(&empty, 4).contains("matrix is empty"));
    assert!(refusal(&with("[aes-256-xts]", "[]"), 5).contains("list of formats is empty"));
    assert!(refusal(&with("[4096]", "[]"), 11).contains("unit_bytes is empty"));
    assert!(refusal(&with("[4096]", "[512, 512]"), 11).contains("512 stands twice"));
    assert!(refusal(&with("[native]", "[native, native]"), 7).contains("stands twice"));
}

const CRIU: &str = "\
name: whole
title: Whole ones
description: For tests.
criu:
  - programs: [memhog, mixture]
    sizes: [1MiB, 64MiB]
    methods: [copy, sealed-checkpoint]
    rounds: 2
    restore: true
";

#[test]
fn checkpoints_are_planned_for_every_program_and_size() {
    let planned = plan(parse(CRIU, "file.yaml").unwrap(), "file.yaml", &words()).unwrap();
    assert!(planned.cells.is_empty());
    let subjects: Vec<String> = planned
        .checkpoints
        .iter()
        .map(|checkpoint| checkpoint.subject.to_string())
        .collect();
    assert_eq!(
        subjects,
        ["memhog 1MiB", "memhog 64MiB", "mixture 1MiB", "mixture 64MiB"]
    );
    for checkpoint in &planned.checkpoints {
        let methods: Vec<&str> = checkpoint.methods.iter().map(|method| method.id()).collect();
        assert_eq!(methods, ["copy", "sealed-checkpoint"]);
        assert_eq!((checkpoint.rounds, checkpoint.restore), (2, true));
    }
}

#[test]
fn wrong_checkpoints_are_refused_with_their_place() {
    let with = |from: &str, to: &str| {
        assert!(CRIU.contains(from));
        CRIU.replace(from, to)
    };
    assert!(refusal(&with("mixture]", "mixtur]"), 5).contains("mixtur"));
    assert!(refusal(&with("[memhog, mixture]", "[]"), 5).contains("programs is empty"));
    assert!(refusal(&with("[1MiB, 64MiB]", "[]"), 6).contains("sizes is empty"));
    assert!(refusal(&with("1MiB, 64MiB", "1MiB, 4KiB"), 6).contains("1 MiB to 64 GiB"));
    assert!(refusal(&with("1MiB, 64MiB", "1MiB, 1MiB"), 5).contains("memhog 1MiB stands twice"));
    assert!(refusal(&with("[copy,", "[rot13,"), 7).contains("age"));
    assert!(refusal(&with("rounds: 2", "rounds: 0"), 8).contains("1 to 100"));
    assert!(refusal(&with("[copy, sealed-checkpoint]", "[copy]"), 5).contains("sealed-checkpoint"));
    assert!(refusal(&with("restore:", "restored:"), 9).contains("restored"));
}

const VOLUMES: &str = "\
name: volumes
title: Some volumes
description: For tests.
volumes:
  - engines: [rustcrypto, ring]
    cpu_profiles: [native]
    formats: [plain, luks2-xts, verity]
    stores: [memory, file]
    size: 4MiB
    workloads:
      - {pattern: random, operation: write, block: 4KiB, flush_every: 8}
      - {pattern: sequential, operation: read, block: 64KiB, depth: 4}
";

#[test]
fn volumes_are_planned_and_nothing_is_written_to_what_is_read_only() {
    let planned = plan(parse(VOLUMES, "file.yaml").unwrap(), "file.yaml", &words()).unwrap();
    let of = |format: &str, operation: Operation| {
        let fits = |cell: &&VolumeCellSpec| cell.format == format && cell.task.operation() == operation;
        planned.volumes.iter().filter(fits).count()
    };
    // Two engines on two stores.
    assert_eq!(of("plain", Operation::Write), 4);
    assert_eq!(of("luks2-xts", Operation::Read), 4);
    assert_eq!(of("verity", Operation::Read), 4);
    assert_eq!(of("verity", Operation::Write), 0);
    assert_eq!(planned.volumes.len(), 20);
}

#[test]
fn wrong_volumes_are_refused_with_their_place() {
    let with = |from: &str, to: &str| {
        assert!(VOLUMES.contains(from));
        VOLUMES.replace(from, to)
    };
    assert!(refusal(&with("luks2-xts", "luks3"), 7).contains("luks2-xts"));
    assert!(refusal(&with("[memory, file]", "[tape]"), 8).contains("direct-file"));
    assert!(refusal(&with("[memory, file]", "[]"), 8).contains("stores is empty"));
    assert!(refusal(&with("4MiB", "512KiB"), 9).contains("1 MiB to 1 TiB"));
    assert!(refusal(&with("block: 4KiB", "block: 1000"), 11).contains("multiple of 4 KiB"));
    assert!(refusal(&with("flush_every: 8", "flush_every: 0"), 11).contains("at least 1"));
    assert!(refusal(&with("depth: 4", "depth: 65"), 12).contains("1 to 64"));
    assert!(refusal(&with("pattern: random", "pattern: any"), 11).contains("any"));
}

#[test]
fn traces_openings_and_shares_of_a_volume_are_planned_or_refused() {
    let with = |from: &str, to: &str| {
        assert!(VOLUMES.contains(from));
        VOLUMES.replace(from, to)
    };
    let line = "      - {pattern: sequential, operation: read, block: 64KiB, depth: 4}\n";
    let more = |text: &str| with(line, text);
    // Nothing that writes is planned on what is read-only, nor is a volume that was left with unflushed blocks.
    let planned = |text: &str| plan(parse(text, "file.yaml").unwrap(), "file.yaml", &words()).unwrap();
    let openings = planned(&more(
        "    openings:\n      - {unflushed_blocks: 0}\n      - {unflushed_blocks: 9}\n",
    ));
    let opened = openings
        .volumes
        .iter()
        .filter(|cell| cell.task.operation() == Operation::Open);
    assert_eq!(opened.count(), (3 + 2) * 2 * 2);
    let traced = planned(&more("    traces: [database]\n").replace("4MiB", "512MiB"));
    let of_trace = |cell: &&VolumeCellSpec| matches!(cell.task, VolumeTask::Trace(_));
    assert_eq!(traced.volumes.iter().filter(of_trace).count(), 2 * 2 * 2);

    assert!(refusal(&more("    traces: [database]\n"), 12).contains("536870912"));
    assert!(refusal(&more("    traces: [nothing.trace]\n"), 12).contains("nothing.trace"));
    assert!(refusal(&more("    openings:\n      - {unflushed_blocks: 1025}\n"), 13).contains("has 1024"));
    let fill = |percent: &str| with("block: 64KiB", &format!("block: 64KiB, fill_percent: {percent}"));
    assert!(refusal(&fill("101"), 12).contains("0 to 100"));
    assert!(refusal(&fill("0"), 12).contains("never written"));
    assert!(refusal(&fill("1"), 12).contains("less than a block"));
    assert_eq!(planned(&fill("50")).volumes.len(), 20);
    let (head, _) = VOLUMES.split_once("    workloads:").unwrap();
    assert!(refusal(head, 9).contains("all empty"));
    let along = with("    size:", "    along: unflushed-blocks\n    size:");
    assert!(refusal(&along, 10).contains("does not have"));
    assert!(refusal(&with("    size:", "    along: colour\n    size:"), 9).contains("flush-every"));
}

const IMAGES: &str = "\
name: images
title: Some images
description: For tests.
images:
  - encrypt:
      sizes: [1MiB, 64MiB]
      methods: [copy, skopeo, ocicrypt]
      rounds: 2
  - space:
      contents: [text, random]
      sizes: [1MiB]
  - dedup:
      sizes: [2MiB]
      new: 0.1
  - lazy-start:
      content: random
      sizes: [2MiB]
      files: 0.05
      ways: [skopeo, convergent-read]
  - layers:
      engines: [rustcrypto, ring]
      cpu_profiles: [native, no-aes]
      formats: [ocicrypt, convergent]
      operations: [seal, open]
      sizes: [1MiB]
      threads: [1, 2]
";

#[test]
fn images_are_planned_for_every_size_and_content() {
    let planned = plan(parse(IMAGES, "file.yaml").unwrap(), "file.yaml", &words()).unwrap();
    let seen: Vec<(String, String, usize)> = planned
        .images
        .iter()
        .map(|spec| {
            let (task, ways) = match &spec.task {
                ImageTask::Encrypt { methods, rounds } => (format!("encrypt {rounds}"), methods.len()),
                ImageTask::Dedup { new, methods, .. } => (format!("dedup {new}"), methods.len()),
                ImageTask::LazyStart { files, ways, .. } => (format!("start {files}"), ways.len()),
            };
            (format!("{} {}", spec.content, spec.size), task, ways)
        })
        .collect();
    let expected = [
        ("host files 1MiB", "encrypt 2", 3),
        ("host files 64MiB", "encrypt 2", 3),
        ("text 1MiB", "encrypt 1", 8),
        ("random bytes 1MiB", "encrypt 1", 8),
        ("host files 2MiB", "dedup 10 %", 7),
        ("random bytes 2MiB", "start 5 %", 2),
    ];
    assert_eq!(
        seen,
        expected.map(|(image, task, ways)| (image.to_owned(), task.to_owned(), ways))
    );
    // Engines × CPU profiles × formats × operations × threads.
    assert_eq!(planned.layers.len(), 32);
}

#[test]
fn wrong_images_are_refused_with_their_place() {
    let with = |from: &str, to: &str| {
        assert!(IMAGES.contains(from));
        IMAGES.replacen(from, to, 1)
    };
    assert!(refusal(&with("[1MiB, 64MiB]", "[]"), 6).contains("sizes is empty"));
    assert!(refusal(&with("[1MiB, 64MiB]", "[4KiB]"), 6).contains("1 MiB to 64 GiB"));
    assert!(refusal(&with("[1MiB, 64MiB]", "[1MiB, 1MiB]"), 6).contains("host files with 1MiB stands twice"));
    assert!(refusal(&with("[copy, skopeo,", "[rot13,"), 7).contains("ocicrypt-seekable"));
    assert!(refusal(&with("rounds: 2", "rounds: 0"), 8).contains("1 to 100"));
    assert!(refusal(&with("[text, random]", "[]"), 10).contains("contents is empty"));
    assert!(refusal(&with("[text, random]", "[music]"), 10).contains("music"));
    assert!(refusal(&with("new: 0.1", "new: 0"), 14).contains("new is 0"));
    assert!(refusal(&with("new: 0.1", "new: 1.5"), 14).contains("share"));
    assert!(refusal(&with("new: 0.1", "new: 0.1\n      methods: [copy]"), 15).contains("skopeo-copy"));
    assert!(refusal(&with("files: 0.05", "files: 0"), 18).contains("files is 0"));
    assert!(refusal(&with("convergent-read]", "ocicrypt-read]"), 19).contains("ocicrypt-seekable-read"));
    assert!(refusal(&with("[ocicrypt, convergent]", "[rot13]"), 23).contains("chunked-aead"));
    assert!(refusal(&with("threads: [1, 2]", "threads: [0]"), 26).contains("1 to 256"));
    assert!(refusal(&with("  - encrypt:", "  - encrpt:"), 5).contains("encrpt"));
    assert!(refusal(&with("rounds: 2", "round: 2"), 8).contains("round"));
}

#[test]
fn uses_need_known_guarantees_and_a_workload_that_is_measured() {
    let with =
        |uses: &str| format!("{VOLUMES}uses:\n  - name: one\n    description: For tests.\n    {uses}\n");
    let workload = "workload: {pattern: random, operation: write, block: 4KiB, flush_every: 8}";
    let text = with(&format!("needs: [integrity, freshness]\n    {workload}"));
    assert!(plan(parse(&text, "file.yaml").unwrap(), "file.yaml", &words()).is_ok());
    let text = with(&format!("needs: [luck]\n    {workload}"));
    assert!(refusal(&text, 16).contains("confidentiality, integrity"));
    let text = with(&format!("needs: []\n    {workload}"));
    assert!(refusal(&text, 16).contains("needs is empty"));
    let text = with("needs: [integrity]\n    workload: {pattern: random, operation: write, block: 8KiB}");
    assert!(refusal(&text, 17).contains("which none of the scenario's volumes has"));
}

#[test]
fn what_does_not_fit_together_is_refused() {
    assert!(
        refusal(
            &with("plane: page", "plane: protobuf").replace("aes-256-xts", "aes-256-gcm"),
            10
        )
        .contains("messages of its own")
    );
    assert!(refusal(&with("plane: page", "plane: raw"), 5).contains("cannot seal the plane raw"));
}

#[test]
fn a_matrix_that_is_too_large_is_refused() {
    let units: Vec<_> = (1..=2000).map(|unit| (unit * 16).to_string()).collect();
    let text = with("[4096]", &format!("[{}]", units.join(", "))).replace("[rustcrypto]", "all");
    assert!(refusal(&text, 5).contains("more than 10000 cells"));
}

#[test]
fn what_is_no_yaml_is_refused() {
    assert!(refusal("{{{", 1).len() > 20);
    assert!(refusal("", 1).len() > 20);
    assert!(refusal("- a\n- b\n", 1).len() > 20);
    assert!(refusal("\u{0}\u{1}", 1).len() > 15);
}

#[test]
fn nested_brackets_neither_overflow_nor_hang() {
    assert!(refusal(&"[".repeat(1 << 20), 1).len() > 15);
    let message = refusal(&"[".repeat(10 << 20), 1);
    assert!(message.contains("larger than 1024 KiB"), "{message}");
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nname: *c\n";
    assert!(planned(bomb).is_err());
}

#[test]
fn every_shipped_scenario_passes_the_schema_and_is_planned() {
    let validator = jsonschema::validator_for(&json_schema()).unwrap();
    for (name, text) in SHIPPED {
        let value: serde_json::Value = serde_saphyr::from_str(text).unwrap();
        let errors: Vec<_> = validator
            .iter_errors(&value)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
        let scenario = parse(text, name).unwrap();
        assert_eq!(scenario.name.value, *name);
        let words = Vocabulary {
            engines: words()
                .engines
                .into_iter()
                .chain(["graviola", "system-openssl", "libgcrypt"])
                .collect(),
            cpu_profiles: ["native", "aes-ni", "no-aes", "baseline"]
                .map(str::to_owned)
                .to_vec(),
        };
        let planned = plan(scenario, name, &words).unwrap();
        let units = planned.cells.len() + planned.checkpoints.len();
        let images = planned.images.len() + planned.layers.len();
        let all = units + planned.volumes.len() + planned.databases.len() + images;
        assert!(all > 0, "{name}");
    }
}

#[test]
fn the_schema_refuses_what_the_parser_refuses() {
    let validator = jsonschema::validator_for(&json_schema()).unwrap();
    for wrong in [
        with("title:", "tilte:"),
        with("size: 64KiB", "size: -1"),
        with("[4096]", "[-1]"),
        format!("{GOOD}rounds: 0\n"),
        with("memhog:", "memhug:"),
        with("[rustcrypto]", "some"),
    ] {
        let value: serde_json::Value = serde_saphyr::from_str(&wrong).unwrap();
        assert!(!validator.is_valid(&value), "{wrong}");
        assert!(planned(&wrong).is_err(), "{wrong}");
    }
    let value: serde_json::Value = serde_saphyr::from_str(GOOD).unwrap();
    assert!(validator.is_valid(&value));
}
