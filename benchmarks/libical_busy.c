/* One contestant of the benchmark: libical, from the bytes of a feed to merged busy intervals.
 *
 *     cc -O2 -o libical_busy libical_busy.c -lical
 *     printf '%s\n' '{"path": "feed.ics", "start": 1799020800, "end": 1806796800}' | ./libical_busy
 *
 * Reads and answers lines of JSON as contestant.py does, "times" and lists of feeds among them, by
 * the same rules. It uses libical as a
 * careful C program would: one parse, a hash of the overridden instances, and iterators that are
 * set near the window where the rule has no COUNT.
 */

#include <libical/ical.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

struct span { long start, end; };
struct spans { struct span *all; size_t used, room; };
struct replaced { const char *uid; long instant; struct replaced *next; };
struct table { struct replaced **slots; size_t size; };
struct window { long start, end; icaltimezone *zone; };
struct feed { char *text; struct window window; struct feed *next; };

static void *grown(void *old, size_t size)
{
    void *memory = realloc(old, size);
    if (memory == NULL) {
        perror("libical_busy");
        exit(1);
    }
    return memory;
}

static void add(struct spans *spans, const struct window *window, long start, long end)
{
    if (start >= end || start >= window->end || end <= window->start)
        return;
    if (spans->used == spans->room) {
        spans->room = spans->room ? 2 * spans->room : 1024;
        spans->all = grown(spans->all, spans->room * sizeof(struct span));
    }
    spans->all[spans->used].start = start < window->start ? window->start : start;
    spans->all[spans->used].end = end > window->end ? window->end : end;
    spans->used++;
}

static int by_start(const void *one, const void *other)
{
    long a = ((const struct span *)one)->start, b = ((const struct span *)other)->start;
    return (a > b) - (a < b);
}

static void merge(struct spans *spans)
{
    size_t kept = 0;
    if (spans->used == 0)
        return;
    qsort(spans->all, spans->used, sizeof(struct span), by_start);
    for (size_t at = 1; at < spans->used; at++) {
        if (spans->all[at].start > spans->all[kept].end)
            spans->all[++kept] = spans->all[at];
        else if (spans->all[at].end > spans->all[kept].end)
            spans->all[kept].end = spans->all[at].end;
    }
    spans->used = kept + 1;
}

/* Dates and floating times are local to the owner. */
static long instant(struct icaltimetype time, const struct window *window)
{
    const icaltimezone *zone = time.is_date || time.zone == NULL ? window->zone : time.zone;
    return (long)icaltime_as_timet_with_zone(time, (icaltimezone *)zone);
}

static int is_busy(icalcomponent *event)
{
    icalproperty *property;
    if (icalcomponent_get_status(event) == ICAL_STATUS_CANCELLED)
        return 0;
    for (property = icalcomponent_get_first_property(event, ICAL_X_PROPERTY); property;
         property = icalcomponent_get_next_property(event, ICAL_X_PROPERTY)) {
        const char *name = icalproperty_get_x_name(property);
        if (name && strcasecmp(name, "X-MICROSOFT-CDO-BUSYSTATUS") == 0) {
            const char *value = icalproperty_get_x(property);
            return value && strcasecmp(value, "FREE") && strcasecmp(value, "WORKINGELSEWHERE");
        }
    }
    property = icalcomponent_get_first_property(event, ICAL_TRANSP_PROPERTY);
    return !property || icalproperty_get_transp(property) != ICAL_TRANSP_TRANSPARENT;
}

static size_t slot_of(const struct table *table, const char *uid, long instant_)
{
    unsigned long hash = 5381 + (unsigned long)instant_;
    while (*uid)
        hash = hash * 33 + (unsigned char)*uid++;
    return hash % table->size;
}

static int is_replaced(const struct table *table, const char *uid, long instant_)
{
    const struct replaced *one = table->slots[slot_of(table, uid, instant_)];
    for (; one; one = one->next)
        if (one->instant == instant_ && strcmp(one->uid, uid) == 0)
            return 1;
    return 0;
}

