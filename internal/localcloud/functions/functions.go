// Package functions stands for Lambda: a function is a program of this machine that reads an event from its
// standard input and writes its answer to its standard output, both as JSON.
package functions

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/wholefile"
)

// Functions maps names of functions to commands, and remembers them in a file. It is safe for concurrent use.
type Functions struct {
	path  string
	mu    sync.RWMutex
	known map[string][]string
}

// timeout is how long API Gateway waits for an authorizer:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
const timeout = 10 * time.Second

// maxAnswer is Lambda's limit of an answer.
const maxAnswer = 6 << 20

// Open reads the table as it was; there may be none yet.
func Open(path string) (*Functions, error) {
	f := &Functions{path: path, known: map[string][]string{}}
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return nil, err
	}
	return f, json.Unmarshal(content, &f.known)
}

// Add takes entries over. Those that it does not name stay: they are another stack's.
func (f *Functions) Add(more map[string][]string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	known := map[string][]string{}
	maps.Copy(known, f.known)
	maps.Copy(known, more)
	content, err := json.Marshal(known)
	if err != nil {
		return err
	}
	f.known = known
	return wholefile.Write(f.path, content)
}

// Invoke runs a function. It gets PATH from the environment and nothing else.
func (f *Functions) Invoke(ctx context.Context, name string, event, answer any) error {
	f.mu.RLock()
	command := f.known[name]
	f.mu.RUnlock()
	if len(command) == 0 {
		return fmt.Errorf("function %s has no command: map it in the stack's config localFunctions", name)
	}
	input, err := json.Marshal(event)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	process := exec.CommandContext(ctx, command[0], command[1:]...)
	process.Env = []string{"PATH=" + os.Getenv("PATH"), "AWS_LAMBDA_FUNCTION_NAME=" + name}
	process.Stdin = bytes.NewReader(input)
	var output, problems bytes.Buffer
	process.Stdout, process.Stderr = &output, &problems
	process.WaitDelay = time.Second
	if err := process.Run(); err != nil {
		return fmt.Errorf("function %s: %w: %s", name, err, strings.TrimSpace(problems.String()))
	}
	if output.Len() > maxAnswer {
		return fmt.Errorf("function %s: its answer has %d bytes, and Lambda allows %d", name, output.Len(), maxAnswer)
	}
	return json.Unmarshal(output.Bytes(), answer)
}
