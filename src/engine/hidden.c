/* Values that steps hide with ::add-mask:: stay hidden over a resume: they are kept sealed, with
 * the key of the secret store. */
#include "engine/engine_int.h"
#include "engine/vault.h"

/* A sealed value is of its run alone. */
static str name_of(int64_t run_id, struct buf *b)
{
    buf_addf(b, "run %lld", (long long)run_id);
    return buf_str(b);
}

void hidden_keep(void *ctx, str value)
{
    struct live_run *r = run_top(ctx);
    struct engine *e = r->engine;
    auto_vault v = {0};
    auto_err err = ERR_INIT;
    auto_buf name = BUF(64), sealed = BUF(4 * VAULT_SECRET_MAX);
    if (!e->options.data_dir || !value.n || r->hidden_count >= MASK_SECRETS_MAX)
        return;
    r->hidden_count++;
    if (!vault_open(e->options.data_dir, true, &v, &err)) {
        run_notice(r, "a value that a step hid will not be hidden after a resume", &err);
        return;
    }
    vault_seal(&v, name_of(r->id, &name), value, &sealed);
    struct store_batch *b = store_batch_new(e->options.store);
    store_add_mask(b, r->id, buf_str(&sealed));
    run_submit(r, b, run_nothing, NULL);
}

bool hidden_read(struct store_reader *reader, const char *data_dir, int64_t run_id,
                 struct mask *ret, size_t *ret_n, struct err *err)
{
    auto_arena a = ARENA_INIT;
    auto_vault v = {0};
    str *sealed;
    if (!store_list_masks(reader, run_id, &a, &sealed, ret_n, err))
        return false;
    if (*ret_n && !vault_open(opt_str(data_dir).p, false, &v, err))
        return false;
    for (size_t i = 0; i < *ret_n; i++) {
        auto_buf name = BUF(64), value = BUF(VAULT_SECRET_MAX);
        if (!vault_unseal(&v, name_of(run_id, &name), sealed[i], &value, err)) {
            err_hint(err,
                     "without the key of the secret store what the run hides cannot be hidden: "
                     "restore the key, or cancel the run and start a new one");
            return false;
        }
        mask_add(ret, buf_str(&value));
        explicit_bzero(value.p, value.n);
    }
    return true;
}

bool hidden_load(struct live_run *r, struct err *err)
{
    struct engine *e = r->engine;
    return hidden_read(e->reader, e->options.data_dir, r->id, run_mask(r), &r->hidden_count, err);
}
