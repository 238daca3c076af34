package operation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/automation/logs"
	"k8s.io/apimachinery/pkg/labels"
)

// Names of logs beside those of services.
const (
	// AccessLog is what API Gateway writes of each request.
	AccessLog = "access"
	// ProxyLog is NGINX's.
	ProxyLog = "proxy"
	// CloudLog is the local cloud's own.
	CloudLog = "cloud"
)

// DefaultLogLines is how many last lines of each log are read where nothing is looked for.
const DefaultLogLines = 10

// LogOptions are Logs'.
type LogOptions struct {
	Options
	// Names are those of the logs to read: AccessLog, ProxyLog, CloudLog, a Service or Deployment as NAME, NAMESPACE/NAME or
	// svc/NAME, or a part of a pod's name. None means all but CloudLog.
	Names []string
	// Lines is the number of last lines of each log; 0 means DefaultLogLines, or all with a filter that looks for something.
	// Less than 0 means all.
	Lines  int
	Filter logs.Filter
	// Follow goes on with what is written next, until the context ends, which is no error then.
	Follow bool
}

// Logs reads a stack's logs: take gets their lines in the order of their times, and with Follow what is written next as it
// comes. On the local target they are files; on AWS access logs come from CloudWatch, and pods' logs from the cluster.
func Logs(ctx context.Context, o LogOptions, take func(logs.Entry)) error {
	if o.Lines == 0 && !o.Filter.Selects() {
		o.Lines = DefaultLogLines
	}
	s, err := open(o.Options)
	if err != nil {
		return err
	}
	reader, err := s.logReader(ctx, o)
	if err != nil {
		return err
	}
	entries, err := reader.read(ctx)
	if err != nil {
		return err
	}
	slices.SortStableFunc(entries, func(a, b logs.Entry) int { return a.Time.Compare(b.Time) })
	for _, entry := range entries {
		take(entry)
	}
	if !o.Follow {
		return nil
	}
	if err := reader.follow(ctx, take); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// LogNames are the names of a stack's logs.
func LogNames(ctx context.Context, o Options) ([]string, error) {
	s, err := open(o)
	if err != nil {
		return nil, err
	}
	writers, err := s.logWriters(ctx)
	if err != nil {
		return nil, err
	}
	names := namesOf(writers)
	if s.project.Target == engine.Local {
		names = append(names, CloudLog)
	}
	return names, nil
}

// logReader gives the lines that options ask for.
type logReader interface {
	// read gives what is there, the last lines of each log.
	read(ctx context.Context) ([]logs.Entry, error)
	// follow gives what was written after that.
	follow(ctx context.Context, take func(logs.Entry)) error
}

func (s *site) logReader(ctx context.Context, o LogOptions) (logReader, error) {
	if s.project.Target == engine.Local {
		return s.localLogs(ctx, o)
	}
	return s.awsLogs(ctx, o)
}

// logWriter is what writes a log of a stack's: a stage, or the pods that a Deployment makes or a Service finds.
type logWriter struct {
	name string
	// group is a stage's log group.
	group string
	// cluster, namespace and selector find the pods.
	cluster, namespace string
	selector           labels.Set
}

// logWriters are all that a stack has.
func (s *site) logWriters(ctx context.Context) ([]logWriter, error) {
	session, err := s.stateOnly(ctx)
	if err != nil {
		return nil, err
	}
	resources, err := session.Resources(ctx)
	if err != nil {
		return nil, err
	}
	return writersOf(resources), nil
}

func writersOf(resources []engine.Resource) []logWriter {
	var writers []logWriter
	for _, group := range accessLogs(resources) {
		writers = append(writers, logWriter{name: AccessLog, group: group})
	}
	for _, r := range resources {
		selector := selectorOf(r)
		namespace, name, _ := strings.Cut(r.ID, "/")
		switch {
		case r.Delete:
			continue
		case r.Type == "kubernetes:apps/v1:Deployment" || r.Type == "kubernetes:apps/v1:DaemonSet":
			spec, _ := r.Inputs["spec"].(map[string]any)
			selected, _ := spec["selector"].(map[string]any)
			selector = setOf(selected["matchLabels"])
			if strings.Contains(r.URN, "apigateway-ingress:proxy:Proxy$") {
				name = ProxyLog
			}
		case r.Type == "kubernetes:core/v1:Service" && r.External:
		default:
			continue
		}
		if len(selector) > 0 {
			writers = append(writers, logWriter{name: name, cluster: clusterOf(resources), namespace: namespace, selector: selector})
		}
	}
	return writers
}

// wrote says whether a pod is one of the writer's.
func (w logWriter) wrote(namespace string, podLabels map[string]string) bool {
	return w.group == "" && w.namespace == namespace && labels.SelectorFromSet(w.selector).Matches(labels.Set(podLabels))
}

// called says whether a name means this writer, as kubectl would take it.
func (w logWriter) called(name string) bool {
	for _, kind := range []string{"svc/", "service/", "deploy/", "deployment/"} {
		name = strings.TrimPrefix(name, kind)
	}
	return name == w.name || w.namespace != "" && name == w.namespace+"/"+w.name
}

// chosen are the writers that names mean, and the names that mean none: they may be parts of pods' names. No names mean all.
func chosen(writers []logWriter, names []string) (found []logWriter, others []string) {
	if len(names) == 0 {
		return writers, nil
	}
	for _, name := range names {
		before := len(found)
		for _, w := range writers {
			if w.called(name) {
				found = append(found, w)
			}
		}
		if len(found) == before && name != CloudLog {
			others = append(others, name)
		}
	}
	return found, others
}

func namesOf(writers []logWriter) []string {
	var names []string
	for _, w := range writers {
		names = append(names, w.name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func noSuchLog(name string, writers []logWriter) error {
	return fail(Usage, fmt.Errorf("there is no log %q, and no pod whose name holds it: the stack's logs are %s", name,
		strings.Join(append(namesOf(writers), CloudLog), ", ")))
}

// last are the last n entries; less than 1 means all.
func last(entries []logs.Entry, n int) []logs.Entry {
	if n < 1 {
		return entries
	}
	return entries[max(0, len(entries)-n):]
}

var errNoCloudLog = errors.New("cloud is the log of the local cloud: on AWS there is none")
