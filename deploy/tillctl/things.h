/* things.h - what there are commands for; main.c lists them in this order.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deploy/tillctl/command.h"

/* Of restaurants. */
extern const struct tillctl_thing tillctl_tenant;
extern const struct tillctl_thing tillctl_key;
extern const struct tillctl_thing tillctl_token;
extern const struct tillctl_thing tillctl_ticket;
extern const struct tillctl_thing tillctl_device;
extern const struct tillctl_thing tillctl_replay;
extern const struct tillctl_thing tillctl_order;
extern const struct tillctl_thing tillctl_card;
extern const struct tillctl_thing tillctl_loyalty;
extern const struct tillctl_thing tillctl_customer;
extern const struct tillctl_thing tillctl_import;
extern const struct tillctl_thing tillctl_export;
extern const struct tillctl_thing tillctl_audit;
extern const struct tillctl_thing tillctl_setting;

/* Of the system. */
extern const struct tillctl_thing tillctl_status;
extern const struct tillctl_thing tillctl_doctor;
extern const struct tillctl_thing tillctl_tail;
extern const struct tillctl_thing tillctl_stream;
extern const struct tillctl_thing tillctl_ledger;
extern const struct tillctl_thing tillctl_migrate;
extern const struct tillctl_thing tillctl_backup;
extern const struct tillctl_thing tillctl_nginx;
extern const struct tillctl_thing tillctl_config;
extern const struct tillctl_thing tillctl_cell;
