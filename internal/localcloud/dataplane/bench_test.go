package dataplane

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/require"
)

const (
	clients           = 32
	requestsOfAClient = 300
)

// BenchmarkRequests sends one signed request again and again over kept connections, to a backend that costs next to
// nothing: what is left is the gateway.
func BenchmarkRequests(b *testing.B) {
	w := newWorld(b)
	w.pods.addresses = []string{cannedBackend(b)}
	w.pods.generation.Add(1)
	wire, address := w.signedOnTheWire(b)
	b.ReportAllocs()
	for b.Loop() {
		var all sync.WaitGroup
		for range clients {
			all.Go(func() {
				if err := sendAll(address, wire); err != nil {
					b.Error(err)
				}
			})
		}
		all.Wait()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*clients*requestsOfAClient), "ns/request")
}

func sendAll(address, wire string) error {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer connection.Close()
	reader := bufio.NewReader(connection)
	for range requestsOfAClient {
		if err := exchangeOnce(connection, reader, wire); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) signedOnTheWire(t testing.TB) (wire, address string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, w.ids["stage"].Text("invokeUrl")+"/hello/x", nil)
	require.NoError(t, err)
	sum := sha256.Sum256(nil)
	credentials := aws.Credentials{AccessKeyID: w.ids["key"].ID, SecretAccessKey: w.ids["key"].Text("secret")}
	require.NoError(t, v4.NewSigner().SignHTTP(context.Background(), credentials, request, hex.EncodeToString(sum[:]), "execute-api",
		"us-east-1", time.Now()))
	var text strings.Builder
	require.NoError(t, request.Write(&text))
	return text.String(), request.URL.Host
}

func exchangeOnce(connection net.Conn, reader *bufio.Reader, wire string) error {
	if _, err := io.WriteString(connection, wire); err != nil {
		return err
	}
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s", response.Status)
	}
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

// cannedBackend answers every head of a request with the same bytes.
func cannedBackend(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go answerAlways(connection)
		}
	}()
	return listener.Addr().String()
}

func answerAlways(connection net.Conn) {
	defer connection.Close()
	reader := bufio.NewReader(connection)
	for {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return
		}
		if len(line) > 2 {
			continue
		}
		if _, err := io.WriteString(connection, canned); err != nil {
			return
		}
	}
}

const canned = "HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: application/json\r\nContent-Length: 16\r\nConnection: " +
	"keep-alive\r\n\r\n{\"title\":\"Dune\"}"
