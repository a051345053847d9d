/* The protocol's loop: a request a line on standard input, its answer on standard output. docs/harness-protocol.md */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algorithms.h"

enum { PROTOCOL = 1, LONGEST_LINE = 64 << 20 };

static void hello(json_t *line, const char *unusable)
{
    if (unusable) {
        json_object_set_new(line, "error", json_string(unusable));
        return;
    }
    json_t *names = json_array();
    for (size_t i = 0; i < algorithms_count; i++)
        if (offered(&algorithms[i]))
            json_array_append_new(names, json_string(algorithms[i].name));
    json_object_set_new(line, "protocol", json_integer(PROTOCOL));
    json_object_set_new(line, "name", json_string(library.name));
    json_object_set_new(line, "library", json_string(library.title));
    json_object_set_new(line, "version", json_string(library.version()));
    json_object_set_new(line, "implements", names);
}

/* False where the library has no such thing. */
static bool operate(struct request *request, const char *name, const char *operation)
{
    for (size_t i = 0; i < algorithms_count; i++) {
        const struct algorithm *algorithm = &algorithms[i];
        if (strcmp(algorithm->name, name) != 0 || !offered(algorithm))
            continue;
        for (enum direction direction = ENCRYPT; direction <= DECRYPT; direction++)
            if (algorithm->names[direction] && strcmp(algorithm->names[direction], operation) == 0) {
                algorithm->run(request, direction, algorithm->key_size);
                return true;
            }
    }
    return false;
}

static void run(json_t *line, const json_t *members, const char *operation)
{
    struct request request;
    request_begin(&request, members);
    const char *algorithm = take_text(&request, "algorithm");
    if (well(&request) && !operate(&request, algorithm, operation))
        proceed(&request, (struct outcome){UNSUPPORTED, "no such algorithm or operation here; README.md says why"});
    switch (request.outcome.verdict) {
    case DONE:
        json_object_update(line, request.answers);
        break;
    case REFUSED:
        json_object_set_new(line, "error", json_string(request.outcome.reason));
        break;
    case UNSUPPORTED:
        json_object_set_new(line, "unsupported", json_string(request.outcome.reason));
        break;
    }
    request_end(&request);
}

int main(void)
{
    const char *unusable = library.start();
    char *text = NULL;
    size_t room = 0;
    ssize_t size;
    int status = 0;
    while (status == 0 && (size = getline(&text, &room, stdin)) >= 0) {
        if (size > LONGEST_LINE) {
            fprintf(stderr, "a request is longer than %d bytes\n", LONGEST_LINE);
            status = 1;
            break;
        }
        json_error_t error;
        json_t *members = json_loadb(text, (size_t)size, JSON_REJECT_DUPLICATES, &error);
        const json_t *id = json_object_get(members, "id");
        const char *name = json_string_value(json_object_get(members, "operation"));
        if (json_is_integer(id) && name) {
            json_t *line = json_pack("{s:I}", "id", json_integer_value(id));
            if (strcmp(name, "hello") == 0)
                hello(line, unusable);
            else
                run(line, members, name);
            json_dumpf(line, stdout, JSON_COMPACT);
            putchar('\n');
            if (fflush(stdout) != 0)
                status = 1;
            json_decref(line);
        } else {
            /* There is no id to answer to. */
            fprintf(stderr, "not a request: %s\n", members ? "id or operation is missing" : error.text);
            status = 1;
        }
        json_decref(members);
    }
    free(text);
    return status;
}
