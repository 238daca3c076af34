package operation

import (
	"context"
	"fmt"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/automation/logs"
)

// recentPeriod is how far back Status counts answers.
const recentPeriod = 15 * time.Minute

// RecentErrors are answers of the last minutes that were not what their clients hoped for, from the access log.
type RecentErrors struct {
	Minutes int `json:"minutes"`
	// ByStatus counts answers of 400 and more; 429 are those that a throttle or a quota refused.
	ByStatus map[string]int `json:"byStatus"`
}

// recentErrors is nil where there is no access log to read. A log group that may not be read is a warning.
func (s *site) recentErrors(ctx context.Context, resources []engine.Resource) *RecentErrors {
	if len(accessLogs(resources)) == 0 {
		return nil
	}
	found := &RecentErrors{Minutes: int(recentPeriod / time.Minute), ByStatus: map[string]int{}}
	err := Logs(ctx, LogOptions{Options: s.Options, Names: []string{AccessLog}, Lines: -1,
		Filter: logs.Filter{Since: time.Now().Add(-recentPeriod), Status: []logs.Status{"4xx", "5xx"}}},
		func(e logs.Entry) { found.ByStatus[fmt.Sprint(e.Fields["status"])]++ })
	if err != nil {
		s.warn(fmt.Errorf("recent errors are not counted: %w", err))
		return nil
	}
	return found
}
