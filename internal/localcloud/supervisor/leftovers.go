package supervisor

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// killLeftovers ends the processes whose working directory is in dir: those of a local cloud that was killed.
func killLeftovers(dir string, log *slog.Logger) error {
	for range 100 {
		found, err := processesIn(dir)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return nil
		}
		for _, pid := range found {
			log.Info("ending a process that an earlier local cloud left", "pid", pid)
			// It may end by itself meanwhile.
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("processes of an earlier local cloud in %s cannot be ended", dir)
}

func processesIn(dir string) ([]int, error) {
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		return nil, err
	}
	var found []int
	for _, link := range links {
		// Processes of others cannot be read and are not ours.
		cwd, err := os.Readlink(link)
		if err != nil || !strings.HasPrefix(strings.TrimSuffix(cwd, " (deleted)"), dir+string(filepath.Separator)) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(link)))
		if err == nil && pid != os.Getpid() {
			found = append(found, pid)
		}
	}
	return found, nil
}
