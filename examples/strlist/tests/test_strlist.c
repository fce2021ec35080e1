#include "../src/strlist.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int passed, failed;

static void check(const char *name, bool ok)
{
    printf("%s %s\n", ok ? "PASS" : "FAIL", name);
    if (ok)
        passed++;
    else
        failed++;
}

static bool joins_to(const struct strlist *list, const char *expected)
{
    char *text = strlist_join(list, ",");
    bool same = text && strcmp(text, expected) == 0;

    free(text);
    return same;
}

int main(void)
{
    struct strlist list = STRLIST_INIT;

    check("an_empty_list_joins_to_nothing", joins_to(&list, ""));
    check("sorting_nothing_is_fine", (strlist_sort(&list), list.count == 0));
    check("add_keeps_a_copy", strlist_add(&list, "pear") && joins_to(&list, "pear"));
    check("split_keeps_empty_parts", strlist_split(&list, "fig,,apple", ',') && list.count == 4);
    check("order_is_that_of_adding", joins_to(&list, "pear,fig,,apple"));
    strlist_sort(&list);
    check("sort_is_by_bytes", joins_to(&list, ",apple,fig,pear"));
    check("find_gives_the_index", strlist_find(&list, "fig") == 2);
    check("find_of_a_stranger_is_minus_one", strlist_find(&list, "plum") == -1);
    for (int i = 0; i < 1000; i++)
        strlist_add(&list, "many");
    check("it_grows", list.count == 1004);
    strlist_clear(&list);
    check("clear_empties_and_it_can_be_used_again",
          list.count == 0 && strlist_add(&list, "again") && joins_to(&list, "again"));
    strlist_clear(&list);

    printf("%d passed, %d failed\n", passed, failed);
    return failed ? 1 : 0;
}
