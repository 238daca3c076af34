package bench

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
)

const passOnVerb = "pass-on"

func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == passOnVerb {
		fmt.Fprintln(os.Stderr, passOn(os.Args[2], strings.Split(os.Args[3], ",")))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// passOn is the least that a proxy can do with Go's HTTP server and client: it looks at nothing and takes the targets in
// turn. It runs as a process of its own, this test's program started once more.
func passOn(address string, targets []string) error {
	transport := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 256}
	var turn atomic.Uint64
	return http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		target := targets[turn.Add(1)%uint64(len(targets))]
		request, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+target+r.URL.EscapedPath(), http.NoBody)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		request.Header = r.Header
		response, err := transport.RoundTrip(request)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer response.Body.Close()
		for name, values := range response.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(response.StatusCode)
		_, _ = io.Copy(w, response.Body)
	}))
}

// startPassOn starts one and says where it listens.
func startPassOn(t *testing.T, targets []string) string {
	t.Helper()
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	run(t, address, os.Args[0], passOnVerb, address, strings.Join(targets, ","))
	return address
}
