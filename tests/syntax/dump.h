/* dump: a syntax tree as text, one form for our trees and for CPython's (compare.py writes the
 * same from ast.parse): Kind@offset:length(field, ...), lists in brackets, - for what is absent. */
#ifndef TESTS_SYNTAX_DUMP_H
#define TESTS_SYNTAX_DUMP_H
#include "base/buf.h"
#include "syntax/ast.h"

void dump_module(struct buf *b, const struct module *m);

#endif
