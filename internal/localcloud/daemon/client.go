package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud"
)

// Client talks to the local cloud of a state directory.
type Client struct {
	dir  string
	http *http.Client
}

// startTimeout is how long a local cloud may take to answer.
const startTimeout = 20 * time.Second

// NewClient makes a client. The local cloud need not run.
func NewClient(dir string) (*Client, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	socket, err := socketPath(dir)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	return &Client{dir, &http.Client{Transport: transport, Timeout: 10 * time.Second}}, nil
}

// Status asks the local cloud; ok is false when none is running.
func (c *Client) Status(ctx context.Context) (status Status, ok bool, err error) {
	body, err := c.do(ctx, http.MethodGet, "/status", nil)
	if notRunning(err) {
		return Status{}, false, nil
	}
	if err != nil {
		return Status{}, false, err
	}
	return status, true, json.Unmarshal(body, &status)
}

func notRunning(err error) bool {
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED)
}

// AddPrograms adds to the tables of images and functions; what another stack has put there stays.
func (c *Client) AddPrograms(ctx context.Context, programs Programs) error {
	encoded, err := json.Marshal(programs)
	if err != nil {
		return err
	}
	_, err = c.do(ctx, http.MethodPut, "/programs", encoded)
	return err
}

// Simulate makes the cluster that a stack takes for existing, and its Services.
func (c *Client) Simulate(ctx context.Context, wanted localcloud.Simulated) error {
	encoded, err := json.Marshal(wanted)
	if err != nil {
		return err
	}
	_, err = c.do(ctx, http.MethodPut, "/simulated", encoded)
	return err
}

// ClusterUse asks what a cluster has.
func (c *Client) ClusterUse(ctx context.Context, cluster string) (use localcloud.ClusterUse, err error) {
	body, err := c.do(ctx, http.MethodGet, "/clusters/"+url.PathEscape(cluster), nil)
	if err != nil {
		return use, err
	}
	return use, json.Unmarshal(body, &use)
}

// Recover compares a stack's state with what exists, and removes what the state does not know.
func (c *Client) Recover(ctx context.Context, wanted RecoverRequest) (recovered localcloud.Recovered, err error) {
	encoded, err := json.Marshal(wanted)
	if err != nil {
		return recovered, err
	}
	body, err := c.do(ctx, http.MethodPost, "/recover", encoded)
	if err != nil {
		return recovered, err
	}
	return recovered, json.Unmarshal(body, &recovered)
}

// Token makes a token of a Cognito user pool.
func (c *Client) Token(ctx context.Context, wanted TokenRequest) (string, error) {
	encoded, err := json.Marshal(wanted)
	if err != nil {
		return "", err
	}
	token, err := c.do(ctx, http.MethodPost, "/token", encoded)
	return string(token), err
}

// Stop ends the local cloud and waits until it is gone. None running is no error.
func (c *Client) Stop(ctx context.Context) error {
	if _, err := c.do(ctx, http.MethodPost, "/stop", nil); err != nil && !notRunning(err) {
		return err
	}
	for {
		lock, err := acquire(filepath.Join(c.dir, lockName))
		if err == nil {
			return lock.Close()
		}
		if !errors.Is(err, ErrRunning) {
			if errors.Is(err, os.ErrNotExist) {
				return nil
			}
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the local cloud does not stop: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (c *Client) do(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://localcloud"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("local cloud: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("local cloud: %w", err)
	}
	if response.StatusCode >= http.StatusBadRequest {
		return nil, fmt.Errorf("local cloud: %s: %s", response.Status, strings.TrimSpace(string(answer)))
	}
	return answer, nil
}

// start runs the local cloud in a session of its own, its output in a file: it must outlive this process.
func (c *Client) start(command []string) (<-chan struct{}, error) {
	if err := os.MkdirAll(filepath.Dir(LogPath(c.dir)), 0o700); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(LogPath(c.dir), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	process := exec.CommandContext(context.Background(), command[0], command[1:]...)
	process.Stdout, process.Stderr = log, log
	process.Dir = c.dir
	process.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := process.Start(); err != nil {
		return nil, err
	}
	exited := make(chan struct{})
	go func() {
		// Why it ended is in its log.
		_ = process.Wait()
		close(exited)
	}()
	return exited, nil
}

// AwaitSettled waits until everything that was deployed runs again, or timeout is over: then it says what does not.
func (c *Client) AwaitSettled(ctx context.Context, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for {
		status, running, err := c.Status(ctx)
		if err != nil || !running {
			return errors.Join(err, fmt.Errorf("the local cloud stopped; its log is %s", LogPath(c.dir)))
		}
		if status.Settled {
			return nil
		}
		select {
		case <-ctx.Done():
			var waiting []string
			for _, pod := range status.Pods {
				if !pod.Ready {
					waiting = append(waiting, fmt.Sprintf("pod %s/%s: %s", pod.Namespace, pod.Name, pod.Reason))
				}
			}
			return fmt.Errorf("not everything runs after %s: %s", timeout, strings.Join(waiting, "; "))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (c *Client) logTail() string {
	content, err := os.ReadFile(LogPath(c.dir))
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "\n")
}
