package command

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
)

// answerJSON is an answer for machines.
type answerJSON struct {
	Status  int         `json:"status"`
	Headers http.Header `json:"headers"`
	// Body is the value of one that is JSON, and otherwise the text.
	Body any `json:"body,omitempty"`
	// BodyBase64 is one that is no text.
	BodyBase64 []byte `json:"bodyBase64,omitempty"`
	*refusal
}

// refusal is what an answer says of why it is not the one that was hoped for.
type refusal struct {
	// ErrorType is API Gateway's, such as AccessDeniedException; empty for answers of a service.
	ErrorType string `json:"errorType,omitempty"`
	RequestID string `json:"requestId,omitempty"`
	Reason    string `json:"reason,omitempty"`
}

// refusalOf is nil for a success.
func refusalOf(response *http.Response, body []byte) *refusal {
	if response.StatusCode >= 200 && response.StatusCode < 300 {
		return nil
	}
	// Some services put more behind a colon: https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
	kind, _, _ := strings.Cut(response.Header.Get("X-Amzn-Errortype"), ":")
	var said struct{ Message, Error any }
	// What is no JSON gives no reason.
	_ = json.Unmarshal(body, &said)
	message, _ := said.Message.(string)
	other, _ := said.Error.(string)
	return &refusal{ErrorType: kind, RequestID: response.Header.Get("X-Amzn-Requestid"), Reason: cmp.Or(message, other)}
}

// printAnswer prints an answer, and returns what is wrong with it.
func (s *shared) printAnswer(response *http.Response, include bool) error {
	body, cut := io.ReadAll(response.Body)
	if cut != nil {
		cut = classed(operation.Unhealthy, fmt.Errorf("the answer was cut off: %w", cut))
	}
	refused := refusalOf(response, body)
	if s.json {
		return join(s.printJSON(asAnswerJSON(response, body, refused)), join(cut, s.judged(response, refused)))
	}
	if include {
		s.printf("%s %s\n", response.Proto, response.Status)
		if err := response.Header.Write(s.out); err != nil {
			return err
		}
		s.printf("\n")
	}
	if _, err := s.out.Write(body); err != nil {
		return err
	}
	if isText(response) && len(body) > 0 && !bytes.HasSuffix(body, []byte("\n")) {
		s.printf("\n")
	}
	if to := response.Header.Get("Location"); to != "" && !include {
		fmt.Fprintf(s.errOut, "note: the API answered %s to %s\n", response.Status, plain(to))
	}
	return join(cut, s.judged(response, refused))
}

func asAnswerJSON(response *http.Response, body []byte, refused *refusal) answerJSON {
	answer := answerJSON{Status: response.StatusCode, Headers: response.Header, refusal: refused}
	var value any
	switch {
	case len(body) == 0:
	case json.Unmarshal(body, &value) == nil:
		answer.Body = value
	case utf8.Valid(body):
		answer.Body = string(body)
	default:
		answer.BodyBase64 = body
	}
	return answer
}

// isText says whether a body is for people, so that its last line wants an end.
func isText(response *http.Response) bool {
	kind, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	return err == nil && (strings.HasPrefix(kind, "text/") || kind == "application/json" || strings.HasSuffix(kind, "+json") ||
		kind == "application/xml")
}

// judged is the error of an answer of 400 or more: its status, type, reason and id, and how to learn more.
func (s *shared) judged(response *http.Response, refused *refusal) error {
	if response.StatusCode < http.StatusBadRequest {
		return nil
	}
	text := "the API answered " + response.Status
	if refused.ErrorType != "" {
		text += ", " + refused.ErrorType
	}
	if refused.Reason != "" {
		text += ": " + plain(refused.Reason)
	}
	if refused.RequestID != "" {
		text += fmt.Sprintf("\nrequest %s: `%s explain %s` says where it ended", plain(refused.RequestID), s.self(), plain(refused.RequestID))
	}
	return classed(operation.Unhealthy, fmt.Errorf("%s", text))
}
