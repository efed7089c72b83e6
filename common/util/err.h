/* err.h - the numbers that our functions return: 0 or positive is success, negative an error.
 * libuv's codes are passed on as they are; ours begin at -5000.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

enum {
    TW_ESYNTAX = -5000,    /* bytes that break their grammar */
    TW_ETOOBIG = -5001,    /* over a limit of ours */
    TW_EDUPLICATE = -5002, /* a JSON member given twice */
    TW_EAUTH = -5003,      /* no, wrong or expired credential */
    TW_EFULL = -5004,      /* a queue is full */
    TW_ETIMEOUT = -5005,   /* a time limit of ours passed */
    TW_EDOWN = -5006,      /* PostgreSQL or Redis is not there; nothing was done */
    TW_ELOST = -5007,   /* the connection broke while the answer was awaited: outcome unknown */
    TW_EQUERY = -5008,  /* PostgreSQL refused the statement; its SQLSTATE tells why */
    TW_ECONFIG = -5009, /* a setting that cannot be */
    TW_ETLS = -5010     /* TLS was refused by one of both; tw_stream_why tells more */
};

/* A short text for logs, never null; also for libuv's numbers. Static. */
const char *tw_err_text(int err);
