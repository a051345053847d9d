//! Sealab engines over the distribution's OpenSSL, GnuTLS and libgcrypt, opened at run time.
