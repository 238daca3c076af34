package dataplane

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/awsrules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/restapi"
	"golang.org/x/time/rate"
)

// methodSettings are what a stage does for one method besides the API's definition.
type methodSettings struct {
	// limiter is nil without a throttle, cache without caching.
	limiter *rate.Limiter
	cache   *responseCache
	// each holds the settings of single methods where these are everybody's.
	each sync.Map
}

// responseCache answers again what it has answered before.
type responseCache struct {
	ttl     time.Duration
	mu      sync.Mutex
	entries map[string]cachedResponse
}

type cachedResponse struct {
	until  time.Time
	header http.Header
	body   []byte
}

// settingsOf reads the settings of a stage's methods by their paths. Those that did not change keep what they know.
func (d *DataPlane) settingsOf(apiID, stageName string) map[string]*methodSettings {
	byPath := map[string]*methodSettings{}
	for _, o := range d.store.List(awsrules.MethodSettings) {
		if o.Text("restApi") != apiID || o.Text("stageName") != stageName {
			continue
		}
		settings, _ := o.Inputs["settings"].(map[string]any)
		key := fmt.Sprint(o.ID, settings)
		known, _ := d.methodSettings.LoadOrStore(key, newMethodSettings(settings))
		byPath[o.Text("methodPath")] = known.(*methodSettings)
	}
	return byPath
}

func newMethodSettings(settings map[string]any) *methodSettings {
	m := &methodSettings{}
	if limit, ok := settings["throttlingRateLimit"].(float64); ok && limit >= 0 {
		m.limiter = rate.NewLimiter(rate.Limit(limit), number(settings["throttlingBurstLimit"]))
	}
	if settings["cachingEnabled"] == true {
		m.cache = &responseCache{ttl: time.Duration(number(settings["cacheTtlInSeconds"])) * time.Second, entries: map[string]cachedResponse{}}
	}
	return m
}

// everyMethod is the path of the settings for methods without settings of their own, each by itself.
const everyMethod = "*/*"

// settings of the request's method; the empty ones when the stage has none for it.
func (x *exchange) settings() *methodSettings {
	path := strings.ReplaceAll(x.method.ResourcePath, "/", "~1")
	if found := x.stage.methods[path+"/"+x.r.Method]; found != nil {
		return found
	}
	if shared := x.stage.methods[everyMethod]; shared != nil {
		own, _ := shared.each.LoadOrStore(x.method.ResourcePath+" "+x.r.Method, &methodSettings{limiter: shared.freshLimiter()})
		return own.(*methodSettings)
	}
	return &methodSettings{}
}

func (m *methodSettings) freshLimiter() *rate.Limiter {
	if m.limiter == nil {
		return nil
	}
	return rate.NewLimiter(m.limiter.Limit(), m.limiter.Burst())
}

// cacheKey names requests that get the same answer.
func (x *exchange) cacheKey() string {
	key := x.method.ResourcePath
	for _, parameter := range x.method.Integration.CacheKeyParameters {
		key += "\x00" + x.value(parameter)
	}
	return key
}

// fromCache answers when the cache can.
func (x *exchange) fromCache(cache *responseCache) bool {
	cache.mu.Lock()
	entry, ok := cache.entries[x.cacheKey()]
	cache.mu.Unlock()
	if !ok || x.front.d.now().After(entry.until) {
		return false
	}
	for name, values := range entry.header {
		x.w.Header()[name] = values
	}
	x.status, x.written = http.StatusOK, int64(len(entry.body))
	x.w.WriteHeader(x.status)
	// A client that went away needs no answer.
	_, _ = x.w.Write(entry.body)
	return true
}

// remember keeps a good answer.
func (x *exchange) remember(cache *responseCache, response *http.Response, body []byte) {
	if response.StatusCode != http.StatusOK || len(body) > restapi.CachedBody.Max {
		return
	}
	cache.mu.Lock()
	defer cache.mu.Unlock()
	cache.entries[x.cacheKey()] = cachedResponse{x.front.d.now().Add(cache.ttl), applied(response.Header, ToClient), body}
}
