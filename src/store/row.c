#include "store/store_int.h"

/* The enums all have the size of an int, and are read and written as one. */
struct words {
    const char *(*name)(int value);
    bool (*parse)(str word, int *ret);
};

#define WORD(type, name_of, parse)              \
    static const char *name_of##_int(int value) \
    {                                           \
        return name_of((type)value);            \
    }                                           \
    static bool parse##_int(str word, int *ret) \
    {                                           \
        type value;                             \
        if (!parse(word, &value))               \
            return false;                       \
        *ret = (int)value;                      \
        return true;                            \
    }
WORD(enum run_status, run_status_name, run_status_parse)
WORD(enum step_status, step_status_name, step_status_parse)
WORD(enum step_type, step_type_name, step_type_parse)
WORD(enum outcome, outcome_name, outcome_parse)
WORD(enum conclusion, conclusion_name, conclusion_parse)
WORD(enum reason, reason_code, reason_parse)

static const struct words words[] = {
    [COL_RUN_STATUS] = {run_status_name_int, run_status_parse_int},
    [COL_STEP_STATUS] = {step_status_name_int, step_status_parse_int},
    [COL_STEP_TYPE] = {step_type_name_int, step_type_parse_int},
    [COL_OUTCOME] = {outcome_name_int, outcome_parse_int},
    [COL_CONCLUSION] = {conclusion_name_int, conclusion_parse_int},
    [COL_REASON] = {reason_code_int, reason_parse_int},
};

void row_bind(const struct column *columns, size_t n, const void *row, struct db_value *ret)
{
    for (size_t i = 0; i < n; i++) {
        const void *p = (const char *)row + columns[i].offset;
        switch (columns[i].kind) {
        case COL_INT:
            ret[i] = db_int(*(const int64_t *)p);
            break;
        case COL_INT_NULL:
            ret[i] = db_int_or_null(*(const int64_t *)p);
            break;
        case COL_OPTIONAL:
            ret[i] = *((const bool *)((const char *)row + columns[i].has_offset))
                         ? db_int(*(const int64_t *)p)
                         : (struct db_value){.type = DB_NULL};
            break;
        case COL_FLAG:
            ret[i] = db_int(*(const bool *)p);
            break;
        case COL_TEXT:
            ret[i] = db_text(*(const str *)p);
            break;
        case COL_TEXT_NULL:
            ret[i] = db_text_or_null(*(const str *)p);
            break;
        default:
            /* The word for "none" is NULL, and so is the column then. */
            ret[i] = db_text_or_null(str_of(words[columns[i].kind].name(*(const int *)p)));
        }
    }
}

static bool load_word(enum column_kind kind, str word, int *ret, struct err *err)
{
    *ret = 0;
    if (!word.n || words[kind].parse(word, ret))
        return true;
    err_set(err, "database_corrupt", "the database holds the unknown word '%.*s'", STR_ARG(word));
    err_hint(err, "use the version of plue that wrote it, or restore it from a backup");
    return false;
}

bool row_load(const struct column *columns, size_t n, const struct db_rows *rows, int first,
              struct arena *a, void *row, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        void *p = (char *)row + columns[i].offset;
        int at = first + (int)i;
        switch (columns[i].kind) {
        case COL_INT:
        case COL_INT_NULL:
            *(int64_t *)p = db_get_int(rows, at);
            break;
        case COL_OPTIONAL:
            *(bool *)((char *)row + columns[i].has_offset) = !db_is_null(rows, at);
            *(int64_t *)p = db_get_int(rows, at);
            break;
        case COL_FLAG:
            *(bool *)p = db_get_int(rows, at) != 0;
            break;
        case COL_TEXT:
        case COL_TEXT_NULL:
            *(str *)p = arena_str(a, db_get_str(rows, at));
            break;
        default:
            if (!load_word(columns[i].kind, db_get_str(rows, at), p, err))
                return false;
        }
    }
    return true;
}

void row_add_set(const struct update_column *columns, size_t n, unsigned fields, struct buf *sql,
                 size_t n_values)
{
    for (size_t i = 0; i < n; i++) {
        if (!(fields & columns[i].flag))
            continue;
        buf_add_c(sql, ", ");
        buf_add_c(sql, columns[i].name);
        buf_add_c(sql, " = $");
        buf_add_int(sql, (int64_t)++n_values);
    }
}

size_t row_bind_set(const struct update_column *columns, size_t n, unsigned fields, const void *row,
                    struct db_value *values, size_t n_values)
{
    for (size_t i = 0; i < n; i++)
        if (fields & columns[i].flag)
            row_bind(&columns[i].column, 1, row, &values[n_values++]);
    return n_values;
}

void row_keep(const struct column *columns, size_t n, struct arena *a, void *row)
{
    for (size_t i = 0; i < n; i++) {
        if (columns[i].kind != COL_TEXT && columns[i].kind != COL_TEXT_NULL)
            continue;
        str *s = (str *)((char *)row + columns[i].offset);
        *s = arena_str(a, *s);
    }
}
