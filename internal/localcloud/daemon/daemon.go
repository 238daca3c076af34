// Package daemon keeps one local cloud per state directory running in the background, beyond the command
// that started it, and talks to it over a socket that only its owner can reach.
package daemon

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/dataplane"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/supervisor"
)

// Status is what a running local cloud says of itself.
type Status struct {
	PID int `json:"pid"`
	// Build identifies the program; another build is replaced before it is used, unless somebody uses it.
	Build    string `json:"build"`
	Protocol int    `json:"protocol"`
	// Providers are the ports for the engine, by package.
	Providers map[string]int `json:"providers"`
	Objects   int            `json:"objects"`
	// Goroutines are the process's own; under lasting load their number stays.
	Goroutines int `json:"goroutines"`
	// Settled says that everything that should run does.
	Settled bool                   `json:"settled"`
	Pods    []supervisor.PodStatus `json:"pods"`
	// PodRoles are the AWS roles that service accounts would get.
	PodRoles []localcloud.PodRole `json:"podRoles"`
	// Ways are the chains from stages to pods.
	Ways []dataplane.Way `json:"ways"`
	// KeyUses are when access keys were last used, by id.
	KeyUses map[string]time.Time `json:"keyUses,omitempty"`
	// Served are the addresses at which this process serves APIs. Whoever answers at another is somebody else.
	Served []string `json:"served"`
	Log    string   `json:"log"`
}

// Programs are what stands for container images and Lambda functions on this machine.
type Programs struct {
	Images    map[string]supervisor.Image `json:"images"`
	Functions map[string][]string         `json:"functions"`
}

// RecoverRequest names a stack and the resources in its state.
type RecoverRequest struct {
	Project string             `json:"project"`
	Stack   string             `json:"stack"`
	Known   []localcloud.Known `json:"known"`
}

// TokenRequest asks for a token of a Cognito user pool.
type TokenRequest struct {
	UserPoolARN string `json:"userPoolArn"`
	User        string `json:"user"`
	// Scopes make it an access token; without any it is an ID token.
	Scopes []string `json:"scopes,omitempty"`
}

// ErrRunning says that another process serves the state directory.
var ErrRunning = errors.New("a local cloud is running already in this state directory")

const lockName = "cloud.lock"

// LogPath is the file of a local cloud's own log.
func LogPath(dir string) string { return filepath.Join(dir, "logs", "cloud.log") }

// Serve runs a local cloud in dir until ctx ends or a client asks it to stop.
func Serve(ctx context.Context, dir, build string, log *slog.Logger) error {
	if err := os.MkdirAll(dir, 0o700); err != nil { //nolint:gosec // the state directory is where its user wants it
		return err
	}
	lock, err := acquire(filepath.Join(dir, lockName))
	if err != nil {
		return err
	}
	defer lock.Close()
	cloud, err := localcloud.Open(localcloud.Options{Dir: dir, Log: log})
	if err != nil {
		return fmt.Errorf("local cloud in %s: %w", dir, err)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go stopWithDirectory(ctx, stop, lock, log)
	err = control(ctx, stop, dir, build, cloud)
	log.Info("stopping")
	return errors.Join(err, cloud.Close())
}

// lookPeriod is how soon a local cloud notices that its state directory was removed.
const lookPeriod = time.Second

// stopWithDirectory ends a local cloud whose state directory was removed, or made anew by somebody: nothing of it could be
// found or kept any more, and its pods would run for ever.
func stopWithDirectory(ctx context.Context, stop func(), lock *os.File, log *slog.Logger) {
	held, err := lock.Stat()
	if err != nil {
		log.Error("the lock cannot be looked at", "error", err.Error())
		return
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(lookPeriod):
		}
		found, err := os.Stat(lock.Name()) //nolint:gosec // it is below the state directory
		if errors.Is(err, os.ErrNotExist) || err == nil && !os.SameFile(held, found) {
			log.Info("the state directory was removed")
			stop()
			return
		}
	}
}

