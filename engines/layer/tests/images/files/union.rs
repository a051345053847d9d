//! Layers over each other, and where links lead.

use super::*;

#[test]
fn layers_lie_over_each_other() {
    let lower = Tar::new()
        .directory("a/")
        .file("a/gone", b"gone")
        .file("a/stays", b"stays")
        .file("a/changes", b"before")
        .file("opaque/old", b"old")
        .file("opaque/sub/old", b"old")
        .directory("replaced/")
        .file("replaced/by", b"by")
        .file("becomes", b"a directory")
        .file("removed/deep/er", b"er")
        .finish();
    let upper = Tar::new()
        .file("a/.wh.gone", b"")
        .file("a/changes", b"after")
        // What the layer itself has stays, wherever the whiteout stands.
        .file("opaque/sub/new", b"new")
        .file("opaque/.wh..wh..opq", b"")
        .file("opaque/new", b"new")
        .file("replaced", b"a file")
        .file("becomes/one", b"one")
        .finish();
    assert!(
        union(&[&lower, &upper]).is_err(),
        "becomes is no directory until it is said"
    );
    let upper = Tar::new()
        .file("a/.wh.gone", b"")
        .file("a/changes", b"after")
        .file("opaque/sub/new", b"new")
        .file("opaque/.wh..wh..opq", b"")
        .file("opaque/new", b"new")
        .file("replaced", b"a file")
        .directory("becomes")
        .file("becomes/one", b"one")
        .file(".wh.removed", b"")
        .file(".wh.never-there", b"")
        .file("nowhere/.wh.x", b"")
        .file(".wh..wh.plnk/1.2", b"AUFS")
        .link("linked", "a/stays")
        .finish();
    let files = union(&[&lower, &upper]).unwrap();
    assert_eq!(
        names(&files, "/"),
        ["a", "becomes", "linked", "opaque", "replaced"]
    );
    assert_eq!(names(&files, "a"), ["changes", "stays"]);
    assert_eq!(names(&files, "opaque"), ["new", "sub"]);
    assert_eq!(names(&files, "opaque/sub"), ["new"]);
    assert_eq!(text(&files, "a/changes"), "after");
    assert_eq!(text(&files, "replaced"), "a file");
    assert_eq!(text(&files, "becomes/one"), "one");
    assert_eq!(
        files.resolve(b"linked").unwrap(),
        files.resolve(b"a/stays").unwrap()
    );
    assert_eq!(files.node(files.resolve(b"linked").unwrap()).unwrap().links, 2);
    let root = files.node(NodeId::ROOT).unwrap();
    assert_eq!((root.links, root.mode), (5, 0o755));
    let directory = files.node(files.resolve(b"a").unwrap()).unwrap();
    assert_eq!((directory.mode, directory.uid, directory.links), (0o750, 1000, 2));
    // A layer on top hides names of both.
    let top = Tar::new()
        .file(".wh.linked", b"")
        .file(".wh.opaque", b"")
        .finish();
    let files = union(&[&lower, &upper, &top]).unwrap();
    assert_eq!(names(&files, "/"), ["a", "becomes", "replaced"]);
    assert_eq!(files.node(files.resolve(b"a/stays").unwrap()).unwrap().links, 1);
    // What is hidden in a directory stays under another name.
    for linked in [
        Tar::new()
            .link("linked", "a/stays")
            .file("a/.wh..wh..opq", b"")
            .finish(),
        Tar::new()
            .link("linked", "a/stays")
            .file("a/.wh.stays", b"")
            .file("a/.wh.stays", b"")
            .finish(),
    ] {
        let files = union(&[&lower, &linked]).unwrap();
        assert_eq!(text(&files, "linked"), "stays");
        assert!(files.resolve(b"a/stays").is_err());
        assert_eq!(files.node(files.resolve(b"linked").unwrap()).unwrap().links, 1);
    }
    // Hidden and put there again in one layer, in both orders.
    for again in [
        Tar::new()
            .file(".wh.a", b"")
            .directory("a")
            .file("a/new", b"new")
            .finish(),
        Tar::new()
            .directory("a")
            .file("a/new", b"new")
            .file(".wh.a", b"")
            .finish(),
    ] {
        let files = union(&[&lower, &again]).unwrap();
        assert_eq!(names(&files, "a"), ["new"]);
    }
}

