package integration

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// account is what a stack on AWS meets besides its providers: an S3 bucket for its state, a KMS key, and API Gateway's
// control plane. The providers are the local cloud's, which to the engine are as good as AWS's.
type account struct {
	mu sync.Mutex
	// policy is what API Gateway says is in force; empty refuses to tell.
	policy string
	// sealed counts what the key has encrypted.
	sealed int
	state  *s3mem.Backend
}

const seal = "sealed by the key:"

func (a *account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	var request struct{ Plaintext, CiphertextBlob []byte }
	_ = json.Unmarshal(body, &request)
	switch target := r.Header.Get("X-Amz-Target"); {
	case target == "TrentService.Encrypt":
		a.sealed++
		reply(w, map[string]any{"KeyId": "key", "CiphertextBlob": append([]byte(seal), request.Plaintext...)})
	case target == "TrentService.Decrypt":
		reply(w, map[string]any{"KeyId": "key", "Plaintext": request.CiphertextBlob[len(seal):]})
	case target == "TrentService.DescribeKey":
		reply(w, map[string]any{"KeyMetadata": map[string]any{"KeyId": "key", "Enabled": true}})
	case strings.HasPrefix(r.URL.Path, "/restapis/") && a.policy != "":
		reply(w, map[string]any{"policy": a.policy})
	default:
		w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"message": "not allowed"}`)
	}
}

func reply(w http.ResponseWriter, value any) {
	encoded, _ := json.Marshal(value)
	_, _ = w.Write(encoded)
}

func (a *account) says(policy string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.policy = policy
}

// newAccount also sets the environment in which the binary finds it all.
func newAccount(t *testing.T, e *environment) *account {
	t.Helper()
	a := &account{state: s3mem.New()}
	require.NoError(t, a.state.CreateBucket("state"))
	bucket := httptest.NewServer(gofakes3.New(a.state).Server())
	t.Cleanup(bucket.Close)
	control := httptest.NewServer(a)
	t.Cleanup(control.Close)
	var attached []string
	for name, port := range e.cloud.ProviderPorts() {
		attached = append(attached, fmt.Sprintf("%s:%d", name, port))
	}
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1", "AWS_CONFIG_FILE": "/dev/null",
		"AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_ENDPOINT_URL": control.URL, "AWS_MAX_ATTEMPTS": "1",
		"PULUMI_BACKEND_URL": "s3://state?region=us-east-1&s3ForcePathStyle=true&endpoint=" + bucket.URL,
		"PULUMI_HOME":        t.TempDir(), engine.TestProvidersVariable: strings.Join(attached, ","),
		"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
	} {
		t.Setenv(name, value)
	}
	return a
}

// A stack whose target is AWS, with its state in S3 and its secrets under a KMS key: the way of the binary that no
// local stack takes. Only what AWS itself would do is not AWS.
func TestTargetAWS(t *testing.T) {
	e := newEnvironment(t, nil)
	a := newAccount(t, e)
	b := &binary{t, e.root}
	b.production(t)

	up := b.run("--stack", "production", "up", "--json")
	require.Zero(t, up.code, up.errOut)
	require.Contains(t, up.errOut, "its resource policy cannot be read back", "not being allowed to look is no failure")
	require.Positive(t, a.sealed)
	objects, err := a.state.ListBucket("state", nil, gofakes3.ListBucketPage{})
	require.NoError(t, err)
	require.NotEmpty(t, objects.Contents, "the state is in the bucket")

	var exported struct {
		Deployment struct {
			Resources []struct {
				Type   string
				Inputs map[string]any
			}
		}
	}
	b.json(&exported, "--stack", "production", "export")
	declared := ""
	for _, r := range exported.Deployment.Resources {
		if r.Type == "aws:apigateway/restApi:RestApi" {
			declared, _ = r.Inputs["policy"].(string)
		}
	}
	require.NotEmpty(t, declared)
	a.says(strings.ReplaceAll(declared, `"`, `\"`))
	again := b.run("--stack", "production", "up")
	require.Zero(t, again.code, again.errOut)
	require.Contains(t, again.out, "unchanged")
	require.NotContains(t, again.errOut, "warning")
	a.says(strings.ReplaceAll(strings.ReplaceAll(declared, "Deny", "Allow"), `"`, `\"`))
	changed := b.run("--stack", "production", "up")
	require.Equal(t, 8, changed.code)
	require.Contains(t, changed.errOut, "the resource policy in force is not the declared one")

	status := b.run("--stack", "production", "status")
	require.Equal(t, 8, status.code)
	require.Contains(t, status.out, "broken   resource policy")
	require.Contains(t, status.out, "unknown  VPC link", "what AWS does not tell is not called broken")
	doctor := b.run("--stack", "production", "doctor")
	require.Equal(t, 7, doctor.code, "no credentials that are good for anything")
	require.Contains(t, doctor.out, "KMS key alias/state")

	a.says("")
	require.Zero(t, b.run("--stack", "production", "ephemeral", "--", "test", "-n", "$APIGW_API_ENDPOINT").code,
		"a stack of its own, under the same key")

	refused := b.run("--stack", "production", "destroy")
	require.Equal(t, 2, refused.code, "a stack on AWS asks first")
	destroyed := b.run("--stack", "production", "destroy", "--yes", "--remove")
	require.Zero(t, destroyed.code, destroyed.errOut)
	require.Zero(t, e.cloud.Objects())
}

// production is a stack's file like the local one's, for AWS.
func (b *binary) production(t *testing.T) {
	t.Helper()
	// Pulumi.yaml names the folder of the program.
	require.NoError(t, os.MkdirAll(filepath.Join(b.root, "stacks"), 0o750))
	content, err := os.ReadFile(filepath.Join(b.root, "Pulumi.local.yaml"))
	require.NoError(t, err)
	var settings map[string]any
	require.NoError(t, yaml.Unmarshal(content, &settings))
	settings["config"].(map[string]any)["apigateway-ingress:target"] = "aws"
	settings["secretsprovider"] = "awskms://alias/state?region=us-east-1"
	content, err = yaml.Marshal(settings)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(b.root, "Pulumi.production.yaml"), content, 0o600))
}

// The backend leaves secrets to a passphrase, and there is none: nothing starts, and the user reads what to do.
func TestTargetAWSWithoutPassphrase(t *testing.T) {
	e := newEnvironment(t, nil)
	b := &binary{t, e.root}
	b.production(t)
	t.Setenv("PULUMI_BACKEND_URL", "file://"+t.TempDir())
	t.Setenv("PULUMI_HOME", t.TempDir())
	b.edit("Pulumi.production.yaml", "secretsprovider: awskms://alias/state?region=us-east-1\n", "")
	up := b.run("--stack", "production", "up")
	require.Equal(t, 7, up.code)
	require.Contains(t, up.errOut, "passphrase must be set")
	require.Contains(t, up.errOut, "doctor`")
}
