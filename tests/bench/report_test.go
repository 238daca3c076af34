// Package bench measures, each figure next to the alternative in the same run, and writes docs/contributing/benchmarks.md with
// charts. Run it with `make bench`.
package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/internal/nginxprogram"
	"github.com/stretchr/testify/require"
)

const repository = "../.."

// report collects sections.
type report struct{ text strings.Builder }

func (r *report) section(title, intro string) {
	fmt.Fprintf(&r.text, "\n## %s\n\n%s\n\n", title, intro)
}

func (r *report) table(header []string, rows [][]string) {
	fmt.Fprintf(&r.text, "| %s |\n|%s\n", strings.Join(header, " | "), strings.Repeat(" --- |", len(header)))
	for _, row := range rows {
		fmt.Fprintf(&r.text, "| %s |\n", strings.Join(row, " | "))
	}
}

func (r *report) line(format string, args ...any) { fmt.Fprintf(&r.text, "\n"+format+"\n", args...) }

// TestReport measures everything. No figure is asserted: what is too slow shows in the ratios.
func TestReport(t *testing.T) {
	if os.Getenv("BENCH") == "" {
		t.Skip("this takes minutes, and wants a quiet machine: run `make bench`")
	}
	r := &report{}
	fmt.Fprintf(&r.text, "# Benchmarks\n\nWritten by `make bench` on %s: %s, %d cores of %s, %s, %s, Pulumi %s. The load comes from "+
		"the same machine and takes its share.\n"+
		"Where a figure has a spread it is the median of %d rounds, in which the alternatives take turns; ratios are between medians. "+
		"What a fresh machine waits for is [apart](benchmarks-cold.md).\n",
		time.Now().UTC().Format("2 January 2006"), runtime.GOOS+"/"+runtime.GOARCH, runtime.NumCPU(), cpuModel(), runtime.Version(),
		nginxVersion(t), cliVersion(t), rounds)
	dataPlane(t, r)
	controlPlane(t, r)
	criticalPath(t, r)
	engineOverhead(t, r)
	localTarget(t, r)
	development(t, r)
	scale(t, r)
	require.NoError(t, os.WriteFile(filepath.Join(repository, "docs", "contributing", "benchmarks.md"), []byte(r.text.String()), 0o600))
}

func cpuModel() string {
	content, err := os.ReadFile("/proc/cpuinfo")
	if err == nil {
		for line := range strings.SplitSeq(string(content), "\n") {
			if name, ok := strings.CutPrefix(line, "model name"); ok {
				return strings.TrimSpace(strings.TrimLeft(name, "\t :"))
			}
		}
	}
	return "an unknown kind"
}

func nginxVersion(t *testing.T) string {
	t.Helper()
	program, err := nginxprogram.Find()
	require.NoError(t, err)
	version, err := nginxprogram.Version(t.Context(), program)
	require.NoError(t, err)
	return "nginx/" + version.String()
}

func cliVersion(t *testing.T) string {
	t.Helper()
	useBuiltCLI(t)
	command, err := engine.FindCommand(t.Context(), t.TempDir())
	require.NoError(t, err)
	return command.Version().String()
}

// bar is one bar of a chart.
type bar struct {
	label string
	value float64
}

// chart writes horizontal bars as an SVG picture, and refers to it.
func (r *report) chart(t *testing.T, name, title, unit string, bars []bar) {
	t.Helper()
	const left, width, height, gap = 250, 420, 22, 8
	longest := 0.0
	for _, b := range bars {
		longest = max(longest, b.value)
	}
	var svg strings.Builder
	total := 40 + len(bars)*(height+gap)
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" width="800" height="%d" viewBox="0 0 800 %d" font-family="sans-serif" font-size="13"><style>text{fill:#1f2328}rect{fill:#0969da}@media(prefers-color-scheme:dark){text{fill:#e6edf3}rect{fill:#4493f8}}</style>`+"\n", total, total)
	fmt.Fprintf(&svg, `<text x="10" y="22" font-weight="bold">%s</text>`+"\n", title)
	for i, b := range bars {
		y := 36 + i*(height+gap)
		fmt.Fprintf(&svg, `<text x="%d" y="%d" text-anchor="end">%s</text><rect x="%d" y="%d" width="%.0f" height="%d" rx="3"/><text x="%.0f" y="%d">%s %s</text>`+"\n",
			left-10, y+16, b.label, left, y, max(2, b.value/longest*width), height, left+max(2, b.value/longest*width)+8, y+16, figure(b.value),
			unit)
	}
	svg.WriteString("</svg>\n")
	require.NoError(t, os.WriteFile(filepath.Join(repository, "docs", "contributing", name+".svg"), []byte(svg.String()), 0o600))
	r.line("![%s](%s.svg)", title, name)
}

// figure writes a number with three digits that mean something.
func figure(v float64) string {
	switch {
	case v >= 1000:
		text := fmt.Sprintf("%.0f", v)
		return text[:len(text)-3] + "," + text[len(text)-3:]
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

func seconds(d time.Duration) string { return figure(d.Seconds()) + " s" }
