/* things.h - what there are commands for; main.c lists them in this order.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deploy/tillctl/command.h"

/* Of restaurants. */
extern const struct tillctl_thing tillctl_tenant;

/* Of the system. */
extern const struct tillctl_thing tillctl_doctor;
extern const struct tillctl_thing tillctl_cell;
