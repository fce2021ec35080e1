#include "base/fd.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* What is reserved and not used holds whatever was there before. */
static void fd__an_empty_file_reads_as_an_empty_text(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        auto_buf text = BUF(1000);
        auto_fd fd = memfd_create("empty", MFD_CLOEXEC);
        void *used = malloc(64);
        memset(used, 'x', 64);
        free(used);
        assert_int_equal(fd_read_all(fd, &text), 0);
        assert_int_equal(text.n, 0);
        assert_string_equal(buf_c(&text), "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fd__an_empty_file_reads_as_an_empty_text)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
