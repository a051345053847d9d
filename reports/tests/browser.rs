//! The pages in a real browser: no errors, nothing wider than the screen, text that can be read in both colour schemes, no
//! labels on top of each other.
//!
//! The checks run inside a copy of each page that a probe script was added to; the page itself has no script.

// A test that unwraps fails loudly.
#![allow(clippy::unwrap_used)]

mod conformance_fixture;
mod fixture;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const PROBE: &str = include_str!("browser/probe.js");
const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
];
const PATIENCE: Duration = Duration::from_secs(240);
/// Of a telephone and of a laptop.
const WIDTHS: [u32; 2] = [390, 1280];

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Scheme {
    Dark,
    Light,
}

struct Browser {
    program: PathBuf,
    folder: tempfile::TempDir,
}

impl Browser {
    /// The browser, or a word that it is missing, which in CI is a failure.
    fn find(test: &str) -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&path)
            .flat_map(|folder| NAMES.map(|name| folder.join(name)))
            .find(|program| program.is_file());
        let Some(program) = found else {
            let ci = std::env::var("CI").is_ok_and(|value| value == "true");
            assert!(
                !ci,
                "{test}: none of {NAMES:?} is installed, and with CI=true that is a failure"
            );
            // Past the test harness, which keeps what a passing test prints to itself.
            let _ = writeln!(
                std::io::stderr(),
                "SKIPPED {test}: none of {NAMES:?} is installed"
            );
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        Some(Self { program, folder })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, scheme: Scheme, arguments: &[&str], page: &Path) -> String {
        let profile = tempfile::tempdir_in(self.folder.path()).unwrap();
        let output = self.path("stdout");
        let child = Command::new(&self.program)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--hide-scrollbars",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(match scheme {
                Scheme::Dark => "--blink-settings=preferredColorScheme=0",
                Scheme::Light => "--blink-settings=preferredColorScheme=1",
            })
            .args(arguments)
            .arg(format!("file://{}", page.display()))
            .stdin(Stdio::null())
            .stdout(fs::File::create(&output).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait(child);
        fs::read_to_string(output).unwrap()
    }

    /// What the probe found in `page` at each of [`WIDTHS`].
    fn probe(&self, page: &str, scheme: Scheme) -> Vec<serde_json::Value> {
        let policy = "default-src 'none'; ";
        assert!(page.contains(policy));
        let probed = page
            .replacen(policy, &format!("{policy}script-src 'unsafe-inline'; "), 1)
            .replacen("<head>", &format!("<head><script>{PROBE}</script>"), 1);
        fs::write(self.path("probed.html"), probed).unwrap();
        let frames: String = WIDTHS
            .iter()
            .map(|width| format!("<iframe src='probed.html#{width}' width='{width}' height='900'></iframe>"))
            .collect();
        let wrapper = format!(
            "<!doctype html><body style='margin:0'><script>addEventListener('message', event => {{ \
             document.body.append(Object.assign(document.createElement('pre'), {{textContent: event.data}})) \
             }})</script><style>iframe {{ border: 0; display: block }}</style>{frames}"
        );
        let path = self.path("wrapper.html");
        fs::write(&path, wrapper).unwrap();
        let dom = self.run(
            scheme,
            &[
                "--window-size=1400,1000",
                "--virtual-time-budget=20000",
                "--dump-dom",
            ],
            &path,
        );
        let found: Vec<serde_json::Value> = dom
            .split("<pre>")
            .skip(1)
            .map(|text| {
                let text = text.split("</pre>").next().unwrap();
                serde_json::from_slice(&STANDARD.decode(text).unwrap()).unwrap()
            })
            .collect();
        assert_eq!(
            found.len(),
            WIDTHS.len(),
            "the probe must answer at every width:\n{dom}"
        );
        found
    }
}