// acquire holds the directory's lock for as long as the process lives.
func acquire(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // it is below the state directory
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil { //nolint:gosec // a descriptor fits an int
		return nil, errors.Join(ErrRunning, file.Close())
	}
	return file, nil
}

// control answers clients until ctx ends.
func control(ctx context.Context, stop func(), dir, build string, cloud *localcloud.Cloud) error {
	path, err := socketPath(dir)
	if err != nil {
		return err
	}
	// The lock is ours, so a socket that is there is nobody's.
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return errors.Join(err, listener.Close())
	}
	server := &http.Server{Handler: handler(stop, dir, build, cloud), ReadHeaderTimeout: 5 * time.Second}
	var serving sync.WaitGroup
	serving.Go(func() {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		// Answers that take longer are cut off.
		_ = server.Shutdown(grace)
	})
	err = server.Serve(listener)
	stop()
	serving.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func handler(stop func(), dir, build string, cloud *localcloud.Cloud) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		// A client that went away needs no answer.
		_ = json.NewEncoder(w).Encode(Status{
			PID: os.Getpid(), Build: build, Protocol: Protocol, Providers: cloud.ProviderPorts(), Objects: cloud.Objects(),
			Goroutines: runtime.NumGoroutine(), Settled: cloud.Settled(), Pods: cloud.Pods(), PodRoles: cloud.PodRoles(), Ways: cloud.Ways(),
			KeyUses: cloud.KeyUses(), Served: cloud.Served(), Log: LogPath(dir),
		})
	})
	mux.HandleFunc("PUT /programs", func(w http.ResponseWriter, r *http.Request) {
		var programs Programs
		if err := json.NewDecoder(r.Body).Decode(&programs); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if err := errors.Join(cloud.AddImages(programs.Images), cloud.AddFunctions(programs.Functions)); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("PUT /simulated", func(w http.ResponseWriter, r *http.Request) {
		var wanted localcloud.Simulated
		if err := json.NewDecoder(r.Body).Decode(&wanted); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if err := cloud.Simulate(r.Context(), wanted); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /clusters/{name}", func(w http.ResponseWriter, r *http.Request) {
		use, err := cloud.ClusterUse(r.PathValue("name"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		// A client that went away needs no answer.
		_ = json.NewEncoder(w).Encode(use)
	})
	mux.HandleFunc("POST /recover", func(w http.ResponseWriter, r *http.Request) {
		var wanted RecoverRequest
		if err := json.NewDecoder(r.Body).Decode(&wanted); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		recovered, err := cloud.Recover(r.Context(), wanted.Project, wanted.Stack, wanted.Known)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		// A client that went away needs no answer.
		_ = json.NewEncoder(w).Encode(recovered)
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		var wanted TokenRequest
		if err := json.NewDecoder(r.Body).Decode(&wanted); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		token, err := cloud.Token(wanted.UserPoolARN, wanted.User, wanted.Scopes)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		// A client that went away needs no answer.
		_, _ = io.WriteString(w, token)
	})
	mux.HandleFunc("POST /stop", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		stop()
	})
	return mux
}

// socketPath is in dir, or where dir's name is too long for a socket's address, in a private folder of the
// system's folder for temporary files.
func socketPath(dir string) (string, error) {
	const longest = 100
	path := filepath.Join(dir, "control.sock")
	if len(path) <= longest {
		return path, nil
	}
	private := filepath.Join(os.TempDir(), fmt.Sprintf("apigw-ingress-%d", os.Getuid()))
	if err := os.MkdirAll(private, 0o700); err != nil {
		return "", err
	}
	info, err := os.Lstat(private)
	if err != nil {
		return "", err
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); !ok || int(owner.Uid) != os.Getuid() || info.Mode().Perm() != 0o700 || !info.IsDir() {
		return "", fmt.Errorf("%s is not a private folder of yours: remove it, or choose a shorter state directory", private)
	}
	sum := sha256.Sum256([]byte(dir))
	return filepath.Join(private, hex.EncodeToString(sum[:8])+".sock"), nil
}
