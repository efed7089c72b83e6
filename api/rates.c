/* rates.c - pos.api_rates, again and again.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/rates.h"

#include "common/util/base.h"
#include "common/util/crypto.h"
#include "common/util/err.h"
#include "common/util/log.h"

#define TICK_MS 5000
#define AGAIN_MS 500 /* when there was no answer */

static void ask(struct api_rates *r);

static void on_tick(struct tw_deadline *d)
{
    ask(tw_container_of(d, struct api_rates, tick));
}

static void on_answer(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct api_rates *r = tw_container_of(call, struct api_rates, call);
    int error = tw_pg_error(result);
    int64_t apis;

    if (r->is_stopped)
        return;
    if (error == 0 && tw_pg_rows(result) == 1) {
        apis = tw_pg_int(result, 0, 0);
        api_limiter_learn(r->options.limiter, apis > 0 && apis < 10000 ? (uint32_t)apis : 1,
                          tw_pg_text(result, 0, 1));
    } else if (error == TW_EQUERY) {
        tw_log_warn("rates.sql", tw_str("sqlstate", tw_pg_sqlstate(result)),
                    tw_str("message", tw_pg_message(result)));
    }
    tw_after(r->options.loop, &r->tick, error == 0 || error == TW_EQUERY ? TICK_MS : AGAIN_MS,
             on_tick);
}

static void ask(struct api_rates *r)
{
    r->call = (struct tw_pg_call){ .sql = "select apis, tenants from pos.api_rates($1::uuid)",
                                   .function = "api_rates",
                                   .params = { { tw_slice_of(r->id), false } },
                                   .param_count = 1,
                                   .done = on_answer };
    tw_pg_pool_call(r->options.pool, &r->call);
}

void api_rates_start(struct api_rates *r, const struct api_rates_options *options)
{
    r->options = *options;
    tw_random_uuid(r->id);
    ask(r);
}

static void on_farewell(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    (void)call; /* if it was lost, it is missed in a while */
    (void)result;
}

void api_rates_leave(struct api_rates *r)
{
    if (r->options.loop == NULL || r->is_stopped)
        return;
    api_rates_stop(r);
    r->farewell = (struct tw_pg_call){ .sql = "select pos.api_leaves($1::uuid)",
                                       .function = "api_leaves",
                                       .params = { { tw_slice_of(r->id), false } },
                                       .param_count = 1,
                                       .done = on_farewell };
    tw_pg_pool_call(r->options.pool, &r->farewell);
}

void api_rates_stop(struct api_rates *r)
{
    if (r->options.loop == NULL)
        return;
    r->is_stopped = true;
    tw_after_cancel(r->options.loop, &r->tick);
}
