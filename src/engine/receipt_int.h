/* receipt_int: the receipt of a live run. */
#ifndef ENGINE_RECEIPT_INT_H
#define ENGINE_RECEIPT_INT_H
#include "engine/engine_int.h"
#include "engine/receipt.h"

/* results NULL: before the end. In the run's arena. */
str receipt_of_live(struct live_run *r, const str *results);
/* Adds the receipt of an ended run to the update of its row. */
void receipt_record(struct live_run *r, struct store_run_update *u);

#endif
