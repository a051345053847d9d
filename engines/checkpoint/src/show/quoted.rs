//! Quoted-printable (RFC 2045, section 6.7), as Python's `quopri` writes it: CRIT's form of the names of Unix sockets.

/// The longest line, its soft line break included.
const LINE_MOST: usize = 76;

/// `bytes` in quoted-printable. Line ends are quoted, so that every line break of the result is a soft one.
pub(super) fn quoted_printable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut line = 0;
    for (index, &byte) in bytes.iter().enumerate() {
        let next = bytes.get(index + 1);
        let quoted = match byte {
            b'=' | 127.. => true,
            // A tab or space at the end, and a line of one dot, would not survive mail.
            b'\t' | b' ' => next.is_none(),
            b'.' => line == 0 && matches!(next, None | Some(0)),
            _ => byte < 33,
        };
        let break_at = if quoted { line + 3 } else { line + 1 };
        if break_at >= LINE_MOST && (quoted || next.is_some()) {
            text.push_str("=\n");
            line = 0;
        }
        if quoted {
            text.push_str(&format!("={byte:02X}"));
            line += 3;
        } else {
            text.push(char::from(byte));
            line += 1;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::quoted_printable;

    #[test]
    fn python_writes_the_same() {
        for (bytes, text) in [
            (&b""[..], ""),
            (b"/run/a socket.sock", "/run/a socket.sock"),
            (b"\0abstract=\xff", "=00abstract=3D=FF"),
            (b"ends in space ", "ends in space=20"),
            (b".", "=2E"),
            (b"..", ".."),
            (b"a.\0", "a.=00"),
            // `python3 -c 'import quopri; print(quopri.encodestring(...))'`
            (&[b'x'; 77], &format!("{}=\n{}", "x".repeat(75), "xx")),
            (&[b'x'; 76], &"x".repeat(76)),
            (&[1; 26], &format!("{}=\n=01", "=01".repeat(25))[..]),
        ] {
            assert_eq!(quoted_printable(bytes), text, "{bytes:?}");
        }
    }
}
