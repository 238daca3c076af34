package operation

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/logs"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/daemon"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/supervisor"
)

const (
	// tailPeriod is how often files are looked at for new lines, and podPeriod how often for new pods.
	tailPeriod = 100 * time.Millisecond
	podPeriod  = time.Second
)

// localLogs are the files that hold a stack's logs.
type localLogs struct {
	site    *site
	options LogOptions
	writers []logWriter
	tails   map[string]*tail
}

// tail is a file and how far it was read.
type tail struct {
	log, path, source string
	probes            []string
	offset            int64
	// known is the time of the last line.
	known time.Time
}

func (s *site) localLogs(ctx context.Context, o LogOptions) (*localLogs, error) {
	l := &localLogs{site: s, options: o, tails: map[string]*tail{}}
	if !slices.Equal(o.Names, []string{CloudLog}) {
		var err error
		if l.writers, err = s.logWriters(ctx); err != nil {
			return nil, err
		}
	}
	if err := l.find(ctx); err != nil {
		return nil, err
	}
	_, others := chosen(l.writers, o.Names)
	for _, name := range others {
		if !slices.ContainsFunc(l.sources(), func(source string) bool { return strings.Contains(source, name) }) {
			return nil, noSuchLog(name, l.writers)
		}
	}
	return l, nil
}

func (l *localLogs) sources() []string {
	var sources []string
	for _, t := range l.tails {
		sources = append(sources, t.source)
	}
	return sources
}

// find adds the files that are asked for and not known yet.
func (l *localLogs) find(ctx context.Context) error {
	add := func(t tail) {
		if l.tails[t.path] == nil {
			l.tails[t.path] = &t
		}
	}
	dir := filepath.Dir(daemon.LogPath(l.site.StateDir))
	if slices.Contains(l.options.Names, CloudLog) {
		add(tail{log: CloudLog, path: daemon.LogPath(l.site.StateDir), source: CloudLog})
	}
	found, _ := chosen(l.writers, l.options.Names)
	for _, w := range found {
		if w.group != "" {
			add(tail{log: w.name, path: filepath.Join(dir, logFile(w.group)), source: w.group})
		}
	}
	cloud, err := l.site.localCloud(ctx)
	if err != nil {
		return err
	}
	var probes []string
	if cloud != nil {
		for _, pod := range cloud.Pods {
			probes = append(probes, pod.Probes...)
			if w := l.writerOf(pod); pod.Log != "" && w != nil && l.wants(*w, pod) {
				add(tail{log: w.name, path: pod.Log, source: pod.Namespace + "/" + pod.Name, probes: pod.Probes})
			}
		}
	}
	_, others := chosen(l.writers, l.options.Names)
	return l.findEnded(others, probes, add)
}

// writerOf is whose pod it is: of a Service or a Deployment in the stack's state, or of one that came after that was read. It
// is nil for another stack's.
func (l *localLogs) writerOf(pod supervisor.PodStatus) *logWriter {
	for _, w := range l.writers {
		if w.cluster == pod.Cluster && w.wrote(pod.Namespace, pod.Labels) {
			return &w
		}
	}
	if strings.HasPrefix(pod.Owner, fmt.Sprintf("urn:pulumi:%s::%s::", l.site.Stack, l.site.project.Name)) {
		return &logWriter{name: deploymentOf(pod.Name), namespace: pod.Namespace, cluster: pod.Cluster}
	}
	return nil
}

// wants says whether a pod's log is asked for.
func (l *localLogs) wants(w logWriter, pod supervisor.PodStatus) bool {
	return len(l.options.Names) == 0 || slices.ContainsFunc(l.options.Names, func(name string) bool {
		if slices.ContainsFunc(l.writers, func(other logWriter) bool { return other.called(name) }) {
			return w.called(name)
		}
		return strings.Contains(pod.Namespace+"/"+pod.Name, name)
	})
}

// findEnded adds the logs of pods that are gone, for those who name them. They were asked what others are asked: probes.
func (l *localLogs) findEnded(parts, probes []string, add func(tail)) error {
	paths, err := filepath.Glob(filepath.Join(l.site.StateDir, "pods", "*.log"))
	for _, path := range paths {
		// Namespaces have no dots.
		source := strings.Replace(strings.TrimSuffix(filepath.Base(path), ".log"), ".", "/", 1)
		for _, part := range parts {
			if _, name, _ := strings.Cut(source, "/"); strings.Contains(source, part) {
				add(tail{log: deploymentOf(name), path: path, source: source, probes: probes})
			}
		}
	}
	return err
}

// deploymentOf takes from a pod's name what tells its Deployment's pods apart.
func deploymentOf(pod string) string {
	parts := strings.Split(pod, "-")
	return strings.Join(parts[:max(1, len(parts)-2)], "-")
}

func (l *localLogs) read(context.Context) ([]logs.Entry, error) {
	var all []logs.Entry
	for _, t := range l.tails {
		var entries []logs.Entry
		err := t.read(func(e logs.Entry) {
			if l.options.Filter.Keeps(e, t.probes) {
				entries = append(entries, e)
			}
		})
		if err != nil {
			return nil, err
		}
		all = append(all, last(entries, l.options.Lines)...)
	}
	slices.SortStableFunc(all, func(a, b logs.Entry) int { return strings.Compare(a.Source, b.Source) })
	return all, nil
}

func (l *localLogs) follow(ctx context.Context, take func(logs.Entry)) error {
	looked := time.Now()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(tailPeriod):
		}
		if time.Since(looked) > podPeriod {
			looked = time.Now()
			if err := l.find(ctx); err != nil {
				return err
			}
		}
		for _, t := range l.tails {
			if err := t.read(func(e logs.Entry) {
				if l.options.Filter.Keeps(e, t.probes) {
					take(e)
				}
			}); err != nil {
				return err
			}
		}
	}
}

// read gives the whole lines that were added. A file that is not there has none, and one that became shorter begins anew.
func (t *tail) read(take func(logs.Entry)) error {
	file, err := os.Open(t.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.Size() < t.offset {
		t.offset = 0
	}
	if t.known.IsZero() {
		// Lines that do not tell their time are no newer.
		t.known = info.ModTime()
	}
	if _, err := file.Seek(t.offset, io.SeekStart); err != nil {
		return err
	}
	lines := bufio.NewReader(file)
	for {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		t.offset += int64(len(line))
		entry := logs.Parse(t.log, t.source, strings.TrimRight(line, "\r\n"), t.known)
		t.known = entry.Time
		take(entry)
	}
}

// logFile is the name of the file of a log group on the local target.
func logFile(group string) string { return strings.ReplaceAll(group, "/", "_") + ".log" }
