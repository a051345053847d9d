#include "rsa_key.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

const char *rsa_key_read(struct octets der, struct rsa_key *key)
{
    gnutls_x509_privkey_t parsed;
    gnutls_privkey_t private;
    gnutls_datum_t text = {der.data, (unsigned)der.size}, n, e, d;
    int result = gnutls_x509_privkey_init(&parsed);
    if (result < 0)
        return gnutls_strerror(result);
    result = gnutls_x509_privkey_import_pkcs8(parsed, &text, GNUTLS_X509_FMT_DER, NULL, GNUTLS_PKCS_PLAIN);
    if (result >= 0 && (result = gnutls_privkey_init(&private)) >= 0) {
        result = gnutls_privkey_import_x509(private, parsed, 0);
        if (result >= 0)
            result = gnutls_privkey_export_rsa_raw2(private, &n, &e, &d, NULL, NULL, NULL, NULL, NULL,
                                                    GNUTLS_EXPORT_FLAG_NO_LZ);
        gnutls_privkey_deinit(private);
    }
    gnutls_x509_privkey_deinit(parsed);
    if (result < 0)
        return gnutls_strerror(result);
    *key = (struct rsa_key){{n.data, n.size}, {e.data, e.size}, {d.data, d.size}};
    return NULL;
}

void rsa_key_release(struct rsa_key *key)
{
    gnutls_free(key->n.data);
    gnutls_free(key->e.data);
    gnutls_free(key->d.data);
}
