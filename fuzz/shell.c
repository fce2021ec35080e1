/* Bytes are a command: the first byte chooses the shell, bytes 0x01 begin and end untrusted parts.
 * What is quoted must be accepted again by the check, and a refusal must not depend on the values.
 */
#include "shell/shell.h"
#include <assert.h>
#include <stdint.h>

enum { PARTS = 32 };

static size_t split(str text, struct shell_part *parts)
{
    size_t n = 0;
    bool untrusted = false;
    while (n < PARTS) {
        size_t end = str_find_byte(text, 1, 0);
        parts[n++] = (struct shell_part){.text = str_sub(text, 0, end), .untrusted = untrusted};
        if (end >= text.n)
            break;
        text = str_sub(text, end + 1, text.n);
        untrusted = !untrusted;
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct shell_part parts[PARTS];
    enum shell_dialect dialect = data[0] % 3;
    size_t n = split(str_make((const char *)data + 1, size - 1), parts);
    struct shell_problem problem;
    auto_buf out = BUF(1 << 22);

    bool has_nul = false;
    for (size_t i = 0; i < n; i++)
        has_nul =
            has_nul || (parts[i].untrusted && str_find_byte(parts[i].text, 0, 0) < parts[i].text.n);
    bool quoted = shell_quote(dialect, parts, n, &out, &problem);
    bool checked = shell_check(dialect, parts, n, &problem);
    assert(quoted == checked || has_nul);
    assert(quoted || out.n == 0);
    if (checked) {
        auto_shell_warnings warnings = {0};
        shell_lint(dialect, parts, n, &warnings);
    }
    return 0;
}
