/* fake_names.h - names and their addresses, in place of the system's resolver.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "common/net/lookup.h"

/* From now on names have the addresses that fake_names_set gives them, and no others. */
void fake_names_begin(void);
void fake_names_end(void); /* only when no lookup is under way */

/* `addresses` with blanks between them; empty: there is no such name. */
void fake_names_set(const char *host, const char *addresses);

/* Until it is let go, whoever asks for this name waits in his thread. */
void fake_names_hang(const char *host);
void fake_names_let_go(void);

int fake_names_asked(const char *host); /* how often */
