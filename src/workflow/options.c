/* Values for one option of a step or workflow: cache(...), concurrency(...), service(...); and the
 * functions around them: cache_key, hash_files, raw. */
#include "base/num.h"
#include "proxy/rule.h"
#include "workflow/deferred.h"

enum { PORT_MAX = 65535 };

static bool is_given(val v)
{
    return !val_is_unbound(v) && v.kind != V_NONE;
}

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
    static const struct {
        enum val_kind kind;
        const char *what;
    } wanted[] = {{V_STR, "a text"},
                  {V_LIST, "a list of port numbers"},
                  {V_DICT, "a dict of names and texts"},
                  {V_STR, "a command"}};
    for (int i = 0; i < 4; i++)
        if (is_given(args[i]) ? args[i].kind != wanted[i].kind : i == 0)
            return heap_raise(h, &exc_TypeError, "service(%s=) must be %s, not %s", service_keys[i],
                              wanted[i].what, val_type_name(args[i]));
    for (uint32_t i = 0; is_given(args[1]) && i < args[1].list->n; i++) {
        val port = args[1].list->at[i];
        if (port.kind != V_INT || port.i < 1 || port.i > PORT_MAX)
            return heap_raise(h, &exc_ValueError, "service(ports=) takes numbers from 1 to %d",
                              PORT_MAX);
    }
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

/* ---- options of @workflow ---- */

bool check_network(struct heap *h, val v, const char *what)
{
    if (!is_given(v) || (v.kind == V_STR && str_is(text_str(v), "all")))
        return true;
    const val *at = v.kind == V_LIST ? v.list->at : v.kind == V_TUPLE ? v.tuple->at : NULL;
    uint32_t n = v.kind == V_LIST ? v.list->n : v.kind == V_TUPLE ? v.tuple->n : 0;
    if (v.kind != V_LIST && v.kind != V_TUPLE)
        return heap_raise(h, &exc_TypeError,
                          "%s must be \"all\" or a list of \"host:port\", not %s", what,
                          val_type_name(v));
    for (uint32_t i = 0; i < n; i++) {
        if (at[i].kind != V_STR)
            return heap_raise(h, &exc_TypeError,
                              "%s takes texts such as \"example.org:443\", not %s", what,
                              val_type_name(at[i]));
        if (!proxy_rule_is_valid(text_str(at[i])))
            return heap_raise(h, &exc_ValueError,
                              "%s: '%.*s' is not a host and a port, such as \"example.org:443\"",
                              what, STR_ARG(text_str(at[i])));
    }
    return true;
}

static bool check_labels(struct heap *h, val v)
{
    if (!is_given(v))
        return true;
    bool ok = v.kind == V_LIST;
    for (uint32_t i = 0; ok && i < v.list->n; i++)
        ok = v.list->at[i].kind == V_STR;
    return ok || heap_raise(h, &exc_TypeError, "workflow(labels=) must be a list of texts");
}

static bool check_services(struct heap *h, val v)
{
    uint32_t at = 0;
    if (!is_given(v))
        return true;
    bool ok = v.kind == V_DICT;
    for (struct dict_entry *e; ok && (e = dict_next(v.dict, &at));)
        ok = e->key.kind == V_STR && val_is_object_of(e->value, &class_option) &&
             strcmp(((struct option_value *)e->value.object)->kind, "service") == 0;
    return ok || heap_raise(h, &exc_TypeError,
                            "workflow(services=) must be a dict of names and service(...)");
}

/* A bare text is a group of its own. */
static bool concurrency_of(struct heap *h, val *v)
{
    val args[2] = {*v, VAL_UNBOUND};
    if (!is_given(*v) || (val_is_object_of(*v, &class_option) &&
                          strcmp(((struct option_value *)v->object)->kind, "concurrency") == 0))
        return true;
    if (v->kind == V_STR)
        return native_concurrency(h, args, v);
    return heap_raise(h, &exc_TypeError,
                      "workflow(concurrency=) must be concurrency(...) or a group's name, not %s",
                      val_type_name(*v));
}

bool write_workflow_options(struct heap *h, const struct workflow_options *given,
                            struct definition *d)
{
    struct workflow_options o = *given;
    auto_buf b = BUF(CONFIG_MAX);
    struct json_writer w = JSON_WRITER(&b, false);

    if (!concurrency_of(h, &o.concurrency) || !check_network(h, o.network, "workflow(network=)") ||
        !check_services(h, o.services) || !check_labels(h, o.labels))
        return false;
    if (is_given(o.priority) && o.priority.kind != V_INT)
        return heap_raise(h, &exc_TypeError, "workflow(priority=) must be a whole number, not %s",
                          val_type_name(o.priority));
    if (is_given(o.sandbox) && o.sandbox.kind != V_STR)
        return heap_raise(h, &exc_TypeError, "workflow(sandbox=) must be a backend's name, not %s",
                          val_type_name(o.sandbox));
    d->has_services = is_given(o.services) && o.services.dict->n;
    if (!d->timeout_ms && !is_given(o.concurrency) && !is_given(o.network) &&
        !is_given(o.services) && !is_given(o.labels) && !is_given(o.priority) &&
        !is_given(o.sandbox))
        return true;
    json_begin_object(&w);
    json_key_c(&w, "timeout_ms");
    if (d->timeout_ms)
        json_put_int(&w, d->timeout_ms);
    else
        json_put_null(&w);
    if (!write_field(h, &w, "concurrency", o.concurrency, "workflow(concurrency=)", 0) ||
        !write_field(h, &w, "network", o.network, "workflow(network=)", 0) ||
        !write_field(h, &w, "services", o.services, "workflow(services=)", 0) ||
        !write_field(h, &w, "labels", o.labels, "workflow(labels=)", 0) ||
        !write_field(h, &w, "priority", o.priority, "workflow(priority=)", 0) ||
        !write_field(h, &w, "sandbox", o.sandbox, "workflow(sandbox=)", 0))
        return false;
    json_end_object(&w);
    d->options = arena_str(&evaluation_of(h)->arena, buf_str(&b));
    return true;
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
