/* libcurl and what it needs take ten milliseconds to load, so that it is opened when a request is
 * made. It is never closed: its libraries keep state of their own. */
#include "llm/curl_int.h"
#include <dlfcn.h>
#include <pthread.h>

static const struct {
    const char *name;
    size_t offset;
} functions[] = {
    {"curl_global_init", offsetof(struct curl_api, global_init)},
    {"curl_easy_init", offsetof(struct curl_api, easy_init)},
    {"curl_easy_setopt", offsetof(struct curl_api, easy_setopt)},
    {"curl_easy_getinfo", offsetof(struct curl_api, easy_getinfo)},
    {"curl_easy_cleanup", offsetof(struct curl_api, easy_cleanup)},
    {"curl_easy_strerror", offsetof(struct curl_api, easy_strerror)},
    {"curl_multi_init", offsetof(struct curl_api, multi_init)},
    {"curl_multi_setopt", offsetof(struct curl_api, multi_setopt)},
    {"curl_multi_add_handle", offsetof(struct curl_api, multi_add_handle)},
    {"curl_multi_remove_handle", offsetof(struct curl_api, multi_remove_handle)},
    {"curl_multi_socket_action", offsetof(struct curl_api, multi_socket_action)},
    {"curl_multi_assign", offsetof(struct curl_api, multi_assign)},
    {"curl_multi_info_read", offsetof(struct curl_api, multi_info_read)},
    {"curl_multi_cleanup", offsetof(struct curl_api, multi_cleanup)},
    {"curl_slist_append", offsetof(struct curl_api, slist_append)},
    {"curl_slist_free_all", offsetof(struct curl_api, slist_free_all)},
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct curl_api api;
static const char *missing; /* NULL: all was found */

static void open_library(void)
{
    void *lib = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (!lib) {
        missing = "libcurl.so.4";
        return;
    }
    for (size_t i = 0; i < sizeof functions / sizeof *functions && !missing; i++) {
        void *found = dlsym(lib, functions[i].name);
        memcpy((char *)&api + functions[i].offset, &found, sizeof found);
        if (!found)
            missing = functions[i].name;
    }
    if (!missing && api.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        missing = "curl_global_init";
}

const struct curl_api *curl_open(struct err *err)
{
    pthread_once(&once, open_library);
    if (!missing)
        return &api;
    err_set(err, "llm_no_curl",
            "models are called through libcurl, which cannot be used: %s is missing", missing);
    err_hint(err, "install Debian's package libcurl4");
    return NULL;
}
