//! Tars that are none, or want too much.

use super::*;

#[test]
fn hostile_tars_are_refused_and_encrypted_without_an_index() {
    let good = Tar::new().file("a", &[7; 600]).finish();
    let with = |change: &dyn Fn(&mut Header)| {
        let mut header = Header::new_gnu();
        header.set_size(0);
        header.set_mode(0o644);
        header.as_old_mut().name[0] = b'a';
        change(&mut header);
        header.set_cksum();
        let mut tar = header.as_bytes().to_vec();
        tar.extend([0; 1024]);
        tar
    };
    let mut sum = good.clone();
    sum[0] ^= 1;
    let mut lone = good.clone();
    lone.splice(1536..2048, good[..512].iter().copied());
    let lone = [&lone[..1536], &[0; 512], &good].concat();
    let long = with(&|header| {
        header.set_entry_type(EntryType::XHeader);
        header.set_size(u64::from(u32::MAX) << 8);
    });
    let twice = Tar::new()
        .pax(&[("uid", b"1")])
        .pax(&[("uid", b"2")])
        .file("a", b"")
        .finish();
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (good[..512].to_vec(), "cut"),
        (good[..700].to_vec(), "cut"),
        (good[..100].to_vec(), "cut"),
        (good[..1024].to_vec(), "cut"),
        (sum, "checksum"),
        (lone, "block of zeros"),
        (long, "extended header"),
        (
            with(&|header| header.set_size(u64::MAX >> 1)),
            "longer than any layer",
        ),
        (with(&|header| header.set_size(1 << 40)), "cut"),
        (
            with(&|header| header.as_old_mut().size = *b"not a number"),
            "size is no number",
        ),
        (
            with(&|header| header.as_old_mut().mode = *b"99999999"),
            "mode is no number",
        ),
        (with(&|header| header.set_uid(1 << 40)), "owner"),
        (with(&|header| header.as_old_mut().linkflag = [b'M']), "type"),
        (with(&|header| header.as_old_mut().name[0] = 0), "no path"),
        (twice, "two extended headers"),
        (Tar::new().pax(&[("uid", b"1")]).finish(), "before no entry"),
        (
            Tar::new().pax(&[("size", b"x")]).file("a", b"").finish(),
            "size is no number",
        ),
        (
            Tar::new().pax(&[("path", &[b'a'; 5000])]).file("a", b"").finish(),
            "path has 5000 bytes",
        ),
        (
            Tar::new().pax(&[("path", b"a\0b")]).file("a", b"").finish(),
            "zero byte",
        ),
    ];
    for (tar, expected) in cases {
        let place = tempfile::tempdir().unwrap();
        let image = image_of_tars(&[&tar], &place.path().join("image"));
        let error = refusal(&image);
        assert!(
            error.contains("layer 0") && error.contains(expected),
            "{expected}: {error}"
        );
        let (closed, outcomes) = seal(
            &image,
            Format::OcicryptSeekable,
            Compression::Keep,
            &place.path().join("closed"),
        )
        .unwrap();
        assert!(!outcomes[0].file_index, "{expected}");
        assert!(refusal(&closed).contains(expected));
    }
    // The padding at the end is not there, nor the blocks of zeros.
    assert!(union(&[&good[..1536]]).is_ok());
    // Blank numbers are 0, as Go has it.
    let blank = with(&|header| header.as_old_mut().mtime = [b' '; 12]);
    assert_eq!(listing(&union(&[&blank]).unwrap()).len(), 2);
}

#[test]
fn a_sparse_file_is_listed_and_not_read() {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::GNUSparse);
    header.set_size(512);
    header.set_mode(0o644);
    header.as_old_mut().name[..6].copy_from_slice(b"sparse");
    let gnu = header.as_gnu_mut().unwrap();
    gnu.set_real_size(1 << 20);
    gnu.set_is_extended(true);
    header.set_cksum();
    // A map of two blocks, then 512 bytes.
    let mut map = vec![0; 1024];
    map[504] = 1;
    let tar = [
        &header.as_bytes()[..],
        &map,
        &[9; 512],
        &Tar::new().file("behind", b"behind").finish(),
    ]
    .concat();
    let place = tempfile::tempdir().unwrap();
    let image = image_of_tars(&[&tar], &place.path().join("image"));
    let (closed, outcomes) = seal(
        &image,
        Format::OcicryptSeekable,
        Compression::Keep,
        &place.path().join("closed"),
    )
    .unwrap();
    assert!(outcomes[0].file_index);
    for image in [image, closed] {
        let files = open(&image, 1 << 20).unwrap();
        assert_eq!(text(&files, "behind"), "behind");
        let sparse = files.resolve(b"sparse").unwrap();
        assert_eq!(files.node(sparse).unwrap().size, 1 << 20);
        let error = files.read(sparse, 0, &mut [0; 10]).unwrap_err().to_string();
        assert!(error.contains("sparse"), "{error}");
    }
}
