// Package route is the table of an API's routes: which backend serves a host and a path, and what API Gateway and the
// proxy do for it besides. Sources make routes, New joins them to a Table, and renderers turn the table into documents:
//
//	route/ingress  --Compile-->  Table  --openapi.Render-->  API Gateway
//	                                    --nginx.Render---->  reverse proxy
//
// The table knows neither where routes were written nor what is made of them. Both renderers walk the same Locations,
// so that API Gateway, which admits requests, and NGINX, which chooses the backend, cannot disagree.
//
// Everything here and below is pure and deterministic: the same routes give the same bytes, in whatever order they were
// listed. No package of these knows Pulumi or AWS credentials, so that routes can be checked, printed and fuzzed alone.
package route
