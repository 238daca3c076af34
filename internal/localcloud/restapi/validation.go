package restapi

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// expectation is what a request must look like: with a validator, and otherwise nothing.
type expectation struct {
	Body       bool `json:"validateRequestBody"`
	Parameters bool `json:"validateRequestParameters"`

	required     []string
	bodyRequired bool
	models       map[string]*openapi3.Schema
}

// loadModels resolves the references of models.
func (d *document) loadModels(body []byte) error {
	if len(d.Validators) == 0 {
		return nil
	}
	models, err := openapi3.NewLoader().LoadFromData(body)
	if err != nil {
		return fmt.Errorf("invalid model: %w", err)
	}
	d.models = models
	return nil
}

func (m *Method) expect(verb string, op operation, doc document) error {
	if op.Validator == "" {
		return nil
	}
	validator, ok := doc.Validators[op.Validator]
	if !ok {
		return fmt.Errorf("request validator %q is not defined", op.Validator)
	}
	m.expects = validator
	for _, p := range op.Parameters {
		if p.Required && p.In != "path" {
			m.expects.required = append(m.expects.required, "method.request."+locationOf(p.In)+"."+p.Name)
		}
	}
	described := doc.models.Paths.Value(m.ResourcePath).Operations()[verb]
	if described == nil || described.RequestBody == nil || described.RequestBody.Value == nil {
		return nil
	}
	m.expects.bodyRequired, m.expects.models = described.RequestBody.Value.Required, map[string]*openapi3.Schema{}
	for contentType, media := range described.RequestBody.Value.Content {
		if media.Schema != nil {
			m.expects.models[contentType] = media.Schema.Value
		}
	}
	return nil
}

// MissingParameters are the required parameters that have no value.
func (m *Method) MissingParameters(value func(parameter string) string) []string {
	var missing []string
	if m.expects.Parameters {
		for _, parameter := range m.expects.required {
			if value(parameter) == "" {
				missing = append(missing, parameter[strings.LastIndexByte(parameter, '.')+1:])
			}
		}
	}
	return missing
}

// BodyIsValid says whether a body fits the model for its type. Types without a model are not looked at.
func (m *Method) BodyIsValid(header http.Header, body []byte) bool {
	if !m.expects.Body || len(m.expects.models) == 0 {
		return true
	}
	contentType, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		contentType = "application/json"
	}
	model, ok := m.expects.models[contentType]
	if !ok {
		return true
	}
	if len(body) == 0 {
		return !m.expects.bodyRequired
	}
	var value any
	if json.Unmarshal(body, &value) != nil {
		return false
	}
	return model.VisitJSON(value) == nil
}
