#include "engine/vault.h"
#include "base/fd.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    BASE64 = sodium_base64_VARIANT_ORIGINAL,
};
_Static_assert(VAULT_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "the key's size");

static bool fail_key(const char *path, const char *what, const char *hint, struct err *err)
{
    err_set(err, "secret_key", "the key of the secret store, %s, %s", path, what);
    err_hint(err, "%s", hint);
    return false;
}

static bool read_key(int fd, const char *path, struct vault *ret, struct err *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || (st.st_mode & 077))
        return fail_key(path, "can be read by other users", "chmod 600 it", err);
    if (read(fd, ret->key, sizeof ret->key) != (ssize_t)sizeof ret->key)
        return fail_key(path, "is damaged",
                        "restore it from a copy; without it no stored secret "
                        "can be read, so else remove it and set them again",
                        err);
    return true;
}

/* Written whole under another name first: a key is there or not, never a half of one, and of two
 * processes one wins. */
static bool make_key(const char *folder, const char *path, struct err *err)
{
    auto_buf temporary = BUF(PATH_MAX);
    unsigned char key[VAULT_KEY_BYTES];
    buf_addf(&temporary, "%s/secret.key.%d", folder, (int)getpid());
    randombytes_buf(key, sizeof key);
    int error = fd_write_file(AT_FDCWD, buf_c(&temporary), str_make((char *)key, sizeof key), 0600);
    sodium_memzero(key, sizeof key);
    if (!error && link(buf_c(&temporary), path) < 0 && errno != EEXIST)
        error = errno;
    unlink(buf_c(&temporary));
    return !error || err_errno(err, "secret_key", error, "cannot write %s", path);
}

bool vault_open(const char *folder, bool create, struct vault *ret, struct err *err)
{
    auto_buf path = BUF(PATH_MAX);
    buf_addf(&path, "%s/secret.key", folder);
    if (sodium_init() < 0)
        return err_set(err, "system_failed", "no random numbers are to be had");
    if (create && access(buf_c(&path), F_OK) < 0 && !make_key(folder, buf_c(&path), err))
        return false;
    auto_fd fd = open(buf_c(&path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return fail_key(buf_c(&path), "cannot be opened",
                        "restore it from a copy, or set the secrets again", err);
    return read_key(fd, buf_c(&path), ret, err);
}

void vault_done(struct vault *v)
{
    sodium_memzero(v, sizeof *v);
}

void vault_seal(const struct vault *v, str name, str value, struct buf *ret)
{
    size_t n = NONCE + value.n + TAG;
    auto_free unsigned char *bytes = mem_alloc(n);
    size_t room = sodium_base64_encoded_len(n, BASE64);
    auto_free char *text = mem_alloc(room);
    randombytes_buf(bytes, NONCE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(bytes + NONCE, NULL, (const unsigned char *)value.p,
                                               value.n, (const unsigned char *)name.p, name.n, NULL,
                                               bytes, v->key);
    buf_add_c(ret, sodium_bin2base64(text, room, bytes, n, BASE64));
}

bool vault_unseal(const struct vault *v, str name, str sealed, struct buf *ret, struct err *err)
{
    auto_free unsigned char *bytes = mem_alloc(sealed.n + 1);
    auto_free unsigned char *value = mem_alloc(sealed.n + 1);
    size_t n = 0;
    unsigned long long value_n = 0;
    bool ok = sodium_base642bin(bytes, sealed.n, sealed.p, sealed.n, NULL, &n, NULL, BASE64) == 0 &&
              n >= NONCE + TAG &&
              crypto_aead_xchacha20poly1305_ietf_decrypt(value, &value_n, NULL, bytes + NONCE,
                                                         n - NONCE, (const unsigned char *)name.p,
                                                         name.n, bytes, v->key) == 0;
    if (ok)
        buf_add(ret, value, value_n);
    sodium_memzero(value, sealed.n + 1);
    if (ok)
        return true;
    err_set(err, "secret_unreadable", "the stored secret %.*s cannot be read with this key",
            STR_ARG(name));
    err_hint(err, "set it again with: plue secret set %.*s", STR_ARG(name));
    return false;
}
