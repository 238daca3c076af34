package logs

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	access = `{"requestId":"abc","requestTime":"01/Dec/2026:10:00:00 +0000","httpMethod":"GET","path":"/prod/x","status":"503",` +
		`"responseLatency":"12","errorType":"-"}`
	service = `{"time":"2026-12-01T10:00:00.5Z","msg":"request","requestId":"","path":"/readyz","status":200}`
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339Nano, text)
	require.NoError(t, err)
	return parsed
}

// A line's time is found in each format that the stack's own programs write, and is otherwise the last one known.
func TestTime(t *testing.T) {
	known := at(t, "2026-12-01T09:00:00Z")
	local := func(text string) time.Time {
		parsed, err := time.ParseInLocation(time.DateTime, text, time.Local)
		require.NoError(t, err)
		return parsed
	}
	for line, want := range map[string]time.Time{
		access:  at(t, "2026-12-01T10:00:00Z"),
		service: at(t, "2026-12-01T10:00:00.5Z"),
		"2026/12/01 10:00:00 [error] 7#7: no live upstreams": local("2026-12-01 10:00:00"),
		"2026-12-01 10:00:00,123 INFO started":               local("2026-12-01 10:00:00"),
		"2026-12-01T10:00:00.25Z hello":                      at(t, "2026-12-01T10:00:00.25Z"),
		"Traceback (most recent call last):":                 known,
		"":                                                   known,
		"{broken":                                            known,
		`{"time":"yesterday"}`:                               known,
	} {
		require.True(t, want.Equal(Parse("svc", "pod", line, known).Time), line)
	}
}

func TestFilter(t *testing.T) {
	probed := []string{"/readyz"}
	for name, c := range map[string]struct {
		filter Filter
		line   string
		keeps  bool
	}{
		"everything":                    {Filter{}, access, true},
		"no probe":                      {Filter{}, service, false},
		"probes that are asked for":     {Filter{Probes: true}, service, true},
		"a client's at a probe's path":  {Filter{}, `{"requestId":"abc","path":"/readyz"}`, true},
		"a probe in common log format":  {Filter{}, `127.0.0.1 - - [01/Dec/2026] "GET /readyz HTTP/1.1" 200 -`, false},
		"a probe by its name":           {Filter{}, `"GET /other HTTP/1.1" 200 "kube-probe/1.36"`, false},
		"another path that begins so":   {Filter{}, `"GET /readyz2 HTTP/1.1" 200`, true},
		"since, newer":                  {Filter{Since: at(t, "2026-12-01T09:59:59Z")}, access, true},
		"since, in the same second":     {Filter{Since: at(t, "2026-12-01T10:00:00.9Z")}, access, true},
		"since, older":                  {Filter{Since: at(t, "2026-12-01T10:00:01Z")}, access, false},
		"request":                       {Filter{RequestID: "abc"}, access, true},
		"another request":               {Filter{RequestID: "abd"}, access, false},
		"status class":                  {Filter{Status: []Status{"4xx", "5xx"}}, access, true},
		"another class":                 {Filter{Status: []Status{"4xx"}}, access, false},
		"a status":                      {Filter{Status: []Status{"503"}}, access, true},
		"ten statuses":                  {Filter{Status: []Status{"50x"}}, access, true},
		"lines that tell of no status":  {Filter{Status: []Status{"5xx"}}, "hello 503", false},
		"a status that is a number":     {Filter{Status: []Status{"2xx"}, Probes: true}, service, true},
		"everything that is asked must": {Filter{RequestID: "abc", Status: []Status{"2xx"}}, access, false},
	} {
		require.Equal(t, c.keeps, c.filter.Keeps(Parse("svc", "pod", c.line, time.Time{}), probed), name)
	}
}

func TestParseStatus(t *testing.T) {
	good, err := ParseStatus([]string{"404", "5XX", " 40x "})
	require.NoError(t, err)
	require.Equal(t, []Status{"404", "5xx", "40x"}, good)
	for _, bad := range []string{"", "xxx", "5", "5x", "600", "5x5", "-10", "09x", "4xxx", "ok"} {
		_, err := ParseStatus([]string{bad})
		require.ErrorIs(t, err, errStatus, bad)
	}
}

func TestPattern(t *testing.T) {
	for want, f := range map[string]Filter{
		"":                          {Probes: true},
		`{ ($.requestId = "abc") }`: {RequestID: "abc"},
		`{ (($.status = "5*") || ($.status = "404")) }`:      {Status: []Status{"5xx", "404"}},
		`{ ($.requestId = "a\"b") && (($.status = "40*")) }`: {RequestID: `a"b`, Status: []Status{"40x"}},
	} {
		require.Equal(t, want, f.Pattern())
	}
}

func TestForMachinesAndPeople(t *testing.T) {
	e := Parse("access", "group", access, time.Time{})
	require.Equal(t, "503 GET /prod/x 12 ms abc", e.Answer())
	encoded, err := json.Marshal(e)
	require.NoError(t, err)
	require.Contains(t, string(encoded), `"time":"2026-12-01T10:00:00Z","log":"access","source":"group","fields":{`)
	encoded, err = json.Marshal(Parse("svc", "pod", "hello", time.Time{}))
	require.NoError(t, err)
	require.Equal(t, `{"log":"svc","source":"pod","line":"hello"}`, string(encoded))
}
