/* driver_int: the head that every driver's connection and statement begin with. */
#ifndef STORE_DRIVER_INT_H
#define STORE_DRIVER_INT_H
#include "base/map.h"
#include "store/driver.h"

struct db {
    const struct db_driver *driver;
    struct map stmts; /* text -> struct db_stmt, which owns the text */
};
struct db_stmt {
    struct db *db;
    char *sql; /* owned by driver.c */
    size_t sql_n;
    bool open; /* rows may follow */
};

#endif
