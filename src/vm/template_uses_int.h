/* template_uses_int: the two halves of what a template uses: names, and other templates. */
#ifndef VM_TEMPLATE_USES_INT_H
#define VM_TEMPLATE_USES_INT_H
#include "vm/template_scope_int.h"
#include "vm/uses.h"

enum { TEMPLATE_CHOICES_MAX = 64 /* of one computed name: further ones are not known */ };

/* The templates that see this one's context. What is assigned at more than one place is not known.
 */
void template_others(struct arena *a, const struct nodes *body,
                     const struct template_names *assigned_again, struct template_choices *ret);

#endif
