/* The patterns of triggers against the examples that GitHub documents, and where they end. */
#include "workflow/filter.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the three above before it */
#include <cmocka.h>

enum { WORDS_MAX = 8 };

struct example {
    const char *patterns[WORDS_MAX], *matches[WORDS_MAX], *others[WORDS_MAX];
};

/* clang-format off */
static const struct example documented[] = {
    /* branches and tags */
    {{"feature/*"}, {"feature/my-branch", "feature/your-branch"}, {"feature/a/b", "feature", "x/feature/a"}},
    {{"feature/**"}, {"feature/beta-a/my-branch", "feature/your-branch", "feature/mona/the/octocat"}, {"feature"}},
    {{"main", "releases/mona-the-octocat"}, {"main", "releases/mona-the-octocat"}, {"maint", "mai", "x/main"}},
    {{"*"}, {"main", "releases"}, {"all/the/branches"}},
    {{"**"}, {"all/the/branches", "every/tag", "main"}, {NULL}},
    {{"*feature"}, {"mona-feature", "feature", "ver-10-feature"}, {"feature-1", "a/feature"}},
    {{"v2*"}, {"v2", "v2.0", "v2.9"}, {"v1", "v2/a"}},
    {{"v[12].[0-9]+.[0-9]+"}, {"v1.10.1", "v2.0.0"}, {"v3.0.0", "v1.0", "v1..1", "v1.0.0-rc"}},
    {{"releases/**", "!releases/**-alpha"}, {"releases/10", "releases/beta/mona"}, {"releases/10-alpha", "releases/beta/3-alpha", "main"}},
    /* paths */
    {{"*"}, {"README.md", "server.rb"}, {"js/index.js"}},
    {{"*.jsx?"}, {"page.js", "page.jsx"}, {"page.jsxx", "a/page.js"}},
    {{"*.js"}, {"app.js", "index.js"}, {"js/index.js"}},
    {{"**.js"}, {"index.js", "js/index.js", "src/js/app.js"}, {"index.jsx"}},
    {{"docs/*"}, {"docs/README.md", "docs/file.md"}, {"docs/a/b.md"}},
    {{"docs/**"}, {"docs/README.md", "docs/mona/octocat.txt"}, {"doc/a"}},
    {{"docs/**/*.md"}, {"docs/README.md", "docs/mona/hello-world.md", "docs/a/markdown/file.md"}, {"docs/a.txt", "docsx/a.md"}},
    {{"**/docs/**"}, {"docs/hello.md", "dir/docs/my-file.txt", "space/docs/plan/space.doc"}, {"dir/mydocs/a", "docs"}},
    {{"**/README.md"}, {"README.md", "js/README.md"}, {"xREADME.md", "js/xREADME.md"}},
    {{"**/*src/**"}, {"a/src/app.js", "my-src/code/js/app.js"}, {"a/srcs/app.js"}},
    {{"**/*-post.md"}, {"my-post.md", "path/their-post.md"}, {"post.md"}},
    {{"**/migrate-*.sql"}, {"migrate-10909.sql", "db/migrate-v1.0.sql", "db/sept/migrate-v1.sql"}, {"xmigrate-1.sql"}},
    {{"*.md", "!README.md"}, {"hello.md"}, {"README.md", "docs/hello.md"}},
    {{"*.md", "!README.md", "README*"}, {"hello.md", "README.md", "README.doc"}, {"a.txt"}},
    {{"sub-project/**", "!sub-project/docs/**"}, {"sub-project/index.js", "sub-project/src/index.js"}, {"sub-project/docs/a.md"}},
    /* beyond the examples */
    {{"a\\*b"}, {"a*b"}, {"axb", "a\\*b"}},
    {{"\\!x"}, {"!x"}, {"x"}},
    {{"ab?c"}, {"abc", "ac"}, {"abbc", "axc"}},
    {{"a+b"}, {"ab", "aaaab"}, {"b", "a+b"}},
    {{"[a-c]?x"}, {"x", "ax", "cx"}, {"dx", "abx"}},
    {{"é+/日*"}, {"é/日", "éé/日本"}, {"e/日", "é/本"}},
    {{"a**/b"}, {"a/b", "axx/y/b"}, {"ab"}},
    {{"**/**/x"}, {"x", "a/x", "a/b/c/x"}, {"ax"}},
    {{"***"}, {"a/b"}, {NULL}},
    {{"!main"}, {NULL}, {"main", "dev"}},
    {{"**", "!main"}, {"dev"}, {"main"}},
};
/* clang-format on */

