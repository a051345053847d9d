// A Sealab harness of Go's standard library: a request a line on standard input, its answer on standard output.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sort"
)

const (
	protocol    = 1
	longestLine = 64 << 20
)

func hello() answers {
	names := make([]string, 0, len(algorithms))
	for name := range algorithms {
		names = append(names, name)
	}
	sort.Strings(names)
	return answers{
		"protocol":   protocol,
		"name":       "go",
		"library":    "Go standard library",
		"version":    runtime.Version(),
		"implements": names,
	}
}

func run(r *request, operation string) answers {
	algorithm := r.text("algorithm")
	if r.err != nil {
		return answers{"error": r.err.Error()}
	}
	do, ok := algorithms[algorithm][operation]
	if !ok {
		return answers{"unsupported": "no such algorithm or operation here; README.md says why"}
	}
	found, err := do(r)
	var missing unsupported
	switch {
	case errors.As(err, &missing):
		return answers{"unsupported": missing.Error()}
	case err != nil:
		return answers{"error": err.Error()}
	}
	return found
}

func serve() error {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, longestLine)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		r := new(request)
		var head struct {
			ID        *int64
			Operation string
		}
		if err := json.Unmarshal(lines.Bytes(), &r.members); err != nil {
			return fmt.Errorf("not a request: %w", err)
		}
		if err := json.Unmarshal(lines.Bytes(), &head); err != nil || head.ID == nil {
			// There is no id to answer to.
			return errors.New("not a request: id or operation is missing")
		}
		var answer answers
		if head.Operation == "hello" {
			answer = hello()
		} else {
			answer = run(r, head.Operation)
		}
		answer["id"] = *head.ID
		if err := out.Encode(answer); err != nil {
			return err
		}
	}
	return lines.Err()
}

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