static void replace(struct table *table, const char *uid, long instant_)
{
    size_t slot = slot_of(table, uid, instant_);
    struct replaced *one = grown(NULL, sizeof *one);
    one->uid = uid;
    one->instant = instant_;
    one->next = table->slots[slot];
    table->slots[slot] = one;
}

static int is_excluded(icalcomponent *event, struct icaltimetype moment, const struct window *window)
{
    long when = instant(moment, window);
    icalproperty *property = icalcomponent_get_first_property(event, ICAL_EXDATE_PROPERTY);
    for (; property; property = icalcomponent_get_next_property(event, ICAL_EXDATE_PROPERTY)) {
        struct icaltimetype gone = icalproperty_get_datetime_with_component(property, event);
        if (instant(gone, window) == when)
            return 1;
    }
    return 0;
}

/* The end of an instance: dates count days, times count seconds. */
static long end_of(struct icaltimetype moment, int days, long seconds, const struct window *window)
{
    if (!moment.is_date)
        return instant(moment, window) + seconds;
    icaltime_adjust(&moment, days, 0, 0, 0);
    return instant(moment, window);
}

static void expand(icalcomponent *event, const struct table *table, const struct window *window,
                   struct spans *spans)
{
    const char *uid = icalcomponent_get_uid(event);
    struct icaltimetype start = icalcomponent_get_dtstart(event);
    struct icaltimetype end = icalcomponent_get_dtend(event);
    long seconds = instant(end, window) - instant(start, window);
    int days = icaldurationtype_as_int(icaltime_subtract(end, start)) / 86400;
    icalproperty *property = icalcomponent_get_first_property(event, ICAL_RRULE_PROPERTY);
    struct icalrecurrencetype rule = icalproperty_get_rrule(property);
    icalrecur_iterator *iterator = icalrecur_iterator_new(rule, start);
    if (iterator == NULL)
        return;
    if (rule.count == 0) {
        struct icaltimetype near_by = icaltime_from_timet_with_zone(
            window->start - seconds - 86400, start.is_date,
            start.zone ? (icaltimezone *)start.zone : window->zone);
        if (icaltime_compare(near_by, start) > 0)
            icalrecur_iterator_set_start(iterator, near_by);
    }
    for (;;) {
        struct icaltimetype moment = icalrecur_iterator_next(iterator);
        if (icaltime_is_null_time(moment))
            break;
        moment.zone = start.zone;
        long from = instant(moment, window);
        if (from >= window->end)
            break;
        long to = end_of(moment, days, seconds, window);
        if (to > window->start && !is_replaced(table, uid, from) &&
            !is_excluded(event, moment, window))
            add(spans, window, from, to);
    }
    icalrecur_iterator_free(iterator);
}

static void note_overrides(icalcomponent *calendar, struct table *table,
                           const struct window *window)
{
    icalcomponent *event = icalcomponent_get_first_component(calendar, ICAL_VEVENT_COMPONENT);
    for (; event; event = icalcomponent_get_next_component(calendar, ICAL_VEVENT_COMPONENT)) {
        const char *uid = icalcomponent_get_uid(event);
        icalproperty *original =
            icalcomponent_get_first_property(event, ICAL_RECURRENCEID_PROPERTY);
        /* icalcomponent_get_recurrenceid would leave the TZID out. */
        if (uid && original)
            replace(table, uid,
                    instant(icalproperty_get_datetime_with_component(original, event), window));
    }
}

