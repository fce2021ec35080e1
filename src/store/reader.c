#include "store/store_int.h"

void store_reader_close(struct store_reader *r)
{
    if (!r)
        return;
    db_close(r->db);
    free(r);
}

bool store_reader_changed(struct store_reader *r, bool *ret_changed, struct err *err)
{
    int64_t version;
    if (!db_driver_of(r->db)->version(r->db, &version, err))
        return false;
    *ret_changed = !r->looked || version != r->version;
    r->looked = true;
    r->version = version;
    return true;
}
