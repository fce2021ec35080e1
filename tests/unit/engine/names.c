/* Which names a step may set for later ones by $PLUE_ENV. */
#include "engine/outputs.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above before it */
#include <cmocka.h>

static void env__that_would_run_code_or_bend_the_shell_is_refused(void **state)
{
    static const char *const refused[] = {
        "BASH_ENV",
        "ENV",
        "IFS",
        "SHELLOPTS",
        "BASHOPTS",
        "PS4",
        "PROMPT_COMMAND",
        "PATH",
        "HOME",
        "CDPATH",
        "GLOBIGNORE",
        "PYTHONSTARTUP",
        "PYTHONPATH",
        "PYTHONHOME",
        "PERL5OPT",
        "PERL5LIB",
        "RUBYOPT",
        "NODE_OPTIONS",
        "GIT_SSH_COMMAND",
        "GCONV_PATH",
        "LD_PRELOAD",
        "LD_LIBRARY_PATH",
        "LD_AUDIT",
        "LD_",
        "PLUE_OUTPUT",
        "PLUE_ANYTHING",
        "BASH_FUNC_ls%%",
        "GIT_CONFIG",
        "GIT_CONFIG_COUNT",
        "GIT_CONFIG_KEY_0",
    };
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (outputs_env_is_allowed(str_of(refused[i])))
            fail_msg("%s is allowed", refused[i]);
}

static void env__of_other_names_is_allowed(void **state)
{
    static const char *const allowed[] = {"A",           "CC",        "LDFLAGS",    "LD",
                                          "ENVIRONMENT", "MY_PATH",   "PATH_EXTRA", "GIT_AUTHOR",
                                          "PLUE",        "ld_preload"};
    (void)state;
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        if (!outputs_env_is_allowed(str_of(allowed[i])))
            fail_msg("%s is refused", allowed[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(env__that_would_run_code_or_bend_the_shell_is_refused),
        cmocka_unit_test(env__of_other_names_is_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
