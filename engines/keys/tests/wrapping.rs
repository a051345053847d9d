//! AES key wrap and HKDF against the values of their RFCs, and what each refuses.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

use sealab_keys::{WrapError, hkdf, key_wrap};

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(u8::is_ascii_hexdigit)
        .map(|digit| (digit as char).to_digit(16).unwrap() as u8)
        .collect();
    digits
        .chunks_exact(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

#[test]
fn aes_key_wrap_is_that_of_rfc_3394() {
    let kek = hex("000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F");
    // Sections 4.1, 4.3 and 4.6.
    for (kek, key, wrapped) in [
        (
            &kek[..16],
            "00112233445566778899AABBCCDDEEFF",
            "1FA68B0A8112B447 AEF34BD8FB5A7B82 9D3E862371D2CFE5",
        ),
        (
            &kek,
            "00112233445566778899AABBCCDDEEFF",
            "64E8C3F9CE0F5BA2 63E9777905818A2A 93C8191E7D6E8AE7",
        ),
        (
            &kek,
            "00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F",
            "28C9F404C4B810F4 CBCCB35CFB87F826 3F5786E2D80ED326 CBC7F0E71A99F43B FB988B9B7A02DD21",
        ),
    ] {
        let mut wrapped = hex(wrapped);
        assert_eq!(key_wrap::wrap(kek, &hex(key)).unwrap(), wrapped);
        assert_eq!(*key_wrap::unwrap(kek, &wrapped).unwrap(), hex(key));
        wrapped[0] ^= 1;
        assert!(matches!(
            key_wrap::unwrap(kek, &wrapped),
            Err(WrapError::Refused(_))
        ));
    }
    for length in [0, 8, 15, 17] {
        assert!(matches!(
            key_wrap::wrap(&kek, &vec![0; length]),
            Err(WrapError::Length { .. })
        ));
    }
    for length in [0, 7, 8, 16, 23, 25] {
        assert!(matches!(
            key_wrap::unwrap(&kek, &vec![0; length]),
            Err(WrapError::Refused(_))
        ));
    }
    assert!(matches!(
        key_wrap::wrap(&kek[..24], &[0; 16]),
        Err(WrapError::Unsupported { .. })
    ));
    assert!(matches!(
        key_wrap::unwrap_padded(&kek[..31], &[0; 16]),
        Err(WrapError::Length { .. })
    ));
}

/// RFC 5649 has values for 192-bit keys alone, which AWS-LC lacks; these are pyca/cryptography's, which
/// gives the RFC's values for 192 bits.
#[test]
fn padded_aes_key_wrap_is_that_of_rfc_5649() {
    let kek = hex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a85840df6e29b02af1");
    for (kek, key, wrapped) in [
        (
            &kek[..],
            "c37b7e6492584340bed12207808941155068f738",
            "3ff652a2bf53a75c9804ab291e3726ca63c424e38457463fd102db42f73514d8",
        ),
        (&kek, "466f7250617369", "8614466de974c9040065692ce27df4ff"),
        (&kek[..16], "466f7250617369", "21f7571c6531cc238baba66be3f0662f"),
    ] {
        let mut wrapped = hex(wrapped);
        assert_eq!(key_wrap::wrap_padded(kek, &hex(key)).unwrap(), wrapped);
        assert_eq!(*key_wrap::unwrap_padded(kek, &wrapped).unwrap(), hex(key));
        wrapped[0] ^= 1;
        assert!(matches!(
            key_wrap::unwrap_padded(kek, &wrapped),
            Err(WrapError::Refused(_))
        ));
    }
    assert!(matches!(
        key_wrap::wrap_padded(&kek, b""),
        Err(WrapError::Length { .. })
    ));
    for length in [0, 8, 15, 17, 23] {
        assert!(key_wrap::unwrap_padded(&kek, &vec![0; length]).is_err());
    }
    for length in 1..40 {
        let wrapped = key_wrap::wrap_padded(&kek, &vec![5; length]).unwrap();
        assert_eq!(*key_wrap::unwrap_padded(&kek, &wrapped).unwrap(), vec![5; length]);
    }
}

#[test]
fn hkdf_is_that_of_rfc_5869() {
    // Appendix A.1 and A.3.
    let okm = hkdf::derive_sha256(
        &[0x0b; 22],
        &hex("000102030405060708090a0b0c"),
        &hex("f0f1f2f3f4f5f6f7f8f9"),
        42,
    );
    let expected = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865";
    assert_eq!(*okm.unwrap(), hex(expected));
    let expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8";
    assert_eq!(
        *hkdf::derive_sha256(&[0x0b; 22], b"", b"", 42).unwrap(),
        hex(expected)
    );
    assert_eq!(
        hkdf::derive_sha256(b"", b"", &[1; 500], hkdf::MAX_BYTES)
            .unwrap()
            .len(),
        8160
    );
    for size in [0, hkdf::MAX_BYTES + 1, usize::MAX] {
        assert!(matches!(
            hkdf::derive_sha256(b"", b"", b"", size),
            Err(WrapError::Length { .. })
        ));
    }
}
