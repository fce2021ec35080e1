/* Which trigger an event is for: one row each, with what is said where none is. */
#include "registry/match.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the three above before it */
#include <cmocka.h>

/* clang-format off */
static const struct {
    const char *triggers, *event;
    long index;
    const char *why;
} rows[] = {
    {"[]", "{'type': 'push'}", -1, ""},
    {"[{'type': 'manual', 'inputs': null}]", "{'type': 'manual'}", 0, ""},
    {"[{'type': 'manual'}, {'type': 'push'}]", "{'type': 'push', 'ref': 'refs/heads/x'}", 1, ""},
    {"[{'type': 'push', 'branches': ['main']}]", "{'type': 'push', 'ref': 'refs/heads/main'}", 0, ""},
    {"[{'type': 'push', 'branches': ['main']}]", "{'type': 'push', 'branch': 'main'}", 0, ""},
    {"[{'type': 'push', 'branches': ['main']}]", "{'type': 'push', 'ref': 'refs/heads/dev'}", -1, "push(branches=) does not match the branch 'dev'"},
    {"[{'type': 'push', 'branches': ['main']}, {'type': 'push', 'branches': ['d*']}]", "{'type': 'push', 'ref': 'refs/heads/dev'}", 1, NULL},
    {"[{'type': 'push', 'branches': ['main']}, {'type': 'push', 'tags': ['v*']}]", "{'type': 'push', 'ref': 'refs/heads/dev'}", -1,
     "push(branches=) does not match the branch 'dev'; push(tags=) does not match the branch 'dev'"},
    {"[{'type': 'push', 'branches': ['**', '!dev/**']}]", "{'type': 'push', 'ref': 'refs/heads/dev/a'}", -1, NULL},
    {"[{'type': 'push', 'branches': ['main']}]", "{'type': 'push', 'ref': 'refs/tags/v1'}", -1, "push(branches=) does not match the tag 'v1'"},
    {"[{'type': 'push', 'tags': ['v*']}]", "{'type': 'push', 'ref': 'refs/tags/v1'}", 0, ""},
    {"[{'type': 'push', 'tags': ['v*']}]", "{'type': 'push', 'tag': 'x1'}", -1, "push(tags=) does not match the tag 'x1'"},
    {"[{'type': 'push', 'tags': ['v*']}]", "{'type': 'push', 'ref': 'refs/heads/main'}", -1, "push(tags=) does not match the branch 'main'"},
    {"[{'type': 'push', 'branches': ['main'], 'tags': ['v*']}]", "{'type': 'push', 'ref': 'refs/tags/v1'}", 0, ""},
    {"[{'type': 'push'}]", "{'type': 'push', 'ref': 'refs/tags/v1'}", 0, ""},
    {"[{'type': 'push', 'paths': ['src/**']}]", "{'type': 'push', 'ref': 'refs/heads/a', 'paths': ['README', 'src/a/b.c']}", 0, ""},
    {"[{'type': 'push', 'paths': ['src/**']}]", "{'type': 'push', 'ref': 'refs/heads/a', 'paths': ['README']}", -1, "push(paths=) does not match any changed path"},
    {"[{'type': 'push', 'paths': ['**', '!docs/**']}]", "{'type': 'push', 'ref': 'refs/heads/a', 'paths': ['docs/a', 'docs/b']}", -1, NULL},
    {"[{'type': 'push', 'paths': ['**', '!docs/**']}]", "{'type': 'push', 'ref': 'refs/heads/a', 'paths': ['docs/a', 'a']}", 0, NULL},
    {"[{'type': 'push', 'paths': ['src/**']}]", "{'type': 'push', 'ref': 'refs/heads/a'}", 0, ""},
    {"[{'type': 'push', 'branches': ['main'], 'paths': ['src/**']}]", "{'type': 'push', 'ref': 'refs/heads/main', 'paths': ['a']}", -1, NULL},
    {"[{'type': 'push', 'tags': ['v*'], 'paths': ['src/**']}]", "{'type': 'push', 'ref': 'refs/tags/v1', 'paths': ['a']}", 0, NULL},
    {"[{'type': 'pull_request'}]", "{'type': 'pull_request', 'action': 'opened'}", 0, ""},
    {"[{'type': 'pull_request'}]", "{'type': 'pull_request', 'action': 'synchronize'}", 0, ""},
    {"[{'type': 'pull_request'}]", "{'type': 'pull_request', 'action': 'closed'}", -1, "pull_request(types=) does not match the action 'closed'"},
    {"[{'type': 'pull_request', 'types': ['closed']}]", "{'type': 'pull_request', 'action': 'closed'}", 0, ""},
    {"[{'type': 'pull_request', 'types': ['closed']}]", "{'type': 'pull_request', 'action': 'opened'}", -1, NULL},
    {"[{'type': 'pull_request', 'branches': ['main']}]", "{'type': 'pull_request', 'pull_request': {'base_ref': 'main', 'head_ref': 'x'}}", 0, ""},
    {"[{'type': 'pull_request', 'branches': ['main']}]", "{'type': 'pull_request', 'pull_request': {'base_ref': 'refs/heads/main'}}", 0, ""},
    {"[{'type': 'pull_request', 'branches': ['main']}]", "{'type': 'pull_request', 'pull_request': {'base_ref': 'dev', 'head_ref': 'main'}}", -1,
     "pull_request(branches=) does not match the base branch 'dev'"},
    {"[{'type': 'pull_request', 'paths': ['*.c']}]", "{'type': 'pull_request', 'paths': ['a.h']}", -1, NULL},
    {"[{'type': 'issues'}]", "{'type': 'issues', 'action': 'deleted'}", 0, ""},
    {"[{'type': 'issues', 'types': ['opened']}]", "{'type': 'issues', 'action': 'closed'}", -1, "issues(types=) does not match the action 'closed'"},
    {"[{'type': 'release', 'types': ['published']}]", "{'type': 'release', 'action': 'published'}", 0, ""},
    {"[{'type': 'issue_comment', 'contains': '/deploy'}]", "{'type': 'issue_comment', 'comment': {'body': 'please /deploy now'}}", 0, ""},
    {"[{'type': 'issue_comment', 'contains': '/deploy'}]", "{'type': 'issue_comment', 'comment': {'body': 'no'}}", -1, "issue_comment(contains=) does not match the comment"},
    {"[{'type': 'issue_comment', 'contains': null}]", "{'type': 'issue_comment', 'comment': {'body': 'no'}}", 0, ""},
    {"[{'type': 'schedule', 'cron': '0 6 * * 1'}]", "{'type': 'schedule', 'schedule': '0 6 * * 1'}", 0, ""},
    {"[{'type': 'schedule', 'cron': '0 6 * * 1'}]", "{'type': 'schedule', 'schedule': '0 7 * * 1'}", -1, NULL},
    {"[{'type': 'schedule', 'cron': '0 6 * * 1'}]", "{'type': 'schedule'}", 0, ""},
    {"[{'type': 'workflow_run', 'workflows': ['ci'], 'types': ['completed']}]", "{'type': 'workflow_run', 'action': 'completed', 'workflow_run': {'workflow': 'ci'}}", 0, ""},
    {"[{'type': 'workflow_run', 'workflows': ['ci']}]", "{'type': 'workflow_run', 'workflow_run': {'workflow': 'cd'}}", -1, "workflow_run(workflows=) does not match the workflow 'cd'"},
    {"[{'type': 'workflow_run', 'types': ['completed']}]", "{'type': 'workflow_run', 'action': 'requested', 'workflow_run': {'workflow': 'ci'}}", -1, NULL},
};
/* clang-format on */

static char *with_quotes(const char *text)
{
    char *copy = strdup(text);
    for (char *c = copy; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    return copy;
}

static void match__finds_the_trigger_that_an_event_is_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        auto_buf why = BUF(1 << 16);
        auto_free char *triggers = with_quotes(rows[i].triggers);
        auto_free char *text = with_quotes(rows[i].event);
        json_t *event = json_loads(text, 0, NULL);
        assert_non_null(event);
        long index = match_triggers(str_of(triggers), event, &why);
        if (index != rows[i].index)
            fail_msg("%s\n%s\nmatches trigger %ld", triggers, text, index);
        if (rows[i].why)
            assert_string_equal(buf_c(&why), rows[i].why);
        assert_int_equal(match_triggers(str_of(triggers), event, NULL), index);
        json_decref(event);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(match__finds_the_trigger_that_an_event_is_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
