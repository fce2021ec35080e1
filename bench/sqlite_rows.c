/* The peer of a step that prints: bulk inserts of 80-byte lines with key (run, step, seq) into
 * SQLite, WAL, in batches as a writer thread makes them.
 *     sqlite_rows FILE ROWS BATCH     prints nothing; time it from outside */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(sqlite3 *db, int rc)
{
    if (rc != SQLITE_OK && rc != SQLITE_DONE) {
        fprintf(stderr, "sqlite_rows: %s\n", sqlite3_errmsg(db));
        exit(1);
    }
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: sqlite_rows FILE ROWS BATCH\n");
        return 2;
    }
    long rows = atol(argv[2]), batch = atol(argv[3]);
    char line[81];
    memset(line, 'x', 80);
    line[80] = '\0';

    sqlite3 *db;
    sqlite3_stmt *insert;
    must(NULL, sqlite3_open(argv[1], &db));
    must(db, sqlite3_exec(db,
                          "pragma journal_mode = wal; pragma synchronous = normal;"
                          "create table logs (run integer, step text, seq integer, time integer,"
                          " stream text, line text, primary key (run, step, seq)) without rowid",
                          NULL, NULL, NULL));
    must(db, sqlite3_prepare_v2(db, "insert into logs values (1, 'a', ?, ?, 'stdout', ?)", -1,
                                &insert, NULL));
    for (long seq = 0; seq < rows; seq++) {
        if (seq % batch == 0)
            must(db, sqlite3_exec(db, seq ? "commit; begin" : "begin", NULL, NULL, NULL));
        must(db, sqlite3_bind_int64(insert, 1, seq));
        must(db, sqlite3_bind_int64(insert, 2, 1700000000000 + seq));
        must(db, sqlite3_bind_text(insert, 3, line, 80, SQLITE_STATIC));
        must(db, sqlite3_step(insert));
        must(db, sqlite3_reset(insert));
    }
    must(db, sqlite3_exec(db, "commit", NULL, NULL, NULL));
    sqlite3_finalize(insert);
    sqlite3_close(db);
    return 0;
}
