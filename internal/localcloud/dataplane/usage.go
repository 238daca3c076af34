package dataplane

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/awsrules"
	"golang.org/x/time/rate"
)

// meter counts what one API key uses of its plan.
type meter struct {
	keyID string
	// limiter is nil without a throttle.
	limiter *rate.Limiter
	// quota is 0 without one.
	quota  int
	period string

	mu      sync.Mutex
	used    int
	started string
}

// plansOf are the API keys of a stage by their values. Meters that did not change go on counting.
func (d *DataPlane) plansOf(apiID, stageName string) map[string]*meter {
	byValue := map[string]*meter{}
	for _, o := range d.store.List(awsrules.UsagePlan) {
		if !coversStage(o.Inputs["apiStages"], apiID, stageName) {
			continue
		}
		throttle, _ := o.Inputs["throttleSettings"].(map[string]any)
		quota, _ := o.Inputs["quotaSettings"].(map[string]any)
		for _, link := range d.store.List(awsrules.UsagePlanKey) {
			key := d.store.Get(awsrules.APIKey, link.Text("keyId"))
			if link.Text("usagePlanId") != o.ID || key == nil {
				continue
			}
			known, _ := d.meters.LoadOrStore(fmt.Sprint(o.ID, key.ID, throttle, quota), newMeter(key.ID, throttle, quota))
			byValue[key.Text("value")] = known.(*meter)
		}
	}
	return byValue
}

func coversStage(apiStages any, apiID, stageName string) bool {
	stages, _ := apiStages.([]any)
	for _, item := range stages {
		fields, _ := item.(map[string]any)
		if fields["apiId"] == apiID && fields["stage"] == stageName {
			return true
		}
	}
	return false
}

func newMeter(keyID string, throttle, quota map[string]any) *meter {
	m := &meter{keyID: keyID, quota: number(quota["limit"])}
	m.period, _ = quota["period"].(string)
	if limit, ok := throttle["rateLimit"].(float64); ok {
		m.limiter = rate.NewLimiter(rate.Limit(limit), number(throttle["burstLimit"]))
	}
	return m
}

// meter checks the API key where one is required, and counts the request for its plan.
func (x *exchange) meter() *answer {
	if !x.method.APIKeyRequired {
		return nil
	}
	m := x.stage.keys[x.r.Header.Get("X-Api-Key")]
	if m == nil || !slices.Contains(x.release.apiKeys, m.keyID) {
		return &invalidKey
	}
	x.apiKeyID = m.keyID
	now := x.front.d.now()
	if m.limiter != nil && !m.limiter.AllowN(now, 1) {
		return &throttled
	}
	if !m.count(now.UTC()) {
		return &quotaExceeded
	}
	return nil
}

func (m *meter) count(now time.Time) bool {
	if m.quota == 0 {
		return true
	}
	period := now.Format("2006-01-02")
	switch m.period {
	case "WEEK":
		year, week := now.ISOWeek()
		period = fmt.Sprintf("%d-%d", year, week)
	case "MONTH":
		period = now.Format("2006-01")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.started != period {
		m.started, m.used = period, 0
	}
	m.used++
	return m.used <= m.quota
}
