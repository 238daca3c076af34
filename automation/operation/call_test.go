package operation

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/automation/apiclient"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"
)

// What a service redirects to gets neither a request of call's nor, from another client, the API's credentials.
func TestCredentialsStayWithTheAPI(t *testing.T) {
	var foreign []http.Header
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		foreign = append(foreign, r.Header)
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/again", http.StatusFound)
		}
	}))
	defer other.Close()
	var own []http.Header
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		own = append(own, r.Header)
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/leave", http.StatusFound)
			return
		}
		http.Redirect(w, r, other.URL, http.StatusFound)
	}))
	defer api.Close()
	transport := &apiclient.Transport{Credentials: aws.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "secret"}, Region: "us-east-1"}
	client := caller()
	client.Transport = transport
	response, err := client.Get(api.URL)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusFound, response.StatusCode)
	require.Equal(t, "/leave", response.Header.Get("Location"))
	require.Len(t, own, 1)

	response, err = (&http.Client{Transport: transport}).Get(api.URL)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Len(t, own, 3)
	for _, header := range own {
		require.NotEmpty(t, header.Get("Authorization"))
	}
	require.Len(t, foreign, 2)
	for _, header := range foreign {
		require.Empty(t, header.Get("Authorization"))
	}
}
