// Package route turns Ingress manifests into the documents that publish them.
//
//	manifests --Load--> Ingresses --Compile--> Table --OpenAPI--> API Gateway
//	                                                 \--NGINX----> reverse proxy
//
// Everything here is pure and deterministic: the same manifests give the same
// bytes, in whatever order they were listed. The package knows neither Pulumi nor
// AWS credentials, so that routes can be checked, printed and fuzzed on their own.
//
// API Gateway admits requests (authentication, policy, throttling); NGINX chooses
// the backend. Both documents come from one Table, so that they cannot disagree.
package route
