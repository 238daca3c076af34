package integration

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// A pod that crashes again and again is not healthy, be there another that serves; and a failed update is said.
func TestStatusTellsTheTruth(t *testing.T) {
	t.Parallel()
	b := newBinary(t)
	self, err := os.Executable()
	require.NoError(t, err)
	for name, content := range map[string]string{"svc.yaml": developed, "greeting.txt": "hello", "Pulumi.local.yaml": `config:
  aws:region: us-east-1
  apigateway-ingress:target: local
  apigateway-ingress:manifests: [svc.yaml]
  apigateway-ingress:localImages: {acme/svc: ["` + self + `", ` + says + `, greeting.txt, "${POD_IP}:${PORT}"]}
  apigateway-ingress:services: [{name: svc, image: "acme/svc:1", port: 80}]
`} {
		require.NoError(t, os.WriteFile(filepath.Join(b.root, name), []byte(content), 0o600))
	}
	require.Zero(t, b.run("up").code)
	require.Zero(t, b.run("call", "--unsigned", "/one").code)
	healthy := b.run("status")
	require.Zero(t, healthy.code, healthy.errOut)
	require.Regexp(t, `ok +route \* /one to default/svc +2 of 2 pods ready\n`, healthy.out)
	require.Regexp(t, `last update  [0-9TZ:-]+\n`, healthy.out)

	require.Equal(t, 8, b.run("call", "/elsewhere", "--unsigned").code)
	var status struct {
		LastResult   string
		RecentErrors struct{ ByStatus map[string]int }
		LocalCloud   struct {
			Pods []struct {
				Name string
				PID  int
			}
		}
	}
	require.Eventually(t, func() bool {
		b.json(&status, "status")
		return status.RecentErrors.ByStatus["403"] == 1
	}, settleTime, settleTime/50)
	require.Equal(t, "succeeded", status.LastResult)
	require.Contains(t, b.run("status").out, "1 × 403: 4xx 0.1 a minute")

	// The program cannot start again.
	require.NoError(t, os.Remove(filepath.Join(b.root, "greeting.txt")))
	for _, pod := range status.LocalCloud.Pods {
		if strings.HasPrefix(pod.Name, "svc-") {
			require.NoError(t, syscall.Kill(pod.PID, syscall.SIGKILL))
			break
		}
	}
	var degraded outcome
	require.Eventually(t, func() bool {
		degraded = b.run("status")
		return strings.Contains(degraded.out, "exit 1")
	}, settleTime, settleTime/50)
	require.Equal(t, 8, degraded.code)
	require.Regexp(t, `degraded +pods of default/svc +1 of 2 pods ready: CrashLoopBackOff, exit 1, restarted \d+ times\n`, degraded.out)
	require.Regexp(t, `degraded +route \* /one to default/svc `, degraded.out)
	require.Contains(t, degraded.errOut, "degraded: pods of default/svc")
	require.Zero(t, b.run("call", "--unsigned", "/one").code, "the other pod serves")

	require.NoError(t, os.WriteFile(filepath.Join(b.root, "greeting.txt"), []byte("hello"), 0o600))
	b.edit("Pulumi.local.yaml", "target: local", "target: local\n  apigateway-ingress:platformStack: organization/apigateway-ingress/none")
	require.Equal(t, 4, b.run("up").code)
	require.Contains(t, b.run("status").out, ", failed: the update is not complete\n")
}
