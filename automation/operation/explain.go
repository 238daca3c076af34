package operation

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/automation/explain"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/daemon"
)

// Logs are written some time after an answer: NGINX's within a second, API Gateway's usually within a minute.
const (
	localLogPatience = 3 * time.Second
	awsLogPatience   = 2 * time.Minute
	logPause         = 250 * time.Millisecond
)

// Explain says what became of a request, from its id: the header x-amzn-RequestId of the answer, or what a service got as
// X-Request-Id. It waits for the logs of a request that has just been answered.
func Explain(ctx context.Context, o Options, requestID string) (*explain.Diagnosis, error) {
	s, session, err := read(ctx, o)
	if err != nil {
		return nil, err
	}
	resources, err := session.Resources(ctx)
	if err != nil {
		return nil, err
	}
	patience := awsLogPatience
	if s.project.Target == engine.Local {
		patience = localLogPatience
	}
	for deadline := time.Now().Add(patience); ; {
		evidence, err := s.evidence(ctx, resources, requestID)
		if err != nil {
			return nil, err
		}
		late := time.Now().After(deadline)
		if evidence.Access != nil && (late || !awaitsProxy(evidence)) {
			diagnosis := explain.Diagnose(evidence)
			return &diagnosis, nil
		}
		if late {
			return nil, fail(Usage, fmt.Errorf("no access log of stack %s has the request %s: "+
				"API Gateway does not log requests for a host or stage that it does not know", s.Stack, requestID))
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(logPause):
		}
	}
}

// ExplainCall sends a request and says what became of it.
func ExplainCall(ctx context.Context, o Options, r Request) (*explain.Diagnosis, error) {
	response, err := Call(ctx, o, r)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return nil, fail(Unhealthy, fmt.Errorf("the answer was cut off: %w", err))
	}
	id := response.Header.Get("X-Amzn-Requestid")
	if id == "" {
		return nil, fail(Unhealthy, fmt.Errorf("the answer %s has no request id: it is not API Gateway's", response.Status))
	}
	return Explain(ctx, o, id)
}

// awaitsProxy is true while NGINX's line is expected and not there yet.
func awaitsProxy(e explain.Evidence) bool {
	return e.ProxyLogRead && e.Proxy == nil && (e.Access["integrationStatus"] != "" || strings.HasPrefix(e.Access["errorType"], "INTEGRATION"))
}

// evidence is what the logs have of a request. Without a line in an access log it is empty.
func (s *site) evidence(ctx context.Context, resources []engine.Resource, requestID string) (explain.Evidence, error) {
	if s.project.Target == engine.Local {
		return s.localEvidence(ctx, resources, requestID)
	}
	account, err := Connect(ctx, s.project)
	if err != nil {
		return explain.Evidence{}, fail(Prerequisite, err)
	}
	for _, group := range accessLogs(resources) {
		lines, err := account.LogLines(ctx, group, requestID)
		if err != nil {
			return explain.Evidence{}, fail(Prerequisite, fmt.Errorf("log group %s: %w", group, err))
		}
		for _, line := range lines {
			if fields := accessFields(line); fields["requestId"] == requestID {
				return explain.Evidence{Access: fields}, nil
			}
		}
	}
	return explain.Evidence{}, nil
}

func (s *site) localEvidence(ctx context.Context, resources []engine.Resource, requestID string) (explain.Evidence, error) {
	var e explain.Evidence
	for _, group := range accessLogs(resources) {
		err := grep(filepath.Join(filepath.Dir(daemon.LogPath(s.StateDir)), logFile(group)), requestID, func(line string) {
			if fields := accessFields(line); fields["requestId"] == requestID {
				e.Access = fields
			}
		})
		if err != nil {
			return e, err
		}
	}
	err := grep(daemon.LogPath(s.StateDir), requestID, func(line string) {
		var entry struct{ RequestID, Reason string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.RequestID == requestID {
			e.Reason = entry.Reason
		}
	})
	if err != nil {
		return e, err
	}
	cloud, err := s.localCloud(ctx)
	if err != nil || cloud == nil {
		return e, err
	}
	e.ProxyLogRead = true
	for _, pod := range cloud.Pods {
		if err := grep(pod.Log, requestID, func(line string) {
			entry := struct {
				RequestID string `json:"requestId"`
				*explain.ProxyEntry
			}{ProxyEntry: &explain.ProxyEntry{}}
			// Services log as they like; what counts has the fields of NGINX's log.
			if json.Unmarshal([]byte(line), &entry) == nil && entry.RequestID == requestID && strings.Contains(line, `"upstreamStatus"`) {
				e.Proxy = entry.ProxyEntry
			}
		}); err != nil {
			return e, err
		}
	}
	return e, nil
}

// accessLogs are the log groups to which the stack's stages write.
func accessLogs(resources []engine.Resource) []string {
	var groups []string
	for _, r := range resources {
		settings, _ := r.Inputs["accessLogSettings"].(map[string]any)
		arn, _ := settings["destinationArn"].(string)
		if _, group, found := strings.Cut(arn, ":log-group:"); found && r.Type == "aws:apigateway/stage:Stage" {
			groups = append(groups, strings.TrimSuffix(group, ":*"))
		}
	}
	return groups
}

// accessFields are the fields of a line of an access log that have a value; "-" stands for none.
func accessFields(line string) map[string]string {
	var fields map[string]string
	if json.Unmarshal([]byte(line), &fields) != nil {
		return nil
	}
	for name, value := range fields {
		if value == "-" || value == "" {
			delete(fields, name)
		}
	}
	return fields
}

// grep calls found with each line of a file that holds a text. A file that is not there has no lines.
func grep(path, text string, found func(line string)) error {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) || path == "" {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		if strings.Contains(scanner.Text(), text) {
			found(scanner.Text())
		}
	}
	return scanner.Err()
}
