package operation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/awscloud"
	"github.com/apigateway-ingress/apigateway-ingress/automation/logs"
)

const (
	// recentLogs is how far back access logs are read where nobody says.
	recentLogs = time.Hour
	// logPollPeriod keeps well below what FilterLogEvents allows an account, which is 5 to 25 a second by region:
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
	logPollPeriod = 2 * time.Second
	// readLines is how many last lines of a pod's log are read to find some that are not of probes.
	readLines = 1000
)

// awsLogs are a stack's logs in CloudWatch and in its cluster.
type awsLogs struct {
	site    *site
	options LogOptions
	account *awscloud.Account
	groups  []*awscloud.LogGroup
	cluster *awscloud.PodLogs
	pods    []loggedPod

	telling sync.Mutex
}

type loggedPod struct {
	awscloud.Pod
	log string
}

func (s *site) awsLogs(ctx context.Context, o LogOptions) (*awsLogs, error) {
	if slices.Contains(o.Names, CloudLog) {
		return nil, fail(Usage, errNoCloudLog)
	}
	writers, err := s.logWriters(ctx)
	if err != nil {
		return nil, err
	}
	found, others := chosen(writers, o.Names)
	account, err := Connect(ctx, s.project)
	if err != nil {
		return nil, fail(Prerequisite, err)
	}
	l := &awsLogs{site: s, options: o, account: account}
	since := o.Filter.Since
	if since.IsZero() && o.Filter.RequestID == "" {
		since = time.Now().Add(-recentLogs)
	} else if since.IsZero() {
		since = time.Now().Add(-24 * time.Hour)
	}
	for _, w := range found {
		if w.group != "" {
			l.groups = append(l.groups, &awscloud.LogGroup{Name: w.group, Pattern: o.Filter.Pattern(), Since: since})
		}
	}
	if err := l.findPods(ctx, writers, found, others); err != nil {
		// Who asks for all logs gets those that can be had: the endpoint of many clusters is private.
		if len(o.Names) > 0 {
			return nil, err
		}
		s.warn(fmt.Errorf("pods' logs are left out: %w", err))
	}
	return l, nil
}

// findPods are those of the writers that are found, and those whose names hold one of the others.
func (l *awsLogs) findPods(ctx context.Context, writers, found []logWriter, others []string) error {
	if len(others) == 0 && !slices.ContainsFunc(found, func(w logWriter) bool { return w.group == "" }) {
		return nil
	}
	named := map[string]bool{}
	for _, w := range writers {
		pods, err := l.podsOf(ctx, w)
		if err != nil {
			return fail(Prerequisite, fmt.Errorf("pods of %s/%s in cluster %s: %w", w.namespace, w.name, w.cluster, err))
		}
		wanted := slices.ContainsFunc(found, func(f logWriter) bool { return f.name == w.name && f.namespace == w.namespace })
		for _, pod := range pods {
			part := slices.IndexFunc(others, func(part string) bool { return strings.Contains(pod.Namespace+"/"+pod.Name, part) })
			if part >= 0 {
				named[others[part]] = true
			}
			if wanted || part >= 0 {
				l.pods = append(l.pods, loggedPod{pod, w.name})
			}
		}
	}
	for _, name := range others {
		if !named[name] {
			return noSuchLog(name, writers)
		}
	}
	return nil
}

func (l *awsLogs) podsOf(ctx context.Context, w logWriter) ([]awscloud.Pod, error) {
	if w.group != "" {
		return nil, nil
	}
	if l.cluster == nil {
		var err error
		if l.cluster, err = l.account.PodLogs(ctx, w.cluster); err != nil {
			return nil, err
		}
	}
	return l.cluster.Pods(ctx, w.namespace, w.selector)
}

// read leaves pods to follow, where that comes: a cluster gives the last lines and what is next in one answer.
func (l *awsLogs) read(ctx context.Context) ([]logs.Entry, error) {
	all, err := l.readGroups(ctx, l.options.Lines)
	if err != nil || l.options.Follow {
		return all, err
	}
	for _, pod := range l.pods {
		var entries []logs.Entry
		if err := l.readPod(ctx, pod, false, func(e logs.Entry) { entries = append(entries, e) }); err != nil {
			// A pod that does not run yet, or no more, has no log.
			l.site.warn(fmt.Errorf("pod %s/%s: %w", pod.Namespace, pod.Name, err))
		}
		all = append(all, last(entries, l.options.Lines)...)
	}
	return all, nil
}

func (l *awsLogs) readGroups(ctx context.Context, lines int) ([]logs.Entry, error) {
	var all []logs.Entry
	for _, group := range l.groups {
		var entries []logs.Entry
		if err := l.account.ReadLog(ctx, group, func(e logs.Entry) {
			e.Log = AccessLog
			if l.options.Filter.Keeps(e, nil) {
				entries = append(entries, e)
			}
		}); err != nil {
			return nil, fail(Prerequisite, fmt.Errorf("log group %s: %w", group.Name, err))
		}
		slices.SortStableFunc(entries, func(a, b logs.Entry) int { return a.Time.Compare(b.Time) })
		all = append(all, last(entries, lines)...)
	}
	return all, nil
}

func (l *awsLogs) readPod(ctx context.Context, pod loggedPod, follow bool, take func(logs.Entry)) error {
	lines := int64(0)
	switch ends := !l.options.Filter.Selects() && l.options.Lines > 0; {
	case ends && follow:
		lines = int64(l.options.Lines)
	case ends:
		lines = int64(max(l.options.Lines, readLines))
	}
	return l.cluster.Read(ctx, pod.Pod, l.options.Filter.Since, lines, follow, func(e logs.Entry) {
		e.Log = pod.log
		if l.options.Filter.Keeps(e, pod.Probes) {
			take(e)
		}
	})
}

// follow asks CloudWatch again and again, and each pod once. Pods that come later are not followed, as with kubectl.
func (l *awsLogs) follow(ctx context.Context, take func(logs.Entry)) error {
	ctx, stop := context.WithCancel(ctx)
	var streams sync.WaitGroup
	defer streams.Wait()
	defer stop()
	tell := func(e logs.Entry) {
		l.telling.Lock()
		defer l.telling.Unlock()
		take(e)
	}
	for _, pod := range l.pods {
		streams.Go(func() {
			if err := l.readPod(ctx, pod, true, tell); err != nil && !errors.Is(err, context.Canceled) {
				l.site.warn(fmt.Errorf("pod %s/%s: %w", pod.Namespace, pod.Name, err))
			}
		})
	}
	if len(l.groups) == 0 {
		streams.Wait()
		return nil
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(logPollPeriod):
		}
		entries, err := l.readGroups(ctx, -1)
		if err != nil {
			return err
		}
		for _, e := range entries {
			tell(e)
		}
	}
}
