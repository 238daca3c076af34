package integration

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/require"
)

// BenchmarkStack measures the binary: from nothing to the first 200, an up that has nothing to do, and destroy.
func BenchmarkStack(b *testing.B) {
	for b.Loop() {
		stack := newBinary(b)
		started := time.Now()
		require.Zero(b, stack.run("up").code)
		require.Zero(b, stack.run("call", "/api/book/list").code)
		b.ReportMetric(time.Since(started).Seconds(), "s/up-to-first-200")
		started = time.Now()
		require.Zero(b, stack.run("up").code)
		b.ReportMetric(time.Since(started).Seconds(), "s/no-op-up")
		started = time.Now()
		require.Zero(b, stack.run("destroy").code)
		b.ReportMetric(time.Since(started).Seconds(), "s/destroy")
	}
}

const (
	loadTime    = 5 * time.Second
	connections = 32
)

// BenchmarkRequests measures signed requests a second through the whole local chain, next to the book service
// alone. The load comes from the same machine and takes its share of the cores.
func BenchmarkRequests(b *testing.B) {
	stack := newBinary(b)
	require.Zero(b, stack.run("up").code)
	var outputs map[string]string
	stack.json(&outputs, "outputs", "--show-secrets")
	chain, err := http.NewRequest(http.MethodGet, outputs["apiEndpoint"]+"/api/book/9781788390071", nil)
	require.NoError(b, err)
	empty := sha256.Sum256(nil)
	key := aws.Credentials{AccessKeyID: outputs["clientAccessKeyId"], SecretAccessKey: outputs["clientSecretAccessKey"]}
	require.NoError(b, v4.NewSigner().SignHTTP(context.Background(), key, chain, hex.EncodeToString(empty[:]), "execute-api", outputs["region"], time.Now()))

	service := exec.Command(bin(b, "books"), "-addr", "127.0.0.1:18080")
	require.NoError(b, service.Start())
	b.Cleanup(func() { _ = service.Process.Kill(); _ = service.Wait() })
	direct, err := http.NewRequest(http.MethodGet, "http://127.0.0.1:18080/api/book/9781788390071", nil)
	require.NoError(b, err)
	require.Eventually(b, func() bool {
		response, err := http.DefaultClient.Do(direct)
		return err == nil && response.Body.Close() == nil
	}, settleTime, pollTime)

	for b.Loop() {
		alone, through := load(b, direct), load(b, chain)
		b.ReportMetric(alone, "req/s-service")
		b.ReportMetric(through, "req/s-chain")
		b.ReportMetric(through/alone, "chain/service")
	}
}

// load sends one request again and again over some connections and returns the rate of answers.
func load(b *testing.B, request *http.Request) float64 {
	b.Helper()
	var wire bytes.Buffer
	require.NoError(b, request.Write(&wire))
	target, err := url.Parse(request.URL.String())
	require.NoError(b, err)
	var answered, failed atomic.Int64
	stop := time.Now().Add(loadTime)
	var all sync.WaitGroup
	for range connections {
		all.Go(func() {
			if err := hammer(target.Host, wire.Bytes(), stop, &answered, &failed); err != nil {
				b.Error(err)
			}
		})
	}
	all.Wait()
	require.Zero(b, failed.Load(), "answers other than 200")
	return float64(answered.Load()) / loadTime.Seconds()
}

func hammer(host string, wire []byte, stop time.Time, answered, failed *atomic.Int64) error {
	connection, err := net.Dial("tcp", host)
	if err != nil {
		return err
	}
	defer connection.Close()
	reader := bufio.NewReader(connection)
	for time.Now().Before(stop) {
		if _, err := connection.Write(wire); err != nil {
			return err
		}
		status, length := "", 0
		for {
			line, err := reader.ReadString('\n')
			if err != nil {
				return err
			}
			if status == "" {
				status = line
			}
			if value, ok := strings.CutPrefix(strings.ToLower(line), "content-length:"); ok {
				if _, err := fmt.Sscan(value, &length); err != nil {
					return err
				}
			}
			if line == "\r\n" {
				break
			}
		}
		if _, err := io.CopyN(io.Discard, reader, int64(length)); err != nil {
			return err
		}
		answered.Add(1)
		if !strings.Contains(status, " 200 ") {
			failed.Add(1)
		}
	}
	return nil
}