static void read_feed(char *text, const struct window *window, struct spans *spans)
{
    icalcomponent *calendar = icalparser_parse_string(text), *event;
    struct table table = {NULL, 65536};
    if (calendar == NULL)
        return;
    table.slots = calloc(table.size, sizeof *table.slots);
    note_overrides(calendar, &table, window);
    event = icalcomponent_get_first_component(calendar, ICAL_VEVENT_COMPONENT);
    for (; event; event = icalcomponent_get_next_component(calendar, ICAL_VEVENT_COMPONENT)) {
        if (!is_busy(event))
            continue;
        if (icalcomponent_get_first_property(event, ICAL_RRULE_PROPERTY))
            expand(event, &table, window, spans);
        else
            add(spans, window, instant(icalcomponent_get_dtstart(event), window),
                instant(icalcomponent_get_dtend(event), window));
    }
    for (size_t slot = 0; slot < table.size; slot++)
        while (table.slots[slot]) {
            struct replaced *next = table.slots[slot]->next;
            free(table.slots[slot]);
            table.slots[slot] = next;
        }
    free(table.slots);
    icalcomponent_free(calendar);
    icalmemory_free_ring();
}

static char *contents(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file);
    rewind(file);
    char *text = grown(NULL, size + 1);
    size_t got = fread(text, 1, size, file);
    text[got] = '\0';
    fclose(file);
    return text;
}

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Not getrusage: its mark is inherited from the process that started this one. */
static long high_water(void)
{
    char line[256];
    long kilobytes = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "VmHWM: %ld kB", &kilobytes) == 1)
            break;
    if (status)
        fclose(status);
    return kilobytes * 1024;
}

static long number(const char *line, const char *name)
{
    const char *found = strstr(line, name);
    return found ? strtol(strchr(found, ':') + 1, NULL, 10) : 0;
}

static struct feed *feed(const char *path, long start, long end, struct feed *next)
{
    struct feed *made = grown(NULL, sizeof *made);
    made->text = contents(path);
    made->window.start = start;
    made->window.end = end;
    made->window.zone = icaltimezone_get_builtin_timezone("Europe/Berlin");
    made->next = next;
    return made;
}

/* A path that ends in .list names several feeds: path, start and end a line. */
static struct feed *feeds(const char *path, long start, long end)
{
    char line[8192], one[4096];
    size_t length = strlen(path);
    struct feed *all = NULL;
    FILE *list;
    if (length < 5 || strcmp(path + length - 5, ".list"))
        return feed(path, start, end, NULL);
    list = fopen(path, "r");
    while (list && fgets(line, sizeof line, list))
        if (sscanf(line, "%4095[^\t]\t%ld\t%ld", one, &start, &end) == 3)
            all = feed(one, start, end, all);
    if (list)
        fclose(list);
    return all;
}

static void answer(const char *line)
{
    char path[4096] = "";
    struct spans spans = {NULL, 0, 0};
    const char *found = strstr(line, "\"path\": \"");
    if (found)
        sscanf(found + 9, "%4095[^\"]", path);
    long times = strstr(line, "\"times\"") ? number(line, "\"times\"") : 1;
    long before = high_water();
    struct feed *all = feeds(path, number(line, "\"start\""), number(line, "\"end\"")), *one;
    double began = cpu_seconds();
    while (times-- > 0) {
        spans.used = 0;
        for (one = all; one; one = one->next)
            if (one->text)
                read_feed(one->text, &one->window, &spans);
        merge(&spans);
    }
    double spent = cpu_seconds() - began;
    if (all == NULL || all->text == NULL)
        printf("{\"error\": \"cannot read the feed\"}\n");
    else {
        printf("{\"cpu\": %.6f, \"peak\": %ld, \"busy\": [", spent, high_water() - before);
        for (size_t at = 0; at < spans.used; at++)
            printf("%s[%ld, %ld]", at ? ", " : "", spans.all[at].start, spans.all[at].end);
        printf("]}\n");
    }
    free(spans.all);
    while ((one = all) != NULL) {
        all = one->next;
        free(one->text);
        free(one);
    }
}

int main(void)
{
    char line[8192];
    icalerror_set_errors_are_fatal(0);
    while (fgets(line, sizeof line, stdin)) {
        answer(line);
        fflush(stdout);
    }
    return 0;
}
