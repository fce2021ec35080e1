/* Values for one option of a step or workflow: cache(...), concurrency(...), service(...); and the
 * functions around them: cache_key, hash_files, raw. */
#include "workflow/deferred.h"

static bool option_new(struct heap *h, const char *kind, const char *const *keys, const val *args,
                       val *ret)
{
    struct option_value *o = heap_new(h, V_OBJECT, sizeof *o);
    if (!o)
        return false;
    o->o.class = &class_option;
    o->kind = kind;
    o->fields = VAL_NONE;
    if (!dict_new(h, 4, &o->fields))
        return false;
    for (uint32_t i = 0; keys[i]; i++)
        if (!dict_set_str(h, o->fields.dict, str_of(keys[i]),
                          val_is_unbound(args[i]) ? VAL_NONE : args[i]))
            return false;
    *ret = val_obj(V_OBJECT, o);
    return true;
}

static const char *const cache_keys[] = {"key", "paths", "restore_keys", NULL};
static bool native_cache(struct heap *h, val *args, val *ret)
{
    if (args[0].kind != V_STR && !is_deferred(args[0]))
        return heap_raise(h, &exc_TypeError, "cache(key=) must be a text, not %s",
                          val_type_name(args[0]));
    for (int i = 1; i < 3; i++)
        if (!val_is_unbound(args[i]) && args[i].kind != V_LIST && args[i].kind != V_TUPLE)
            return heap_raise(h, &exc_TypeError, "cache(%s=) must be a list of texts, not %s",
                              cache_keys[i], val_type_name(args[i]));
    return option_new(h, "cache", cache_keys, args, ret);
}

static const char *const concurrency_keys[] = {"group", "policy", NULL};
static bool native_concurrency(struct heap *h, val *args, val *ret)
{
    static const char *const policies[] = {"fifo", "latest", "cancel"};
    if (args[0].kind != V_STR)
        return heap_raise(h, &exc_TypeError, "concurrency(group=) must be a text, not %s",
                          val_type_name(args[0]));
    if (val_is_unbound(args[1]) && !text_new(h, STR("fifo"), &args[1]))
        return false;
    for (size_t i = 0; args[1].kind == V_STR && i < 3; i++)
        if (str_is(text_str(args[1]), policies[i]))
            return option_new(h, "concurrency", concurrency_keys, args, ret);
    return heap_raise(h, &exc_ValueError,
                      "concurrency(policy=) must be \"fifo\", \"latest\" or \"cancel\"");
}

static const char *const service_keys[] = {"image", "ports", "env", "health", NULL};
static bool native_service(struct heap *h, val *args, val *ret)
{
    return option_new(h, "service", service_keys, args, ret);
}

static bool native_hash_files(struct heap *h, val *args, val *ret)
{
    const struct tuple_obj *patterns = args[0].tuple;
    if (patterns->n == 0)
        return heap_raise(h, &exc_TypeError, "hash_files() takes at least one pattern");
    for (uint32_t i = 0; i < patterns->n; i++)
        if (patterns->at[i].kind != V_STR)
            return heap_raise(h, &exc_TypeError, "hash_files() takes texts, not %s",
                              val_type_name(patterns->at[i]));
    return deferred_hash_files(h, args[0], ret);
}

/* cache_key("deps", hash_files(...)): the parts joined by "-". */
static bool native_cache_key(struct heap *h, val *args, val *ret)
{
    const struct tuple_obj *parts = args[0].tuple;
    val key, dash;
    if (parts->n == 0)
        return heap_raise(h, &exc_TypeError, "cache_key() takes at least one part");
    if (!text_new(h, STR("-"), &dash) || !tuple_new(h, parts->n * 2 - 1, &key))
        return false;
    bool deferred = false;
    for (uint32_t i = 0; i < parts->n; i++) {
        val part = parts->at[i];
        deferred |= is_deferred(part);
        if (!is_deferred(part) && part.kind != V_STR && !val_str(h, part, &part))
            return false;
        key.tuple->at[2 * i] = part;
        if (i)
            key.tuple->at[2 * i - 1] = dash;
    }
    return deferred ? deferred_concat(h, key.tuple->at, key.tuple->n, ret)
                    : val_concat(h, key.tuple->at, key.tuple->n, ret);
}

/* What the author promises, a reviewer should see. */
static void warn_of_raw(struct heap *h)
{
    struct evaluation *e = evaluation_of(h);
    struct err *w = err_list_add(&e->warnings);
    err_at(w, "raw_value", vm_here(e->vm), "raw() takes the quoting off this value");
    err_hint(w, "if it can come from outside, pass it through env= and write \"$NAME\"");
}

static bool native_raw(struct heap *h, val *args, val *ret)
{
    warn_of_raw(h);
    if (is_deferred(args[0]))
        return deferred_raw(h, args[0], ret);
    val text = args[0];
    if (text.kind != V_STR && !val_str(h, text, &text))
        return false;
    return text_set_trust(h, text, true, ret);
}

const struct native_def option_natives[] = {
    {.name = "cache",
     .fn = native_cache,
     .min = 1,
     .max = 3,
     .names = cache_keys,
     .signature = "(key, paths=None, restore_keys=None)",
     .doc = "What a step leaves, kept under a key."},
    {.name = "concurrency",
     .fn = native_concurrency,
     .min = 1,
     .max = 2,
     .names = concurrency_keys,
     .signature = "(group, policy=\"fifo\")",
     .doc = "One run at a time in a group."},
    {.name = "service",
     .fn = native_service,
     .min = 1,
     .max = 4,
     .names = service_keys,
     .signature = "(image, ports=None, env=None, health=None)",
     .doc = "A server that runs beside the steps."},
    {.name = "hash_files",
     .fn = native_hash_files,
     .flags = NATIVE_VARARGS,
     .signature = "(*patterns)",
     .doc = "A hash of the files' contents when the step that uses it starts."},
    {.name = "cache_key",
     .fn = native_cache_key,
     .flags = NATIVE_VARARGS,
     .signature = "(*parts)",
     .doc = "The parts joined by dashes."},
    {.name = "raw",
     .fn = native_raw,
     .min = 1,
     .max = 1,
     .positional_only = 1,
     .signature = "(value)",
     .doc = "The value as trusted text: it is not quoted in commands. Use with care."},
    {0},
};