#[test]
fn links_lead_nowhere_but_to_the_image() {
    let lower = Tar::new()
        .file("usr/lib/x", b"x")
        .symlink("lib", "usr/lib")
        .symlink("abs", "/usr/lib/x")
        .symlink("etc/abs", "/usr/lib/x")
        .symlink("up", "../../../usr/lib/x")
        .symlink("loop", "loop2")
        .symlink("loop2", "loop")
        .symlink("dangling", "nowhere")
        .finish();
    // Put where runtimes put it.
    let upper = Tar::new().file("lib/y", b"y").finish();
    let files = union(&[&lower, &upper]).unwrap();
    assert_eq!(names(&files, "usr/lib"), ["x", "y"]);
    for path in [
        "lib/x",
        "abs",
        "etc/abs",
        "up",
        "//usr/./lib/../lib/x",
        "../usr/lib/x",
        "lib/../lib/x",
    ] {
        assert_eq!(text(&files, path), "x", "{path}");
    }
    assert_eq!(
        files
            .node(files.child(NodeId::ROOT, b"up").unwrap())
            .unwrap()
            .size,
        18
    );
    let error = files.resolve(b"loop/x").unwrap_err().to_string();
    assert!(error.contains("more than 40 symbolic links"), "{error}");
    let error = files.resolve(b"dangling").unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    assert!(
        files
            .resolve(b"abs/x")
            .unwrap_err()
            .to_string()
            .contains("no directory")
    );
    assert!(files.read(NodeId::ROOT, 0, &mut [0]).is_err());
    assert!(files.read(NodeId(1 << 40), 0, &mut [0]).is_err());
    assert!(files.node(NodeId(u64::MAX)).is_none());
}

#[test]
fn entries_that_lead_out_are_refused() {
    for (tar, expected) in [
        (Tar::new().file("a/../../etc/passwd", b"x").finish(), "lead out"),
        (Tar::new().file("..", b"x").finish(), "lead out"),
        (Tar::new().link("a", "../b").finish(), "lead out"),
        (Tar::new().link("a", "missing").finish(), "hard link to missing"),
        (
            Tar::new().directory("d").link("a", "d").finish(),
            "hard link to a directory",
        ),
        (Tar::new().file("./", b"x").finish(), "root"),
        (
            Tar::new().file("f", b"x").file("f/g", b"x").finish(),
            "no directory",
        ),
        (
            Tar::new().symlink("l", "l").file("l/g", b"x").finish(),
            "symbolic links",
        ),
        (Tar::new().file(".wh.d/x", b"x").finish(), "whiteout"),
        (Tar::new().file(".wh.", b"x").finish(), "whiteout of no name"),
        (Tar::new().file(".wh...", b"x").finish(), "whiteout of no name"),
        (
            Tar::new()
                .pax(&[("path", "n".repeat(256).as_bytes())])
                .file("n", b"")
                .finish(),
            "255",
        ),
    ] {
        let error = union(&[&tar]).err().unwrap().to_string();
        assert!(error.contains(expected), "{error}");
    }
    // An absolute path is one within the image.
    let files = union(&[&Tar::new().file("//etc//passwd", b"x").finish()]).unwrap();
    assert_eq!(text(&files, "/etc/passwd"), "x");
}

#[test]
fn encrypted_layers_lie_over_plain_ones() {
    let (lower, upper) = (
        Tar::new().file("a", b"lower").file("b", b"lower").finish(),
        Tar::new().file("b", b"upper").link("c", "a").finish(),
    );
    let place = tempfile::tempdir().unwrap();
    let image = image_of_tars(&[&lower, &upper], &place.path().join("image"));
    let closed = reference(&place.path().join("closed"));
    let choice = sealab_layer::image::LayerChoice {
        layers: vec![1],
        platforms: vec![],
    };
    let options = sealab_layer::EncryptOptions {
        format: Format::Convergent,
        recipients: &[public("rsa.pub.pem")],
        choice: &choice,
        salt: None,
        compression: Compression::Keep,
    };
    sealab_layer::encrypt(&image, &closed, &options, &work(&*engine())).unwrap();
    let files = open(&closed, 1 << 20).unwrap();
    assert_eq!(text(&files, "a"), "lower");
    assert_eq!(text(&files, "b"), "upper");
    assert_eq!(text(&files, "c"), "lower");
    // Without a key nothing shows.
    let (keys, options) = (Keys::new(), FilesOptions::default());
    let layout = Arc::new(Layout::open(&closed.directory).unwrap());
    let error = ImageFiles::open(&manifest(&closed), layout, &[keys.other()], lasting(), &options);
    assert!(matches!(error.err(), Some(Error::NoKey { .. })));
}
