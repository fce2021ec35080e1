/* The engine's core and its queue of runs under random plans, finishing orders, crashes, late and
 * repeated messages.
 *     simulate [EVENTS [SEED]]        random worlds
 *     simulate --choices KIND:LIST    one of them again, told */
#include "choices.h"
#include "worlds.h"
#include <stdlib.h>
#include <string.h>

static const struct world_kind kinds[] = {{"run", simulate_run}, {"group", simulate_group}};
enum { KINDS = sizeof kinds / sizeof *kinds };

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--choices") == 0)
        return worlds_repeat(kinds, KINDS, argv[2]);
    return worlds_run(kinds, KINDS, argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000,
                      argc > 2 ? strtoull(argv[2], NULL, 10) : 1);
}
