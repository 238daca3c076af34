// Package logs reads lines of logs: when they were written, which request they are about, and whether they are asked for.
// It opens nothing: package operation brings the lines, from files or from AWS.
package logs

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Entry is a line of a log.
type Entry struct {
	// Time is when it was written; zero where nothing says so.
	Time time.Time
	// Log is whose line it is: access, proxy, cloud, or the name of a service.
	Log string
	// Source is the pod, the log group or the file that it comes from.
	Source string
	Line   string
	// Fields are the line's, where it is a JSON object.
	Fields map[string]any
}

// Parse reads a line. One that does not tell its time gets that of the line before it, or what else is known.
func Parse(log, source, line string, known time.Time) Entry {
	e := Entry{Time: known, Log: log, Source: source, Line: line}
	if strings.HasPrefix(line, "{") && json.Unmarshal([]byte(line), &e.Fields) != nil {
		e.Fields = nil
	}
	if at, found := e.written(); found {
		e.Time = at
	}
	return e
}

// requestTime is the format of $context.requestTime, which is that of the common log format:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html
const requestTime = "02/Jan/2006:15:04:05 -0700"

// written is the time that a line tells: in a field, or at its beginning as Go's and NGINX's error logs have it.
func (e Entry) written() (time.Time, bool) {
	for name, format := range map[string]string{"time": time.RFC3339Nano, "timestamp": time.RFC3339Nano, "requestTime": requestTime} {
		if text, ok := e.Fields[name].(string); ok {
			if at, err := time.Parse(format, text); err == nil {
				return at, true
			}
		}
	}
	for _, format := range []string{time.RFC3339, "2006/01/02 15:04:05", "2006-01-02 15:04:05"} {
		first := strings.Join(strings.SplitN(e.Line, " ", 3)[:min(1+strings.Count(format, " "), 1+strings.Count(e.Line, " "))], " ")
		first, _, _ = strings.Cut(first, ",")
		if at, err := time.ParseInLocation(format, first, time.Local); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// text is a field as it was logged; "-" stands for none.
func (e Entry) text(name string) string {
	switch value := e.Fields[name].(type) {
	case string:
		if value != "-" {
			return value
		}
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	}
	return ""
}

// MarshalJSON gives the fields of a line that has some, and otherwise the line.
func (e Entry) MarshalJSON() ([]byte, error) {
	entry := struct {
		Time   *time.Time     `json:"time,omitempty"`
		Log    string         `json:"log"`
		Source string         `json:"source"`
		Line   string         `json:"line,omitempty"`
		Fields map[string]any `json:"fields,omitempty"`
	}{Log: e.Log, Source: e.Source, Fields: e.Fields}
	if !e.Time.IsZero() {
		utc := e.Time.UTC()
		entry.Time = &utc
	}
	if e.Fields == nil {
		entry.Line = e.Line
	}
	return json.Marshal(entry)
}

// Answer is a line of an access log in a few words: status, method, path, latency, and why API Gateway refused.
func (e Entry) Answer() string {
	text := fmt.Sprintf("%s %s %s", e.text("status"), e.text("httpMethod"), e.text("path"))
	if latency := e.text("responseLatency"); latency != "" {
		text += " " + latency + " ms"
	}
	if kind := e.text("errorType"); kind != "" {
		text += " " + kind
	}
	return text + " " + e.text("requestId")
}
