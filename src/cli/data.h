/* data: the data directory and the database in it. */
#ifndef CLI_DATA_H
#define CLI_DATA_H
#include "cli/command.h"
#include "store/tables.h"

#define CLI_DATA_DIR_OPTION                                    \
    {                                                          \
        "data-dir", "DIR",                                     \
            "where runs are kept (default $PLUE_DATA_DIR, or " \
            "~/.local/share/plue)"                             \
    }

/* --data-dir, PLUE_DATA_DIR, $XDG_DATA_HOME/plue or ~/.local/share/plue; the caller's to free. */
bool data_folder(struct cli *c, char **ret_folder, struct err *err) must_use;

enum data_purpose {
    DATA_LOOK,  /* read only where that is possible; database_missing where there is none */
    DATA_WRITE, /* an existing one */
    DATA_MAKE,  /* made where there is none */
};
struct data {
    char *folder;
    struct store *store;
    struct store_reader *reader;
};
bool data_open(struct cli *c, enum data_purpose purpose, struct data *ret,
               struct err *err) must_use;
/* In this folder instead; copies it. */
bool data_open_in(const char *folder, enum data_purpose purpose, struct data *ret,
                  struct err *err) must_use;
void data_done(struct data *d);
#define auto_data cleanup(data_done) struct data

/* The run that the command's first argument names, with its steps (BRIEF or RESULTS). Without a
 * database there is no run either. */
bool data_find_run(struct cli *c, enum data_purpose purpose, struct data *ret, int64_t *ret_id,
                   struct err *err) must_use;

#endif
