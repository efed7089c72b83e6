/* person.h - who is at the keyboard, for the audit.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/* "ada@app1": the account, or the one that sudo was called from, and the machine. Whoever owns
 * the tables could say anything here: this is a note for colleagues, not a proof. */
void person_name(char *out, size_t size);
