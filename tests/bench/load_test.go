package bench

import (
	"bufio"
	"fmt"
	"io"
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

	"github.com/stretchr/testify/require"
)

const (
	connections = 32
	loadTime    = 3 * time.Second
	rounds      = 3
)

// figures are what a load saw.
type figures struct {
	// rate is answers a second.
	rate     float64
	p50, p99 time.Duration
	// cpu is that of the processes that were watched, for each answer.
	cpu time.Duration
}

// load sends one request again and again over some connections, to several addresses in turn: as fast as it goes, or at a
// rate. pids are processes whose CPU time is counted.
func load(t *testing.T, address, request string, perSecond float64, pids []int) figures {
	t.Helper()
	addresses := strings.Split(address, ",")
	var answered, failed atomic.Int64
	var mu sync.Mutex
	var latencies []time.Duration
	before := cpuOf(pids)
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
		rate: float64(n) / time.Since(started).Seconds(), p50: latencies[len(latencies)/2], p99: latencies[len(latencies)*99/100],
		cpu: (cpuOf(pids) - before) / time.Duration(max(n, 1)),
	}
}

func hammer(address, request string, perSecond float64, shift time.Duration, stop time.Time, answered, failed *atomic.Int64) ([]time.Duration, error) {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = connection.Close() }()
	reader := bufio.NewReader(connection)
	// An NGINX ends a connection after some requests; a client then makes another, and sends what had no answer again.
	again := func() error {
		_ = connection.Close()
		if connection, err = net.Dial("tcp", address); err == nil {
			reader = bufio.NewReader(connection)
		}
		return err
	}
	var latencies []time.Duration
	next := time.Now().Add(shift * time.Millisecond)
	for time.Now().Before(stop) {
		if perSecond > 0 {
			time.Sleep(time.Until(next))
			next = next.Add(time.Duration(float64(time.Second) / perSecond))
		}
		sent := time.Now()
		_, writeErr := io.WriteString(connection, request)
		status, readErr := answer(reader)
		if writeErr != nil || readErr != nil && status == "" {
			if err := again(); err != nil {
				return latencies, err
			}
			continue
		}
		if readErr != nil {
			return latencies, readErr
		}
		latencies = append(latencies, time.Since(sent))
		answered.Add(1)
		if !strings.Contains(status, " 200 ") {
			failed.Add(1)
		}
	}
	return latencies, nil
}

// answer reads one response with a length, and returns its status line.
func answer(reader *bufio.Reader) (status string, err error) {
	length := 0
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			return status, err
		}
		if status == "" {
			status = line
		}
		if value, ok := strings.CutPrefix(strings.ToLower(line), "content-length:"); ok {
			if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil {
				return status, err
			}
		}
		if line == "\r\n" {
			_, err = io.CopyN(io.Discard, reader, int64(length))
			return status, err
		}
	}
}

// cpuOf is the CPU time that processes have used, user's and system's.
func cpuOf(pids []int) time.Duration {
	const tick = 10 * time.Millisecond
	var total time.Duration
	for _, pid := range pids {
		content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		text := string(content)
		fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
		for _, field := range fields[11:13] {
			if n, err := strconv.Atoi(field); err == nil {
				total += time.Duration(n) * tick
			}
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
	}, 10*time.Second, 5*time.Millisecond)
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
	return run(t, address, "nginx", "-p", dir, "-e", filepath.Join(dir, "error.log"), "-c", path, "-g", "daemon off;")
}