/// A browser that hangs must not hang the tests.
fn wait(mut child: Child) {
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("the browser did not end within {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_page_is_readable_in_both_schemes_and_at_both_widths() {
    let Some(browser) = Browser::find("the_page_is_readable_in_both_schemes_and_at_both_widths") else {
        return;
    };
    let page = sealab_report::html(&fixture::full());
    for scheme in [Scheme::Light, Scheme::Dark] {
        for found in browser.probe(&page, scheme) {
            readable(&found, scheme);
            let least = [("texts", 3001), ("plots", 12), ("marks", 301)];
            for (key, least) in least {
                let count = found[key].as_u64().unwrap();
                assert!(count >= least, "{}: {count} {key}", found["width"]);
            }
        }
    }
}

/// Nothing in what the probe found would trip a reader up.
fn readable(found: &serde_json::Value, scheme: Scheme) {
    let width = &found["width"];
    assert_eq!(
        found["dark"],
        scheme == Scheme::Dark,
        "{width}: the colour scheme was not taken up"
    );
    let keys = ["errors", "wide", "faint", "faintMarks", "collisions", "outside"];
    none_of(&keys, found, &format!("{scheme:?}"));
    let smallest = found["smallest"].as_f64().unwrap();
    assert!(smallest >= 10.0, "{width}: text of {smallest} px");
}

fn none_of(keys: &[&str], found: &serde_json::Value, page: &str) {
    for key in keys {
        let list = found[*key].as_array().unwrap();
        assert!(list.is_empty(), "{page}, {}: {key}: {list:#?}", found["width"]);
    }
}

/// The page that `sealab conform` writes.
fn conformance_page(run: &sealab_record::Conformance) -> String {
    let folder = tempfile::tempdir().unwrap();
    let written = sealab_report::write_conformance(run, folder.path()).unwrap();
    fs::read_to_string(written.html).unwrap()
}

#[test]
fn the_conformance_page_is_readable_in_both_schemes_and_at_both_widths() {
    let Some(browser) = Browser::find("the_conformance_page_is_readable_in_both_schemes_and_at_both_widths")
    else {
        return;
    };
    // Without a disagreement other colours stand in the headline and the counts.
    let mut clean = conformance_fixture::passes();
    clean.implementations.truncate(3);
    for (run, least) in [(conformance_fixture::large(), 3001), (clean, 300)] {
        let page = conformance_page(&run);
        for scheme in [Scheme::Light, Scheme::Dark] {
            for found in browser.probe(&page, scheme) {
                readable(&found, scheme);
                let texts = found["texts"].as_u64().unwrap();
                assert!(texts >= least, "{}: {texts} texts", found["width"]);
            }
        }
    }
}

#[test]
fn records_of_every_shape_render() {
    let Some(browser) = Browser::find("records_of_every_shape_render") else {
        return;
    };
    for (name, page) in [
        ("empty", sealab_report::html(&fixture::empty())),
        ("hostile", sealab_report::html(&fixture::hostile())),
        ("later", sealab_report::html(&fixture::later())),
        (
            "empty conformance",
            conformance_page(&conformance_fixture::run(Vec::new(), Vec::new())),
        ),
        (
            "hostile conformance",
            conformance_page(&conformance_fixture::hostile()),
        ),
    ] {
        for found in browser.probe(&page, Scheme::Light) {
            none_of(&["errors", "wide", "collisions", "outside"], &found, name);
        }
    }
}

#[test]
fn the_page_as_it_is_paints_something() {
    let Some(browser) = Browser::find("the_page_as_it_is_paints_something") else {
        return;
    };
    let path = browser.path("report.html");
    fs::write(&path, sealab_report::html(&fixture::full())).unwrap();
    for scheme in [Scheme::Light, Scheme::Dark] {
        let shot = browser.path("shot.png");
        let argument = format!("--screenshot={}", shot.display());
        browser.run(scheme, &["--window-size=1280,1600", &argument], &path);
        let (paper, share) = painted(&shot);
        assert!(
            (0.02..0.5).contains(&share),
            "{scheme:?}: {share} of the pixels are not paper"
        );
        assert_eq!(
            paper > 127,
            scheme == Scheme::Light,
            "{scheme:?}: the paper is {paper} bright"
        );
    }
}

/// How bright the first pixel is, and the share of pixels that differ from it.
fn painted(path: &Path) -> (u8, f64) {
    let file = std::io::BufReader::new(fs::File::open(path).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let pixels: Vec<&[u8]> = pixels[..info.buffer_size()]
        .chunks(info.color_type.samples())
        .collect();
    let others = pixels.iter().filter(|pixel| **pixel != pixels[0]).count();
    (pixels[0][0], others as f64 / pixels.len() as f64)
}