static void filter__decides_as_github_documents(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof documented / sizeof *documented; i++) {
        const struct example *x = &documented[i];
        str patterns[WORDS_MAX];
        size_t n = 0;
        for (; n < WORDS_MAX && x->patterns[n]; n++) {
            struct err err = ERR_INIT;
            patterns[n] = str_of(x->patterns[n]);
            assert_true(filter_check(patterns[n], &err));
        }
        for (size_t k = 0; k < WORDS_MAX && x->matches[k]; k++)
            if (!filter_accepts(patterns, n, str_of(x->matches[k])))
                fail_msg("%s ... does not accept %s", x->patterns[0], x->matches[k]);
        for (size_t k = 0; k < WORDS_MAX && x->others[k]; k++)
            if (filter_accepts(patterns, n, str_of(x->others[k])))
                fail_msg("%s ... accepts %s", x->patterns[0], x->others[k]);
    }
}

static void filter__names_what_is_wrong_with_a_pattern(void **state)
{
    static const struct {
        const char *pattern, *says;
    } wrong[] = {
        {"", "the pattern '' is empty"},
        {"!", "the pattern '!' is empty"},
        {"?a", "the pattern '?a' has a ? or + without a character before it"},
        {"*+", "the pattern '*+' has a ? or + without a character before it"},
        {"a?+", "the pattern 'a?+' has a ? or + without a character before it"},
        {"v[0-9", "the pattern 'v[0-9' has a bracket that is not closed"},
        {"v[]", "the pattern 'v[]' has empty brackets"},
        {"v[9-0]", "the pattern 'v[9-0]' has a range that does not go upwards"},
        {"[!a]",
         "the pattern '[!a]' has brackets with more in them than letters, digits and ranges "
         "of these"},
        {"a\\", "the pattern 'a\\' ends with a backslash"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        auto_err err = ERR_INIT;
        assert_false(filter_check(str_of(wrong[i].pattern), &err));
        assert_int_equal(err.message.n, strlen(wrong[i].says));
        assert_memory_equal(err.message.p, wrong[i].says, err.message.n);
        assert_false(filter_matches(str_of(wrong[i].pattern), STR("a")));
    }
}

static void filter__takes_time_in_proportion_to_the_text(void **state)
{
    char pattern[FILTER_PATTERN_MAX + 2] = {0}, text[40000] = {0};
    struct err err = ERR_INIT;
    (void)state;
    for (int i = 0; i < 400; i += 2)
        memcpy(pattern + i, "a?", 2);
    for (int i = 400; i < FILTER_PATTERN_MAX; i += 2)
        memcpy(pattern + i, "*a", 2);
    memset(text, 'a', sizeof text - 1);
    assert_true(filter_matches(str_of(pattern), str_of(text)));
    text[sizeof text - 2] = 'b';
    assert_false(filter_matches(str_of(pattern), str_of(text)));
    pattern[FILTER_PATTERN_MAX] = 'x';
    assert_false(filter_check(str_of(pattern), &err));
    err_done(&err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filter__decides_as_github_documents),
        cmocka_unit_test(filter__names_what_is_wrong_with_a_pattern),
        cmocka_unit_test(filter__takes_time_in_proportion_to_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
