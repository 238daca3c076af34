package command

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/stretchr/testify/require"
)

func answered(status int, body string, headers ...string) *http.Response {
	response := &http.Response{Proto: "HTTP/1.1", StatusCode: status, Status: "403 Forbidden", Header: http.Header{},
		Body: io.NopCloser(strings.NewReader(body))}
	if status < 400 {
		response.Status = "200 OK"
	}
	for i := 0; i < len(headers); i += 2 {
		response.Header.Set(headers[i], headers[i+1])
	}
	return response
}

const (
	jsonType  = "application/json"
	requestID = "6f0e0a5c-7c1f-4c6e-9d39-3a9c1a3c5b0e"
)

// A refusal says its type, reason and id; a text ends its line, and other bodies stay as they are.
func TestPrintAnswer(t *testing.T) {
	denied := []string{"Content-Type", jsonType, "X-Amzn-Errortype", "AccessDeniedException:http://x", "X-Amzn-Requestid", requestID}
	for name, c := range map[string]struct {
		response *http.Response
		out, err string
	}{
		"refused": {answered(403, `{"Message":"no \u001b[31m"}`, denied...), `{"Message":"no \u001b[31m"}` + "\n",
			"the API answered 403 Forbidden, AccessDeniedException: no \\x1b[31m\nrequest " + requestID + ": `"},
		"of a service":       {answered(403, `{"error":"not here"}`, "Content-Type", jsonType), "{\"error\":\"not here\"}\n", ": not here"},
		"without a reason":   {answered(403, "<html>", "Content-Type", "text/html"), "<html>\n", "the API answered 403 Forbidden"},
		"another message":    {answered(403, `{"message":7}`, "Content-Type", jsonType), "{\"message\":7}\n", "403 Forbidden"},
		"served":             {answered(200, "hello", "Content-Type", "text/plain; charset=utf-8"), "hello\n", ""},
		"served, with lines": {answered(200, "hello\n", "Content-Type", "text/plain"), "hello\n", ""},
		"no text":            {answered(200, "\x89PNG", "Content-Type", "image/png"), "\x89PNG", ""},
		"empty":              {answered(200, "", "Content-Type", "text/plain"), "", ""},
	} {
		var out, errOut bytes.Buffer
		err := (&shared{out: &out, errOut: &errOut, stack: "local"}).printAnswer(c.response, false)
		require.Equal(t, c.out, out.String(), name)
		if c.err == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, c.err, name)
		require.Equal(t, operation.Unhealthy, operation.ClassOf(err), name)
	}
}

func TestAnswerForMachines(t *testing.T) {
	for _, c := range []struct {
		response *http.Response
		want     string
	}{
		{answered(200, `{"books":[]}`, "Content-Type", jsonType),
			`{"status":200,"headers":{"Content-Type":["application/json"]},"body":{"books":[]}}`},
		{answered(200, "hello"), `{"status":200,"headers":{},"body":"hello"}`},
		{answered(200, "\xff\x00"), `{"status":200,"headers":{},"bodyBase64":"/wA="}`},
		{answered(200, ""), `{"status":200,"headers":{}}`},
		{answered(403, `{"message":"Forbidden"}`, "X-Amzn-Errortype", "ForbiddenException", "X-Amzn-Requestid", requestID),
			`{"status":403,"headers":{"X-Amzn-Errortype":["ForbiddenException"],"X-Amzn-Requestid":["` + requestID + `"]},` +
				`"body":{"message":"Forbidden"},"errorType":"ForbiddenException","requestId":"` + requestID + `","reason":"Forbidden"}`},
	} {
		var out bytes.Buffer
		err := (&shared{out: &out, json: true}).printAnswer(c.response, true)
		require.Equal(t, c.response.StatusCode >= 400, err != nil)
		require.JSONEq(t, c.want, out.String())
		require.True(t, json.Valid(out.Bytes()))
	}
}
