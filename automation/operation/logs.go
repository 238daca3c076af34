package operation

import (
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
		return nil, fail(Usage, errors.New("logs are those of the local target: on AWS look at the stack's log group in CloudWatch, and at pods with kubectl logs"))
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
