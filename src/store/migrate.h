/* migrate: brings a database's tables up to date, each step in a transaction of its own.
 * Steps are numbered from 1 and only added to. Refuses a database that is newer than the list, and
 * one that has tables of another program. */
#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H
#include "store/driver.h"

struct migration {
    int64_t version;
    const char *name; /* of its file */
    const char *sql;
};
/* The program's own, from migrations/NNN_name.sql, in order. */
extern const struct migration store_migrations[];
extern const size_t store_migration_count;

/* where: named in messages. With `apply` false an outdated database is refused. */
bool migrate(struct db *db, const char *where, const struct migration *list, size_t n, bool apply,
             struct err *err) must_use;

#endif
