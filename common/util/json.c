/* json.c - reading small JSON with cJSON; its types stay in this file.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/json.h"

#include <cjson/cJSON.h>

/* struct tw_json is only ever a name for a cJSON node. */
static const cJSON *node(const struct tw_json *v)
{
    return (const cJSON *)(const void *)v;
}

static const struct tw_json *name(const cJSON *n)
{
    return (const struct tw_json *)(const void *)n;
}

struct tw_json *tw_json_parse(struct tw_slice text)
{
    const char *end = NULL;
    cJSON *root = cJSON_ParseWithLengthOpts(text.at, text.len, &end, 0);

    if (root != NULL && end != text.at + text.len) { /* cJSON accepts junk after the value */
        cJSON_Delete(root);
        return NULL;
    }
    return (struct tw_json *)(void *)root;
}

void tw_json_free(struct tw_json *root)
{
    cJSON_Delete((cJSON *)(void *)root);
}

const struct tw_json *tw_json_at(const struct tw_json *object, const char *member)
{
    return object == NULL ? NULL : name(cJSON_GetObjectItemCaseSensitive(node(object), member));
}

bool tw_json_is_object(const struct tw_json *v)
{
    return v != NULL && cJSON_IsObject(node(v));
}

bool tw_json_text_of(const struct tw_json *v, struct tw_slice *out)
{
    if (v == NULL || !cJSON_IsString(node(v)))
        return false;
    *out = tw_slice_of(node(v)->valuestring);
    return true;
}

bool tw_json_bool_of(const struct tw_json *v, bool *out)
{
    if (v == NULL || !cJSON_IsBool(node(v)))
        return false;
    *out = cJSON_IsTrue(node(v)) != 0;
    return true;
}

bool tw_json_integer_of(const struct tw_json *v, int64_t *out)
{
    double d;

    if (v == NULL || !cJSON_IsNumber(node(v)))
        return false;
    d = node(v)->valuedouble;
    if (!(d > -9007199254740992.0 && d < 9007199254740992.0) || (double)(int64_t)d < d ||
        (double)(int64_t)d > d)
        return false;
    *out = (int64_t)d;
    return true;
}

const struct tw_json *tw_json_first(const struct tw_json *array)
{
    return array == NULL || !cJSON_IsArray(node(array)) ? NULL : name(node(array)->child);
}

const struct tw_json *tw_json_next(const struct tw_json *element)
{
    return element == NULL ? NULL : name(node(element)->next);
}
