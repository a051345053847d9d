//! Held to what CRIT itself printed: for the golden set, and for an image of every kind that it reads, every field
//! filled.

use std::collections::BTreeMap;
use std::fs;

use super::*;

/// The first place where the two differ.
fn difference(ours: &Value, theirs: &Value, place: &str) -> Option<String> {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            let keys = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)));
            keys.into_iter().find_map(|key| {
                difference(
                    a.get(key).unwrap_or(&Value::Null),
                    b.get(key).unwrap_or(&Value::Null),
                    &format!("{place}.{key}"),
                )
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => a
            .iter()
            .zip(b)
            .enumerate()
            .find_map(|(index, (a, b))| difference(a, b, &format!("{place}[{index}]"))),
        (a, b) => (a != b).then(|| format!("{place}: {a} where CRIT has {b}")),
    }
}

fn held_to(form: &str, style: Style) {
    let text = fs::read(data(&format!("crit/{form}.json"))).unwrap();
    let expected: BTreeMap<String, Value> = serde_json::from_slice(&text).unwrap();
    assert_eq!(expected.len(), 24 + 66);
    let mut different = Vec::new();
    for (path, theirs) in &expected {
        let (_, name) = path.rsplit_once('/').unwrap();
        let ours = file(name, &fs::read(data(path)).unwrap(), style).unwrap();
        different.extend(difference(&ours, theirs, path));
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn plain_style_is_what_crit_decode_prints() {
    held_to("decode", Style::Plain);
}

#[test]
fn readable_style_is_what_crit_show_prints() {
    held_to("show", Style::Readable);
}

#[test]
fn the_order_of_fields_and_the_indentation_are_crit_s_too() {
    let name = "fdinfo-2.img";
    let bytes = fs::read(data(&format!("criu-4.1.1-plain/{name}"))).unwrap();
    let mut images = InMemory::new(Files::from([(name.to_owned(), bytes)]));
    let mut json = Vec::new();
    write_file(&mut images, name, Style::Readable, &mut json).unwrap();
    let text = String::from_utf8(json).unwrap();
    assert!(
        text.starts_with(
            "{\n    \"magic\": \"FDINFO\",\n    \"entries\": [\n        {\n            \"id\": 5,\n            \"flags\": 0,\n"
        ),
        "{text}"
    );
}
