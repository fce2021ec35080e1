/* vault: seals secrets for the store, and opens them again, with a key that lies in a file of its
 * own beside the database (DIR/secret.key, 0600). XChaCha20-Poly1305; the name is bound to the
 * value, so that sealed values cannot be exchanged. A copy of the database alone tells nothing. */
#ifndef ENGINE_VAULT_H
#define ENGINE_VAULT_H
#include "base/buf.h"
#include "diag/err.h"

enum { VAULT_KEY_BYTES = 32, VAULT_SECRET_MAX = 64 << 10 };

struct vault {
    unsigned char key[VAULT_KEY_BYTES];
};
/* create: makes the key where there is none. err secret_key: missing, damaged, or readable by
 * other users. */
bool vault_open(const char *folder, bool create, struct vault *ret, struct err *err) must_use;
void vault_done(struct vault *v); /* wipes the key */
#define auto_vault cleanup(vault_done) struct vault

/* Base64 text for the store. */
void vault_seal(const struct vault *v, str name, str value, struct buf *ret);
/* err secret_unreadable: another key, another name, or damaged. */
bool vault_unseal(const struct vault *v, str name, str sealed, struct buf *ret,
                  struct err *err) must_use;

#endif
