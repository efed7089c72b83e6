/* till.c - a till in C: prints each new order once, acknowledges it, and goes on where it was after any break.
 * apt-get install gcc libc6-dev libuv1-dev libwslay-dev libcjson-dev && gcc till.c line.c request.c -o till -luv -lwslay -lcjson && ./till
 * TILLWIRE_URL (http://), TILLWIRE_TENANT and TILLWIRE_API_KEY say where and who; TILLWIRE_STATE is where it remembers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "till.h"

static const char *tenant, *file;
static long long seq = -1; /* up to which event everything is done */
static char printed[128];  /* an order that is on paper and not acknowledged yet */
static char known[8192];   /* the orders that were printed last, a space behind each */

static void save(long long next, const char *id) { /* a new file, which then takes the name: a power cut leaves one of the two */
    char name[512];
    snprintf(name, sizeof name, "%s.new", file);
    FILE *to = fopen(name, "w");
    seq = next;
    snprintf(printed, sizeof printed, "%s", id);
    if (!to || fprintf(to, "%lld\n%s\n%s\n", seq, printed, known) < 0 || fflush(to) || fsync(fileno(to)) || fclose(to) || rename(name, file))
        till_quit("the state cannot be written");
}
static bool acknowledge(void) {
    char path[512];
    snprintf(path, sizeof path, "/api/%s/orders/%s/ack", tenant, printed);
    cJSON *answer = *printed ? till_ask(path, "{\"state\":\"printed\"}") : cJSON_CreateNull();
    if (answer && *printed) save(seq, ""); /* a repeat does nothing, and an order that was deleted needs none */
    cJSON_Delete(answer);
    return answer != NULL;
}
static const char *id_of(const cJSON *order, const char *name) { /* Tillwire's are UUIDs; some shops have numbers */
    static char number[32];
    const cJSON *id = cJSON_GetObjectItem(order, name);
    if (cJSON_IsNumber(id)) snprintf(number, sizeof number, "%.0f", id->valuedouble);
    return cJSON_IsNumber(id) ? number : till_text(order, name);
}
static bool is_known(const char *id) { /* if not, it is from now on */
    char one[160];
    size_t length = (size_t)snprintf(one, sizeof one, "%s ", id), have = strlen(known);
    char *at = known;
    while ((at = strstr(at, one)) && at > known && at[-1] != ' ') at++;
    if (at) return true;
    if (have + length >= sizeof known) memmove(known, known + sizeof known / 2, have -= sizeof known / 2), known[have] = '\0';
    memcpy(known + have, one, length + 1);
    return false;
}
static bool print(const cJSON *order, const char *id, long long next) {
    const cJSON *one;
    if (is_known(id)) return save(next, ""), true; /* it was offered again, since nobody had it in time */
    printf("print %s for %s:", till_text(order, "orderNumber"), till_text(order, "customerName"));
    cJSON_ArrayForEach(one, cJSON_GetObjectItem(order, "items")) printf(" %g x %s", till_number(one, "quantity"), till_text(one, "name"));
    if (puts("") < 0 || fflush(stdout)) till_quit("there is no paper");
    save(next, id);
    return acknowledge();
}
static bool read_state(void) { /* at the first start, and when events are not kept any more: what is open and on nobody's paper */
    char path[256];
    snprintf(path, sizeof path, "/api/%s/orders/pending", tenant);
    cJSON *pending = till_ask(path, ""), *order;
    bool is_done = pending != NULL;
    cJSON_ArrayForEach(order, cJSON_GetObjectItem(pending, "orders")) {
        snprintf(path, sizeof path, "/api/pos/orders/ack?order_id=%s", id_of(order, "id"));
        cJSON *known = till_ask(path, "");
        bool is_due = strcmp(till_text(cJSON_GetObjectItem(known, "order"), "print_status"), "printed") != 0;
        is_done = is_done && known && (!is_due || print(order, id_of(order, "id"), seq));
        cJSON_Delete(known);
    }
    if (is_done) save((long long)till_number(pending, "asOfSeq"), "");
    cJSON_Delete(pending);
    return is_done;
}
static bool prepare(char *path, size_t size) {
    if (!acknowledge() || (seq < 0 && !read_state())) return false;
    snprintf(path, size, "/ws/pos/%s?since=%lld", tenant, seq);
    return true;
}
static bool heard(const cJSON *frame) {
    const char *type = till_text(frame, "type");
    const cJSON *data = cJSON_GetObjectItem(frame, "data");
    long long next = (long long)till_number(frame, "seq");
    if (!strcmp(type, "resync_required")) return read_state();
    if (!strcmp(type, "connected") || next <= seq) return true;
    if (!strcmp(type, "new_order")) return print(data, id_of(data, "orderId"), next);
    return save(next, ""), true;
}
static void load(void) {
    char number[32] = "", *lines[] = { number, printed, known };
    size_t sizes[] = { sizeof number, sizeof printed, sizeof known };
    FILE *from = fopen(file, "r");
    for (int i = 0; from && i < 3; i++)
        if (fgets(lines[i], (int)sizes[i], from)) lines[i][strcspn(lines[i], "\n")] = '\0';
    if (from && (sscanf(number, "%lld", &seq) < 1 || fclose(from))) till_quit("the state cannot be read");
}
int main(void) {
    const char *url = getenv("TILLWIRE_URL"), *key = getenv("TILLWIRE_API_KEY");
    tenant = getenv("TILLWIRE_TENANT"), file = getenv("TILLWIRE_STATE") ? getenv("TILLWIRE_STATE") : "till.state";
    if (!url || !tenant || !key || !till_server(url, key)) till_quit("TILLWIRE_URL (http://host:port), TILLWIRE_TENANT and TILLWIRE_API_KEY are due");
    load();
    till_run(prepare, heard);
}
