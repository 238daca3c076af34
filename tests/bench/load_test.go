package bench

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/nginxprogram"
	"github.com/stretchr/testify/require"
)

const (
	connections = 32
	loadTime    = 3 * time.Second
	rounds      = 5
)

// figures are what a load saw.
type figures struct {
	// rate is answers a second.
	rate     float64
	answers  int64
	p50, p99 time.Duration
	// cpu is that of the processes that were watched, for each answer.
	cpu time.Duration
}

// load sends one request again and again over some connections, to several addresses in turn: as fast as it goes, or at a
// rate. pid is of a process whose CPU time is counted, with its children's; 0 for none.
func load(t *testing.T, address, request string, perSecond float64, pid int) figures {
	t.Helper()
	addresses := strings.Split(address, ",")
	var answered, failed atomic.Int64
	var mu sync.Mutex
	var latencies []time.Duration
	before := cpuOf(pid)
	started := time.Now()
	stop := started.Add(loadTime)
	var all sync.WaitGroup
	for i := range connections {
		all.Go(func() {
			own, err := hammer(addresses[i%len(addresses)], request, perSecond/connections, time.Duration(i), stop, &answered, &failed)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			latencies = append(latencies, own...)
		})
	}
	all.Wait()
	require.Zero(t, failed.Load(), "answers other than 200")
	slices.Sort(latencies)
	n := answered.Load()
	return figures{
		answers: n, rate: float64(n) / time.Since(started).Seconds(), p50: latencies[len(latencies)/2], p99: latencies[len(latencies)*99/100],
		cpu: (cpuOf(pid) - before) / time.Duration(max(n, 1)),
	}
}

func hammer(address, request string, perSecond float64, shift time.Duration, stop time.Time, answered,
	failed *atomic.Int64) ([]time.Duration, error) {
	c := &client{address: address, buffer: make([]byte, 64<<10)}
	if err := c.dial(); err != nil {
		return nil, err
	}
	defer func() { _ = c.connection.Close() }()
	wire := []byte(request)
	var latencies []time.Duration
	next := time.Now().Add(shift * time.Millisecond)
	for time.Now().Before(stop) {
		if perSecond > 0 {
			time.Sleep(time.Until(next))
			next = next.Add(time.Duration(float64(time.Second) / perSecond))
		}
		sent := time.Now()
		ok, err := c.ask(wire)
		if errors.Is(err, errClosed) {
			// An NGINX ends a connection after some requests; a client then makes another, and sends what had no answer again.
			if err := c.dial(); err != nil {
				return latencies, err
			}
			continue
		}
		if err != nil {
			return latencies, err
		}
		latencies = append(latencies, time.Since(sent))
		answered.Add(1)
		if !ok {
			failed.Add(1)
		}
	}
	return latencies, nil
}

// client is as cheap as it can be: what it needs of the two cores, the measured have not.
type client struct {
	address    string
	connection net.Conn
	buffer     []byte
}

var errClosed = errors.New("closed before an answer")

func (c *client) dial() (err error) {
	if c.connection != nil {
		_ = c.connection.Close()
	}
	c.connection, err = net.Dial("tcp", c.address)
	return err
}

// ask sends a request, reads its answer, which must have a length, and says whether it is 200.
func (c *client) ask(request []byte) (ok bool, err error) {
	if _, err := c.connection.Write(request); err != nil {
		return false, errClosed
	}
	for have := 0; ; {
		n, err := c.connection.Read(c.buffer[have:])
		if have += n; err != nil {
			if have == 0 {
				return false, errClosed
			}
			return false, err
		}
		head := bytes.Index(c.buffer[:have], []byte("\r\n\r\n"))
		if head < 0 {
			continue
		}
		length, err := contentLength(c.buffer[:head+2])
		if err != nil {
			return false, err
		}
		if have >= head+4+length {
			return bytes.HasPrefix(c.buffer[len("HTTP/1.1"):have], []byte(" 200 ")), nil
		}
	}
}

func contentLength(head []byte) (int, error) {
	_, after, found := bytes.Cut(head, []byte("\r\nContent-Length: "))
	value, _, whole := bytes.Cut(after, []byte("\r\n"))
	if !found || !whole {
		return 0, fmt.Errorf("an answer without a length: %q", head)
	}
	return strconv.Atoi(string(value))
}

// cpuOf is the CPU time that processes and their children have used, user's and system's.
func cpuOf(pids ...int) time.Duration {
	var total time.Duration
	for _, pid := range pids {
		for _, member := range group(pid) {
			total += cpuOfOne(member)
		}
	}
	return total
}

func cpuOfOne(pid int) (total time.Duration) {
	const tick = 10 * time.Millisecond
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	text := string(content)
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	for _, field := range fields[11:13] {
		if n, err := strconv.Atoi(field); err == nil {
			total += time.Duration(n) * tick
		}
	}
	return total
}

// group lists a process and its children.
func group(pid int) []int {
	pids := []int{pid}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err == nil {
		for _, child := range strings.Fields(string(children)) {
			if n, err := strconv.Atoi(child); err == nil {
				pids = append(pids, n)
			}
		}
	}
	return pids
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port
}

// run starts a program until the test's end, and waits until it listens.
func run(t *testing.T, address, program string, args ...string) int {
	t.Helper()
	command := exec.Command(program, args...)
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		_ = command.Process.Signal(os.Interrupt)
		_ = command.Wait()
	})
	require.Eventually(t, func() bool {
		connection, err := net.Dial("tcp", address)
		return err == nil && connection.Close() == nil
	}, time.Minute, 5*time.Millisecond)
	return command.Process.Pid
}

// nginx starts one with a configuration in a folder of its own.
func nginx(t *testing.T, address, config string) int {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "nginx.conf")
	config = strings.ReplaceAll(config, " /tmp/", " "+dir+"/")
	require.NoError(t, os.WriteFile(path, []byte(config), 0o600))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "logs"), 0o700))
	program, err := nginxprogram.Find()
	require.NoError(t, err)
	return run(t, address, program, "-p", dir, "-e", filepath.Join(dir, "error.log"), "-c", path, "-g", "daemon off;")
}
