/* One request: its values are taken from it by name, its answers are put into it, and the first thing that fails
 * stays. All memory that it hands out lives until request_end. */
#ifndef REQUEST_H
#define REQUEST_H

#include <jansson.h>
#include <stdbool.h>

#include "library.h"

struct request {
    const json_t *members;
    json_t *answers;
    struct outcome outcome;
    struct allocation *allocations;
};

void request_begin(struct request *request, const json_t *members);
void request_end(struct request *request);

/* Makes `outcome` the request's, unless one before was worse than DONE. True while all is well. */
bool proceed(struct request *request, struct outcome outcome);
bool well(const struct request *request);
void refuse(struct request *request, const char *reason);

/* The octets of a member: of that size, of a size from `least` in steps of `step`, or of any. */
struct octets take(struct request *request, const char *name, size_t size);
struct octets take_steps(struct request *request, const char *name, size_t least, size_t step);
struct octets take_any(struct request *request, const char *name);
const char *take_text(struct request *request, const char *name);
size_t take_number(struct request *request, const char *name, size_t most);

/* Zeros, `size` of them, never NULL; a program that runs out of memory ends. */
struct octets make(struct request *request, size_t size);

void answer(struct request *request, const char *name, struct octets value);

#endif
