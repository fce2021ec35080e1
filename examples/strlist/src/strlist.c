#include "strlist.h"
#include <stdlib.h>
#include <string.h>

void strlist_clear(struct strlist *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct strlist)STRLIST_INIT;
}

static bool add_bytes(struct strlist *list, const char *bytes, size_t length)
{
    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 4;
        char **items = realloc(list->items, room * sizeof *items);

        if (!items)
            return false;
        list->items = items;
        list->room = room;
    }
    char *copy = malloc(length + 1);
    if (!copy)
        return false;
    memcpy(copy, bytes, length);
    copy[length] = '\0';
    list->items[list->count++] = copy;
    return true;
}

bool strlist_add(struct strlist *list, const char *text)
{
    return add_bytes(list, text, strlen(text));
}

bool strlist_split(struct strlist *list, const char *text, char separator)
{
    for (;;) {
        const char *end = strchr(text, separator);

        if (!add_bytes(list, text, end ? (size_t)(end - text) : strlen(text)))
            return false;
        if (!end)
            return true;
        text = end + 1;
    }
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void strlist_sort(struct strlist *list)
{
    if (list->count)
        qsort(list->items, list->count, sizeof *list->items, compare);
}

long strlist_find(const struct strlist *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], text) == 0)
            return (long)i;
    return -1;
}

char *strlist_join(const struct strlist *list, const char *separator)
{
    size_t gap = strlen(separator), length = 1;

    for (size_t i = 0; i < list->count; i++)
        length += strlen(list->items[i]) + (i ? gap : 0);
    char *text = malloc(length), *at = text;
    if (!text)
        return NULL;
    for (size_t i = 0; i < list->count; i++) {
        if (i) {
            memcpy(at, separator, gap);
            at += gap;
        }
        size_t n = strlen(list->items[i]);
        memcpy(at, list->items[i], n);
        at += n;
    }
    *at = '\0';
    return text;
}
