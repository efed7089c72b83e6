/* json_scan.h - the strict scanner that every foreign JSON passes before anything reads it.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* cJSON takes invalid UTF-8, `00123` and trailing junk; jsonb prints `1e131071`, eight bytes,
 * as 131 kB; both disagree about a member that is given twice. So text is checked here, once:
 * RFC 8259's grammar and nothing after it, UTF-8, no NUL, no lone surrogate, no duplicate
 * member, and the limits below. */
struct tw_json_limits {
    unsigned depth;        /* nested arrays and objects, at most TW_JSON_DEPTH */
    unsigned number_bytes; /* length of one number */
    unsigned magnitude;    /* digits before or after the decimal point once it is written out */
};

#define TW_JSON_DEPTH 64

/* What jsonb and numeric take at all; amounts are then compared before any arithmetic. */
extern const struct tw_json_limits tw_json_wide;

/* For documents whose numbers may be stored as jsonb and printed: at most 40 digits before or
 * after the point once they are written out. */
extern const struct tw_json_limits tw_json_narrow;

struct tw_json_fault {
    size_t at;       /* offset of the first byte that cannot stay */
    const char *why; /* a static phrase: "a member is given twice" */
};

/* Check the `*len` bytes at `text` and rewrite them in place, never longer: without a byte
 * order mark before it (RFC 8259 section 8.1) and blanks between tokens, and without control
 * and direction characters inside strings (they would reach receipt printers): C0 but tab, line
 * feed and carriage return; DEL; C1; U+202A to U+202E and U+2066 to U+2069; written raw or as
 * escapes.
 *
 * Returns the first character of the value ('{', '[', '"', 't', 'f', 'n' or '0' for a number)
 * and sets `*len`. Or TW_ESYNTAX, TW_EDUPLICATE, TW_ETOOBIG with `fault` filled; the text is
 * spoilt then. */
int tw_json_scan(char *text, size_t *len, const struct tw_json_limits *limits,
                 struct tw_json_fault *fault);
