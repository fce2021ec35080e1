/* strlist: a growing list of strings. The list owns copies of what is put in. */
#ifndef STRLIST_H
#define STRLIST_H
#include <stdbool.h>
#include <stddef.h>

struct strlist {
    char **items;
    size_t count, room;
};

#define STRLIST_INIT \
    {                \
        0            \
    }

/* Frees the strings and the list's memory; the list is empty and usable afterwards. */
void strlist_clear(struct strlist *list);

/* Copies text to the end; false where there is no memory, and then the list is as before. */
bool strlist_add(struct strlist *list, const char *text);

/* Splits text at each separator and adds the parts, empty ones too; false without memory. */
bool strlist_split(struct strlist *list, const char *text, char separator);

/* Sorts by the bytes of the strings. */
void strlist_sort(struct strlist *list);

/* Index of text, or -1. */
long strlist_find(const struct strlist *list, const char *text);

/* The strings with a separator between them, the caller's to free; NULL without memory. */
char *strlist_join(const struct strlist *list, const char *separator);

#endif
