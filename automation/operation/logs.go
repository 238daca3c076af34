package operation

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/daemon"
)

// Logs are the files of the local target's logs whose names hold a text: those of pods, of the APIs' access logs, and of the
// local cloud itself.
func Logs(o Options, part string) ([]string, error) {
	s, err := open(o)
	if err != nil {
		return nil, err
	}
	if s.project.Target != engine.Local {
		return nil, fail(Usage, errors.New("logs are those of the local target: "+
			"on AWS look at the stack's log group in CloudWatch, and at pods with kubectl logs"))
	}
	pods, podsErr := filepath.Glob(filepath.Join(s.StateDir, "pods", "*.log"))
	others, othersErr := filepath.Glob(filepath.Join(filepath.Dir(daemon.LogPath(s.StateDir)), "*.log"))
	if err := errors.Join(podsErr, othersErr); err != nil {
		return nil, err
	}
	found := slices.DeleteFunc(append(others, pods...), func(path string) bool { return !strings.Contains(filepath.Base(path), part) })
	if len(found) == 0 {
		return nil, fail(Usage, fmt.Errorf("there is no log whose name holds %q", part))
	}
	return found, nil
}

// StackLogs are the files of a stack's own logs on the local target: those of its pods, and its access logs.
func StackLogs(ctx context.Context, o Options) ([]string, error) {
	s, session, err := read(ctx, o)
	if err != nil || s.project.Target != engine.Local {
		return nil, err
	}
	resources, err := session.Resources(ctx)
	if err != nil {
		return nil, err
	}
	own := map[string]bool{}
	var logs []string
	for _, r := range resources {
		own[r.URN] = true
		if r.Type == "aws:cloudwatch/logGroup:LogGroup" {
			logs = append(logs, filepath.Join(filepath.Dir(daemon.LogPath(s.StateDir)), logFile(r.ID)))
		}
	}
	cloud, err := s.localCloud(ctx)
	if err != nil || cloud == nil {
		return logs, err
	}
	for _, pod := range cloud.Pods {
		if own[pod.Owner] && pod.Log != "" {
			logs = append(logs, pod.Log)
		}
	}
	return logs, nil
}

// logFile is the name of the file of a log group on the local target.
func logFile(group string) string { return strings.ReplaceAll(group, "/", "_") + ".log" }
