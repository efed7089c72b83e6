/* orderweb.h - OrderWeb tills: docs/protocols/orderweb.md.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/dialect/dialect.h"

extern const struct gw_dialect gw_orderweb; /* has no family */
