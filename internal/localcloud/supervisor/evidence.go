package supervisor

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

const (
	// lastLines of a container's log, each cut to longestLine, say most often why it does not run.
	lastLines   = 6
	longestLine = 200
	// tailBytes is enough for so many lines.
	tailBytes = 8 << 10
)

// evidence is why a pod is not ready, with the end of its container's log.
func (p *pod) evidence() string {
	lines := []string{fmt.Sprintf("pod %s: %s", p.name, p.reason())}
	tail := logTail(p.logPath)
	if len(tail) > 0 {
		lines = append(lines, fmt.Sprintf("its log %s ends with", p.logPath))
	}
	for _, line := range tail {
		lines = append(lines, "| "+line)
	}
	return strings.Join(lines, "\n")
}

// logTail are the last lines of a log, harmless on a terminal; none if there is no log.
func logTail(path string) []string {
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > tailBytes {
		if _, err := file.Seek(-tailBytes, io.SeekEnd); err != nil {
			return nil
		}
	}
	content, err := io.ReadAll(io.LimitReader(file, tailBytes))
	if err != nil {
		return nil
	}
	var lines []string
	for line := range strings.SplitSeq(strings.TrimSpace(string(content)), "\n") {
		if line != "" {
			lines = append(lines, printable(line))
		}
	}
	return lines[max(0, len(lines)-lastLines):]
}

// printable escapes what would act on a terminal or begin a line of its own, and cuts what is long.
func printable(text string) string {
	quoted := strconv.Quote(strings.TrimRight(text, "\r"))
	quoted = strings.NewReplacer(`\"`, `"`, `\\`, `\`, `\t`, "  ").Replace(quoted[1 : len(quoted)-1])
	if runes := []rune(quoted); len(runes) > longestLine {
		return string(runes[:longestLine]) + "…"
	}
	return quoted
}

// whyNotReady is the evidence of a workload's pods. Replicas mostly fail alike, and the first one then speaks for all.
func whyNotReady(pods []*pod) []string {
	var reasons []string
	alike := map[string]bool{}
	for _, p := range pods {
		reason := strings.ReplaceAll(p.reason(), p.name, "")
		reason = strings.ReplaceAll(reason, p.ip, "")
		if !alike[reason] {
			reasons = append(reasons, p.evidence())
		}
		alike[reason] = true
	}
	return reasons
}
