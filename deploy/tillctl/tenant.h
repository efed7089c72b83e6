/* tenant.h - commands for restaurants that are functions.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deploy/tillctl/command.h"

int tenant_move(const struct tillctl_args *args); /* tenant_move.c */
