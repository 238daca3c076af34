package shop

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/previewtest"
)

// TestMain builds the service that stands for the image. `pulumi` must be on PATH, and nginx.
func TestMain(m *testing.M) {
	if out, err := exec.Command("go", "build", "-o", "bin/", "./service").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s%s\n", out, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestItems(t *testing.T) {
	stack := previewtest.Up(t, previewtest.Options{From: "preview"})
	for name, c := range map[string]struct {
		client *http.Client
		path   string
		status int
		body   string
	}{
		"signed":   {stack.Client(), "/shop/items", http.StatusOK, `"apple"`},
		"unsigned": {http.DefaultClient, "/shop/items", http.StatusForbidden, "Missing Authentication Token"},
		"no route": {stack.Client(), "/elsewhere", http.StatusForbidden, ""},
	} {
		t.Run(name, func(t *testing.T) {
			response, err := c.client.Get(stack.Endpoint + c.path)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			if response.StatusCode != c.status || !strings.Contains(string(body), c.body) {
				t.Errorf("%s: %s", response.Status, body)
			}
		})
	}
}
