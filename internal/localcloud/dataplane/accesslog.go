package dataplane

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/awsrules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
)

// flushPeriod is the longest that a line stays in memory.
const flushPeriod = time.Second

// accessLog writes the lines of a log group to a file.
type accessLog struct {
	// parts alternate between fixed text and the name of a $context variable.
	parts []string

	mu     sync.Mutex
	file   *os.File
	writer *bufio.Writer
}

var contextVariable = regexp.MustCompile(`\$context\.[A-Za-z.]+`)

// accessLogOf is the log of a stage's settings; nil when it has none.
func (d *DataPlane) accessLogOf(o *store.Object) *accessLog {
	settings, _ := o.Inputs["accessLogSettings"].(map[string]any)
	arn, _ := settings["destinationArn"].(string)
	format, _ := settings["format"].(string)
	_, group, ok := strings.Cut(arn, ":log-group:")
	if !ok || d.store.Get(awsrules.LogGroup, group) == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	key := group + "\x00" + format
	if d.logs[key] == nil {
		path := filepath.Join(d.logDir, strings.ReplaceAll(group, "/", "_")+".log")
		file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			d.log.Error("access log cannot be written", "error", err.Error())
			return nil
		}
		d.logs[key] = &accessLog{parts: splitFormat(format), file: file, writer: bufio.NewWriter(file)}
	}
	return d.logs[key]
}

func splitFormat(format string) []string {
	var parts []string
	last := 0
	for _, found := range contextVariable.FindAllStringIndex(format, -1) {
		parts = append(parts, format[last:found[0]], strings.TrimPrefix(format[found[0]:found[1]], "$context."))
		last = found[1]
	}
	return append(parts, format[last:])
}

// escaped keeps a value from ending the JSON string that it stands in.
var escaped = strings.NewReplacer(`"`, `\"`, `\`, `\\`, "\n", `\n`, "\r", `\r`)

func (l *accessLog) write(x *exchange) {
	var line strings.Builder
	for i, part := range l.parts {
		if i%2 == 0 {
			line.WriteString(part)
		} else if value := x.context(part); value != "" {
			line.WriteString(escaped.Replace(value))
		} else {
			line.WriteByte('-')
		}
	}
	line.WriteByte('\n')
	l.mu.Lock()
	defer l.mu.Unlock()
	// A log that cannot be written does not stop requests.
	_, _ = l.writer.WriteString(line.String())
}

func (d *DataPlane) flushLogs() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.logs {
		l.mu.Lock()
		if err := l.writer.Flush(); err != nil {
			d.log.Error("access log cannot be written", "error", err.Error())
		}
		l.mu.Unlock()
	}
}
