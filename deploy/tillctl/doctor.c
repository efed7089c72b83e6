/* doctor.c - looks at the database and says what to do (schema/functions/core/doctor.sql).
 * SPDX-License-Identifier: Apache-2.0 */
#include "deploy/tillctl/things.h"

static const struct tillctl_command commands[] = {
    { .verb = "",
      .about = "look at the database, and say what to do about it",
      .sql = "select what, is_good, found, case when not is_good then advice end as advice"
             " from pos.doctor()",
      .answer = TILLCTL_CHECKS },
};

const struct tillctl_thing tillctl_doctor = {
    .name = "doctor",
    .about = "what is not as it should be",
    TILLCTL_COMMANDS(commands),
};
