/* worlds: what is simulated; each call is one world, from its first choice to its end. */
#ifndef TESTS_SIM_WORLDS_H
#define TESTS_SIM_WORLDS_H

void simulate_run(void);   /* one run: plan, steps, growth, crashes */
void simulate_group(void); /* runs of a concurrency group, and the processes that drive them */

#endif
