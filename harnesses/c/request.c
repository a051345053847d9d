#include "request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct allocation {
    struct allocation *next;
    uint8_t octets[];
};

void request_begin(struct request *request, const json_t *members)
{
    *request = (struct request){.members = members, .answers = json_object(), .outcome = DONE_WELL};
}

void request_end(struct request *request)
{
    while (request->allocations) {
        struct allocation *next = request->allocations->next;
        free(request->allocations);
        request->allocations = next;
    }
    json_decref(request->answers);
}

bool well(const struct request *request)
{
    return request->outcome.verdict == DONE;
}

bool proceed(struct request *request, struct outcome outcome)
{
    if (well(request))
        request->outcome = outcome;
    return well(request);
}

void refuse(struct request *request, const char *reason)
{
    proceed(request, (struct outcome){REFUSED, reason});
}

struct octets make(struct request *request, size_t size)
{
    struct allocation *allocation = calloc(1, sizeof *allocation + size + 1);
    if (!allocation) {
        fprintf(stderr, "no memory for %zu bytes\n", size);
        exit(1);
    }
    allocation->next = request->allocations;
    request->allocations = allocation;
    return (struct octets){allocation->octets, size};
}

/* A reason with the member's name in it. */
static void refuse_member(struct request *request, const char *name, const char *what)
{
    struct octets reason = make(request, strlen(name) + strlen(what) + 1);
    snprintf((char *)reason.data, reason.size + 1, "%s %s", name, what);
    refuse(request, (const char *)reason.data);
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

struct octets take_any(struct request *request, const char *name)
{
    const json_t *member = json_object_get(request->members, name);
    if (!json_is_string(member) || json_string_length(member) % 2 != 0) {
        refuse_member(request, name, "is not hexadecimal");
        return make(request, 0);
    }
    const char *text = json_string_value(member);
    struct octets octets = make(request, json_string_length(member) / 2);
    for (size_t i = 0; i < octets.size; i++) {
        int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            refuse_member(request, name, "is not hexadecimal");
            return make(request, 0);
        }
        octets.data[i] = (uint8_t)(high << 4 | low);
    }
    return octets;
}

struct octets take_steps(struct request *request, const char *name, size_t least, size_t step)
{
    struct octets octets = take_any(request, name);
    if (octets.size < least || octets.size % step != 0)
        refuse_member(request, name, "has a wrong length");
    return octets;
}

struct octets take(struct request *request, const char *name, size_t size)
{
    struct octets octets = take_any(request, name);
    if (octets.size == size)
        return octets;
    refuse_member(request, name, "has a wrong length");
    /* What a caller reads before it looks at the outcome is there. */
    return make(request, size);
}

const char *take_text(struct request *request, const char *name)
{
    const char *text = json_string_value(json_object_get(request->members, name));
    if (!text)
        refuse_member(request, name, "is not text");
    return text ? text : "";
}

size_t take_number(struct request *request, const char *name, size_t most)
{
    const json_t *member = json_object_get(request->members, name);
    if (json_is_integer(member) && json_integer_value(member) >= 0 && (uint64_t)json_integer_value(member) <= most)
        return (size_t)json_integer_value(member);
    refuse_member(request, name, "is not a number within bounds");
    return 0;
}

void answer(struct request *request, const char *name, struct octets value)
{
    struct octets text = make(request, 2 * value.size);
    for (size_t i = 0; i < value.size; i++) {
        text.data[2 * i] = (uint8_t)"0123456789abcdef"[value.data[i] >> 4];
        text.data[2 * i + 1] = (uint8_t)"0123456789abcdef"[value.data[i] & 15];
    }
    json_object_set_new(request->answers, name, json_stringn((const char *)text.data, text.size));
}
