package bench

import (
	"bufio"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/identity"
	"github.com/stretchr/testify/require"
)

// hop is a part of the chain: the processes that do its work, and what CPU time they needed for a request, in µs.
type hop struct {
	name   string
	pids   []int
	cpu    samples
	before time.Duration
}

func (h *hop) begin() { h.before = cpuOf(h.pids...) }

func (h *hop) end(answers int64) {
	h.cpu = append(h.cpu, float64((cpuOf(h.pids...)-h.before).Nanoseconds())/1000/float64(answers))
}

// podHops are the hops behind the local cloud, and the load in front of it.
func podHops(cloud int, pods []pod) []*hop {
	hops := []*hop{{name: "the load", pids: []int{os.Getpid()}},
		{name: "the local cloud: signature, policies, stage, link, balancer", pids: []int{cloud}}, {name: "NGINX"}, {name: "the service"}}
	for _, p := range pods {
		switch {
		case p.isProxy():
			hops[2].pids = append(hops[2].pids, p.PID)
		case p.isBookService():
			hops[3].pids = append(hops[3].pids, p.PID)
		}
	}
	return hops
}

// hopTable compares what each hop needs, and says what the signature has of it.
func (r *report) hopTable(hops []*hop, verifying samples) {
	total := 0.0
	for _, h := range hops {
		total += h.cpu.median()
	}
	share := func(s samples) string { return figure(100*s.median()/total) + " %" }
	var rows [][]string
	for _, h := range hops {
		rows = append(rows, []string{h.name, h.cpu.String(), share(h.cpu)})
	}
	rows = append(rows, []string{"of the local cloud's, checking the signature (measured by itself)", verifying.String(), share(verifying)})
	r.line("Where a request's CPU time goes:\n")
	r.table([]string{"", "µs", "share"}, rows)
}

// verifying is how many µs it takes to check the signature of a request.
func verifying(t *testing.T, wire, keyID, secret, region string) samples {
	t.Helper()
	request, err := http.ReadRequest(bufio.NewReader(strings.NewReader(wire)))
	require.NoError(t, err)
	verifier := &identity.Verifier{Region: region, Service: "execute-api", Now: time.Now, Lookup: func(id string) (identity.Key, bool) {
		return identity.Key{Secret: secret, Active: true}, id == keyID
	}}
	const times = 10000
	var all samples
	for _, s := range timed(t, func() error {
		for range times {
			if _, refusal := verifier.Verify(request, nil); refusal != nil {
				return refusal
			}
		}
		return nil
	}) {
		all = append(all, s*1e6/times)
	}
	return all
}
