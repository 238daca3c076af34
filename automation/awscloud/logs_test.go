package awscloud

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/logs"
	"github.com/stretchr/testify/require"
)

func eventsJSON(events ...string) string {
	text := `{"events": [`
	for i, event := range events {
		if i > 0 {
			text += ","
		}
		text += event
	}
	return text + `]}`
}

func event(id string, at time.Time, message string) string {
	return fmt.Sprintf(`{"eventId": %q, "timestamp": %d, "message": %q}`, id, at.UnixMilli(), message)
}

// A log group is read on from where it was read to, and what comes late is not lost and comes once.
func TestReadLog(t *testing.T) {
	f, account := newFake(t)
	start := time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC)
	group := &LogGroup{Name: "api", Pattern: `{ ($.status = "5*") }`, Since: start}
	read := func() (lines []string) {
		require.NoError(t, account.ReadLog(t.Context(), group, func(e logs.Entry) { lines = append(lines, e.Line) }))
		return lines
	}
	asked := func() (input struct {
		LogGroupName, FilterPattern string
		StartTime                   int64
	}) {
		require.NoError(t, json.Unmarshal([]byte(f.bodies[len(f.bodies)-1]), &input))
		return input
	}
	newest := start.Add(10 * time.Minute)
	f.answers["FilterLogEvents"] = eventsJSON(event("1", start, "one"), event("2", newest, "two"))
	require.Equal(t, []string{"one", "two"}, read())
	require.Equal(t, "api", asked().LogGroupName)
	require.Equal(t, `{ ($.status = "5*") }`, asked().FilterPattern)
	require.Equal(t, start.UnixMilli(), asked().StartTime)

	late := newest.Add(-time.Minute)
	f.answers["FilterLogEvents"] = eventsJSON(event("3", late, "late"), event("2", newest, "two"))
	require.Equal(t, []string{"late"}, read())
	require.Equal(t, newest.Add(-logDelay).UnixMilli(), asked().StartTime)
	require.Empty(t, read())

	f.answers["FilterLogEvents"] = "400!ResourceNotFoundException"
	require.ErrorContains(t, account.ReadLog(t.Context(), group, nil), "ResourceNotFoundException")
}

// Pods' logs come from the cluster, with the time that the kubelet gives each line.
func TestPodLogs(t *testing.T) {
	f, account := newFake(t)
	cluster, err := account.PodLogs(t.Context(), "shop")
	require.NoError(t, err)
	pods, err := cluster.Pods(t.Context(), "default", map[string]string{"app.kubernetes.io/name": "bookservice"})
	require.NoError(t, err)
	require.Equal(t, []Pod{{Namespace: "default", Name: "bookservice-1", Probes: []string{"/readyz"}}}, pods)
	var entries []logs.Entry
	since := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	require.NoError(t, cluster.Read(t.Context(), pods[0], since, 7, true, func(e logs.Entry) { entries = append(entries, e) }))
	require.Len(t, entries, 2)
	require.Equal(t, `{"msg":"hello"}`, entries[0].Line)
	require.Equal(t, "hello", entries[0].Fields["msg"])
	require.Equal(t, "2026-12-01T10:00:00.5Z", entries[0].Time.Format(time.RFC3339Nano))
	require.Equal(t, "no line end", entries[1].Line)
	for name, want := range map[string]string{"follow": "true", "timestamps": "true", "tailLines": "7", "sinceTime": "2026-12-01T09:00:00Z"} {
		require.Equal(t, want, f.asked.Get(name), name)
	}
	require.Error(t, cluster.Read(t.Context(), Pod{Namespace: "default", Name: "gone"}, time.Time{}, 0, false, nil))
	_, err = account.PodLogs(t.Context(), "")
	require.ErrorContains(t, err, "names no cluster")
}
