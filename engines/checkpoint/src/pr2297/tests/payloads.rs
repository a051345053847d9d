//! Plain sets there and back, with each kind of payload; and what the format leaves in clear.

use super::*;
use crate::fixtures::every_payload;

#[test]
fn a_plain_set_comes_back_byte_for_byte() {
    let plain = contents(&data("criu-4.1.1-plain"));
    let sealed = seal_files(&plain).unwrap();
    assert_eq!(sealed[CIPHER_FILE].len(), 838);
    for (name, bytes) in sealed.iter().filter(|(name, _)| *name != "stats-dump") {
        assert!(!shows(bytes, "CANARY"), "{name}");
        assert!(plain.get(name) != Some(bytes) || name == "seccomp.img", "{name}");
    }
    assert!(open_files(&sealed).unwrap() == plain);
}

#[test]
fn every_payload_comes_back_and_what_the_format_leaves_in_clear_is_known() {
    let plain = every_payload();
    let sealed = seal_files(&plain).unwrap();
    let clear: Vec<_> = sealed
        .iter()
        .filter(|(_, bytes)| shows(bytes, "CANARY"))
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(clear, ["dump.log", "ghost-file-a.img", "ifaddr-9.img"]);
    assert_eq!(sealed["iptables-9.img"].len(), 3 * 4136);
    assert!(open_files(&sealed).unwrap() == plain);
}
